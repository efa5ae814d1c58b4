"""`--lms-baseline`: each model and task of the baseline becomes a test of its own, reported after all others.

The cases share their 5 % of false alarms, so they can only be judged together, once the last answer is there.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

from harness.errors import HarnessError, StoreError
from harness.pytest_plugin.state import PREFIX, printed, session_if_any, settings_of
from harness.pytest_plugin.terminal import command_workflow, say
from harness.report.text import one_line, skipped

if TYPE_CHECKING:
    from harness.domain.record import SummaryRecord
    from harness.store.run_file import RunFile
    from harness.verdict.gate import Case, Night
    from harness.verdict.gate_state import Level
    from harness.verdict.gate_time import TimeCase

_PATH = "lms-baseline"
_LONGEST = 200
_BASELINE = pytest.StashKey["list[RunFile]"]()
_NIGHT = pytest.StashKey["Night"]()


def baseline_of(config: pytest.Config) -> "list[RunFile]":
    """Return the runs of the baseline, the newest first; none if none is named.

    Raises:
        StoreError: one cannot be read, or there is none.
    """
    if _BASELINE not in config.stash:
        settings = settings_of(config)
        found: list[RunFile] = []
        if settings.baselines:
            from harness.command.gate import read_baseline

            left_out: dict[str, str] = {}
            found = read_baseline(settings.baselines, settings.results, run=None, skipped=left_out)
            for path, why in left_out.items():
                say(config, skipped(path, why))
        config.stash[_BASELINE] = found
    return config.stash[_BASELINE]


def gate(session: pytest.Session) -> None:
    """Compare the run with its baseline, and report a test for each case; none is named: do nothing."""
    config = session.config
    if hasattr(config, "workerinput"):  # A worker of pytest-xdist: it reports nothing but its own items.
        return
    ours = session_if_any(config)
    if ours is None or ours.path is None:
        if config.getoption(f"{PREFIX}baselines"):
            _report(session, "nothing was compared", "failed", "no test has asked a model")
        return
    try:
        if not (baseline := baseline_of(config)):
            return
        from harness.store.run_file import RunFile
        from harness.store.run_folder import lineage
        from harness.verdict.gate import night

        run = RunFile.read(ours.path)
        known = lineage(run, [seen.path for seen in baseline])
        earlier = [seen for seen in baseline if seen.run.run_id not in known]
        if not earlier:
            raise StoreError("the baseline holds only runs that this one resumes")
        found = night(run, earlier, margin=ours.settings.margin, tasks=ours.settings.tasks)
    except HarnessError as exc:
        _report(session, "nothing was compared", "failed", printed(config, str(exc)))
        return
    config.stash[_NIGHT] = found
    for case in found.cases:
        _report_case(session, found, case)
    for timed in found.times:
        _report_time(session, found, timed)
    if not found.is_measured:
        _report(session, "nothing was compared", "failed", "no task could be compared with the baseline")


def show_night(config: pytest.Config) -> None:
    """Print how the run stands against its baseline; on GitHub, leave annotations and a summary too."""
    if (found := config.stash.get(_NIGHT, None)) is None:
        return
    from harness.command.workflow import add_to_summary, is_on_github
    from harness.report.gate import render_night
    from harness.report.layout import terminal_width
    from harness.report.workflow import annotations

    say(config, "\n" + render_night(found, width=terminal_width()))
    if not is_on_github():
        return
    for line in annotations(found):
        command_workflow(config, line)
    try:
        add_to_summary(found)
    except StoreError as exc:
        say(config, exc.message)


def cell_properties(cell: "SummaryRecord", path: Path) -> list[tuple[str, object]]:
    """Return what JUnit says of a model on a task: figures, and the file that they are from."""
    return _properties(
        model=cell.model_key,
        task=cell.task,
        score=cell.score,
        low=cell.low,
        high=cell.high,
        n=cell.n,
        unscored=cell.unscored,
        run_file=path,
    )


def _report_time(session: pytest.Session, found: "Night", case: "TimeCase") -> None:
    interval = case.interval
    properties = _properties(
        model=case.model_key,
        time=case.name,
        now_s=case.now_s,
        before_s=case.before_s,
        ratio=case.ratio,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        n=case.rounds,
        verdict=case.state.value,
        reason=case.reason,
        run_file=found.run.path,
    )
    name = f"{case.task}[{case.model_key}]"
    _report(session, name, _outcome(case.level), f"{case.state.value}: {case.reason}", properties)


def _outcome(level: "Level") -> str:
    return {"fail": "failed", "missing": "failed", "neutral": "skipped"}.get(level.value, "passed")


def _report_case(session: pytest.Session, found: "Night", case: "Case") -> None:
    interval = case.interval
    properties = _properties(
        model=case.model_key,
        task=case.task,
        score=case.score,
        baseline_score=case.baseline_score,
        difference=case.difference,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        n=case.n,
        unscored=case.unscored,
        verdict=case.state.value,
        reason=case.reason,
        run_file=found.run.path,
    )
    name = f"{case.task}[{case.model_key}]"
    _report(session, name, _outcome(case.level), f"{case.state.value}: {case.reason}", properties)


def _properties(**figures: object) -> list[tuple[str, object]]:
    def shown(value: object) -> object:
        if isinstance(value, float):
            return f"{value:.6g}"
        return value if isinstance(value, int) else one_line(str(value), limit=_LONGEST)

    return [(name, shown(value)) for name, value in figures.items() if value is not None]


def _report(
    session: pytest.Session,
    name: str,
    outcome: str,
    why: str,
    properties: "list[tuple[str, object]] | None" = None,
) -> None:
    """Report a test that was not collected, as pytest-xdist does: terminal and JUnit take it as any other."""
    session.testscollected += 1
    nodeid = f"{_PATH}::{one_line(name, limit=_LONGEST)}"
    for report in _reports(nodeid, outcome, one_line(why, limit=5 * _LONGEST)):
        report.user_properties = properties or []
        session.config.hook.pytest_runtest_logreport(report=report)


def _reports(nodeid: str, outcome: str, why: str) -> Iterator[pytest.TestReport]:
    def report(
        when: Literal["setup", "call", "teardown"],
        outcome: Literal["passed", "failed", "skipped"] = "passed",
        longrepr: str | tuple[str, int, str] | None = None,
    ) -> pytest.TestReport:
        location = (_PATH, None, nodeid.partition("::")[2])
        return pytest.TestReport(nodeid, location, {}, outcome, longrepr, when)

    if outcome == "skipped":
        yield report("setup", "skipped", (_PATH, 0, f"Skipped: {why}"))
    else:
        yield report("setup")
        yield report("call", "failed", why) if outcome == "failed" else report("call")
    yield report("teardown")
