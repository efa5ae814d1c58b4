"""Commands to copy from a page: ask a cell again, or show a sample whole."""

import shlex
from collections.abc import Iterable
from pathlib import Path

from harness.domain.candidate import key_of, level_of
from harness.domain.record import RunRecord
from harness.report.text import printable
from harness.store.cell import CellKey

# Settings that change what is asked, or how; a run's other settings are about its end.
_ASKED = {
    "epochs": "--epochs",
    "seed": "--seed",
    "load": "--load",
    "context_length": "--context-length",
    "reasoning": "--reasoning",
    "max_output_tokens": "--max-output-tokens",
    "reducer": "--reducer",
    "models_dir": "--models-dir",
}


def rerun_command(run: RunRecord, key: CellKey) -> str | None:
    """Return the command that asks a model the same samples of a task again; None: a name cannot be copied safely."""
    settings, origins = run.settings, run.settings_from
    words = ["lms-harness", "run"]
    if origins.get("url", "default") != "default" and settings.get("url"):
        words += ["--url", str(settings["url"])]
    words += ["--model", key_of(key.model_key), "--task", key.task]
    if isinstance(limit := run.plan.get("limit") or settings.get("limit"), int):
        words += ["--limit", str(limit)]
    for name, flag in _ASKED.items():
        if origins.get(name, "default") != "default" and settings.get(name) is not None:
            # Of several levels, the one of this cell.
            level = level_of(key.model_key) if name == "reasoning" else None
            words += [flag, level or str(settings[name])]
    own_tasks = settings.get("own_tasks")
    return _command([*words, *(("--tasks", str(own_tasks)) if own_tasks else ("--suite", "offload"))])


def show_command(path: Path, key: CellKey) -> str | None:
    """Return the command that shows the samples of a task; the script adds an item. None: as above."""
    return _command(["lms-harness", "show", str(path), "--task", key.task])


def word(name: str) -> str | None:
    """Return a name as one word of a shell; None: it cannot be copied safely."""
    return _command([name])


def _command(words: Iterable[str]) -> str | None:
    """Return the line for a shell. What acts on a terminal when it is pasted, quoted or not, makes it None."""
    line = shlex.join(words)
    return line if printable(line) == line and "\n" not in line and "\t" not in line else None
