"""Which run is put to the gate, against which earlier ones, and what becomes of the baseline afterwards."""

import re
import shutil
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.command.named import is_folder, run_path
from harness.errors import SettingsError, StoreError
from harness.report.text import one_line
from harness.store.run_file import RunFile
from harness.store.run_folder import lineage, run_paths, whole_runs
from harness.verdict.gate import Night, night
from harness.verdict.gate_time import TIME_MARGIN
from harness.verdict.single_time import has_times

LAST_RUNS = 7
"""How many runs of a folder are its baseline: a week of nights."""

_SHOWN = 80
_MOST_OWN = 3
_ID = re.compile(r"\w[\w.-]*", re.ASCII)
"""An id that can name a file: those of our runs, and not any that a file may claim."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gated:
    """A run that was put to the gate.

    Attributes:
        run: its file.
        night: how it stands; None: the folder of the baseline holds no run to compare with.
        skipped: files that were passed over, and why.
    """

    run: RunFile
    night: Night | None
    skipped: dict[str, str]


def gate_run(
    words: Sequence[str],
    results: Path,
    *,
    margin: float,
    tasks: Collection[str] = (),
    last: int = LAST_RUNS,
    may_begin: bool = False,
    slower: float = TIME_MARGIN,
) -> Gated:
    """Return how a run stands against a baseline.

    Args:
        words: the baseline, as run files, ids of runs, and folders, whose newest runs are meant; after it, if there is
            more than one word, the run: a file, an id, or a folder, whose newest run is meant.
        results: the folder of runs that are named by id, and of the newest run if none is named.
        margin: the largest loss of score that does not matter.
        tasks: only these; none: all.
        last: how many runs of the folders of the baseline are meant, the newest.
        may_begin: whether a folder without runs is a baseline that begins.
        slower: how much slower does not matter, as a share. With `tasks`, times are not compared.

    Raises:
        SettingsError: no baseline is named, or no run has a task.
        StoreError: a run that is named cannot be read, there is none, or the run is part of the baseline.
    """
    if not words:
        raise SettingsError(
            "expected a baseline: run files, ids of runs, or a folder of runs",
            hint="For example: lms-harness gate baseline/",
        )
    *names, word = words if len(words) > 1 else (words[0], "")
    run = RunFile.read(_named_run(word, results) if word else _newest(results))
    skipped: dict[str, str] = {}
    baseline = read_baseline(
        names, results, run=run, last=last, skipped=skipped, is_newest=not word, may_begin=may_begin
    )
    if not baseline:
        return Gated(run=run, night=None, skipped=skipped)
    known = {summary.task for seen in (run, *baseline) for summary in seen.summaries}
    if unknown := [one_line(task, limit=_SHOWN) for task in tasks if task not in known]:
        raise SettingsError(f"no such task: {', '.join(unknown)}", hint=f"Finished were: {', '.join(sorted(known))}.")
    found = night(run, baseline, margin=margin, tasks=tasks, slower=None if tasks else slower)
    return Gated(run=run, night=found, skipped=skipped)


def read_baseline(
    words: Sequence[str],
    results: Path,
    *,
    run: RunFile | None,
    last: int = LAST_RUNS,
    skipped: dict[str, str],
    is_newest: bool = False,
    may_begin: bool = False,
) -> list[RunFile]:
    """Return the runs of a baseline, the newest first.

    Args:
        words: run files, ids of runs, folders.
        results: the folder of runs that are named by id.
        run: that is to be compared: it is left out, and so are the runs that it resumes; None: it has not begun.
        last: how many runs of the folders are meant.
        skipped: takes what is passed over in folders, and why.
        is_newest: whether the run was taken because it is the newest one.
        may_begin: whether there may be none.

    Raises:
        StoreError: a named run cannot be read, or there is none.
    """
    files, in_folders = _places(words, results, may_begin=may_begin)
    nearby = [*files, *in_folders]
    ours = lineage(run, nearby, results) if run is not None else []

    def skip(path: Path, reason: str, *, is_damaged: bool) -> None:  # noqa: ARG001  (the protocol's)
        skipped[str(path)] = reason

    found = _named_runs(files, ours)
    own: list[RunFile] = []
    taken = 0
    for seen in whole_runs(in_folders, on_skip=skip):
        if run is not None and is_newest and seen.run.run_id == run.run.run_id and not _is_same(seen.path, run.path):
            raise StoreError(
                f"the newest run, {run.path}, is already part of the baseline",
                hint="Did the last run leave no file? Name the run that you mean after the baseline.",
            )
        if seen.run.run_id in ours:
            own.append(seen)
            continue
        if seen.run.run_id in found:
            continue
        if not seen.summaries and not has_times(seen):
            skipped[str(seen.path)] = "it finished no task and measured no times"
            continue
        found[seen.run.run_id] = seen
        taken += 1
        if taken == last:
            break
    for older, newer in _resumed(found, nearby, results).items():
        skipped[str(found.pop(older).path)] = f"resumed by {newer}, which holds its answers too"
    if not found and not may_begin:
        raise StoreError(
            f"no run to compare with in {one_line(', '.join(words), limit=_SHOWN)}{_only_own(own, run)}",
            hint="Name an earlier run, or copy one into the folder.",
        )
    return sorted(found.values(), key=lambda seen: seen.run.at, reverse=True)


def _only_own(own: Sequence[RunFile], run: RunFile | None) -> str:
    """Return which files of the baseline were passed over because they are the run that is compared; "" if none."""
    parts = []
    for seen in own[:_MOST_OWN]:
        is_itself = run is not None and seen.run.run_id == run.run.run_id
        what = "is the run itself" if is_itself else "is an earlier part of the same run, which resumed it"
        parts.append(f"{one_line(seen.path.name, limit=_SHOWN)} {what}")
    more = f", and {len(own) - _MOST_OWN} more" if len(own) > _MOST_OWN else ""
    return f": {', '.join(parts)}{more}" if parts else ""


def _named_runs(files: Iterable[Path], ours: Collection[str]) -> dict[str, RunFile]:
    found: dict[str, RunFile] = {}
    for path in files:
        seen = RunFile.read(path)
        if seen.run.run_id in ours:
            raise StoreError(f"{path} is the run itself, or one that it resumes, and so no baseline for it")
        found[seen.run.run_id] = seen
    return found


def _resumed(runs: Mapping[str, RunFile], nearby: Collection[Path], results: Path) -> dict[str, str]:
    """Return which of the runs another one of them resumes, directly or not, and that one."""
    return {
        older: newer for newer, seen in runs.items() for older in lineage(seen, nearby, results)[1:] if older in runs
    }


def folder_to_update(words: Sequence[str]) -> Path:
    """Return the folder that takes a run that passes.

    Raises:
        SettingsError: the baseline is not a folder.
    """
    names = words[:-1] if len(words) > 1 else words
    if len(names) != 1 or Path(names[0]).is_file() or names[0].endswith(".jsonl"):
        raise SettingsError(
            "expected one folder as the baseline that is kept up to date, got "
            f"{one_line(', '.join(names) or 'none', limit=_SHOWN)}",
            hint="For example: lms-harness gate baseline/ --update",
        )
    return Path(names[0])


def keep(run: RunFile, folder: Path) -> Path:
    """Copy a run into a folder, and return where it is now; what reads the folder never sees half of it.

    It is named by its id, so that each night has its own file even if all runs are called `nightly.jsonl`.

    Raises:
        StoreError: it cannot be written.
    """
    target = folder / (f"{run.run.run_id}.jsonl" if _ID.fullmatch(run.run.run_id) else run.path.name)
    half = target.with_suffix(".part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            shutil.copy2(run.path, half)
            half.rename(target)
    except OSError as exc:
        raise StoreError(
            f"cannot copy {run.path} to {folder}: {exc.strerror or exc}", hint="The baseline is as it was."
        ) from exc
    return target


def _places(words: Iterable[str], results: Path, *, may_begin: bool) -> tuple[list[Path], list[Path]]:
    """Return the run files that words name, and those in the folders that they name, the newest first."""
    files: list[Path] = []
    folders: list[Path] = []
    for word in words:
        if (path := run_path(word, results)) is not None:
            files.append(path)
        elif is_folder(word) or may_begin:
            folders += run_paths(Path(word))
        else:
            raise StoreError(
                f"there is no run and no folder {one_line(word, limit=_SHOWN)}",
                hint="Name a run file, the id of a run in the results folder, or a folder of runs.",
            )
    return files, sorted(folders, key=lambda path: path.name, reverse=True)


def _named_run(word: str, results: Path) -> Path:
    path = run_path(word, results)
    if path is None and is_folder(word):
        return _newest(Path(word))
    if path is None:
        raise StoreError(
            f"there is no run {one_line(word, limit=_SHOWN)}",
            hint="Of several names the last one is the run, and those before it are the baseline.",
        )
    return path


def _newest(folder: Path) -> Path:
    """Return the newest run file of a folder, whatever is in it: a run that died at once has not passed."""
    paths = run_paths(folder)
    if not paths:
        raise StoreError(f"there is no run in {folder}", hint="Start a run, or name one after the baseline.")
    return paths[0]


def _is_same(path: Path, other: Path) -> bool:
    try:
        return path.samefile(other)
    except OSError:
        return False
