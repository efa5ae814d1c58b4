"""What a word names: a run, by its file or its id, or a model of a run, by its key or a part of it."""

from collections.abc import Collection, Iterable
from pathlib import Path

from harness.errors import SettingsError, StoreError
from harness.report.text import one_line
from harness.store.run_file import RunFile

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


def models_of(run: RunFile) -> list[str]:
    """Return the keys of the models that a run was to ask, or has asked."""
    planned = map(str, run.run.plan.get("models", []))
    return list(dict.fromkeys([*planned, *(key.model_key for key in run.cells)]))


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
        f"{shown} fits {len(found)} models of the run"
        if found
        else f"no run and no model of the run is called {shown}",
        hint=f"Asked were: {', '.join(found or asked)}.",
    )


def matching(name: str, asked: Iterable[str]) -> list[str]:
    """Return the keys that a name means: the key itself, else all that contain it."""
    keys = list(asked)
    exact = [key for key in keys if key.lower() == name.lower()]
    return exact or [key for key in keys if name.lower() in key.lower()]
