"""docs/scorers.md, followed to the letter."""

import re
import subprocess
import sys
from pathlib import Path

from harness.scoring.constraint_kind import KINDS
from harness.scoring.registry import scorer_names

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/scorers.md").read_text(encoding="utf-8")
FILES = re.findall(r"```(?:python|json) file=(\S+)\n(.*?)```", PAGE, re.DOTALL)
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]


def test_the_files_of_the_page_run_with_its_commands(tmp_path: Path) -> None:
    for name, text in FILES:
        (tmp_path / name).write_text(text, encoding="utf-8")
    modules = {
        "python": [],
        "pytest": ["-m", "pytest", "-p", "no:cacheprovider"],
        "lms-harness": ["-P", "-c", "from harness.cli import main; main()"],
    }
    assert [line.split()[0] for line in COMMANDS] == ["lms-harness", "python", "pytest"]
    for line in COMMANDS:
        program, *arguments = line.split()
        command = [sys.executable, *modules[program]]
        done = subprocess.run(
            [*command, *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
        if program == "pytest":
            assert "5 passed" in done.stdout
        if program == "lms-harness":
            assert "unscored: 1 without an output (line 4)" in done.stdout


def test_the_page_names_every_scorer_and_every_kind_of_constraint() -> None:
    assert [name for name in (*scorer_names(), *KINDS) if f"`{name}`" not in PAGE] == []
