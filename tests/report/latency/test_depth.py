"""What the table by length of the prompt says of a run file."""

from harness.domain.record import MeasureRecord
from harness.report.ending import render_ending
from harness.report.latency.tables import tables
from tests.report.test_ending import cell, header
from tests.store.written import written

HEAD = {"run_id": "r", "at": "2026-11-29T01:00:00.000Z"}
TTFTS = (0.50, 0.52, 0.54, 0.56, 0.90)


def rounds(name: str, *values: float, depth: int = 512, **params: object) -> list[MeasureRecord]:
    tokens = {"prompt_tokens": depth + 3, "cached_tokens": 3, "output_tokens": 64, "chunks": 32}
    facts = {**HEAD, "name": f"depth_{name}", "unit": "s", "model_key": "acme/tiny"}
    return [
        MeasureRecord.model_validate(
            {**facts, "value": value, "round": number, "params": {"depth": depth, **tokens, **params}}
        )
        for number, value in enumerate(values, 1)
    ]


def told(*records: MeasureRecord) -> str:
    return "\n".join(tables(written(*records), width=110))


def test_a_length_has_medians_with_quartiles_and_what_the_cache_saves() -> None:
    text = told(
        *rounds("ttft_s", *TTFTS),
        *rounds("prefill_tps", 1000.0, 1010.0, 1020.0, 1030.0, 1040.0),
        *rounds("tpot_s", *[0.02] * 5),
        *rounds("decode_tps", *[50.0] * 5),
        *rounds("itl_s", *[0.04] * 5),
        *rounds("max_gap_s", *[0.06] * 5),
        *rounds("warm_ttft_s", *[0.04] * 5),
    )
    (row,) = (line for line in text.splitlines() if line.startswith("515 tokens"))
    cells = [cell for cell in row.split("  ") if cell]
    assert [cell.strip() for cell in cells] == [
        "515 tokens",
        "5",
        "0.54 [0.52, 0.56] s",
        "1020 [1010, 1030]",
        "20.0 ms",
        "50",
        "40.0 … 60.0 ms",
        "40.0 ms",
        "0.50 s",
    ]
    assert "acme/tiny, by length of the prompt:" in text
    assert "A chunk held 2.0 tokens on average." in text
    for definition in ("prefill/s: (prompt tokens - cached tokens) / TTFT.", "gap: between chunks", "warm: TTFT of"):
        assert definition in text
    assert "unproved" not in text


def test_lengths_stand_in_order_and_are_cards_where_the_terminal_is_narrow() -> None:
    records = [*rounds("ttft_s", *TTFTS, depth=8000), *rounds("ttft_s", *TTFTS, depth=128)]
    text = "\n".join(tables(written(*records), width=60))
    assert text.index("131 tokens") < text.index("8,003 tokens")
    assert max(map(len, text.splitlines())) <= 60


def test_a_figure_that_the_cache_may_have_helped_says_so() -> None:
    unknown = rounds("ttft_s", *TTFTS, cached_tokens=None), rounds("prefill_tps", *[1000.0] * 5, cached_tokens=None)
    text = told(*unknown[0], *unknown[1])
    assert "1000^" in text
    assert "^ : unproved: the server does not tell" in text


def test_rounds_that_met_the_cache_are_counted() -> None:
    text = told(*rounds("ttft_s", 0.5, 0.6, 0.7), *rounds("cache_hits", 2.0))
    assert "At 512 tokens 2 rounds met the prompt cache and count for nothing." in text
    assert "At 512 tokens only 3 of 5 rounds count" in text


def test_the_servers_own_figures_are_compared() -> None:
    ours = (*rounds("ttft_s", *TTFTS), *rounds("decode_tps", *[50.0] * 5), *rounds("e2e_s", *[1.80] * 5))
    near = (*rounds("server_ttft_s", *[0.535] * 5), *rounds("server_tps", *[50.5] * 5))
    far = (*rounds("server_ttft_s", *[0.40] * 5), *rounds("server_tps", *[60.0] * 5))
    assert "!" not in told(*ours, *near)
    text = told(*ours, *far)
    assert "0.54 [0.52, 0.56] s!" in text
    assert "50!" in text
    assert "! : the server's own figure differs by more than 2 %" in text
    assert "At 512 tokens a whole answer took 1.80 s, by the server's figures 1.45 s." in text
    few = (*rounds("decode_tps", 50.0, output_tokens=63), *rounds("server_tps", 60.0, output_tokens=63))
    assert "50!" not in told(*rounds("ttft_s", 0.5, output_tokens=63), *few)


def test_a_run_that_measured_in_full_ends_with_the_table() -> None:
    ending = render_ending(written(header(), *cell("extract", "acme/tiny", 20), *rounds("ttft_s", *TTFTS)))
    assert "by length of the prompt:" in ending


def test_a_rate_of_fewer_rounds_says_of_how_many() -> None:
    assert "50 (2)" in told(*rounds("ttft_s", *TTFTS), *rounds("decode_tps", 50.0, 50.0))


def test_counts_that_no_server_gives_are_passed_over() -> None:
    assert told(*rounds("ttft_s", *TTFTS, depth=10**400)) == ""
    text = told(*rounds("ttft_s", *TTFTS, prompt_tokens=10**400, chunks=0, output_tokens=-1, cached_tokens="many"))
    assert "512 tokens" in text
    assert told(*rounds("ttft_s", 1e308, 1e308), *rounds("warm_ttft_s", -1e308))


def test_nothing_measured_shows_nothing() -> None:
    assert tables(written(), width=80) == []
