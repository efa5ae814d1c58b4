"""Who takes which task, on one screen: the answer that a run is for."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from harness.report.figure import seconds
from harness.report.layout import cards, fits, fitted, paragraph, table
from harness.report.text import one_line
from harness.stats.interval import wilson
from harness.verdict.board import Standing
from harness.verdict.choose import AnswerKind, Recommendation
from harness.verdict.contender import Contender, Rule

HEADERS = ("task", "hand it to", "score [95 %]", "time", "load", "risk")
WHY_HEADERS = ("model", "suffices", "score [95 %]", "n", "time", "load", "utility", "why not")
_LONGEST_KEY = 28
_SHORTER_KEYS = (24, 20, 16, 12)
_ALIGN = ("left", "left", "left", "right", "right", "left")
_LEGEND = (
    "risk: what the model may lose, in expected score and time, against the best of the models that were asked; "
    "certified: the claim that it suffices holds at 5 %. open: {confidence:.0%} sure that it suffices is not reached; "
    "shown are the best so far, its chance to suffice, and how many items would probably settle it."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskAnswer:
    """What the table shows of a task."""

    task: str
    choice: Recommendation


def render_answers(answers: Sequence[TaskAnswer], rule: Rule, *, width: int | None) -> str:
    """Return the table of all tasks, and what one model for everything would mean."""
    tables = (
        table([_row(answer, name) for answer in answers], headers=HEADERS, align=_ALIGN) for name in _namings(answers)
    )
    whole = next((text for text in tables if fits(text, width)), "")
    if not whole:  # Not even with the shortest names: a card a task.
        whole = cards([_row(answer, _key) for answer in answers], headers=HEADERS, width=width)
    parts = [whole]
    if summary := one_for_all(answers, rule):
        parts.append(paragraph(summary, width))
    parts.append(paragraph(_LEGEND.format(confidence=rule.confidence), width))
    return "\n\n".join(parts)


def render_why(answer: TaskAnswer, rule: Rule, *, width: int | None) -> str:
    """Return every model's standing on one task, and what the answer says of it."""
    choice = answer.choice
    rows = [_why_row(standing) for standing in choice.standings]
    align = ("left", "right", "left", "right", "right", "right", "right", "left")
    meaning = f"A model suffices from a score of {choice.yardstick:.2f}; {rule.confidence:.0%} sure is enough."
    lines = [
        f"{one_line(answer.task, limit=60)}: {_answer(choice)}. {meaning}",
        fitted(rows, headers=WHY_HEADERS, align=align, width=width),
    ]
    if choice.regret is not None and choice.nothing_much_better is not None:
        lines.append(
            f"Expected to lose {choice.regret:.3f} against the best. Sure to {choice.nothing_much_better:.0%} that no "
            "model is more than 0.05 better."
        )
    if choice.loss_to_largest is not None:
        lines.append(f"Expected to lose {choice.loss_to_largest:.3f} of score against the largest model.")
    if choice.answer is AnswerKind.OPEN and choice.key is not None:
        lines.append(
            f"About {choice.needed} items in all would probably settle it."
            if choice.needed
            else "More items are unlikely to settle it."
        )
    return "\n\n".join(paragraph(line, width) if "\n" not in line else line for line in lines)


def one_for_all(answers: Sequence[TaskAnswer], rule: Rule) -> str:
    """Return which single model suffices for most tasks, and what always taking the largest costs in time.

    A laptop often holds one model at a time.
    """
    standings: dict[str, list[Standing]] = defaultdict(list)
    for answer in answers:
        for standing in answer.choice.standings:
            standings[standing.candidate.key].append(standing)
    if len(answers) < 2 or len(standings) < 2:  # noqa: PLR2004  (else there is nothing to compare)
        return ""
    sure = {
        key: sum(not standing.refusal and standing.suffices >= rule.confidence for standing in found)
        for key, found in standings.items()
    }
    best = max(standings, key=lambda key: (sure[key], -_time_s(standings[key]), key))
    text = f"One model for all: {_key(best)} suffices for {sure[best]} of {len(answers)}."
    largest = max(standings, key=lambda key: (_size_bytes(standings[key]), key))
    if largest != best and _time_s(standings[best]) > 0:
        text += f" Always {_key(largest)}: {_time_s(standings[largest]) / _time_s(standings[best]):.1f} x the time."
    return text


def _namings(answers: Sequence[TaskAnswer]) -> Iterator[Callable[[str], str]]:
    """Yield ways to write keys, ever shorter: whole, without the publisher where that is clear, cut in the middle."""
    keys = {standing.candidate.key for answer in answers for standing in answer.choice.standings}
    names = {key: key.rpartition("/")[2] for key in keys}
    if len(set(names.values())) < len(keys):
        names = {key: key for key in keys}
    yield _key
    for longest in (_LONGEST_KEY, *_SHORTER_KEYS):
        yield lambda key, longest=longest: _key(names[key], longest)  # type: ignore[misc]


def _row(answer: TaskAnswer, name: Callable[[str], str]) -> tuple[str, ...]:
    choice, task = answer.choice, one_line(answer.task, limit=_LONGEST_KEY)
    standing = choice.chosen
    if standing is None:
        why = choice.standings[0].refusal if choice.standings else "no model was asked"
        return task, "open", "-", "-", "-", why
    candidate = standing.candidate
    score, time, load = _score(candidate), seconds(candidate.p50_s), seconds(candidate.load_s)
    if choice.answer is AnswerKind.PRIMARY:
        return task, "your primary", score, "-", "-", f"best: {name(candidate.key)}"
    if choice.answer is AnswerKind.OPEN:
        more = f"ask {choice.needed:,}" if choice.needed else "more will hardly settle it"
        return task, f"open: {name(candidate.key)}", score, time, load, f"{standing.suffices:.0%}; {more}"
    risk = "certified" if choice.is_certified else f"may lose {choice.regret or 0.0:.2f}"
    return task, name(candidate.key), score, time, load, risk


def _why_row(standing: Standing) -> tuple[str, ...]:
    candidate = standing.candidate
    why = standing.refusal
    if not why and standing.dominated_by is not None and standing.dominated is not None:
        why = f"{_key(standing.dominated_by)} is as good and as quick ({standing.dominated:.0%})"
    return (
        _key(candidate.key),
        f"{standing.suffices:.0%}",
        _score(candidate),
        str(candidate.n),
        seconds(candidate.p50_s),
        seconds(candidate.load_s),
        "-" if standing.utility is None else f"{standing.utility:.3f}",
        why,
    )


def _answer(choice: Recommendation) -> str:
    if choice.key is None:
        return "open, as no model can be chosen"
    if choice.answer is AnswerKind.MODEL:
        return f"hand it to {_key(choice.key)}{' (certified)' if choice.is_certified else ''}"
    if choice.answer is AnswerKind.PRIMARY:
        return f"keep your primary; the best of the others is {_key(choice.key)}"
    return f"open; the best so far is {_key(choice.key)}"


def _score(candidate: Contender) -> str:
    """Return "0.80 [0.63, 0.91]": the mean with the lost answers as 0, and Wilson's interval."""
    if candidate.score is None:
        return "-"
    interval = wilson(sum(candidate.values), candidate.n)
    return f"{candidate.score:.2f} [{interval.low:.2f}, {interval.high:.2f}]"


def _key(key: str, longest: int = _LONGEST_KEY) -> str:
    """Return a key that fits into a table: cut in the middle, as both ends tell models apart."""
    key = one_line(key, limit=300)
    if len(key) <= longest:
        return key
    head = (longest - 1) // 2
    return f"{key[:head]}…{key[head + 1 - longest :]}"


def _time_s(standings: Sequence[Standing]) -> float:
    return sum(standing.candidate.p50_s or 0.0 for standing in standings)


def _size_bytes(standings: Sequence[Standing]) -> int:
    return max(standing.candidate.size_bytes or 0 for standing in standings)
