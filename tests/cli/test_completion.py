"""Tab in a real bash, and what it offers."""

import functools
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pytest

from harness.domain.model import ModelKey
from harness.testing.fault import Hang
from harness.testing.library import DEFAULT_MODELS
from harness.testing.scripted import ScriptedServer

KEY = "acme/tiny-1b"
Call = Callable[..., Any]
needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")


PROGRAM = Path(sys.executable).with_name("lms-harness")


@functools.cache
def completion() -> str:
    """Return what a user's bash evaluates once, when it starts."""
    done = subprocess.run([PROGRAM, "completion", "bash"], capture_output=True, text=True, timeout=60, check=True)
    return done.stdout


def tab(words: list[str], url: str) -> tuple[list[str], str]:
    """Return what bash would offer after these words, and what it would write on the terminal."""
    script = f"""
        {completion()}
        COMP_WORDS=(lms-harness "$@"); COMP_CWORD=$#
        _lms_harness_completion {PROGRAM}
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(
        ["bash", "-c", script, "bash", *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={**os.environ, "LM_STUDIO_API_URL": url},
    )
    return done.stdout.split(), done.stderr


@needs_bash
def test_bash_completes_commands_options_and_choices() -> None:
    nowhere = "http://127.0.0.1:9"
    assert tab(["sm"], nowhere)[0] == ["smoke"]
    assert tab(["load", "--context"], nowhere)[0] == ["--context-length"]
    assert tab(["select", "--task", "cl"], nowhere)[0] == ["classify"]


@needs_bash
def test_bash_completes_the_models_and_tasks_of_a_run() -> None:
    with ScriptedServer() as server:
        assert tab(["run", "--model", "acme/"], server.url)[0] == [KEY, "acme/small-4b"]
        assert tab(["run", "--primary", "acme/s"], server.url)[0] == ["acme/small-4b"]
    nowhere = "http://127.0.0.1:9"
    assert tab(["run", "--task", "re"], nowhere)[0] == ["reason", "retrieval", "review", "rewrite"]
    assert tab(["tasks", "--task", "ex"], nowhere)[0] == ["extract"]
    assert tab(["run", "--url", "embedded", "--model", "smollm2"], nowhere)[0]


def test_every_shipped_task_is_offered() -> None:
    from harness.cli.completion import task_names
    from harness.cli.run import run
    from harness.task.catalogue import load_catalogue
    from harness.task.shipped import suites_dir

    context = click.Context(run)
    offered = [item.value for item in task_names(context, run.params[0], "")]
    assert offered == sorted(entry.task.name for entry in load_catalogue(suites_dir()))


@needs_bash
def test_bash_completes_the_keys_and_instances_of_the_server() -> None:
    with ScriptedServer() as server:
        server.load(KEY)
        server.load(KEY)
        assert tab(["load", "acme/"], server.url)[0] == [KEY, "acme/small-4b"]
        assert tab(["smoke", "acme/t"], server.url)[0] == [KEY, f"{KEY}:2"]
        assert tab(["unload", "--instance", ""], server.url)[0] == [KEY, f"{KEY}:2"]
        assert tab(["load", "--url", server.url, "text"], "http://127.0.0.1:9")[0] == ["text-embedding-acme"]


@needs_bash
def test_a_key_that_is_more_than_a_word_to_a_shell_is_not_offered() -> None:
    keys = ["acme/$(touch owned)", "acme/`id`", "acme/a b", "acme/*", "acme/x;y", "acme/\x1b[2J", "acme/fine-1b@q4_k_m"]
    with ScriptedServer([replace(DEFAULT_MODELS[0], key=ModelKey(key)) for key in keys]) as server:
        assert tab(["load", "acme/"], server.url) == (["acme/fine-1b@q4_k_m"], "")


@needs_bash
def test_without_a_server_it_offers_nothing_says_nothing_and_does_not_wait() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        offered, said = tab(["load", ""], f"http://127.0.0.1:{unused.getsockname()[1]}")
    assert (offered, said) == ([], "")
    with ScriptedServer() as server:
        server.on("GET", "/api/v1/models", Hang())
        started = time.monotonic()
        assert tab(["load", ""], server.url) == ([], "")
        assert time.monotonic() - started < 20


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_each_shell_names_the_program_and_its_variable(call: Call, shell: str) -> None:
    result = call("completion", shell)
    assert result.code == 0
    assert "_LMS_HARNESS_COMPLETE" in result.out
    assert "lms-harness" in result.out


def test_another_shell_is_a_usage_error(call: Call) -> None:
    assert call("completion", "csh").code == 2
