"""docs/tasks.md, followed to the letter."""

import importlib
import os
import re
import shlex
from pathlib import Path

import pytest

from harness.task.shipped import shipped_names
from tests import forkserver

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/tasks.md").read_text(encoding="utf-8")
FILES = re.findall(r"```python file=(\S+)\n(.*?)```", PAGE, re.DOTALL)
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]
ROW = re.compile(r"^\| ([\w-]+) \| .* \| `(\w+)[^|]*` \| ([\d.]+) \|$", re.MULTILINE)


def follow(command: str, folder: Path) -> str:
    """Write the page's files and run one of its commands there; return what it printed."""
    for name, text in FILES:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    program, flag, module, *arguments = shlex.split(command)
    assert (program, flag) == ("python", "-m")
    done = forkserver.run(module, *arguments, "-p", "no:cacheprovider", cwd=folder, env=os.environ, timeout=250)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_the_class_of_the_page_keeps_its_promises(tmp_path: Path) -> None:
    assert "4 passed" in follow(COMMANDS[0], tmp_path)


@pytest.mark.embedded
@pytest.mark.timeout(300)
@pytest.mark.usefixtures("embedded_server")
def test_the_class_of_the_page_asks_a_model(tmp_path: Path) -> None:
    assert len(COMMANDS) == 2
    said = follow(f"{COMMANDS[1]} --lms-results results", tmp_path)
    assert "1 passed" in said
    assert re.search(r"count +(?:open|your primary|\S*q4_0)", said)


def test_the_table_of_the_catalogue_is_true() -> None:
    rows = {name: (scorer, float(chance)) for name, scorer, chance in ROW.findall(PAGE)}
    for name, (scorer, chance) in rows.items():
        task = importlib.import_module(f"suites.offload.{name.replace('-', '_')}").TASK
        assert (type(task.scorer).__name__, round(task.chance, 2)) == (scorer, chance)
    assert sorted(rows) == shipped_names()
