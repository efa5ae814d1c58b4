"""docs/formats.md: each command runs as it stands there, on made-up files of the published shapes."""

import os
import re
import shlex
from pathlib import Path

import pytest

from harness.domain.record import SampleRecord, SummaryRecord
from harness.embedded.process import EmbeddedServer
from harness.store.reader import read_run
from harness.testing.message import Request
from harness.testing.scripted import ScriptedServer
from tests import forkserver
from tests.own_task.published import DEFINITIONS, PAGE, make

COMMANDS = {
    found[2]: shlex.split(found[1])
    for found in re.finditer(r"^lms-harness (run .*--tasks (\w+).*)$", PAGE, re.MULTILINE)
}


def run(folder: Path, url: str, *words: str) -> str:
    environ = {**os.environ, "LMS_HARNESS_STATE": str(folder / "state"), "COLUMNS": "120"}
    done = forkserver.run("harness.cli", *words, f"--url={url}", cwd=folder, env=environ)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def speak(request: Request) -> str:
    """Answer as a model does that knows a little."""
    prompt = request.prompt
    if "tea.brew(" in prompt:
        return '[{"name": "tea.brew", "arguments": {"kind": "Green tea"}}]'
    if "intents" in prompt:
        return "oos" if "geese" in prompt else "pay_bill"
    if "three times" in prompt:
        times = re.findall(r"three times (\d+) coins", prompt)
        return f"That is {3 * int(times[-1])}.\n#### {3 * int(times[-1])}"
    return "A" if "multiple choice" in prompt else "hello there my dear friend, please have some tea"


def test_each_command_runs_and_ends_in_the_figures_of_the_paper(tmp_path: Path) -> None:
    assert sorted(COMMANDS) == sorted(DEFINITIONS)
    folder, found = make(tmp_path), {}
    with ScriptedServer() as server:
        server.reply_with(speak)
        for name, words in COMMANDS.items():
            found[name] = run(folder, server.url, *words, f"--results={name}-results")
    assert "ifeval, acme/tiny-1b: prompt strict 0.500, instruction strict 0.667" in found["ifeval"]
    assert "clinc150, acme/small-4b: in scope accuracy 0.500, out of scope recall 1.000" in found["clinc150"]
    cells = {
        cell.task: (cell.n, cell.score, cell.chance)
        for name in COMMANDS
        for path in (folder / f"{name}-results").glob("*.jsonl")
        for cell in read_run(path)
        if isinstance(cell, SummaryRecord)
    }
    assert cells["gsm8k"] == (3, 1.0, 1 / 3)
    assert cells["mmlu"] == (4, 0.5, 0.5)
    assert cells["bfcl"] == (4, 0.25, 0.25)
    assert cells["clinc150"] == (3, 2 / 3, 1 / 3)


@pytest.mark.embedded
def test_a_command_runs_on_real_weights(embedded_server: EmbeddedServer, tmp_path: Path) -> None:
    words = [*COMMANDS["gsm8k"], "--model=*q4_0", "--limit=1", "--max-output-tokens=4"]
    words = [word for word in words if word != "all"]
    words.remove("--model")
    run(make(tmp_path), embedded_server.url, *words)
    (path,) = (tmp_path / "results").glob("*.jsonl")
    (sample,) = (record for record in read_run(path) if isinstance(record, SampleRecord))
    assert (sample.task, sample.outcome) in {("gsm8k", "truncated"), ("gsm8k", "ok")}
