"""How a run stands against its baseline, as text: what got worse first."""

import shlex
from collections import defaultdict
from collections.abc import Iterator, Sequence

from harness.domain.count import counted
from harness.report.compare import differing
from harness.report.gate_time import times_legend, times_table
from harness.report.layout import cards, fits, paragraph, prose, table
from harness.report.text import one_line, printable, task_label
from harness.verdict.compare import OVERALL
from harness.verdict.gate import Case, Night
from harness.verdict.gate_case import FlakyItem
from harness.verdict.gate_state import Level, State
from harness.verdict.gate_time import TimeCase
from harness.verdict.spending import ALPHA

HEADERS = ("model", "task", "n", "before", "now", "now - before [95 %]", "flips", "state")
_ALIGN = ("left", "left", "right", "right", "right", "right", "right", "left")
_LONGEST_KEY = 60
_LONGEST_TASK = 24
_NAMED = 12


def headline(night: Night) -> str:
    """Return what a night comes to, in a sentence."""
    worse, missing, opened, neutral, passed = (len(night.all_of(level)) for level in Level)
    parts = [
        f"{worse} worse" if worse else "",
        f"{missing} missing" if missing else "",
        f"{opened} open" if opened else "",
        f"{neutral} not comparable" if neutral else "",
        f"{passed} passed" if passed else "",
    ]
    counts = ", ".join(filter(None, parts))
    if worse:
        return f"WORSE than the baseline: {counts}."
    if not night.is_measured:
        return f"NOTHING WAS COMPARED with the baseline: {counts or 'it has no finished task'}."
    if missing:
        return f"INCOMPLETE: nothing is shown to be worse, but something is missing: {counts}."
    if not night.can_fail:
        return f"NOTHING COULD FAIL: too few items, or too low a baseline, to show any loss: {counts}."
    return f"Nothing is shown to be worse than the baseline: {counts}; {_able(night)}."


def _able(night: Night) -> str:
    """Return how many of what was compared could have failed at all: a pass of the others says nothing."""
    measured = sum(case.is_measured for case in night.cases) + sum(case.is_measured for case in night.times)
    return f"{measured - len(night.toothless)} of {measured} could have failed"


def render_night(night: Night, *, width: int | None) -> str:
    """Return everything about a night, the worst first, and what the words mean."""
    count = len(night.baseline)
    about = f"{night.run.run.run_id} against {counted(count, 'earlier run')}, margin {night.margin:g}"
    about += f", of times {100 * night.slower:g} %" if night.time_claims else ""
    parts = [prose(f"{headline(night)} ({one_line(about, limit=200)})", width)]
    parts += [*_cases(night, width), *times_table(night, width), *_blocks(night, width)]
    if any(case.is_measured for case in night.cases):
        parts.append(prose(_legend(night), width))
    if night.time_claims:
        parts.append(prose(times_legend(night), width))
    return "\n\n".join(parts)


def name(case: Case | TimeCase) -> str:
    """Return what a case is called: the model and the task."""
    return f"{_key(case.model_key)} {_task(case.task)}"


def how_to_see(night: Night, case: Case) -> str:
    """Return the command that shows the worst samples of a case."""
    words = ["lms-harness", "show", str(night.run.path), "--model", case.model_key]
    words += [] if case.task == OVERALL else ["--task", case.task]
    return printable(shlex.join([*words, "--failed", "--limit", "3"]))


def score(value: float | None) -> str:
    """Return a score with two digits; "n/a" for None."""
    return "n/a" if value is None else f"{value:.2f}"


def difference(case: Case) -> str:
    """Return how far a case is from the baseline, with its interval."""
    if case.difference is None:
        return "n/a"
    interval = case.interval
    return (
        f"{case.difference:+.2f} [{interval.low:+.2f}, {interval.high:+.2f}]" if interval else f"{case.difference:+.2f}"
    )


def named(items: Sequence[str]) -> str:
    """Return the first names of a list, and how many more there are."""
    more = f" and {len(items) - _NAMED} more" if len(items) > _NAMED else ""
    return ", ".join(items[:_NAMED]) + more


def passed_before(case: Case, *, many: bool = False) -> str:
    """Return what is said of the items that a case lost, as the head of a list of them or after their number."""
    when = "before" if case.runs == 1 else "in most runs of the baseline"
    return f"passed {when} and fail now" if many else f"Passed {when}, fails now"


def flaky_items(night: Night) -> list[str]:
    """Return each item that flips among the runs of the baseline, with how many of them pass it."""
    return [
        f"{_key(case.model_key)} {_flaky(item)} ({item.passed} of {item.runs})"
        for case in night.cases
        for item in case.flaky
    ]


def _cases(night: Night, width: int | None) -> Iterator[str]:
    """Yield the table; where it is too wide, a card for each case that does not pass, and a list of those that do."""
    if not night.cases:
        return
    whole = table([_row(case) for case in night.cases], headers=HEADERS, align=_ALIGN)
    if fits(whole, width):
        yield whole
        return
    passed = night.of(Level.PASS)
    if others := [case for case in night.cases if case not in passed]:
        yield cards([(name(case), *_row(case)[2:]) for case in others], headers=("case", *HEADERS[2:]), width=width)
    if passed:
        shown = (f"{name(case)} {score(case.score)} ({difference(case)})" for case in passed)
        yield paragraph(f"Passes: {', '.join(shown)}.", width, indent=2)


def _row(case: Case) -> tuple[str, ...]:
    flips = f"+{case.gains:.0f} -{case.losses:.0f}" if case.is_measured else ""
    return (
        _key(case.model_key),
        _task(case.task),
        str(case.n or ""),
        score(case.baseline_score) if case.is_measured else "",
        score(case.score) if case.is_measured else "",
        difference(case) if case.is_measured else "",
        flips,
        case.state.value,
    )


def _blocks(night: Night, width: int | None) -> Iterator[str]:
    """Yield what the table does not say: why, which items, and what else differs."""
    for timed in night.times:
        if timed.level is Level.FAIL:
            yield paragraph(f"Worse: {name(timed)}: {timed.reason}.", width, indent=2)
    for case in night.of(Level.FAIL):
        lines = [f"Worse: {name(case)}: {case.reason}."]
        if case.lost and case.task == OVERALL:
            lines.append(f"  Of all its items, {len(case.lost)} {passed_before(case, many=True)}.")
        elif case.lost:
            lines.append(f"  {passed_before(case)}: {named([_item(item) for item in case.lost])}.")
        # A command is not broken into lines: somebody will copy it.
        yield "\n".join([*(paragraph(line, width, indent=2) for line in lines), f"  {how_to_see(night, case)}"])
    if notes := [*_notes(night), *_changes(night)]:
        yield "\n".join(paragraph(note, width, indent=2) for note in notes)


def _notes(night: Night) -> Iterator[str]:
    others = _by_reason(night.all_of(Level.MISSING, Level.WARN, Level.NEUTRAL))
    yield from (f"{state.value.capitalize()}: {named(names)}: {why}." for (state, why), names in others.items())
    if night.times_note:
        yield f"Times are not compared: {night.times_note}."
    if night.unknown:
        cells = [f"{_key(key)} {_task(task)}" for key, task in night.unknown]
        yield f"Only in this run, so nothing is said of it: {named(cells)}."
    if lost := [f"{name(case)} {case.unscored}" for case in night.cases if case.unscored and case.task != OVERALL]:
        yield f"Lost answers, here or in the baseline; they count against what is said: {named(lost)}."
    if fewer := [f"{name(case)} {case.left_out}" for case in night.cases if case.left_out]:
        yield f"Items of the baseline's newest run that this run was not asked: {named(fewer)}."
    if toothless := night.toothless:
        cells = [f"{name(case)} ({counted(case.n, 'item')}, score {score(case.baseline_score)})" for case in toothless]
        yield f"Could not fail, as even a score of 0 would prove no loss above the margin: {named(cells)}."
    if flaky := flaky_items(night):
        yield f"Flaky, as they flip within the baseline (runs that pass): {named(flaky)}."


def _changes(night: Night) -> list[str]:
    """Return what else differs, of each model where something does, and of each that got worse."""
    worse = {case.model_key for case in night.all_of(Level.FAIL)}
    changes: dict[str, list[str]] = defaultdict(list)
    for key, found in night.changes.items():
        if found or key in worse:
            changes[differing(found, sides="before -> now")].append(_key(key))
    return [f"{named(keys)}: {text}" for text, keys in changes.items()]


def _by_reason(cases: Sequence[Case | TimeCase]) -> dict[tuple[State, str], list[str]]:
    names: dict[tuple[State, str], list[str]] = defaultdict(list)
    for case in cases:
        names[case.state, one_line(case.reason, limit=300)].append(name(case))
    return names


def _legend(night: Night) -> str:
    share = "" if night.alpha == ALPHA else ", a share of 5 % as answers were looked at after each round"
    share += f", besides {100 * night.time_alpha:.3g} % for times" if night.time_claims else ""
    several = (
        ""
        if len(night.baseline) == 1
        else "before: the mean over the runs of the baseline, item by item. flips: the items that pass now (+) or "
        "fail now (-) and did not before, as a mean over these runs. "
    )
    claims = "" if night.claims == 1 else f", divided among {night.claims} claims that can show one"
    return (
        f"{several}regression: a loss that is significant ({100 * night.score_alpha:.3g} % for the whole run{share}"
        f"{claims}) and larger than the margin. open: a loss larger than the margin, "
        "which may be chance. passes: no loss larger than the margin was seen, which is not proof that there is none. "
        "overall: all items of a model, each with the same weight."
    )


def _flaky(item: FlakyItem) -> str:
    shown = printable(one_line(item.item_id, limit=40))
    return shown if shown.startswith(item.task) else f"{_task(item.task)} {shown}"


def _item(item: str) -> str:
    return printable(one_line(item, limit=60))


def _key(key: str) -> str:
    return one_line(key, limit=_LONGEST_KEY)


def _task(task: str) -> str:
    return task_label(task, limit=_LONGEST_TASK)
