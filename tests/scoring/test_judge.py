"""No scorer can harm a run: what it does wrong leaves one answer unscored, with the scorer named."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from harness.domain.record import ScoreRecord
from harness.domain.score import Score
from harness.errors import TaskError
from harness.scoring.bound import MAX_CHARS
from harness.scoring.exact import Exact
from harness.scoring.judge import is_fault, judged, judged_each


@dataclass(frozen=True)
class Own:
    """A scorer that does what it is told to."""

    act: Callable[[str], Any]
    name: str = "own"
    version: str = "1"

    def __call__(self, output: str, target: object) -> Any:
        return self.act(output)


def fail(_: str) -> Score:
    raise ZeroDivisionError("of all things")


def leave(_: str) -> Score:
    raise SystemExit(3)


def give_up(_: str) -> Score:
    pytest.fail("a test's own failure")


def recurse(text: str) -> Score:
    return recurse(text)


@pytest.mark.parametrize(
    ("act", "why"),
    [
        (fail, "raised ZeroDivisionError: of all things"),
        (leave, "raised SystemExit: 3"),
        (give_up, "raised Failed: a test's own failure"),
        (recurse, "raised RecursionError"),
        (lambda _: Score(value=float("nan")), "returned the value nan"),
        (lambda _: Score(value=float("inf")), "returned the value inf"),
        (lambda _: Score(value=1.5), "returned the value 1.5"),
        (lambda _: Score(value=-0.1), "returned the value -0.1"),
        (lambda _: Score(value=True), "returned the value True"),
        (lambda _: 1.0, "returned float"),
        (lambda _: None, "returned NoneType"),
        (lambda _: Score(value=1.0, details={"x": float("nan")}), "returned details"),
        (lambda _: Score(value=1.0, details={"x": object()}), "returned details"),
    ],
)
def test_a_scorer_that_breaks_leaves_the_answer_unscored_and_is_named(act: Callable[[str], Any], why: str) -> None:
    score = judged(Own(act), "text", None)
    assert (score.value, score.passed, is_fault(score)) == (None, None, True)
    assert score.reason.startswith(f"the scorer own {why}")


def test_a_score_can_be_recorded_whatever_its_reason_and_details_hold() -> None:
    odd = Score(value=0.5, reason="half \ud800", details={"half": "\udc00", 7: (1, 2)})  # type: ignore[dict-item]
    score = judged(Own(lambda _: odd), "text", None)
    assert (score.value, score.reason, score.details) == (0.5, "half \ufffd", {"half": "\ufffd", "7": [1, 2]})
    record = ScoreRecord(
        run_id="r",
        at="",
        sample_uid="u",
        scorer="own",
        scorer_version="1",
        value=score.value,
        reason=score.reason,
        details=dict(score.details),
    )
    assert "half" in record.to_json()

    def raise_half(_: str) -> Score:
        raise ValueError("\ud800")

    assert judged(Own(raise_half), "text", None).reason.endswith("raised ValueError: \ufffd")


def loop(_: str) -> Score:
    while True:
        pass


@pytest.mark.parametrize("act", [loop, lambda _: time.sleep(90)], ids=["loop", "sleep"])
def test_a_scorer_that_takes_too_long_is_left_behind(act: Callable[[str], Any]) -> None:
    started = time.monotonic()
    score = judged(Own(act), "text", None, limit_s=0.2)
    assert time.monotonic() - started < 60
    assert score.reason.startswith("the scorer own took longer than 0.2 s")
    assert judged(Exact(), "a", "a").passed


def test_a_loop_that_was_left_behind_does_not_go_on() -> None:
    steps: list[int] = []

    def count(_: str) -> Score:
        while True:
            steps.append(1)
            time.sleep(0.001)

    judged(Own(count), "text", None, limit_s=0.1)
    end, before = time.monotonic() + 60, -1
    while len(steps) != before:
        assert time.monotonic() < end, "it still loops"
        before = len(steps)
        time.sleep(0.3)


@pytest.mark.parametrize(("value", "passed"), [(1.0, True), (1, True), (0.5, False), (None, None)])
def test_passed_follows_from_the_value_where_a_scorer_leaves_it_out(value: float | None, passed: bool | None) -> None:  # noqa: FBT001
    assert judged(Own(lambda _: Score(value=value)), "text", None).passed is passed
    assert judged(Own(lambda _: Score(value=1.0, passed=False)), "text", None).passed is False


def test_what_was_cut_is_recorded_and_only_then() -> None:
    assert judged(Exact(), "x" * (MAX_CHARS + 1), "x").details["cut_to"] == MAX_CHARS
    assert "cut_to" not in judged(Exact(), "x" * MAX_CHARS, "x").details
    assert judged(Own(lambda text: Score(value=float(len(text) <= MAX_CHARS))), "x" * 10**6, None).value == 1.0


def test_a_target_that_does_not_suit_is_the_tasks_error() -> None:
    with pytest.raises(TaskError, match="exact"):
        judged(Exact(), "x", None)


def test_a_quick_scorer_is_called_in_the_thread_that_asks() -> None:
    callers: list[str] = []

    @dataclass(frozen=True)
    class Named(Exact):
        def __call__(self, output: str, target: object) -> Score:
            callers.append(threading.current_thread().name)
            return Exact.__call__(self, output, target)

    judged(Named(), "a", "a")
    quick = type("Quick", (Named,), {"__module__": Exact.__module__})
    judged(quick(), "a", "a")
    assert callers == ["lms-scorer", threading.current_thread().name]


def test_several_are_judged_as_each_would_be_alone() -> None:
    def act(text: str) -> Score:
        if text == "break":
            raise ZeroDivisionError
        if text == "task":
            raise TaskError("the target is odd")
        return Score(value=1.0, reason="ü", details={"length": len(text)})

    texts = [*map(str, range(70)), "break", "task", "x" * (MAX_CHARS + 1), *map(str, range(70))]
    each = list(judged_each(Own(act), ((text, None) for text in texts)))
    for text, found in zip(texts, each, strict=True):
        if text == "task":
            assert isinstance(found, TaskError)
        else:
            assert found == judged(Own(act), text, None)


def test_where_several_together_take_too_long_each_has_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.scoring.judge._BATCH_S", 0.05)

    def act(_: str) -> Score:
        time.sleep(0.005)
        return Score(value=1.0)

    assert list(judged_each(Own(act), [("slow", None)] * 70)) == [Score(value=1.0, passed=True)] * 70
