"""Who takes which task, as a page shows it: the words are those of `choose` (report/answer)."""

from collections.abc import Sequence

from harness.report.answer import TaskAnswer, answer_row, headline, interval_of, reasons, standing_row
from harness.report.page.content import AnswerLine, Strip
from harness.report.text import one_line
from harness.verdict.contender import Rule

_LONGEST_KEY = 80


def answer_lines(answers: Sequence[TaskAnswer], rule: Rule) -> tuple[AnswerLine, ...]:
    """Return a line for each task."""
    return tuple(_line(answer, rule) for answer in answers)


def whole_key(key: str) -> str:
    """Return a key as a page writes it: there is room for all of it."""
    return one_line(key, limit=_LONGEST_KEY)


def _line(answer: TaskAnswer, rule: Rule) -> AnswerLine:
    choice = answer.choice
    return AnswerLine(
        task=answer.task,
        kind=choice.answer.value,
        cells=answer_row(answer, whole_key)[1:],
        model=choice.key or "",
        strip=_strip(answer),
        headline=headline(answer, rule),
        standings=tuple(standing_row(standing, whole_key) for standing in choice.standings),
        reasons=tuple(reasons(answer, rule)),
    )


def _strip(answer: TaskAnswer) -> Strip | None:
    standing = answer.choice.chosen
    if standing is None or standing.candidate.score is None:
        return None
    interval = interval_of(standing.candidate)
    return Strip(value=standing.candidate.score, low=interval.low, high=interval.high)
