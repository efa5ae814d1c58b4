"""Which runs to choose from, and the choice for each of their tasks."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.command.primary import PrimaryAnswers, ShippedScorers, read_primary
from harness.errors import SettingsError, StoreError
from harness.store.run_file import RunFile
from harness.store.run_folder import run_paths
from harness.verdict.contender import Rule
from harness.verdict.evidence import TaskEvidence, by_key, difference, gather
from harness.verdict.task_choice import TaskChoice, recommended

MOST_FILES = 50
"""The newest run files of a folder that are looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The answers of all tasks.

    Attributes:
        tasks: by name.
        runs: the files that they rest on, the newest first.
        skipped: files that were passed over, and why.
        primary: key or name of the model that is used now, if it is named.
        notes: what a person should know of the primary's answers.
    """

    tasks: tuple[TaskChoice, ...]
    runs: tuple[Path, ...]
    skipped: dict[str, str]
    primary: str | None = None
    notes: tuple[str, ...] = ()


def choose_all(
    files: Sequence[Path],
    results: Path,
    rule: Rule,
    *,
    primary: str | None = None,
    shipped: ShippedScorers = dict,
) -> Chosen:
    """Return who takes which task.

    Args:
        files: run files; they must be comparable. Without any, the newest of the folder and those comparable with it.
        results: the folder.
        rule: how to choose.
        primary: what is used now, whose answers are the yardstick: the key of a model that the runs asked, which then
            is not a candidate, or a file with answers to their items.
        shipped: the scorers of shipped tasks, for such a file.

    Raises:
        SettingsError: the files cannot be put side by side, or nobody has asked the primary.
        StoreError: a named file cannot be read, or nothing was found.
        TaskError: the primary's answers cannot be used.
    """
    runs, skipped = _named(files) if files else _newest(results)
    tasks = gather(runs)
    answers = _primary(primary, runs, tasks, shipped)
    return Chosen(
        tasks=tuple(recommended(task, rule, primary=answers.by_task.get(task.task)) for task in tasks),
        runs=tuple(run.path for run in runs),
        skipped=skipped,
        primary=answers.name or None,
        notes=answers.notes,
    )


def _primary(
    primary: str | None, runs: Sequence[RunFile], tasks: Sequence[TaskEvidence], shipped: ShippedScorers
) -> PrimaryAnswers:
    """Return what the primary scored on each task."""
    if primary is None:
        return PrimaryAnswers(name="", by_task={}, notes=())
    if found := {task.task: by_key(task)[primary] for task in tasks if primary in by_key(task)}:
        return PrimaryAnswers(name=primary, by_task=found, notes=())
    if Path(primary).is_file():
        return read_primary(Path(primary), runs, tasks, shipped=shipped)
    asked = sorted({candidate.key for task in tasks for candidate in task.candidates})
    raise SettingsError(
        f"no run has asked the primary {primary!r}, and there is no such file of answers",
        hint=f"Asked were: {', '.join(asked)}.",
    )


def _named(files: Sequence[Path]) -> tuple[list[RunFile], dict[str, str]]:
    runs = sorted((RunFile.read(path) for path in files), key=lambda run: run.run.run_id, reverse=True)
    for run in runs[1:]:
        if why := difference(runs[0].run, run.run):
            raise SettingsError(f"these runs cannot be compared: {why}", hint="Name runs of the same samples.")
    return runs, {}


def _newest(results: Path) -> tuple[list[RunFile], dict[str, str]]:
    runs: list[RunFile] = []
    skipped: dict[str, str] = {}
    parents: set[str | None] = set()
    for path in run_paths(results)[:MOST_FILES]:
        try:
            run = RunFile.read(path)
        except StoreError as exc:
            skipped[str(path)] = exc.message
            continue
        if run.header is None:
            why = "an empty run"
        elif run.header.run_id in parents:
            why = "a later run resumed it"
        elif not run.summaries:
            why = "it finished no task"
        else:
            why = difference(runs[0].run, run.header) if runs else ""
        if why:
            skipped[str(path)] = why
        else:
            runs.append(run)
        parents.add(run.header.parent_run_id if run.header else None)
    if not runs:
        raise StoreError(
            f"there is no run with answers in {results}", hint="Start one, or name run files or another folder."
        )
    return runs, skipped
