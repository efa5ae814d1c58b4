"""What the charts of a page are drawn from."""

from dataclasses import replace

from harness.report.answer import TaskAnswer
from harness.report.chart.chart import Chart
from harness.report.page.content import Missing
from harness.report.page.explorer import Source
from harness.report.page.figure import concurrency, prompt_lengths, speed, trade_off
from harness.verdict.choose import choose
from harness.verdict.contender import Contender, Rule
from tests.report.latency import test_noise as noise
from tests.report.latency.test_depth import rounds
from tests.report.latency.test_throughput import measure, windows
from tests.store.written import written
from tests.verdict.test_load import a_run, cell, load

SHARED = Contender(
    key="a",
    scores={f"i{number:02}": float(number < 30) for number in range(40)},
    clusters={f"i{number:02}": f"document {number // 10}" for number in range(40)},
    p50_s=1.0,
)


def test_the_interval_over_all_tasks_counts_items_of_a_cluster_as_fewer() -> None:
    def over_all(*candidates: Contender) -> Chart:
        answers = [TaskAnswer(task=f"t{n}", choice=choose([found])) for n, found in enumerate(candidates)]
        charts = trade_off(answers)
        assert not isinstance(charts, Missing)
        return charts[0]

    alone = replace(SHARED, clusters={})
    (whole,), (part,) = (over_all(first, alone).rows for first in (alone, SHARED))
    assert whole[1] == "0.75 [0.65, 0.83]"
    assert part[1].startswith("0.75 [0.")
    assert _width(part[1]) > _width(whole[1]) + 0.05


def test_prefill_by_length_of_the_prompt_is_that_of_the_newest_run_with_its_notes() -> None:
    old, new = (written(*rounds("ttft_s", *[time_s] * 5), *rounds("cache_hits", 1.0)) for time_s in (0.7, 0.5))
    figures = prompt_lengths([new, old])
    assert figures is not None
    assert [row[:4] for row in figures.rows] == [("acme/tiny", "515 tokens", "5", "0.50 s")]
    assert figures.header[:2] == ("model", "prompt")
    assert figures.notes[0] == "acme/tiny: At 512 tokens 1 round met the prompt cache and count for nothing."
    assert prompt_lengths([written()]) is None


def test_throughput_by_requests_at_a_time_is_that_of_the_newest_run_with_its_flips() -> None:
    old, new = (written(*windows(1, rate), *windows(4, 4 * rate)) for rate in (10.0, 20.0))
    flips = written(measure("flip_rate", 0.1, concurrency=4, questions=30, flipped=3))
    figures = concurrency([flips, new, old])
    assert figures is not None
    assert [row[:3] for row in figures.rows] == [("acme/tiny", "1", "20"), ("acme/tiny", "4", "80")]
    assert figures.notes[0].startswith("acme/tiny: Not saturated with 4 at a time")
    assert any("3 of 30 [0.03, 0.26] 4 at a time" in note for note in figures.notes)
    assert concurrency([flips]) is None


def _width(score: str) -> float:
    low, high = score.partition("[")[2].rstrip("]").split(", ")
    return float(high) - float(low)


def test_each_model_says_from_which_answer_on_its_load_pays_and_of_how_many_times_the_medians_are() -> None:
    run = a_run(*cell("m"), load("m", 9.0, cold=True), load("m", 1.0, cold=False))
    chart = speed([Source(run=run, key=key) for key in run.cells], [], Rule(), [run], ["m"])
    assert not isinstance(chart, Missing)
    ((model, load_once, *_, pays),) = chart.rows
    assert (model, load_once) == ("m", "9.00 s")
    assert pays == "the load is at most 10 % of the time from answer 81 on (cold loads: 1; first words: 1; answers: 1)"


def test_where_no_task_was_asked_a_whole_answer_is_one_to_a_short_request() -> None:
    run = written(
        *noise.rounds("ttft_s", 0.02, 0.02), *noise.rounds("e2e_s", 0.09, 0.09), load(noise.KEY, 2.0, cold=True)
    )
    chart = speed([], [], Rule(), [run], [])
    assert not isinstance(chart, Missing)
    ((_, load_once, first_word, answer, pays),) = chart.rows
    assert (load_once, first_word, answer) == ("2.00 s", "20 ms", "90 ms")
    assert "from answer 200 on (cold loads: 1; first words: 2; answers to short requests: 2)" in pays
