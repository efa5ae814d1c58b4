"""What a person sees while a run goes on: plain lines in a log, a bar on a terminal."""

import os
import pty
import re
import select
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.domain.answer import Answer, Job
from harness.domain.generation import ChatRequest, Outcome
from harness.domain.sample import Sample
from harness.report.progress import PlainProgress
from harness.testing.scripted import ScriptedServer
from tests import forkserver

KEY = "acme/tiny-1b"
ERASED_AND_SHOWN = "\x1b[J\x1b[?25h"


def answer(outcome: Outcome) -> Answer:
    request = ChatRequest(model="m", input="x")
    return Answer(
        job=Job(sample=Sample(item_id="i", prompt="x", target="x"), epoch=1, request=request), outcome=outcome
    )


def test_plain_lines_say_what_begins_and_how_it_ended() -> None:
    said: list[str] = []
    progress = PlainProgress(said.append)
    with progress.task("acme/tiny", "extract", 3) as advance:
        assert said == ["acme/tiny extract: 3 samples ..."]
        for outcome in (Outcome.OK, Outcome.TRUNCATED, Outcome.OK):
            advance(answer(outcome))
    assert said[1:] == ["acme/tiny extract: 2 ok, 1 truncated"]


@pytest.mark.parametrize(("answered", "line"), [(0, "stopped after 0 of 3"), (1, "stopped after 1 of 3, 1 ok")])
def test_a_task_that_is_interrupted_says_how_far_it_came(answered: int, line: str) -> None:
    """Before its first answer the line ended in a colon."""
    said: list[str] = []
    with PlainProgress(said.append).task("acme/tiny", "extract", 3) as advance:
        for _ in range(answered):
            advance(answer(Outcome.OK))
    assert said[1:] == [f"acme/tiny extract: {line}"]


def test_a_model_key_cannot_draw_on_the_terminal() -> None:
    said: list[str] = []
    PlainProgress(said.append).note("acme/\x1b[2Jtiny\nloading")
    assert "\x1b" not in said[0]
    assert "\n" not in said[0]


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer(token_s=0.02) as scripted:
        yield scripted


def on_a_terminal(words: list[str], folder: Path, *, interrupt_at: str | None = None) -> tuple[int, str]:
    """Run a command on a pseudo-terminal; return its exit code and all that it drew."""
    ours, theirs = pty.openpty()
    environ = {name: value for name, value in os.environ.items() if name not in {"CI", "NO_COLOR"}}
    environ |= {"TERM": "xterm-256color", "COLUMNS": "100", "LMS_HARNESS_STATE": str(folder / "state")}
    module, *words = words
    child = forkserver.start(module, *words, cwd=folder, env=environ, terminal=theirs)
    os.close(theirs)
    drawn, end = b"", time.monotonic() + 90
    while time.monotonic() < end:
        if select.select([ours], [], [], 0.2)[0]:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # Linux: the other end is closed
                break
            drawn += piece
            if interrupt_at is not None and interrupt_at.encode() in drawn:
                os.write(ours, b"\x03")
                interrupt_at = None
        elif child.poll() is not None:
            break
    os.close(ours)
    return child.wait(30), drawn.decode("utf-8", "replace")


def command(server: ScriptedServer, *words: str) -> list[str]:
    return [
        "harness.cli",
        "run",
        f"--url={server.url}",
        f"--model={KEY}",
        "--suite=offload",
        *words,
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_a_terminal_gets_a_bar_that_is_gone_at_the_end(server: ScriptedServer, tmp_path: Path) -> None:
    code, drawn = on_a_terminal(command(server, "--limit=12", "--task=extract"), tmp_path)
    assert code == 0, drawn
    assert f"{KEY}: loading" in drawn
    assert re.search(r"\d+/12 samples", drawn)
    assert re.search(rf"{KEY} extract: score \d\.\d\d, 12 samples in ", drawn)
    assert drawn.count("\x1b[?25h") == drawn.count(ERASED_AND_SHOWN)
    assert drawn.rindex("\x1b[?25h") > drawn.rindex("\x1b[?25l")
    assert "score [95 %]" in drawn


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_ctrl_c_at_the_terminal_releases_shows_what_there_is_and_exits_with_130(
    server: ScriptedServer, tmp_path: Path
) -> None:
    code, drawn = on_a_terminal(command(server, "--limit=500", "--task=extract"), tmp_path, interrupt_at="1/500")
    assert code == 130, drawn
    assert "Traceback" not in drawn
    assert re.search(r"extract: stopped after \d+ of \d+ samples", drawn)
    assert "setting `" not in drawn  # as the user writes it, although the line is broken
    assert "--budget " in drawn
    assert drawn.rindex("\x1b[?25h") > drawn.rindex("\x1b[?25l")
    assert server.loaded == []


def test_a_pipe_gets_no_colours_and_no_bar(server: ScriptedServer, tmp_path: Path) -> None:
    environ = {**os.environ, "LMS_HARNESS_STATE": str(tmp_path / "state")}
    module, *words = command(server, "--limit=3", "--task=extract")
    done = forkserver.run(module, *words, cwd=tmp_path, env=environ)
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    assert f"{KEY} extract: 3 samples ..." in done.stdout


def test_a_task_of_which_nothing_is_asked_is_not_spoken_of() -> None:
    said: list[str] = []
    with PlainProgress(said.append).task("acme/tiny-1b", "extract", 0):
        pass
    assert said == []
