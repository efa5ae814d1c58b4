"""docs/nightly.md and the nightly workflow: every command runs as written, and what CI runs is what `make` runs."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from harness.testing.scripted import ScriptedServer
from tests.cli.test_reference import COMMANDS, options

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "nightly.md").read_text(encoding="utf-8")
WORKFLOW = YAML(typ="safe").load((ROOT / ".github" / "workflows" / "nightly.yml").read_text(encoding="utf-8"))
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
# As LM Studio documents them; nothing here has an LM Studio to try them on.
LMS = {"lms daemon up --json", "lms daemon down", "lms server start --port 1234", "lms server stop"}


def block(kind: str) -> str:
    (text, *_) = re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)
    return str(text)


@pytest.fixture
def environ(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A shell of a user with the command installed, whose LM Studio is a scripted one."""
    command = tmp_path / "bin" / "lms-harness"
    command.parent.mkdir()
    # What takes no time here; later options win.
    fewer = "--limit 3 --max-output-tokens 20 --task extract --model acme/tiny-1b --latency-budget 1s"
    python = f"{sys.executable} -m harness.cli"
    command.write_text(f'#!/bin/sh\ncase $1 in run) shift; exec {python} run {fewer} "$@";; esac\nexec {python} "$@"\n')
    command.chmod(0o700)
    (tmp_path / "nightly").mkdir()
    with ScriptedServer(token_s=0.005) as server:  # Nights differ by what the machine does, unless a token takes time.
        yield {
            **os.environ,
            "PATH": f"{command.parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "HOME": str(tmp_path),
            "LM_STUDIO_API_URL": server.url,
            "LMS_HARNESS_STATE": str(tmp_path / "state"),
        }


def shell(script: str, environ: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, timeout=100, cwd=folder, env=environ, check=False
    )


def test_the_two_commands_begin_a_baseline_and_then_pass(environ: dict[str, str], tmp_path: Path) -> None:
    """The crontab's line runs the same two: it prints nothing where the night passes."""
    folder = tmp_path / "nightly"
    first = shell(block("sh"), environ, folder)
    assert first.returncode == 10, first.stdout + first.stderr
    assert "the baseline begins with this run" in first.stdout
    line = block("crontab").strip()
    again = shell(line.removeprefix("17 2 * * * "), environ, folder)
    assert (again.returncode, again.stdout, again.stderr) == (0, "", ""), again.stdout
    assert len(list((folder / "baseline").iterdir())) == 2
    log = (folder / "night.log").read_text()
    assert "Could not fail, as even a score of 0 would prove no loss" in log, "three items are asked here"
    assert "first token" in log.partition("against 1 earlier run")[2], "times are compared, too"
    broken = shell(line.removeprefix("17 2 * * * "), {**environ, "LM_STUDIO_API_URL": "http://127.0.0.1:9"}, folder)
    assert "127.0.0.1:9" in broken.stdout, "and a night that fails is not silent"


def test_the_recipe_for_gitlab_is_valid_and_runs_the_same_commands(tmp_path: Path) -> None:
    recipe = tmp_path / "gitlab-ci.yml"
    recipe.write_text(block("yaml"))
    words = ["-m", "check_jsonschema", "--builtin-schema", "vendor.gitlab-ci", str(recipe)]
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout
    script = [line.partition(" -- ")[0] for line in YAML(typ="safe").load(recipe)["nightly"]["script"]]
    assert script == [line.partition(" -- ")[0] for line in block("sh").splitlines()]


def steps() -> list[dict[str, Any]]:
    return [step for job in WORKFLOW["jobs"].values() for step in job["steps"]]


def test_what_the_workflow_runs_is_what_make_runs_or_an_lms_command() -> None:
    made = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    runs = [str(step["run"]) for step in steps() if "run" in step]
    assert sum(line.startswith("make nightly") for line in runs) == 3
    for line in runs:
        if line.startswith("make "):
            assert line.split()[1] in made, line
        elif not line.startswith("echo "):
            assert line in LMS, line
    for option in re.findall(r"lms-harness (\w+)([^;&\n]*)", MAKEFILE):
        name, rest = option
        used = set(re.findall(r"(?<=\s)--[a-z][a-z-]+", rest.partition(" -- ")[0]))
        assert used <= options(COMMANDS[name]), option


def test_what_a_night_measured_is_kept_even_if_it_fails_and_the_second_job_says_that_it_was_not_tried() -> None:
    kept = [
        step for step in steps() if "upload-artifact" in step.get("uses", "") or "cache/save" in step.get("uses", "")
    ]
    assert len(kept) == 3
    stops = [step for step in steps() if step.get("run") in {"lms server stop", "lms daemon down"}]
    assert all(step["if"] == "always()" for step in (*kept, *stops))
    assert all("timeout-minutes" in job for job in WORKFLOW["jobs"].values())
    text = (ROOT / ".github" / "workflows" / "nightly.yml").read_text(encoding="utf-8")
    assert "NOT TRIED ON A LIVE LM STUDIO" in text.partition("  lm-studio:")[0]


def test_models_are_downloaded_once_for_each_change_of_the_lock_file(tmp_path: Path) -> None:
    """With a stand-in for `lms` that notes what it is asked."""
    noted = tmp_path / "noted"
    lms = tmp_path / "lms"
    lms.write_text(f'#!/bin/sh\necho "$@" >> {noted}\n')
    lms.chmod(0o700)
    lock = tmp_path / "models.lock"
    shutil.copy(ROOT / ".github" / "models.lock", lock)
    environ = {**os.environ, "HOME": str(tmp_path), "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}

    def made() -> list[str]:
        words = ["make", "-s", "nightly-models", f"MODELS_LOCK={lock}"]
        subprocess.run(words, check=True, cwd=ROOT, env=environ, timeout=60)
        return noted.read_text().splitlines()

    wanted = [line for line in lock.read_text().splitlines() if not line.startswith("#")]
    assert wanted
    assert made() == [f"get {model} -y" for model in wanted]
    assert len(made()) == len(wanted), "nothing has changed"
    lock.write_text("acme/new@q4_k_m\n")
    assert made()[-1] == "get acme/new@q4_k_m -y"
