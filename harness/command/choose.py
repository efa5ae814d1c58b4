"""Which runs to choose from, and the choice for each of their tasks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.command.named import why_not
from harness.command.primary import PrimaryAnswers, ShippedTasks, read_primary
from harness.domain.candidate import by_effort
from harness.errors import SettingsError, StoreError
from harness.store.run_file import RunFile
from harness.store.run_folder import run_paths, whole_headers
from harness.verdict.contender import Rule
from harness.verdict.evidence import Gathering, TaskEvidence, contender_of, yardstick_of
from harness.verdict.supply import Supply
from harness.verdict.task_choice import TaskChoice, recommended, with_own_floor

MOST_FILES = 50
"""The newest run files of a folder that are looked at."""
_ONLY_TIMES = "it finished no task, it has only measured times"


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
    shipped: ShippedTasks = dict,
    is_floor_set: bool = False,
    skips_unlike: bool = False,
) -> Chosen:
    """Return who takes which task.

    Args:
        files: run files; they must be comparable, and those that are not whole runs are skipped. Without any, the
            newest of the folder and those comparable with it.
        results: the folder.
        rule: how to choose.
        primary: what is used now, whose answers are the yardstick: the key of a model that the runs asked, which then
            is not a candidate, or a file with answers to their items.
        shipped: gives the shipped tasks, for such a file, and for how many items there are.
        is_floor_set: the rule's floor is the user's, and goes before the floors that tasks have of their own.
        skips_unlike: skip named files that cannot stand beside newer ones, rather than refuse them all.

    Raises:
        SettingsError: the files cannot be put side by side, or nobody has asked the primary.
        StoreError: none of the files is a run with answers.
        TaskError: the primary's answers cannot be used.
    """
    paths = files or run_paths(results)[:MOST_FILES]
    tasks, runs, skipped = _gathered(paths, is_strict=bool(files) and not skips_unlike)
    if not runs:
        raise StoreError(_no_answers(files, results, skipped), hint=_what_to_do(skipped))
    answers = _primary(primary, runs, tasks, shipped)
    supply = Supply(shipped, seed=tasks[0].runs[0].seed)
    return Chosen(
        tasks=tuple(
            recommended(
                task,
                rule if is_floor_set else with_own_floor(rule, task.runs[0], task.task),
                primary=answers.by_task.get(task.task),
                primary_name=answers.name or None,
                supply=supply,
            )
            for task in tasks
        ),
        runs=tuple(runs),
        skipped=skipped,
        primary=answers.name or None,
        notes=answers.notes,
    )


def _primary(
    primary: str | None, runs: Sequence[Path], tasks: Sequence[TaskEvidence], shipped: ShippedTasks
) -> PrimaryAnswers:
    """Return what the primary scored on each task."""
    if primary is None:
        return PrimaryAnswers(name="", by_task={}, notes=())
    if models := {task.task: model for task in tasks if (model := contender_of(task, primary)) is not None}:
        found = {task.task: model for task in tasks if (model := yardstick_of(task, primary)) is not None}
        name = next(iter(models.values())).key
        lost = [f"{task} ({model.lost} of {model.n})" for task, model in models.items() if task not in found]
        note = f"Too many answers of {name} were lost for a yardstick, so the floor is it: {', '.join(lost)}"
        return PrimaryAnswers(name=name, by_task=found, notes=(note,) if lost else ())
    if Path(primary).is_file():
        return read_primary(Path(primary), [RunFile.read(path) for path in runs], tasks, shipped=shipped)
    asked = sorted({candidate.key for task in tasks for candidate in task.candidates}, key=by_effort)
    raise SettingsError(
        f"no run has asked the primary {primary!r}, and there is no such file of answers",
        hint=f"Asked were: {', '.join(asked)}.",
    )


def _gathered(paths: Sequence[Path], *, is_strict: bool) -> tuple[list[TaskEvidence], list[Path], dict[str, str]]:
    """Return the evidence, the files that it comes from, and the files that were skipped, with the reason.

    The newest run comes first. A run of which newer ones have asked everything is not read, and not named either. One
    that asked some tasks in another way than newer ones gives what it has of the others.
    """
    skipped: dict[str, str] = {}

    def skip(path: Path, reason: str, *, is_damaged: bool) -> None:  # noqa: ARG001  (the protocol's)
        skipped[str(path)] = reason

    headers = whole_headers(paths, on_skip=skip)
    gathering = Gathering()
    used: list[Path] = []
    for path, header in sorted(headers.items(), key=lambda found: found[1].run_id, reverse=True):
        clashes = gathering.clashes(header)
        if clashes and clashes.keys() == header.plan["tasks"].keys():
            if is_strict:
                hint = "Name runs of the same samples."
                raise SettingsError(f"these runs cannot be compared: {_listed(clashes)}", hint=hint)
            skipped[str(path)] = _listed(clashes)
        elif gathering.wants(header, clashes):
            reason = _added(path, gathering)
            if reason == "":
                used.append(path)
                reason = f"in part, {_listed(clashes)}" if clashes else ""
            if reason:
                skipped[str(path)] = reason
    return gathering.tasks(), used, skipped


def _listed(clashes: Mapping[str, str]) -> str:
    """Return "classify, extract: not the same samples …"."""
    by_reason: dict[str, list[str]] = {}
    for task, why in clashes.items():
        by_reason.setdefault(why, []).append(task)
    return "; ".join(f"{', '.join(tasks)}: {why}" for why, tasks in by_reason.items())


def _added(path: Path, gathering: Gathering) -> str | None:
    """Add a run; return why it cannot be used, None where newer runs have it all."""
    try:
        run = RunFile.read(path)
    except StoreError as exc:
        return exc.message
    if not run.summaries:
        return _ONLY_TIMES if run.measures else "it finished no task"
    return "" if gathering.add(run) else None


def _what_to_do(skipped: Mapping[str, str]) -> str:
    if timed := next((path for path, why in skipped.items() if why == _ONLY_TIMES), None):
        return f"Start a run with --suite offload. lms-harness report {timed} puts the times on a page."
    return "Start a run, or name run files or another folder."


def _no_answers(files: Sequence[Path], results: Path, skipped: dict[str, str]) -> str:
    if not files:
        has_times = _ONLY_TIMES in skipped.values()
        return f"there is no run with answers in {results}" + (", only measured times" if has_times else "")
    return f"none of these files is a run with answers: {why_not(skipped)}"
