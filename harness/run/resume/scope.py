"""Which suites and tasks a run was made of: what resuming it without naming any means."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.domain.record import RunRecord
from harness.settings import Settings
from harness.store.reader import read_header
from harness.store.run_file import RunFile

_SUITE = re.compile(r"(?:^|/)suites/(\w+)/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The suites of a run, and its tasks; both empty where it was not made of our suites."""

    suites: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()


def suites_of(tests: Iterable[str]) -> list[str]:
    """Return the names of the suites that these node ids belong to."""
    return sorted({found[1] for test in tests if (found := _SUITE.search(test)) is not None})


def scope_of(run: RunRecord) -> Scope:
    """Return what a run was made of, by its first record.

    Run files before version 0.2.0 do not list their suites: then the command line tells, where it names any.
    """
    suites = run.plan.get("suites")
    named = _named(run.argv) if suites is None else tuple(suites)
    return Scope(suites=named, tasks=tuple(run.plan.get("tasks", ())) if named else ())


def with_scope(settings: Settings, suites: Sequence[str]) -> tuple[Settings, Sequence[str]]:
    """Return settings and suites of a run that resumes `settings.resume`: those of that run, where none are named.

    Raises:
        StoreError: the run file cannot be read.
    """
    if settings.resume is None or suites:
        return settings, suites
    path = Path(settings.resume)
    run = RunFile(path=path, header=read_header(path)).run
    scope = scope_of(run)
    if settings.tasks or not scope.tasks:
        return settings, scope.suites
    source = {**settings.source, "tasks": f"run {run.run_id}"}
    return replace(settings, tasks=scope.tasks, source=source), scope.suites


def _named(argv: Sequence[str]) -> tuple[str, ...]:
    words = " ".join(argv)
    return tuple(dict.fromkeys(re.findall(r"--suite[ =](\w+)", words)))
