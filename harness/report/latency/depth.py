"""The table of prefill and decode at several lengths of the prompt (docs/latency.md)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

from harness.domain.count import counted
from harness.domain.record import MeasureRecord
from harness.report import speed
from harness.report.figure import rate
from harness.report.layout import fitted, paragraph
from harness.report.text import one_line
from harness.stats.latency import disagreement
from harness.store.run_file import RunFile

PREFIX = "depth_"
DISAGREE = "!"
MARKS = {
    speed.UNPROVED: speed.MARKS[speed.UNPROVED],
    DISAGREE: "the server's own figure differs by more than 2 % (docs/latency.md)",
}
COUNTS = "Medians of n rounds, or of (m), one request at a time, [quartiles]."
TPOT = "TPOT: (last delta - first delta) / (n - 1), n: output tokens as the server counts them. token/s: 1 / TPOT."
GAP = "gap: between chunks, the median and the longest; a chunk may hold several tokens."
WARM = "warm: TTFT of the same prompt with another question at its end, so that the rest of it may come from the cache."

_FEW = 5
_MOST = 10**9  # A run file may hold anything.
_LONGEST_IN_MS_S = 0.1
HEADERS = ("prompt", "n", "TTFT", "prefill/s", "TPOT", "token/s", "gap", "warm", "saves")
Spread = tuple[float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Depth:
    """What was measured of one model at one length of the prompt.

    Attributes:
        depth: the length that was wanted, in tokens.
        prompt_tokens: the length that the server counted, median.
        values: by name, without the prefix `depth_`.
        hits: rounds that were left out because the cache was met.
        is_proved: whether the server told that no round met the cache.
    """

    depth: int
    prompt_tokens: float | None
    values: Mapping[str, Sequence[float]]
    hits: int
    is_proved: bool

    def spread(self, name: str) -> Spread | None:
        """Return the first quartile, the median and the third quartile; None: nothing was measured."""
        values = self.values.get(name, ())
        if not values:
            return None
        low, middle, high = quantiles(values, n=4, method="inclusive") if len(values) > 1 else [values[0]] * 3
        return low, middle, high

    def middle(self, name: str) -> float | None:
        """Return the median; None: nothing was measured."""
        values = self.values.get(name, ())
        return median(values) if values else None


def depths_of(seen: RunFile) -> dict[str, list[Depth]]:
    """Return what was measured at each length, shortest first, by model key."""
    found: dict[str, dict[int, list[MeasureRecord]]] = {}
    for measure in seen.measures:
        depth = _count(measure, "depth")
        if measure.name.startswith(PREFIX) and measure.model_key and depth is not None:
            found.setdefault(measure.model_key, {}).setdefault(depth, []).append(measure)
    return {
        key: [_depth(depth, measures) for depth, measures in sorted(by_depth.items())]
        for key, by_depth in found.items()
    }


def _count(measure: MeasureRecord, name: str) -> int | None:
    value = measure.params.get(name)
    return value if isinstance(value, int) and 0 <= value <= _MOST else None


def _depth(depth: int, measures: Sequence[MeasureRecord]) -> Depth:
    values: dict[str, list[float]] = {}
    for measure in measures:
        values.setdefault(measure.name.removeprefix(PREFIX), []).append(measure.value)
    first = [measure for measure in measures if measure.name == f"{PREFIX}ttft_s"]
    for name in ("prompt_tokens", "output_tokens", "chunks", "cached_tokens"):
        values[name] = [float(count) for measure in first if (count := _count(measure, name)) is not None]
    return Depth(
        depth=depth,
        prompt_tokens=median(values["prompt_tokens"]) if values["prompt_tokens"] else None,
        values=values,
        hits=int(sum(values.get("cache_hits", ()))),
        is_proved=bool(first) and len(values["cached_tokens"]) == len(first),
    )


def render(seen: RunFile, *, width: int | None) -> list[str]:
    """Return a table for each model, then what its columns and marks mean; nothing where nothing was measured."""
    parts, shown = list[str](), list[Sequence[str]]()
    for key, depths in depths_of(seen).items():
        rows = [row_of(depth) for depth in depths]
        shown += rows
        table = fitted(rows, headers=HEADERS, width=width, align=["right"] * len(HEADERS))
        parts += [f"{one_line(key, limit=60)}, by length of the prompt:", table]
        parts += ["\n".join(paragraph(note, width) for note in notes_of(depths))]
    parts = [part for part in parts if part]
    return [*parts, *(paragraph(text, width) for text in legend_of(shown))] if parts else []


def legend_of(rows: Iterable[Sequence[str]]) -> list[str]:
    """Return what the columns mean, and what those marks mean that are in these rows."""
    cells = [cell for row in rows for cell in row]
    marks = "; ".join(f"{mark} : {meaning}" for mark, meaning in MARKS.items() if any(mark in cell for cell in cells))
    text = f"{COUNTS} {speed.TTFT} {speed.PREFILL} {TPOT} {GAP} {WARM}"
    return [text, *filter(None, [marks])]


def row_of(depth: Depth) -> Sequence[str]:
    """Return a row of the table, with marks."""
    proof = "" if depth.is_proved else speed.UNPROVED
    client, server = depth.middle("decode_tps"), depth.middle("server_tps")
    tokens = depth.middle("output_tokens")
    decode_mark = DISAGREE * disagreement(client, server, output_tokens=tokens)
    ttft_mark = DISAGREE * disagreement(depth.middle("ttft_s"), depth.middle("server_ttft_s"))
    saved = _difference(depth.middle("ttft_s"), depth.middle("warm_ttft_s"))
    return (
        f"{depth.prompt_tokens or depth.depth:,.0f} tokens",
        str(len(depth.values.get("ttft_s", ()))),
        times(depth.spread("ttft_s")) + ttft_mark,
        _rates(depth.spread("prefill_tps")) + proof,
        times([depth.middle("tpot_s")]),
        _rates(depth.spread("decode_tps")) + decode_mark + _of(depth, "decode_tps"),
        times([depth.middle("itl_s"), depth.middle("max_gap_s")], between=" … "),
        times([depth.middle("warm_ttft_s")]),
        times([saved]),
    )


def notes_of(depths: Sequence[Depth]) -> Iterator[str]:
    """Yield what was left out, what client and server do not agree on, and how many tokens a chunk held."""
    for depth in depths:
        at = f"At {depth.depth:,} tokens"
        n = len(depth.values.get("ttft_s", ()))
        if depth.hits:
            rounds = counted(depth.hits, "round")
            yield f"{at} {rounds} met the prompt cache and count for nothing."
        if 0 < n < _FEW:
            yield f"{at} only {n} of {_FEW} rounds count: too few for a figure to rely on."
        if disagreement(whole_s := depth.middle("e2e_s"), told_s := _total_by_server(depth)):
            yield f"{at} a whole answer took {times([whole_s])}, by the server's figures {times([told_s])}."
    held = [
        tokens / chunks
        for depth in depths
        if (tokens := depth.middle("output_tokens")) and (chunks := depth.middle("chunks"))
    ]
    if held:
        yield f"A chunk held {median(held):.1f} tokens on average."


def _total_by_server(depth: Depth) -> float | None:
    """Return the median of TTFT + (n - 1) / rate, all by the server, which tells no time of the whole answer."""
    told = [depth.values.get(name, ()) for name in ("server_ttft_s", "server_tps", "output_tokens", "e2e_s")]
    if len({len(values) for values in told}) > 1:  # A round is not told in full: which one is not known here.
        return None
    totals = [ttft_s + (tokens - 1) / tps for ttft_s, tps, tokens, _ in zip(*told, strict=True) if tps > 0]
    return median(totals) if totals else None


def _difference(cold_s: float | None, warm_s: float | None) -> float | None:
    return None if cold_s is None or warm_s is None else cold_s - warm_s


def _of(depth: Depth, name: str) -> str:
    """Return of how many rounds a figure is, where that is not all of them: an answer in one block has no rate."""
    count = len(depth.values.get(name, ()))
    return f" ({count})" if 0 < count < len(depth.values.get("ttft_s", ())) else ""


def _rates(found: Spread | None) -> str:
    if found is None:
        return rate(None)
    low, middle, high = map(rate, found)
    return middle if low == high else f"{middle} [{low}, {high}]"


def times(found: Sequence[float | None] | None, *, between: str = "") -> str:
    """Return times in one unit: "11.3 ms", "0.56 [0.55, 0.60] s" of three, "11.3 … 45.1 ms" with something between."""
    known = [time_s for time_s in found or () if time_s is not None]
    if not known or len(known) < len(found or ()):
        return "n/a"
    in_ms = max(map(abs, known)) < _LONGEST_IN_MS_S
    shown = [f"{time_s * 1e3:.1f}" if in_ms else f"{time_s:.2f}" for time_s in known]
    unit = "ms" if in_ms else "s"
    if between or len(known) == 1:
        return f"{between.join(shown)} {unit}"
    low, middle, high = shown
    return f"{middle} {unit}" if low == high else f"{middle} [{low}, {high}] {unit}"
