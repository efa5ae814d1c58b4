"""What a night leaves on GitHub: annotations, the worst first, and a step summary in Markdown."""

from collections.abc import Iterator

from harness.domain.count import counted
from harness.report.gate import difference, flaky_items, headline, how_to_see, name, named, passed_before, score
from harness.report.gate_time import ratio, time_row
from harness.report.markdown import code, cut, escaped, markdown_table
from harness.report.text import one_line
from harness.verdict.compare import OVERALL
from harness.verdict.gate import Night
from harness.verdict.gate_state import Level

MOST_ANNOTATIONS = 10
"""GitHub shows no more of a step."""
SUMMARY_BYTES = 900_000
"""GitHub refuses a summary of more than 1 MiB."""

_LONGEST = 500
_COMMANDS = {Level.FAIL: "error", Level.MISSING: "error", Level.WARN: "warning"}
_ALIGN = ("left", "left", "right", "right", "right", "left", "left", "left")


def annotations(night: Night) -> list[str]:
    """Return GitHub's workflow commands for what got worse, is missing or open: at most ten, the worst first."""
    found = [
        annotation(_COMMANDS[case.level], f"{case.state.value}: {name(case)}", case.reason)
        for case in night.all_of(*_COMMANDS)
    ]
    found.sort(key=lambda line: not line.startswith("::error"))
    if not night.is_measured:
        found.insert(0, annotation("error", "lms-harness gate", headline(night)))
    elif not night.can_fail:
        found.append(annotation("warning", "lms-harness gate", headline(night)))
    if len(found) <= MOST_ANNOTATIONS:
        return found
    rest = len(found) - MOST_ANNOTATIONS + 1
    return [*found[: MOST_ANNOTATIONS - 1], annotation("warning", "lms-harness gate", f"{rest} more: see the summary")]


def annotation(command: str, title: str, message: str) -> str:
    """Return a workflow command whose texts can neither end it nor begin another one."""
    shown = _data(one_line(title, limit=_LONGEST)).replace(":", "%3A").replace(",", "%2C")
    return f"::{command} title={shown}::{_data(one_line(message, limit=_LONGEST))}"


def summary(night: Night, *, limit_bytes: int = SUMMARY_BYTES) -> str:
    """Return the step summary, in at most so many bytes."""
    return cut("\n\n".join(_parts(night)) + "\n", limit_bytes, note="The rest was cut at 900 kB.")


def _parts(night: Night) -> Iterator[str]:
    yield f"### {escaped(headline(night))}"
    count = len(night.baseline)
    earlier = f"{counted(count, 'earlier run')}"
    yield f"Run {code(night.run.run.run_id)} against {earlier}; margin {night.margin:g}."
    rows = [
        (
            escaped(case.model_key),
            escaped(case.task),
            str(case.n),
            score(case.baseline_score),
            score(case.score),
            escaped(difference(case)),
            f"**{case.state.value}**" if case.level in _COMMANDS else case.state.value,
            escaped(case.reason),
        )
        for case in night.cases
    ]
    if rows:
        headers = ("model", "task", "n", "before", "now", "now - before \\[95 %\\]", "state", "why")
        yield markdown_table(headers, rows, align=_ALIGN)
    yield from _times(night)
    for case in night.of(Level.FAIL):
        is_named = case.lost and case.task != OVERALL
        items = f" {passed_before(case)}: {escaped(named(case.lost), limit=1000)}." if is_named else ""
        yield f"**{escaped(name(case))}**:{items} See {code(how_to_see(night, case), limit=1000)}"
    if flaky := flaky_items(night):
        yield f"Flaky within the baseline: {escaped(named(flaky), limit=2000)}."


def _times(night: Night) -> Iterator[str]:
    rows = [
        (
            escaped(case.model_key),
            case.task,
            *time_row(case)[2:5],
            escaped(ratio(case)),
            f"**{case.state.value}**" if case.level in _COMMANDS else case.state.value,
            escaped(case.reason),
        )
        for case in night.times
    ]
    if rows:
        headers = ("model", "time of", "rounds", "before", "now", "now / before \\[95 %\\]", "state", "why")
        yield markdown_table(headers, rows, align=_ALIGN)
    if night.times_note:
        yield f"Times are not compared: {night.times_note}."


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
