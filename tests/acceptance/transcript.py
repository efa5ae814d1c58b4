"""The transcripts of docs/choosing.md, made on a scripted LM Studio whose two models have known pass rates.

`python -m tests.acceptance.transcript` runs every command of the page and writes what it prints into it;
test_choosing.py runs them again and compares.
"""

import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cache
from io import StringIO
from pathlib import Path

import pytest

from harness.cli import main as cli_main
from harness.command.primary import export_items
from harness.task.catalogue import Entry, load_catalogue
from harness.task.shipped import suites_dir
from harness.testing.message import Request
from harness.testing.scripted import ScriptedServer
from tests import forkserver

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "choosing.md"
TINY, SMALL = "acme/tiny-1b", "acme/small-4b"
N = 30
RATES: Mapping[str, Mapping[str, float]] = {
    "extract": {TINY: 0.4, SMALL: 0.97},
    "reason": {TINY: 0.1, SMALL: 0.4},
    "summarise": {TINY: 0.3, SMALL: 0.82},
}
UPDATED: Mapping[str, Mapping[str, float]] = {**RATES, "extract": {TINY: 0.4, SMALL: 0.3}}
PAUSE_S: Mapping[str, float] = {TINY: 0.02, SMALL: 0.12}
BLOCK = re.compile(r"^```(console|sh|python)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
FEWER = f" --suite=offload --limit={N}" + "".join(f" --task={task}" for task in RATES)
COLUMNS = "100"


@dataclass(frozen=True)
class Played:
    """A command of the page with what it printed."""

    command: str
    output: str
    code: int


@cache
def entries() -> Mapping[str, Entry]:
    return {entry.task.name: entry for entry in load_catalogue(suites_dir()) if entry.task.name in RATES}


def speaker(rates: Mapping[str, Mapping[str, float]]) -> Callable[[Request], str]:
    """Return models that give the reference answer to as many of a hundred items as their rates say."""
    known = {
        sample.prompt: (name, entry.reference(sample))
        for name, entry in entries().items()
        for sample in entry.task.samples(seed=0, limit=N)
    }

    def speak(request: Request) -> str:
        model = str(request.json["model"]).partition(":")[0]
        time.sleep(PAUSE_S[model])
        task, answer = known.get(request.prompt, ("", "Hello."))
        place = int(hashlib.sha256(f"{model} {request.prompt}".encode()).hexdigest(), 16) % 100
        return answer if not task or place < 100 * rates[task][model] else "I do not know."

    return speak


class World:
    """A folder, and a server that is updated during the first night."""

    def __init__(self, folder: Path, server: ScriptedServer) -> None:
        self.folder = folder
        self._server = server
        server.reply_with(speaker(RATES))
        items = list(export_items([entries()["extract"].task], seed=0, n=N))
        right = [
            entries()["extract"].reference(sample) for sample in entries()["extract"].task.samples(seed=0, limit=N)
        ]
        rows = [
            {"id": item["id"], "answer": answer if number else "", "model": "cloud/large-1"}
            for number, (item, answer) in enumerate(zip(items, right, strict=True))
        ]
        (folder / "answers.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))

    def play(self, command: str) -> Played:
        """Run a command of the page. A run asks fewer tasks; after the first one the server is updated."""
        if command.startswith("lms-harness run"):
            words = (command + FEWER).split()[1:]
            environ = {**os.environ, **self._environ}
            process = forkserver.start("harness.cli", *words, cwd=self.folder, env=environ, is_merged=True)
            output, _ = process.communicate(timeout=200)
            self._server.reply_with(speaker(UPDATED))
            return Played(command, output.rstrip("\n"), process.wait(60))
        if re.fullmatch(r"lms-harness [\w .:=-]+", command):
            return self._in_this_process(command)
        done = subprocess.run(
            ["bash", "-c", command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=200,
            cwd=self.folder,
            check=False,
            env={**os.environ, **self._environ},
        )
        return Played(command, done.stdout.rstrip("\n"), done.returncode)

    @property
    def _environ(self) -> dict[str, str]:
        return {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "LM_STUDIO_API_URL": self._server.url,
            "LMS_HARNESS_STATE": str(self.folder / "state"),
            "COLUMNS": COLUMNS,
        }

    def _in_this_process(self, command: str) -> Played:
        """Run a command without starting an interpreter, which costs a second each."""
        printed, code = StringIO(), 0
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(printed), redirect_stderr(printed):
            patch.chdir(self.folder)
            patch.setattr(sys, "argv", command.split())
            for name, value in self._environ.items():
                patch.setenv(name, value)
            try:
                cli_main()
            except SystemExit as ended:
                code = int(ended.code or 0)
        return Played(command, printed.getvalue().rstrip("\n"), code)


@contextmanager
def world(folder: Path) -> Iterator[World]:
    with ScriptedServer() as server:
        yield World(folder, server)


def blocks(page: str) -> Iterator[tuple[str, str]]:
    """Yield each block's kind and text."""
    for found in BLOCK.finditer(page):
        yield found[1], found[2]


def commands(kind: str, text: str) -> list[str]:
    """Return the commands of a block: a console's, one after each $; a shell's lines, or all of a script."""
    if kind == "console":
        return [line.removeprefix("$ ") for line in text.splitlines() if line.startswith("$ ")]
    if kind == "sh" and not re.search(r"^(if|case|for|\s)", text, re.MULTILINE):
        return [line for line in text.splitlines() if line and not line.startswith("#")]
    return [text if kind == "sh" else f"python3 -c {shlex.quote(f'{text}print(key, valid_until)')}"]


def rewritten(page: str, world: World) -> str:
    """Return the page with what its commands print now."""

    def play(found: re.Match[str]) -> str:
        kind, text = found[1], found[2]
        played = [world.play(command) for command in commands(kind, text)]
        if kind != "console":
            return found[0]
        lines = [f"$ {step.command}\n{step.output}".rstrip("\n") + "\n" for step in played]
        return f"```console\n{''.join(lines)}```"

    return BLOCK.sub(play, page)


def main() -> None:
    """Rewrite the page."""
    with tempfile.TemporaryDirectory() as folder, world(Path(folder)) as made:
        PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8"), made), encoding="utf-8")


if __name__ == "__main__":
    main()
