"""Writes own tasks for tests."""

from pathlib import Path

from harness.own_task.own_task import OwnTask, load_own_tasks

TOML = """
data = "rows.csv"
prompt = "Ticket: {text}"
target = "desk"
scorer = "choice"
"""
CSV = "text,desk\nI paid twice,billing\nI cannot log in,login\nWhere is it?,shipping\nMy card expired,billing\n"


def write(folder: Path, toml: str = TOML, *, rows: str = CSV, name: str = "rows.csv", task: str = "desk") -> Path:
    """Write a definition and its data; return the folder."""
    (folder / f"{task}.toml").write_text(toml, encoding="utf-8")
    (folder / name).write_text(rows, encoding="utf-8")
    return folder


def load(folder: Path, toml: str = TOML, *, rows: str = CSV, name: str = "rows.csv") -> OwnTask:
    """Return the own task of a definition and its data."""
    (own,) = load_own_tasks(write(folder, toml, rows=rows, name=name))
    return own
