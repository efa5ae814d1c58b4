"""What the table of answers says of one model for everything."""

from collections.abc import Mapping

from harness.report.answer import TaskAnswer, one_for_all
from harness.verdict.board import Standing
from harness.verdict.choose import AnswerKind, Recommendation
from harness.verdict.contender import DEFAULT_RULE, Contender

Times = Mapping[str, float | None]


def answer(task: str, times: Times, *, sizes: Mapping[str, int | None]) -> TaskAnswer:
    standings = tuple(
        Standing(
            candidate=Contender(key=key, scores={"i": 1.0}, p50_s=time_s, size_bytes=sizes[key]),
            suffices=1.0,
        )
        for key, time_s in times.items()
    )
    choice = Recommendation(answer=AnswerKind.MODEL, key=standings[0].candidate.key, yardstick=0.8, standings=standings)
    return TaskAnswer(task=task, choice=choice)


def said(*tasks: Times, sizes: Mapping[str, int | None]) -> str:
    answers = [answer(f"task {number}", times, sizes=sizes) for number, times in enumerate(tasks)]
    return one_for_all(answers, DEFAULT_RULE, name=str)


def test_the_largest_is_compared_on_the_tasks_that_both_were_timed_on() -> None:
    """It was asked one of three tasks, and is no third as quick for that."""
    tasks: tuple[Times, ...] = ({"small": 1.0}, {"small": 1.0}, {"small": 1.0, "large": 3.0})
    text = said(*tasks, sizes={"small": 1, "large": 2})
    assert text == "One model for all: small suffices for 3 of 3. Always large: 3.0 x the time."


def test_a_model_that_was_not_timed_is_not_taken_for_the_quickest() -> None:
    tasks: tuple[Times, ...] = ({"a": 1.0, "b": None},) * 2
    assert said(*tasks, sizes={"a": 1, "b": 2}) == "One model for all: a suffices for 2 of 2."


def test_where_no_size_is_known_none_is_the_largest() -> None:
    tasks: tuple[Times, ...] = ({"a": 1.0, "b": 2.0},) * 2
    assert said(*tasks, sizes={"a": None, "b": None}) == "One model for all: a suffices for 2 of 2."
