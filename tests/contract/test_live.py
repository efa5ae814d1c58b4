"""`lms-harness live`, which `make live` starts, as a user meets it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.cli import main
from harness.contract.live import untouched
from harness.domain.model import Instance, InstanceId, LoadConfig, Model
from harness.testing.fault import Delay, Status
from harness.testing.library import DEFAULT_MODELS
from harness.testing.scripted import ScriptedServer
from tests import forkserver

KEY, OTHER = "acme/tiny-1b", "acme/small-4b"
CANARY = "sk-canary-55e0"
CHAT = "/api/v1/chat"


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer(load_s=0.01) as scripted:
        yield scripted


def eventually(is_true: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not is_true():
        assert time.monotonic() < end, "it did not come true within 60 s"
        time.sleep(0.02)


def environment(tmp_path: Path, **more: str) -> dict[str, str]:
    return {**os.environ, "LMS_HARNESS_STATE": str(tmp_path / "state"), "COLUMNS": "160", **more}


Live = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Live:
    """Run the command in this process, without its smoke suite unless that fails early."""
    monkeypatch.chdir(tmp_path)
    for name, value in environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("LM_API_TOKEN", raising=False)

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        monkeypatch.setattr(sys, "argv", ["lms-harness", "live", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        return subprocess.CompletedProcess(words, int(ended.value.code or 0), printed.out, printed.err)

    return run


def live_process(*words: str, tmp_path: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    return forkserver.run("harness.cli", "live", *words, cwd=tmp_path, env=environment(tmp_path, **environ))


def written(tmp_path: Path) -> dict[str, Any]:
    (path,) = (tmp_path / "results").glob("contract-*.json")
    report: dict[str, Any] = json.loads(path.read_text())
    return report


def test_a_server_as_documented_passes_with_its_smoke_suite_and_nothing_stays_and_the_token_is_shown_nowhere(
    tmp_path: Path,
) -> None:
    with ScriptedServer(load_s=0.01, token=CANARY) as server:
        done = live_process(server.url, tmp_path=tmp_path, LM_API_TOKEN=CANARY)
        assert done.returncode == 0, done.stdout + done.stderr
        assert server.loaded == []
    assert "37 held; smoke suite passed" in done.stdout
    assert "on; no token: HTTP 401" in " ".join(done.stdout.split())
    report = written(tmp_path)
    assert (report["schema"], report["model"], report["smoke_exit_code"]) == ("lms-harness-contract/1", KEY, 0)
    assert report["counts"] == {"did not hold": 0, "could not be checked": 0, "held": 37}
    (markdown,) = (tmp_path / "results").glob("contract-*.md")
    assert "| held | greeting" in markdown.read_text().replace("  ", "")
    assert list((tmp_path / "state" / "journals").iterdir()) == []
    assert CANARY not in done.stdout + done.stderr
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and CANARY.encode() in path.read_bytes()]


def test_what_deviates_comes_first_and_is_exit_code_1(server: ScriptedServer, live: Live) -> None:
    server.on("GET", "/lmstudio-greeting", Status(200, {"lmstudio": "yes"}))
    done = live(server.url, "--no-smoke")
    assert done.returncode == 1
    first_row = done.stdout.split("\n")[3]
    assert first_row.startswith("did not hold")
    assert "greeting" in first_row
    assert "1 did not hold, 36 held; smoke suite not run" in done.stdout


def test_a_smoke_suite_that_fails_is_exit_code_1(server: ScriptedServer, tmp_path: Path) -> None:
    # Only the smoke suite asks this.
    server.reply_with(lambda request: "" if "capital" in request.prompt else request.prompt)
    done = live_process(server.url, tmp_path=tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "smoke suite failed (exit code 1)" in done.stdout


def test_foreign_instances_stay_as_they_are_and_json_is_one_object(server: ScriptedServer, live: Live) -> None:
    server.load(OTHER, LoadConfig(context_length=4096))
    done = live(server.url, "--json", "--no-smoke")
    assert (done.returncode, done.stderr) == (0, "")
    states = {finding["name"]: finding["state"] for finding in json.loads(done.stdout)["findings"]}
    assert states["foreign_instances_untouched"] == "held"
    assert [name for name, state in states.items() if state == "could not be checked"] == [
        "jit_load",
        "only_model_answers_to_any_name",
    ]
    assert server.loaded == [OTHER]
    assert OTHER not in {
        body["instance_id"] for body in server.asked("POST", "/api/v1/models/unload") if "instance_id" in body
    }


def loaded(*instances: tuple[str, int]) -> tuple[Model, ...]:
    made = [Instance(id=InstanceId(name), config=LoadConfig(context_length=context)) for name, context in instances]
    return (replace(DEFAULT_MODELS[0], loaded_instances=tuple(made)),)


@pytest.mark.parametrize(
    ("after", "state", "said"),
    [
        (loaded((KEY, 2048)), "held", f"as before: {KEY}"),
        (loaded(), "did not hold", f"gone: {KEY}"),
        (loaded((KEY, 4096)), "did not hold", f"another config: {KEY}"),
        (
            loaded((KEY, 2048), (f"{KEY}:2", 2048)),
            "could not be checked",
            f"new, and not known to be ours: {KEY}:2",
        ),
    ],
)
def test_foreign_instances_are_compared_by_id_and_config(after: tuple[Model, ...], state: str, said: str) -> None:
    finding = untouched(loaded((KEY, 2048)), after)
    assert finding.state == state
    assert said in finding.observed


def test_nobody_listening_is_exit_code_3_and_leaves_no_file(live: Live, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        done = live(f"http://127.0.0.1:{taken.getsockname()[1]}")
    assert done.returncode == 3
    assert "lms server start" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_missing_token_is_exit_code_4_and_names_the_variable(live: Live) -> None:
    with ScriptedServer(token=CANARY) as server:
        done = live(server.url)
    assert done.returncode == 4
    assert "LM_API_TOKEN" in done.stderr
    assert CANARY not in done.stderr


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--model", "acme/tiny-2b"], 5, KEY),
        (["--model", "text-embedding-acme"], 2, "is not a chat model"),
        (["--results", "/dev/null/x", "--no-smoke"], 2, "cannot write"),
        (["--nonsense"], 2, "No such option"),
    ],
)
def test_wrong_input_is_one_message(words: list[str], code: int, said: str, server: ScriptedServer, live: Live) -> None:
    done = live(server.url, *words)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert server.loaded == []


def test_what_it_loaded_is_unloaded_even_if_it_is_killed(server: ScriptedServer, tmp_path: Path) -> None:
    server.on("POST", "/v1/chat/completions", Delay(60))
    child = forkserver.start("harness.cli", "live", server.url, cwd=tmp_path, env=environment(tmp_path))
    eventually(lambda: server.asked("POST", "/v1/chat/completions"))
    assert server.loaded == [KEY]
    child.kill()
    child.communicate(60)
    eventually(lambda: server.loaded == [])


def test_the_address_is_given_once(live: Live) -> None:
    done = live("http://127.0.0.1:9", "--url", "http://127.0.0.1:8")
    assert done.returncode == 2
    assert "give the address once" in done.stderr


def test_with_json_an_error_is_one_object(server: ScriptedServer, live: Live) -> None:
    done = live(server.url, "--json", "--model", "acme/tiny-2b")
    assert done.returncode == 5
    assert json.loads(done.stderr)["exit_code"] == 5


@pytest.mark.parametrize("where", ["checks", "smoke suite"])
def test_ctrl_c_releases_what_was_loaded_and_keeps_what_was_found(
    where: str, server: ScriptedServer, tmp_path: Path
) -> None:
    if where == "checks":
        server.on("POST", "/v1/chat/completions", Delay(60))
    child = forkserver.start("harness.cli", "live", server.url, cwd=tmp_path, env=environment(tmp_path))
    if where == "checks":
        eventually(lambda: server.asked("POST", "/v1/chat/completions"))
    else:
        eventually(lambda: list((tmp_path / "results").glob("2*.jsonl")))
        server.on("POST", CHAT, Delay(60))
        asked = len(server.asked("POST", CHAT))
        eventually(lambda: len(server.asked("POST", CHAT)) > asked)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert child.returncode == 130, out + err
    assert "Traceback" not in err
    assert server.loaded == []
    assert not written(tmp_path)["is_complete"]
    assert "broken off" in out
