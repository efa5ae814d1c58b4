"""Files with prompts and answers are this user's alone, whatever lay in their place and whatever the umask."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.contract.report import Report, write
from harness.reaper.process import key_lock
from harness.testing.scripted import ScriptedServer
from tests import forkserver

KEY = "acme/tiny-1b"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as scripted:
        yield scripted


def lms(tmp_path: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    environ = {**os.environ, "LMS_HARNESS_STATE": str(tmp_path / "state")}
    return forkserver.run("harness.cli", *words, cwd=tmp_path, env=environ, umask=0)


def chat(tmp_path: Path, server: ScriptedServer, log: Path) -> "subprocess.CompletedProcess[str]":
    return lms(tmp_path, "chat", KEY, "my secret", f"--log={log}", f"--url={server.url}", "--json")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("was", [None, 0o666])
def test_a_chat_log_is_private_even_if_it_was_there_before(
    tmp_path: Path, server: ScriptedServer, was: int | None
) -> None:
    log = tmp_path / "log"
    if was is not None:
        log.touch()
        log.chmod(was)
    done = chat(tmp_path, server, log)
    assert done.returncode == 0, done.stderr
    assert "my secret" in log.read_text()
    assert mode(log) == 0o600


def test_a_chat_log_follows_no_link(tmp_path: Path, server: ScriptedServer) -> None:
    other = tmp_path / "other"
    other.write_text("mine")
    for target in (other, tmp_path / "missing"):
        log = tmp_path / f"to-{target.name}"
        log.symlink_to(target)
        done = chat(tmp_path, server, log)
        assert done.returncode != 0
        assert json.loads(done.stderr)["message"] == f"cannot write the log {log}: it is a symbolic link"
    assert other.read_text() == "mine"
    assert not (tmp_path / "missing").exists()


def test_a_chat_log_of_another_user_is_left_alone(tmp_path: Path, server: ScriptedServer) -> None:
    if os.getuid() != 0:
        pytest.skip("needs root, to give a file to another user")
    log = tmp_path / "log"
    log.touch()
    log.chmod(0o666)
    os.chown(log, 65534, 65534)
    done = chat(tmp_path, server, log)
    assert json.loads(done.stderr)["message"] == f"cannot write the log {log}: it belongs to another user"
    assert log.read_text() == ""


@pytest.mark.parametrize(("option", "wanted"), [((), 0o600), (("--share-results",), 0o644)])
def test_a_run_file_is_private_unless_it_is_to_be_shared(
    tmp_path: Path, server: ScriptedServer, option: tuple[str, ...], wanted: int
) -> None:
    results = tmp_path / "results"
    words = ("--suite=offload", "--task=classify", "--limit=1", f"--model={KEY}", f"--results={results}", *option)
    done = lms(tmp_path, "run", f"--url={server.url}", *words)
    (path,) = results.glob("*.jsonl")
    assert mode(path) == wanted, done.stdout + done.stderr
    assert "classify" in path.read_text()
    done = lms(tmp_path, "run", f"--url={server.url}", f"--resume={path}", f"--results={results}", *option)
    assert [mode(file) for file in results.glob("*.jsonl")] == [wanted] * len(list(results.glob("*.jsonl")))
    assert (mode(results), mode(tmp_path / "state")) == (0o755, 0o700)


def test_the_state_folder_is_private_but_one_that_was_there_stays_as_it_was(
    tmp_path: Path, server: ScriptedServer
) -> None:
    """Others could put a folder of theirs in the place of the journals."""
    assert lms(tmp_path, "load", KEY, f"--url={server.url}").returncode == 0
    assert mode(tmp_path / "state") == mode(tmp_path / "state" / "journals") == 0o700
    (tmp_path / "state").chmod(0o750)
    assert lms(tmp_path, "unload", KEY, f"--url={server.url}").returncode == 0
    assert lms(tmp_path, "load", KEY, f"--url={server.url}").returncode == 0
    assert mode(tmp_path / "state") == 0o750


def test_no_umask_lets_others_write_a_report_or_into_a_results_folder(tmp_path: Path) -> None:
    report = Report(url="u", server="unknown", model="m", at="now", harness_version="0", findings=(), is_complete=True)
    before = os.umask(0)
    try:
        write(report, tmp_path / "results" / "contract")
    finally:
        os.umask(before)
    assert mode(tmp_path / "results") == 0o755
    assert [mode(path) for path in (tmp_path / "results").iterdir()] == [0o644, 0o644]


@pytest.mark.parametrize("make", [Path.touch, os.mkfifo, lambda path: path.symlink_to(path.with_name("mine"))])
def test_a_lock_that_cannot_be_used_is_named_at_once(
    tmp_path: Path, server: ScriptedServer, make: Callable[[Path], None]
) -> None:
    """The reaper died of it without a word, and the run waited for its answer for minutes."""
    (tmp_path / "mine").write_text("mine")
    folder = tmp_path / "state" / "locks"
    folder.mkdir(parents=True)
    place = key_lock(folder, server.url, KEY)
    if make is Path.touch:
        folder.rmdir()
        place = folder
    make(place)
    done = lms(tmp_path, "load", KEY, f"--url={server.url}", "--json")
    assert done.returncode == 2, done.stderr
    assert json.loads(done.stderr)["message"].startswith(f"cannot lock the load of {KEY}: {place}: ")
    assert not server.asked("POST", "/api/v1/models/load")
    assert (tmp_path / "mine").read_text() == "mine"
    assert list((tmp_path / "state" / "journals").iterdir()) == []
