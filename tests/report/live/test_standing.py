"""How far a run has got, and how long it still takes."""

import pytest

from harness.domain.answer import Answer, Job, kept
from harness.domain.generation import ChatRequest, Outcome
from harness.domain.sample import Sample
from harness.domain.score import Score
from harness.report.live.forecast import left_s, roughly
from harness.report.live.standing import PlannedCell, PlannedModel, Stage, Standing

SMALL, LARGE = "acme/small", "acme/large"


def answer(score: float | None = 1.0, *, is_left_out: bool = False) -> Answer:
    job = Job(sample=Sample(item_id="i", prompt="x", target="x"), epoch=1, request=ChatRequest(model="m", input="x"))
    outcome = Outcome.OK if score is not None else Outcome.SERVER_ERROR
    return Answer(job=job, outcome=outcome, score=Score(value=score), is_left_out=is_left_out)


def planned(*, measured_s: float | None = None, fixed_s: float = 0.0) -> list[PlannedModel]:
    """Two models on two tasks of ten samples; the large one is guessed to take three times as long."""
    return [
        PlannedModel(
            key=key,
            fixed_s=fixed_s,
            cells=[
                PlannedCell(task=task, total=10, guess_s=guess_s, measured_s=measured_s)
                for task in ("extract", "classify")
            ],
        )
        for key, guess_s in ((SMALL, 1.0), (LARGE, 3.0))
    ]


def begun(**how: float) -> Standing:
    standing = Standing()
    standing.expect(planned(**how), 0.0)
    return standing


def ask(standing: Standing, key: str, task: str, scores: list[float | None], *, at: float, each_s: float) -> float:
    standing.begin(key, task, 10, (), at)
    for number, score in enumerate(scores, start=1):
        standing.add(answer(score), at + number * each_s)
    return at + len(scores) * each_s


def test_counts_are_of_the_whole_run_and_scores_of_scored_answers_only() -> None:
    standing = begun()
    ask(standing, SMALL, "extract", [1.0, 0.0, None], at=0.0, each_s=1.0)
    cell = standing.models[SMALL].cells["extract"]
    assert standing.counts() == (3, 40)
    assert (cell.score, cell.stage, cell.missing) == (0.5, Stage.NOW, 7)


def test_what_ended_early_is_waited_for_no_longer() -> None:
    standing = begun()
    ask(standing, SMALL, "extract", [1.0], at=0.0, each_s=1.0)
    standing.add(answer(is_left_out=True), 1.0)
    assert standing.counts() == (1, 39)
    standing.end(1.0)
    assert standing.counts() == (1, 31)
    standing.turn_to(LARGE, 2.0)  # The second task of the small model was never asked.
    assert standing.counts() == (1, 21)
    assert not standing.models[SMALL].is_skipped


def test_a_model_that_could_not_be_loaded_counts_as_skipped_when_the_next_one_begins() -> None:
    standing = begun()
    standing.turn_to(SMALL, 0.0, doing="loading")
    standing.turn_to(LARGE, 5.0)
    assert standing.models[SMALL].is_skipped
    assert standing.counts() == (0, 20)


def test_known_answers_count_and_their_scores_too() -> None:
    standing = begun()
    standing.begin(SMALL, "extract", 8, [kept(answer(score), with_target=False) for score in (0.0, 1.0)], 0.0)
    assert standing.models[SMALL].cells["extract"].score == 0.5
    assert standing.counts() == (2, 40)


def test_a_later_round_adds_to_what_was_asked_and_expects_only_what_is_open() -> None:
    standing = begun()
    ask(standing, SMALL, "extract", [1.0] * 10, at=0.0, each_s=1.0)
    standing.end(10.0)
    standing.expect([PlannedModel(key=SMALL, cells=[PlannedCell(task="extract", total=30, known=10)])], 12.0)
    assert standing.counts() == (10, 30)
    assert left_s(standing, 12.0) == pytest.approx(20.0)


def test_nothing_is_forecast_before_there_is_anything_to_go_by() -> None:
    standing = begun(fixed_s=5.0)
    assert left_s(standing, 0.0) is None
    now = ask(standing, SMALL, "extract", [1.0] * 4, at=0.0, each_s=1.0)
    assert left_s(standing, now) is None
    standing.add(answer(), now + 1.0)
    assert left_s(standing, now + 1.0) is not None


def test_of_tests_without_a_task_nothing_is_known() -> None:
    standing = Standing()
    standing.expect([PlannedModel(key=SMALL, cells=[], fixed_s=1.0), PlannedModel(key=LARGE, cells=[])], 0.0)
    standing.turn_to(LARGE, 5.0)
    assert left_s(standing, 6.0) is None
    assert not standing.models[SMALL].is_skipped


def test_what_was_not_measured_takes_as_much_longer_than_guessed_as_what_was() -> None:
    standing = begun()
    now = ask(standing, SMALL, "extract", [1.0] * 5, at=0.0, each_s=2.0)
    # 5 of this task and 10 of the next at 2 s, and 20 of the larger model at 6 s.
    assert left_s(standing, now) == pytest.approx(5 * 2 + 10 * 2 + 20 * 6)


def test_earlier_runs_are_believed_from_the_start() -> None:
    standing = begun(measured_s=0.5, fixed_s=4.0)
    assert left_s(standing, 0.0) == pytest.approx(40 * 0.5 + 2 * 4.0)
    standing.turn_to(SMALL, 0.0, doing="loading")
    ask(standing, SMALL, "extract", [], at=3.0, each_s=0.0)
    assert left_s(standing, 3.0) == pytest.approx(40 * 0.5 + 1.0 + 4.0)


def test_the_forecast_falls_between_two_answers_but_not_forever() -> None:
    standing = begun(measured_s=2.0)
    ask(standing, SMALL, "extract", [], at=0.0, each_s=0.0)
    assert left_s(standing, 1.0) == pytest.approx(79.0)
    assert left_s(standing, 500.0) == pytest.approx(78.0)


@pytest.mark.parametrize(
    ("duration_s", "text"),
    [
        (0, "under a minute"),
        (59, "under a minute"),
        (61, "about 1 min"),
        (3_500, "about 58 min"),
        (3_600, "about 1 h"),
        (12_000, "about 3 h 20 min"),
        (14_390, "about 4 h"),
    ],
)
def test_an_estimate_is_rounded(duration_s: float, text: str) -> None:
    assert roughly(duration_s) == text
