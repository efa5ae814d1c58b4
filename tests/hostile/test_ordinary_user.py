"""What an ordinary user meets: folders and files of others, made to be read only or not at all, and links."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.reaper.process import key_lock
from harness.testing.scripted import ScriptedServer

KEY = "acme/tiny-1b"
FIRST = Path(__file__).parents[1] / "domain" / "first-version.jsonl"
NOBODY = 65534

Lms = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as scripted:
        yield scripted


@pytest.fixture
def lms(tmp_path: Path) -> Lms:
    """Run a command as a user whom permissions bind: as root, without root's capabilities."""
    before: list[str] = []
    if sys.platform == "win32":
        pytest.skip("Windows has no such permissions")
    if os.geteuid() == 0:
        if (setpriv := shutil.which("setpriv")) is None:
            pytest.skip("needs setpriv (util-linux), because root may read and write everything")
        before = [setpriv, "--bounding-set=-all", "--inh-caps=-all"]

    def run(*words: str, **more: str) -> "subprocess.CompletedProcess[str]":
        environ = {**os.environ, "LMS_HARNESS_STATE": str(tmp_path / "state"), **more}
        command = [*before, sys.executable, "-P", "-m", "harness.cli", *words]
        done = subprocess.run(
            command, env=environ, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
        )
        assert "Traceback" not in done.stdout + done.stderr, done.stdout + done.stderr
        return done

    return run


@pytest.fixture
def closed(tmp_path: Path) -> Iterator[Path]:
    """A folder that this user may not even read."""
    folder = tmp_path / "closed"
    (folder / "journals").mkdir(parents=True)
    folder.chmod(0)
    yield folder
    folder.chmod(0o700)


def told(done: "subprocess.CompletedProcess[str]") -> str:
    assert done.returncode == 2, done.stdout + done.stderr
    return str(json.loads(done.stderr)["message"])  # Of a command with --json.


def test_journals_that_cannot_be_read_are_not_taken_for_none(
    lms: Lms, server: ScriptedServer, closed: Path, tmp_path: Path
) -> None:
    """Python 3.11 ended in a traceback; where only the inner folder was closed, doctor saw nothing left."""
    said = f"cannot read the journals in {closed / 'journals'}: Permission denied"
    for words in (("doctor", "--fix"), ("load", KEY)):
        assert told(lms(*words, "--json", f"--url={server.url}", LMS_HARNESS_STATE=str(closed))) == said
    inner = tmp_path / "state" / "journals"
    inner.mkdir(parents=True)
    inner.chmod(0)
    assert (
        told(lms("doctor", "--json", f"--url={server.url}"))
        == f"cannot read the journals in {inner}: Permission denied"
    )
    inner.chmod(0o700)
    assert server.loaded == []


def test_folders_of_results_and_models_that_cannot_be_read_are_named(lms: Lms, closed: Path) -> None:
    for words in (("tasks",), ("choose",)):
        assert "is not readable" in lms(*words, f"--results={closed}").stderr
    done = lms("run", "--resume=last", f"--results={closed}")
    assert done.stderr.splitlines()[0] == f"cannot read the folder {closed}: Permission denied"
    done = lms("serve", "--port=0", f"--models-dir={closed}")
    assert done.stderr.splitlines()[0] == f"--models-dir: cannot read '{closed}': Permission denied"


@pytest.mark.parametrize("place", ["state", "state/locks/*", "state/threads/*"])
def test_where_nothing_can_be_written_nothing_is_loaded(
    lms: Lms, server: ScriptedServer, tmp_path: Path, place: str
) -> None:
    state = tmp_path / "state"
    for name in ("locks", "threads"):
        (state / name).mkdir(parents=True)
    if place == "state":
        closed, mode, said = state, 0o500, "cannot write the journal"
    elif place == "state/locks/*":
        closed, mode, said = key_lock(state / "locks", server.url, KEY), 0, f"cannot lock the load of {KEY}"
        closed.touch()
    else:
        closed, mode, said = state / "threads", 0o700, "cannot store the thread in"
        assert lms("chat", KEY, "Hi", "--stateful", "--unload-after", f"--url={server.url}").returncode == 0
        for path in closed.iterdir():
            path.chmod(0)
    closed.chmod(mode)
    server.requests.clear()
    done = lms("chat", KEY, "Hi", "--json", "--stateful", f"--url={server.url}")
    closed.chmod(0o700)
    assert told(done).startswith(said)
    assert "Permission denied" in told(done)
    assert not server.asked("POST", "/api/v1/models/load")


def test_a_run_file_that_is_only_to_be_read_stays_as_it_is(lms: Lms, tmp_path: Path) -> None:
    run = tmp_path / "run.jsonl"
    run.write_bytes(FIRST.read_bytes())
    run.chmod(0o444)
    words = ("score", str(run), "--json", "--scorer=exact", "--target-field=target.label")
    assert told(lms(*words)) == f"cannot write {run}: Permission denied"
    (tmp_path / "link").symlink_to(tmp_path / "missing")
    assert told(lms(*words, f"--out={tmp_path / 'link'}")) == f"cannot write {tmp_path / 'link'}: File exists"
    assert run.read_bytes() == FIRST.read_bytes()
    assert not (tmp_path / "missing").exists()


def test_a_state_folder_of_another_user_is_not_used(lms: Lms, server: ScriptedServer, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to give a folder to another user")
    (tmp_path / "state" / "journals").mkdir(parents=True)
    (tmp_path / "state" / "journals").chmod(0o777)
    os.chown(tmp_path / "state" / "journals", NOBODY, NOBODY)
    assert "the folder belongs to another user" in told(lms("load", KEY, "--json", f"--url={server.url}"))
    assert server.loaded == []
