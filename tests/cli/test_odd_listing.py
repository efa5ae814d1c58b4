"""Odd entries of the listing stop no command, and are named on standard error, each once."""

import os
import subprocess
import sys
from pathlib import Path

from harness.testing.odd_entry import NOT_LOADED, ODD_ENTRIES
from harness.testing.scripted import ScriptedServer


def command(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "harness.cli", *words],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        cwd=folder,
        env={**os.environ, "LMS_HARNESS_STATE": str(folder / "state")},
    )


def test_models_lists_what_can_be_read_and_names_the_rest(tmp_path: Path) -> None:
    with ScriptedServer(odd_entries=list(ODD_ENTRIES.values())) as server:
        done = command(tmp_path, "models", "--url", server.url)
    assert done.returncode == 0, done.stderr
    assert "acme/tiny-1b" in done.stdout
    lines = done.stderr.splitlines()
    assert any("is not an object and is skipped" in line for line in lines)
    assert len(lines) == len(set(lines)) > 10


def test_a_model_is_loaded_asked_and_unloaded_beside_odd_entries(tmp_path: Path) -> None:
    with ScriptedServer(odd_entries=list(NOT_LOADED.values())) as server:
        url = ("--url", server.url)
        for words in (("load", "acme/tiny-1b"), ("chat", "acme/tiny-1b", "hello"), ("unload", "acme/tiny-1b")):
            done = command(tmp_path, *words, *url)
            assert done.returncode == 0, (words, done.stderr)
        assert server.loaded == []
