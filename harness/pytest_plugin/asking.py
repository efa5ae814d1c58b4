"""The fixtures of free-form tests, and what a test's outcome means for its answers (adr-0006)."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from harness.errors import HarnessError, TaskError
from harness.pytest_plugin.item import case_of
from harness.pytest_plugin.state import printed, session_of
from harness.report.text import one_line, printable

if TYPE_CHECKING:
    from harness.domain.answer import Answer
    from harness.domain.score import Score
    from harness.run.leased_model import LeasedModel
    from harness.run.question import Ask, Check, Questions
    from harness.run.run import Run

_QUESTIONS = pytest.StashKey["Questions"]()
_UNDECIDED = (pytest.skip.Exception, pytest.xfail.Exception, pytest.exit.Exception)
_OWN_FAULTS = (HarnessError, NameError, ImportError, SyntaxError)
"""What is never wrong with an answer, but with the test, the server or the machine."""
_LONGEST_REASON = 300
_LONGEST_SHOWN = 400


@pytest.fixture
def _lms_questions(
    request: pytest.FixtureRequest, lms_run: "Run", lms_instance: "LeasedModel"
) -> "Iterator[Questions]":
    """What this test asks; whatever is not recorded at its end was interrupted."""
    from harness.domain.score import Score
    from harness.run.question import Questions

    session = session_of(request.config)
    questions = Questions(lms_run, lms_instance, case_of(request.node), session.free_form)
    request.node.stash[_QUESTIONS] = questions
    yield questions
    questions.settle(Score(value=None, reason="the test was interrupted"))


@pytest.fixture
def lms_ask(_lms_questions: "Questions", pytestconfig: pytest.Config) -> "Ask":
    """Ask the leased instance: `lms_ask("…")` returns its answer, a `str` with `seconds` and `generation`."""
    from harness.domain.answer_text import AnswerText
    from harness.domain.generation import Outcome
    from harness.run.question import OUTPUT_TOKENS

    def ask(prompt: str, *, system_prompt: str | None = None, max_output_tokens: int = OUTPUT_TOKENS) -> AnswerText:
        __tracebackhide__ = True
        with _from_here():
            answer = _lms_questions.ask(prompt, system_prompt=system_prompt, max_output_tokens=max_output_tokens)
        if answer.outcome is not Outcome.OK or answer.generation is None:
            pytest.fail(printed(pytestconfig, _why_no_answer(answer)))
        return AnswerText(answer.generation, item_id=answer.job.sample.item_id)

    return ask


@pytest.fixture
def lms_check(_lms_questions: "Questions", pytestconfig: pytest.Config) -> "Check":
    """Judge an answer: `lms_check(answer, Number(), 42)` records its score, and fails the test if it is not right."""
    from harness.domain.answer_text import AnswerText
    from harness.scoring.registry import make_scorer

    def check(answer: AnswerText, scorer: Any, target: Any, *, at_least: float | None = None) -> "Score":
        __tracebackhide__ = True
        if not isinstance(answer, AnswerText):
            raise TaskError(
                f"lms_check: expected an answer of lms_ask, got {type(answer).__name__}",
                hint="Pass the answer as it came: scorers read past white space and case themselves.",
            )
        with _from_here():
            judge = make_scorer(scorer) if isinstance(scorer, str) else scorer
            if isinstance(judge, type) or not (
                callable(judge) and hasattr(judge, "name") and hasattr(judge, "version")
            ):
                raise TaskError(f"lms_check: expected a scorer, such as Number() or its name, got {judge!r}")
            score = _lms_questions.check(answer.item_id, judge, target, at_least=at_least)
        if score.value is None:
            pytest.fail(printed(pytestconfig, f"lms_check: the answer could not be judged: {score.reason}"))
        if not score.passed:
            needed = "" if at_least is None else f", below {at_least:g}"
            lines = [
                f"{judge.name} scored {score.value:.2f}{needed}: {score.reason or 'not right'}",
                f"target: {one_line(str(target), limit=_LONGEST_SHOWN)}",
                f"answer: {one_line(answer, limit=_LONGEST_SHOWN)}",
            ]
            pytest.fail(printed(pytestconfig, "\n".join(lines)))
        return score

    return check


@contextmanager
def _from_here() -> Iterator[None]:
    """Let a TaskError begin here: what lies below is nothing that the author of a test wrote."""
    __tracebackhide__ = True
    try:
        yield
    except TaskError as exc:
        raise TaskError(exc.message, hint=exc.hint) from None


def settle(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Record the answers of a free-form test whose call, or a subtest in it, has ended.

    Raises:
        StoreError: they cannot be recorded.
    """
    questions = item.stash.get(_QUESTIONS, None)
    if questions is not None and (call.when == "call" or call.excinfo is not None):
        questions.settle(_score_by(call.excinfo))


def disarm(report: pytest.TestReport) -> None:
    """Escape what a model wrote where pytest shows a failed assertion line by line."""
    for traceback, crash, _ in getattr(report.longrepr, "chain", ()):
        for entry in traceback.reprentries:
            entry.lines[:] = map(printable, entry.lines)
        if crash is not None:
            crash.message = printable(crash.message)


def _score_by(excinfo: pytest.ExceptionInfo[BaseException] | None) -> "Score":
    """Return what the outcome of a test says of answers that `lms_check` has not judged."""
    from harness.domain.score import Score
    from harness.scoring.judge import faulty

    if excinfo is None:
        return Score(value=1.0, passed=True)
    why = one_line(excinfo.exconly(tryshort=True).partition("\n")[0], limit=_LONGEST_REASON)
    if isinstance(excinfo.value, _UNDECIDED):
        return Score(value=None, reason=f"the test decided nothing: {why}")
    if isinstance(excinfo.value, _OWN_FAULTS):
        return faulty(f"the test itself failed: {why}")
    return Score(value=0.0, passed=False, reason=why)


def _why_no_answer(answer: "Answer") -> str:
    """Return why there is no whole answer, what that counts as, and what to do."""
    from harness.domain.count import counted
    from harness.domain.generation import Outcome

    limit = answer.job.request.max_output_tokens
    tokens = counted(limit or 0, "token")
    more = f"Allow more with lms_ask(…, max_output_tokens={2 * (limit or 0)})."
    text = one_line(answer.generation.text if answer.generation else "", limit=_LONGEST_SHOWN)
    match answer.outcome:
        case Outcome.TRUNCATED:
            return f"the answer was cut off after {tokens}, so it counts as wrong. {more}\nanswer: {text}"
        case Outcome.REASONING_ONLY:
            return f"the model spent its {tokens} on reasoning, so its answer counts as wrong. {more}"
        case Outcome.EMPTY:
            return "the model returned no text, which counts as wrong"
        case Outcome.TIMEOUT:
            return f"no whole answer in time, which counts as wrong: {answer.error}"
        case _:
            return f"the server gave no answer, so nothing is counted: {answer.error or answer.outcome.value}"
