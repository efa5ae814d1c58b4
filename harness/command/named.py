"""What a word names: a run, by its file or its id, or a model of a run, by its key or a part of it."""

from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path

from harness.domain.candidate import candidates_in, names_in
from harness.errors import SettingsError, StoreError
from harness.report.text import one_line
from harness.settings.name import setting
from harness.store.run_file import RunFile
from harness.store.run_folder import run_paths

_SHOWN = 80


def run_path(word: str, results: Path) -> Path | None:
    """Return the run file that a word names, by path or id; None: it is the name of something else.

    Raises:
        StoreError: it ends as a run file does, but there is no such file.
    """
    for path in (Path(word), results / f"{word}.jsonl"):
        try:
            if path.is_file():
                return path
        except (OSError, ValueError):  # Too long a name, or a NUL in it: no file has it.
            continue
    if word.endswith(".jsonl"):
        raise StoreError(
            f"there is no run file {one_line(word, limit=_SHOWN)}",
            hint="Name a run file, or the id of a run in the folder.",
        )
    return None


def why_not(skipped: Mapping[str, str]) -> str:
    """Return why each of these files is of no use; a reason that begins with the file's name does not repeat it."""
    return "; ".join(why if why.startswith(path) else f"{path}: {why}" for path, why in skipped.items())


def is_folder(word: str) -> bool:
    """Return whether a word names a folder."""
    try:
        return Path(word).is_dir()
    except (OSError, ValueError):  # Too long a name, or a NUL in it: no folder has it.
        return False


def no_run(word: str) -> StoreError:
    """Return the error for a word that names no run; a folder is told apart, as it has an option of its own."""
    shown = one_line(word, limit=_SHOWN)
    if is_folder(word):
        return StoreError(f"{shown} is a folder, not a run file", hint=f"Its runs: {setting('results', shown)}.")
    return StoreError(f"there is no run {shown}", hint="Name a run file, or the id of a run in the folder.")


def run_with_samples(word: str | None, results: Path, skipped: dict[str, str], *, or_measures: bool = False) -> RunFile:
    """Return the run that a word names, or the newest one of a folder; either has samples.

    Args:
        word: a run file, or the id of a run in the folder; None: the newest run of the folder that has samples.
        results: the folder.
        skipped: gets the newer files that were passed over, and why.
        or_measures: a run will do that has only figures, such as of the latency suite.

    Raises:
        StoreError: there is no such run, or it cannot be read.
    """

    def is_empty(run: RunFile) -> bool:
        return not (run.cells or (or_measures and run.measures))

    return _newest(results, skipped, is_empty) if word is None else _named(word, results, is_empty)


def _named(word: str, results: Path, is_empty: Callable[[RunFile], bool]) -> RunFile:
    path = run_path(word, results)
    if path is None:
        raise no_run(word)
    run = RunFile.read(path)
    if is_empty(run):
        raise _without_samples(run)
    return run


def _newest(results: Path, skipped: dict[str, str], is_empty: Callable[[RunFile], bool]) -> RunFile:
    timed: RunFile | None = None
    for path in run_paths(results):
        try:
            run = RunFile.read(path)
        except StoreError as exc:
            skipped[str(path)] = exc.message
            continue
        if not is_empty(run):
            return run
        timed = timed or (run if run.measures else None)
        skipped[str(path)] = "it has only measured times" if run.measures else "it has no samples"
    if timed is not None:
        raise _without_samples(timed)
    raise StoreError(f"there is no run with samples in {results}", hint="Start a run, or name a run or its folder.")


def _without_samples(run: RunFile) -> StoreError:
    if run.measures:
        hint = f"lms-harness report {run.path} puts its times on a page; a run with --suite offload asks samples."
        return StoreError(f"{run.path} has no samples: it has only measured times", hint=hint)
    return StoreError(f"{run.path} has no samples: nothing was asked", hint="Name another run.")


def models_of(run: RunFile) -> list[str]:
    """Return the names of the candidates that a run was to ask, or has asked."""
    return list(dict.fromkeys([*names_in(run.run.plan), *(key.model_key for key in run.cells)]))


def key_of(name: str, asked: Collection[str]) -> str:
    """Return the key of the one model that a name means.

    Raises:
        SettingsError: it fits none of these models, or several.
    """
    found = matching(name, asked)
    if len(found) == 1:
        return found[0]
    shown = one_line(name, limit=_SHOWN)
    raise SettingsError(
        f"{shown} fits {candidates_in(found)} of the run"
        if found
        else f"no run and no model of the run is called {shown}",
        hint=f"Asked were: {', '.join(found or asked)}.",
    )


def matching(name: str, asked: Iterable[str]) -> list[str]:
    """Return the keys that a name means: the key itself, else all that contain it."""
    keys = list(asked)
    exact = [key for key in keys if key.lower() == name.lower()]
    return exact or [key for key in keys if name.lower() in key.lower()]
