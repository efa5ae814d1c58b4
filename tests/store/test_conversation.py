import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from harness.domain.model import ModelKey, ResponseId
from harness.errors import LeaseError, StoreError
from harness.store.conversation import turn
from harness.testing.clock import FakeClock

URL = "http://127.0.0.1:1234"
KEY = ModelKey("acme/tiny-1b")
ONE, TWO = ResponseId("resp_1"), ResponseId("resp_2")


class Threads:
    """The threads in a folder."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.said: list[str] = []
        self.clock = FakeClock()

    def keep(self, last: ResponseId, *, url: str = URL, key: str = KEY) -> Path:
        with turn(url, ModelKey(key), clock=self.clock, say=self.said.append, directory=self.directory) as thread:
            thread.keep(last)
            return thread.path

    def last(self, *, url: str = URL, key: str = KEY) -> ResponseId | None:
        with turn(url, ModelKey(key), clock=self.clock, say=self.said.append, directory=self.directory) as thread:
            return thread.last()

    def drop(self) -> None:
        with turn(URL, KEY, clock=self.clock, say=self.said.append, directory=self.directory) as thread:
            thread.drop()


@pytest.fixture
def threads(tmp_path: Path) -> Threads:
    return Threads(tmp_path / "state" / "threads")


def test_a_thread_goes_on_from_its_last_answer_until_it_is_dropped(threads: Threads) -> None:
    assert threads.last() is None
    threads.keep(ONE)
    threads.keep(TWO)
    assert threads.last() == TWO
    threads.drop()
    assert threads.last() is None


def test_every_server_and_every_model_has_a_thread_of_its_own(threads: Threads) -> None:
    threads.keep(ONE)
    assert threads.last(key="acme/small-4b") is None
    assert threads.last(url="http://127.0.0.1:1235") is None
    threads.keep(TWO, key="acme/small-4b")
    assert threads.last() == ONE


@pytest.mark.parametrize("key", ["../../evil", "/etc/passwd", "a\0b", "x" * 5000, "..", "c:\\x", "\udcff"])
def test_a_hostile_key_is_never_a_path(threads: Threads, key: str) -> None:
    path = threads.keep(ONE, key=key)
    assert threads.last(key=key) == ONE
    assert path.parent == threads.directory
    assert path.stem.isalnum()
    assert len(path.name) < 50


def test_files_are_private_in_a_private_folder(threads: Threads) -> None:
    old = os.umask(0)
    try:
        threads.keep(ONE)
    finally:
        os.umask(old)
    assert stat.S_IMODE(threads.directory.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in threads.directory.iterdir()} == {0o600}
    assert sorted(path.suffix for path in threads.directory.iterdir()) == [".json", ".lock"]


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b"null",
        b"[" * 100_000,
        json.dumps({"url": URL, "model_key": "other", "response_id": "resp_1"}).encode(),
        json.dumps({"url": URL, "model_key": KEY, "response_id": 7}).encode(),
        json.dumps({"url": URL, "model_key": KEY, "response_id": "a\nb"}).encode(),
    ],
)
def test_a_damaged_file_is_a_value_error_and_is_written_anew(threads: Threads, damage: bytes) -> None:
    path = threads.keep(ONE)
    path.write_bytes(damage)
    with pytest.raises(ValueError, match=r"."):
        threads.last()
    threads.keep(TWO)
    assert threads.last() == TWO


def test_what_a_killed_writer_left_does_not_stop_the_next(threads: Threads) -> None:
    path = threads.keep(ONE)
    path.with_suffix(".new").write_text('{"half')
    assert threads.last() == ONE
    threads.keep(TWO)
    assert threads.last() == TWO


HOLD = """
import sys
from pathlib import Path
from harness.clock import SystemClock
from harness.store.conversation import turn

with turn(sys.argv[1], sys.argv[2], clock=SystemClock(), say=print, directory=Path(sys.argv[3])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_another_process_waits_for_the_turn_and_gets_it_when_its_holder_is_killed(threads: Threads) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, URL, KEY, str(threads.directory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "held\n"
            with pytest.raises(LeaseError, match="has not ended within 300 s"):
                threads.last()
            assert len(threads.said) == 1
            assert "waiting up to 300 s for it" in threads.said[0]
            assert sum(threads.clock.slept) >= 300
        finally:
            holder.kill()
    assert threads.last() is None


def test_where_nothing_can_be_written_is_said_before_the_turn(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="Not a directory"):
        Threads(tmp_path / "file" / "threads").last()


def test_a_thread_that_cannot_be_written_keeps_its_last_answer(threads: Threads) -> None:
    path = threads.keep(ONE)
    path.with_suffix(".new").mkdir()
    with pytest.raises(StoreError, match="cannot store the thread"):
        threads.keep(TWO)
    assert threads.last() == ONE
