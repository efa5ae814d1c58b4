"""Who takes which task, on one screen: the answer that a run is for."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self, TypeAlias

from harness.domain.candidate import key_of, level_of
from harness.report import yardstick
from harness.report.figure import seconds
from harness.report.latency.waiting import sentence_of
from harness.report.layout import cards, fits, fitted, prose, table
from harness.report.text import one_line, task_label
from harness.report.way import way_note
from harness.report.yardstick import NOT_NAMED, Primary
from harness.stats.estimate import Interval
from harness.stats.interval import score_estimate, wilson
from harness.verdict.board import Standing
from harness.verdict.break_even import break_even
from harness.verdict.choose import AnswerKind, Recommendation
from harness.verdict.contender import Contender, Rule
from harness.verdict.load import MEANING, LoadKind
from harness.verdict.single import best_single, is_sure, largest, size_bytes, times_longer
from harness.verdict.task_choice import TaskChoice

HEADERS = ("task", "hand it to", "score [95 %]", "time", "load", "risk")
WHY_HEADERS = ("model", "suffices", "score [95 %]", "n", "time", "load", "utility", "why not")
WHY_ALIGN = ("left", "right", "left", "right", "right", "right", "right", "left")
_LONGEST_KEY = 28
_MOST_NAMED = 4
_SHORTER_KEYS = (24, 20, 16, 14, 12)
Naming: TypeAlias = Callable[[str], str]
"""How a key is written."""
ALIGN = ("left", "left", "left", "right", "right", "left")
_LEGEND = (
    "risk: what it may lose, in score and time, against the best asked; certified: proved at 5 % to suffice. "
    "open: the best so far, its chance to suffice ({confidence:.0f} % is enough), how many items may settle it."
)
_DEMONSTRATION = "* a demonstration model: nobody should choose among these."


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskAnswer:
    """What the table shows of a task.

    Attributes:
        task: its name.
        choice: the answer.
        is_demonstration: its models are those of the embedded server, among which nobody should choose.
        primary: what is used now.
        ways: how each model got the functions that it may call, where that was not in the prompt of all.
    """

    task: str
    choice: Recommendation
    is_demonstration: bool = False
    primary: Primary = NOT_NAMED
    ways: str = ""

    @classmethod
    def of(cls, found: TaskChoice) -> Self:
        """Return what is shown of an answer."""
        evidence = found.evidence
        asked = {candidate.key: candidate for candidate in (*evidence.candidates, *filter(None, [found.primary]))}
        return cls(
            task=evidence.task,
            choice=found.choice,
            is_demonstration=evidence.is_demonstration,
            primary=Primary.of(found),
            ways=way_note(evidence.task, {key: candidate.ways for key, candidate in asked.items()}),
        )


def render_answers(
    answers: Sequence[TaskAnswer], rule: Rule, *, width: int | None, is_load_explained: bool = False
) -> str:
    """Return the table of all tasks, and what one model for everything would mean.

    Args:
        answers: one for each task.
        rule: how to choose.
        width: of the terminal, in columns; None: unlimited.
        is_load_explained: what is printed above says which loads count.
    """
    whole, name, has_load = _table(answers, width)
    parts = [whole]
    if summary := one_for_all(answers, rule, name=name):
        parts.append(prose(summary, width))
    parts.extend(prose(answer.ways, width) for answer in answers if answer.ways)
    parts.append(prose(legend_of(answers, rule, has_load=has_load and not is_load_explained), width))
    return "\n\n".join(parts)


def legend_of(answers: Sequence[TaskAnswer], rule: Rule, *, has_load: bool = True) -> str:
    """Return what the words of the table mean."""
    legend = _LEGEND.format(confidence=100 * rule.confidence)
    kinds = {standing.candidate.basis.load_kind for answer in answers for standing in answer.choice.standings}
    if has_load and (shown := [MEANING[kind] for kind in LoadKind if kind in kinds]):
        legend = f"load, {'; or '.join(shown)}. {legend}"
    rules = [(task_label(answer.task, limit=60), answer.primary, answer.choice) for answer in answers]
    parts = [legend, yardstick.legend(rules, rule, _key), _levels_legend(answers)]
    parts += [_DEMONSTRATION] if any(answer.is_demonstration for answer in answers) else []
    return " ".join(filter(None, parts))


def _levels_legend(answers: Sequence[TaskAnswer]) -> str:
    """Return how to read a name with a reasoning level, by one that is shown; "" where there is none."""
    level = next(filter(None, (level_of(answer.choice.key) for answer in answers)), None)
    return f"@{level}: the model, asked with the reasoning level {level}." if level else ""


def _table(answers: Sequence[TaskAnswer], width: int | None) -> tuple[str, Naming, bool]:
    """Return the widest table that fits, how it names models, and whether it has a column for the load; else cards."""
    for name, has_load in _layouts(answers):
        rows = [answer_row(answer, name) for answer in answers]
        columns = [column for column in range(len(HEADERS)) if has_load or HEADERS[column] != "load"]
        text = table(
            [[row[column] for column in columns] for row in rows],
            headers=[HEADERS[column] for column in columns],
            align=[ALIGN[column] for column in columns],
        )
        if fits(text, width):
            return text, name, has_load
    return cards([answer_row(answer, _key) for answer in answers], headers=HEADERS, width=width), _key, True


def render_why(answer: TaskAnswer, rule: Rule, *, width: int | None) -> str:
    """Return every model's standing on one task, and what the answer says of it."""
    rows = [standing_row(standing) for standing in answer.choice.standings]
    parts = [
        prose(f"{task_label(answer.task, limit=60)}: {headline(answer, rule)}", width),
        fitted(rows, headers=WHY_HEADERS, align=WHY_ALIGN, width=width),
        *(prose(line, width) for line in reasons(answer, rule)),
    ]
    return "\n\n".join(parts)


def headline(answer: TaskAnswer, rule: Rule) -> str:
    """Return the answer as a sentence, and what it takes to suffice."""
    score = yardstick.from_which_score(answer.choice, answer.primary, rule, _key)
    return f"{_answer(answer)}. A model suffices from {score}; {rule.confidence:.0%} sure is enough."


def reasons(answer: TaskAnswer, rule: Rule) -> list[str]:
    """Return what an answer may cost, and what would change it, in sentences."""
    choice = answer.choice
    lines = []
    if choice.regret is not None and choice.nothing_much_better is not None:
        lines.append(
            f"Expected to lose {choice.regret:.3f} against the best. Sure to {choice.nothing_much_better:.0%} that no "
            "model is more than 0.05 better."
        )
    if choice.chosen is not None and (waits := sentence_of(choice.chosen.candidate)):
        lines.append(waits)
    if turn := _turning_point(choice, rule):
        lines.append(turn)
    if evened := [standing for standing in choice.standings if standing.as_quick_as is not None]:
        pairs = ", ".join(
            f"{_key(standing.candidate.key)} as quick as {_key(standing.as_quick_as or '')}" for standing in evened
        )
        lines.append(f"Counted as equal, as their times differ by no more than noise: {pairs}.")
    if choice.loss_to_largest is not None:
        lines.append(f"Expected to lose {choice.loss_to_largest:.3f} of score against the largest model.")
    if choice.answer is AnswerKind.OPEN and choice.key is not None:
        lines.append(
            f"About {choice.needed} items in all would probably settle it."
            if choice.needed
            else "More items are unlikely to settle it."
        )
    if answer.ways:
        lines.append(answer.ways)
    if answer.is_demonstration:
        lines.append(_DEMONSTRATION.removeprefix("* ").capitalize())
    return lines


def one_for_all(answers: Sequence[TaskAnswer], rule: Rule, *, name: Naming) -> str:
    """Return which single model suffices for most tasks, and what always taking the largest costs in time.

    A laptop often holds one model at a time. Tasks that no model shares, such as those for chat and for embedding
    models, have a sentence each.
    """
    groups = _sharing(answers)
    if len(groups) < 2:  # noqa: PLR2004
        return _one_for(answers, rule, name=name, tasks="")
    texts = [_one_for(group, rule, name=name, tasks=_tasks(group)) for group in groups]
    return " ".join(filter(None, texts))


def _sharing(answers: Sequence[TaskAnswer]) -> list[list[TaskAnswer]]:
    """Return the answers in groups: those of two groups have no model in common."""
    groups: list[tuple[set[str], list[TaskAnswer]]] = []
    for answer in answers:
        keys, group = {standing.candidate.key for standing in answer.choice.standings}, [answer]
        for joined in [found for found in groups if found[0] & keys]:
            groups.remove(joined)
            keys, group = keys | joined[0], joined[1] + group
        groups.append((keys, group))
    return [group for _, group in groups]


def _tasks(answers: Sequence[TaskAnswer]) -> str:
    *first, last = [task_label(answer.task, limit=60) for answer in answers]
    more = len(first) - _MOST_NAMED + 1
    if more > 1:
        first, last = first[: _MOST_NAMED - 1], f"{more + 1} more"
    return f"{', '.join(first)} and {last}" if first else last


def _one_for(answers: Sequence[TaskAnswer], rule: Rule, *, name: Naming, tasks: str) -> str:
    """Return the sentence about these tasks, which are called `tasks`; "": they are all there are."""
    standings: dict[str, dict[str, Standing]] = defaultdict(dict)
    for answer in answers:
        for standing in answer.choice.standings:
            standings[standing.candidate.key][answer.task] = standing
    if len(answers) < 2 or len(standings) < 2:  # noqa: PLR2004  (else there is nothing to compare)
        return ""
    best, top = best_single(standings, rule), largest(standings)
    sure = sum(is_sure(standing, rule) for standing in standings[best].values())
    if not sure:
        return f"No model suffices for any of {tasks or f'the {len(answers)} tasks'} with this certainty."
    text = f"One model for {tasks or 'all'}: {name(best)} suffices for {sure} of {len(answers)}."
    ratio = times_longer(standings[top], standings[best]) if size_bytes(standings[top].values()) else None
    is_same = key_of(top) == key_of(best)  # Another reasoning level is not a larger model.
    return text if is_same or ratio is None else f"{text} Always {name(top)}: {ratio:.1f} x the time."


def _layouts(answers: Sequence[TaskAnswer]) -> Iterator[tuple[Naming, bool]]:
    """Yield ways to write keys, and whether there is a column for the load, from the widest to the narrowest.

    Keys are whole, then without the publisher, then cut, as long as that leaves them distinct.
    """
    keys = {standing.candidate.key for answer in answers for standing in answer.choice.standings}
    names = {key: key.rpartition("/")[2] for key in keys}
    if len(set(names.values())) < len(keys):
        names = {key: key for key in keys}
    yield _key, True
    for has_load in (True, False):
        for longest in (_LONGEST_KEY, *_SHORTER_KEYS):
            for head in (longest // 2, 2 * longest // 3):  # Sizes tend to stand in the first half of a key.
                short = {key: _cut(name, longest, head) for key, name in names.items()}
                if len(set(short.values())) == len(keys):
                    yield short.__getitem__, has_load
                    break


def answer_row(answer: TaskAnswer, name: Naming) -> tuple[str, ...]:
    """Return the cells of a task, in the order of `HEADERS`."""
    choice, task = answer.choice, task_label(answer.task, limit=_LONGEST_KEY)
    standing = choice.chosen
    if standing is None:
        refused = sorted(choice.standings, key=lambda standing: standing.candidate.is_given_up)
        why = refused[0].refusal if refused else "no model was asked"
        return task, "open", "-", "-", "-", why
    candidate = standing.candidate
    key = name(candidate.key) + (" *" if answer.is_demonstration else "")
    score, time, load = _score(candidate), seconds(candidate.p50_s), seconds(candidate.load_s)
    if choice.answer is AnswerKind.PRIMARY:
        return task, yardstick.keeps(answer.primary), score, "-", "-", f"best: {key}"
    if choice.answer is AnswerKind.OPEN:
        more = f"ask {choice.needed:,}" if choice.needed else "won't settle"
        return task, f"open: {key}", score, time, load, f"{100 * standing.suffices:.0f} %; {more}"
    risk = "certified" if choice.is_certified else f"may lose {choice.regret or 0.0:.2f}"
    return task, key, score, time, load, risk


def break_even_of(choice: Recommendation, rule: Rule) -> tuple[str, float] | None:
    """Return the runner-up, and at how many requests per load it is as useful; None: there is no such number."""
    rival = next((standing for standing in choice.standings if standing.candidate.key == choice.runner_up), None)
    if choice.chosen is None or rival is None or choice.answer is AnswerKind.PRIMARY:
        return None
    if choice.answer is AnswerKind.MODEL and rival.suffices < rule.confidence:
        return None
    requests = break_even(choice.chosen, rival, rule)
    return None if requests is None else (rival.candidate.key, requests)


def _turning_point(choice: Recommendation, rule: Rule) -> str:
    found = break_even_of(choice, rule)
    if found is None:
        return ""
    rival, requests = found
    side = "fewer" if requests < rule.requests_per_load else "more"
    return (
        f"Break-even with {_key(rival)}: {requests:.3g} requests per load; with {side}, that one is "
        f"more useful. Counted with {rule.requests_per_load}."
    )


def standing_row(standing: Standing, name: Naming | None = None) -> tuple[str, ...]:
    """Return the cells of a model on a task, in the order of `WHY_HEADERS`; keys are cut unless `name` writes them."""
    name = name or _key
    candidate = standing.candidate
    why = standing.refusal
    if not why and standing.dominated_by is not None and standing.dominated is not None:
        why = f"{name(standing.dominated_by)} is as good and as quick ({standing.dominated:.0%})"
    return (
        name(candidate.key),
        f"{standing.suffices:.0%}",
        _score(candidate),
        str(candidate.n),
        seconds(candidate.p50_s),
        seconds(candidate.load_s),
        "-" if standing.utility is None else f"{standing.utility:.3f}",
        why,
    )


def _answer(answer: TaskAnswer) -> str:
    choice = answer.choice
    if choice.key is None:
        return "open, as no model can be chosen"
    if choice.answer is AnswerKind.MODEL:
        return f"hand it to {_key(choice.key)}{' (certified)' if choice.is_certified else ''}"
    if choice.answer is AnswerKind.PRIMARY:
        return yardstick.kept(answer.primary, _key(choice.key), _key)
    return f"open; the best so far is {_key(choice.key)}"


def interval_of(candidate: Contender) -> Interval:
    """Return the interval of the mean with the lost answers as 0; there are items. One cluster alone is one item."""
    found = score_estimate(candidate.values, clusters=candidate.cluster_names).interval
    return wilson(candidate.score or 0.0, 1) if found is None else found


def _score(candidate: Contender) -> str:
    """Return "0.80 [0.63, 0.91]": the mean with the lost answers as 0, and Wilson's interval."""
    if candidate.score is None:
        return "-"
    interval = interval_of(candidate)
    return f"{candidate.score:.2f} [{interval.low:.2f}, {interval.high:.2f}]"


def _key(key: str) -> str:
    """Return a key that fits into a table."""
    return _cut(key, _LONGEST_KEY, _LONGEST_KEY // 2)


def _cut(key: str, longest: int, head: int) -> str:
    """Return a key cut in the middle, as both ends tell models apart: so many characters of its head stay."""
    key = one_line(key, limit=300)
    return key if len(key) <= longest else f"{key[: head - 1]}…{key[len(key) - longest + head :]}"
