"""The token is nowhere but in the request, and what models write acts nowhere."""

import json
import os
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from harness.domain.model import ModelKey
from harness.report.text import printable
from harness.testing.library import DEFAULT_MODELS
from harness.testing.scripted import ScriptedServer
from tests import forkserver

from .conftest import HARNESS, Lms

CANARY = "sk-canary-c0ffee42"
HOSTILE = "\x1b[2J\u202e\r\n::error::owned\n##vso[task.complete]\n##[error]x\x07"
USERS_TEST = """
def test_what_a_user_sees(lms_client, lms_settings, lms_instance, lms_run):
    token = lms_client
    assert lms_settings is None, repr((lms_client, lms_settings, lms_instance, vars(lms_run)))
"""


def everything_below(folder: Path) -> bytes:
    """Return the contents of all files that were written."""
    found = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    return b"".join(path.read_bytes() for path in found)


def test_the_token_is_in_nothing_that_pytest_prints_or_writes(environ: Mapping[str, str], tmp_path: Path) -> None:
    (tmp_path / "test_own.py").write_text(USERS_TEST)
    with ScriptedServer(token=CANARY) as server:
        told = ("-vv", "--showlocals", "--full-trace", "-rA", "--log-level=DEBUG")
        written = ("--junitxml=junit.xml", "-o", "junit_logging=all", "--log-file=all.log", "--log-file-level=DEBUG")
        words = ("-p", "no:cacheprovider", "-p", "harness.pytest_plugin", f"--lms-url={server.url}")
        done = forkserver.run("pytest", *told, *written, *words, cwd=tmp_path, env={**environ, "LM_API_TOKEN": CANARY})
    assert done.returncode == 1, done.stdout
    assert "lms_client" in done.stdout
    assert CANARY not in done.stdout + done.stderr
    assert CANARY.encode() not in everything_below(tmp_path)
    assert {"junit.xml", "all.log"} <= {path.name for path in tmp_path.iterdir()}


def test_the_token_is_in_no_benchmark_file_and_no_record(lms: Lms, tmp_path: Path) -> None:
    with ScriptedServer(token=CANARY) as server:
        saved = ("--", "--benchmark-autosave", "--benchmark-json=figures.json", "--junitxml=junit.xml")
        words = (f"--url={server.url}", "--suite=latency", "--latency-budget=1s", "--token", CANARY)
        result = lms("run", *words, *saved)
    assert result.code == 0, result.said
    assert json.loads((tmp_path / "figures.json").read_text())["benchmarks"]
    assert CANARY not in result.said
    assert CANARY.encode() not in everything_below(tmp_path)


def test_a_token_in_the_environment_is_in_no_process_list(environ: Mapping[str, str], tmp_path: Path) -> None:
    secret = f"{CANARY}-env"  # Other tests, running beside this one, give theirs as an option.
    with ScriptedServer(token=secret, token_s=0.02) as server:
        child = subprocess.Popen(
            [*HARNESS, "run", f"--url={server.url}", "--suite=offload", "--task=extract", "--limit=5"],
            cwd=tmp_path,
            env={**environ, "LM_API_TOKEN": secret},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert child.stdout is not None
        child.stdout.readline()
        shown = subprocess.run(["ps", "-eww", "-o", "args"], capture_output=True, text=True, check=True).stdout
        child.communicate(timeout=90)
    assert "harness.cli" in shown
    assert secret not in shown


def test_what_a_model_writes_acts_in_no_terminal_no_ci_and_no_report(lms: Lms, tmp_path: Path) -> None:
    key = ModelKey("../../acme/\x1b[31m\u202e\n::error::tiny")
    with ScriptedServer([replace(DEFAULT_MODELS[0], key=key, display_name=HOSTILE)]) as server:
        server.reply_with(lambda _: HOSTILE)
        words = (f"--url={server.url}", "--suite=offload", "--limit=2", "--floor=extract=1")
        told = ("--", "--junitxml=junit.xml", "-vv", "-rA")
        result = lms("run", *words, *told, CI="true", GITHUB_ACTIONS="true")
        listing = lms("models", f"--url={server.url}")
        answer = lms("chat", key, "x", f"--url={server.url}", "--unload-after")
    assert result.code == 1, result.said
    for shown in (result.said, listing.said, answer.said):
        assert not set(shown) & {"\x1b", "\x07", "\u202e", "\r"}
        assert not [line for line in shown.splitlines() if line.strip().startswith("::")]
        assert "##[" not in shown
        assert "##vso[" not in shown
    ET.parse(tmp_path / "junit.xml")
    assert "\u202e" not in (tmp_path / "junit.xml").read_text()
    assert {path.name for path in tmp_path.iterdir()} == {"results", "state", "junit.xml"}


@pytest.mark.parametrize(
    "text", ["##vso[task.complete]", "a ##[error]b", "##VSO[x]", "  ::set-output::x", "x\n::error::"]
)
def test_both_forms_of_workflow_commands_are_disarmed(text: str) -> None:
    shown = printable(text)
    assert "##vso[" not in shown.lower()
    assert "##[" not in shown
    assert not [line for line in shown.splitlines() if line.strip().startswith("::")]


def test_a_hostile_umask_opens_no_journal(environ: Mapping[str, str], tmp_path: Path) -> None:
    state = tmp_path / "state"
    with ScriptedServer(token_s=0.02) as server:
        words = (f"--url={server.url}", "--suite=offload", "--task=extract", "--limit=5")
        child = forkserver.start("harness.cli", "run", *words, cwd=tmp_path, env=environ, is_merged=True, umask=0)
        said = b""
        while b"loaded in" not in said:
            said += os.read(child.output, 4096)
            assert child.poll() is None
        modes = {
            path.name: path.stat().st_mode & 0o777 for path in (state / "journals", *(state / "journals").iterdir())
        }
        child.communicate(timeout=90)
    assert len(modes) >= 2
    assert all(mode == (0o700 if name == "journals" else 0o600) for name, mode in modes.items()), modes
