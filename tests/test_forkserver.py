"""A forked process is to its test what a started one is, and where nothing is forked, one is started."""

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests import forkserver

OWN = """
import json, os, sys
print(json.dumps([sys.argv[1:], os.getcwd(), os.environ.get("OWN"), sys.path[0], os.getpid() == os.getsid(0)]))
print("wrong", file=sys.stderr)
word = sys.argv[1]
if word == "wait":
    sys.stdout.flush()
    import time
    time.sleep(60)
sys.exit(int(word))
"""


@pytest.fixture(autouse=True, params=["forks", "starts"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "starts":
        monkeypatch.setattr(forkserver, "_FORKS", False)
    elif not sys.platform.startswith("linux"):
        pytest.skip("only Linux forks")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "own.py").write_text(OWN)
    return tmp_path


def test_it_has_words_a_folder_an_environment_outputs_and_an_exit_code(folder: Path) -> None:
    environ = {**os.environ, "OWN": "ours"}
    forked = forkserver.run("own", "7", cwd=folder, env=environ)
    started = subprocess.run(
        [sys.executable, "-m", "own", "7"], cwd=folder, env=environ, capture_output=True, text=True, check=False
    )
    assert (forked.returncode, forked.stdout, forked.stderr) == (7, started.stdout, started.stderr)
    assert json.loads(forked.stdout) == [["7"], str(folder), "ours", str(folder), False]


def test_errors_go_where_the_output_goes_and_a_session_is_its_own_where_that_is_asked(folder: Path) -> None:
    process = forkserver.start("own", "0", cwd=folder, env=os.environ, is_merged=True, new_session=True)
    out, err = process.communicate(60)
    assert (process.returncode, err) == (0, "")
    assert max(out.splitlines()) == "wrong"
    assert json.loads(min(out.splitlines()))[-1] is True


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_as_it_ends_an_interpreter(folder: Path, number: signal.Signals) -> None:
    process = forkserver.start("own", "wait", cwd=folder, env=os.environ, is_merged=True)
    assert process.poll() is None
    assert os.read(process.output, 1)
    process.send_signal(number)
    process.communicate(60)
    assert process.returncode == -number


def test_a_terminal_is_all_its_standard_streams_and_sends_it_signals(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text("import os, time\nprint([os.isatty(n) for n in range(3)])\ntime.sleep(60)\n")
    ours, theirs = pty.openpty()
    process = forkserver.start("own", cwd=tmp_path, env=os.environ, terminal=theirs)
    os.close(theirs)
    drawn = b""
    while not drawn.endswith(b"\n"):
        drawn += os.read(ours, 100)
    assert drawn == b"[True, True, True]\r\n"
    os.write(ours, b"\x03")
    assert process.wait(60) == -signal.SIGINT
    os.close(ours)


def test_one_that_does_not_end_in_time_is_named_and_killed(folder: Path) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        forkserver.run("own", "wait", cwd=folder, env=os.environ, timeout=0.1)


def test_pytest_starts_in_it_without_a_warning(tmp_path: Path) -> None:
    (tmp_path / "test_own.py").write_text("def test_nothing() -> None: pass\n")
    done = forkserver.run("pytest", "-p", "no:cacheprovider", "-W", "error", cwd=tmp_path, env=os.environ)
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout
    assert "warning" not in done.stdout
