import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from harness.reaper.filelock import FileLock

HOLDER = (
    "import sys; from pathlib import Path; from harness.reaper.filelock import FileLock\n"
    "lock = FileLock(Path(sys.argv[1])); print(lock.try_acquire(), flush=True); sys.stdin.read()\n"
)


def test_one_holds_it_and_all_others_do_not_those_of_this_process_included(tmp_path: Path) -> None:
    one, two = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    assert one.try_acquire()
    assert one.try_acquire()
    assert one.is_held
    assert not two.try_acquire()
    assert not two.is_held
    one.release()
    one.release()
    assert two.try_acquire()
    two.release()


def test_it_ends_with_the_process_that_holds_it_however_that_ends(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"True\n"
        lock = FileLock(path)
        assert not lock.acquire(within_s=0.1)
        holder.kill()
        holder.wait(30)
        assert lock.acquire(within_s=30)
        lock.release()


def test_it_is_not_inherited_by_programs_that_are_started(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "lock")
    assert lock.try_acquire()
    with subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE) as child:
        lock.release()
        other = FileLock(tmp_path / "lock")
        assert other.try_acquire()
        other.release()
        child.kill()


def test_waiting_ends_when_it_is_let_go_and_at_the_deadline(tmp_path: Path) -> None:
    one, two = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    assert one.try_acquire()
    started = time.monotonic()
    assert not two.acquire(within_s=0.2)
    assert time.monotonic() - started >= 0.2
    threading.Timer(0.2, one.release).start()
    assert two.acquire(within_s=30)
    two.release()


def test_a_file_that_must_exist_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        FileLock(tmp_path / "lock").try_acquire(create=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows opens links and pipes otherwise")
def test_a_link_a_pipe_and_a_folder_are_no_locks(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "missing")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    found = {}
    for name in ("link", "pipe", "folder"):
        with pytest.raises(OSError) as told:  # noqa: PT011  (its text is compared)
            FileLock(tmp_path / name).try_acquire()
        found[name] = told.value.strerror
    assert found == {"link": "it is a symbolic link", "pipe": "it is not a regular file", "folder": "Is a directory"}
    assert not (tmp_path / "missing").exists()


def test_what_is_noted_replaces_what_was_noted_before(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "lock")
    lock.note("nothing is held")
    assert lock.try_acquire()
    lock.note("a longer text")
    lock.note("short")
    lock.release()
    assert lock.path.read_text() == "short"
