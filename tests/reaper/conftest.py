"""A scripted LM Studio, and reaper processes that the tests talk to by hand."""

import contextlib
import json
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from harness.clock import SystemClock
from harness.reaper import identity
from harness.reaper.journal import Journal, replay
from harness.reaper.lease import OpenLease
from harness.testing.scripted import ScriptedServer

PATIENCE_S = 30.0
"""How long a busy machine may take for what takes milliseconds."""

SETTLE_S = 0.4


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as scripted:
        yield scripted


class ReaperByHand:
    """A reaper process whose pipe the test holds: closing it is the death of the run."""

    def __init__(self, folder: Path, url: str, *, run_id: str = "run", token: str = "lmstudio") -> None:
        self.journal = Journal(run_id, url=url, clock=SystemClock(), directory=folder / "journals")
        self.journal.open()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "harness.reaper.process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._next = 0
        self._replies: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._kept: list[dict[str, Any]] = []
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()
        hello: dict[str, Any] = {
            "journal": str(self.journal.path),
            "url": url,
            "token": token,
            "locks": str(folder / "locks"),
            "settle_s": SETTLE_S,
            "owner": identity.owner(),
        }
        self.ready = self.reply(self.send("hello", **hello))

    def send(self, op: str, **message: Any) -> int:
        """Send a message and return its id."""
        self._next += 1
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"op": op, "id": self._next, **message}).encode() + b"\n")
        self.process.stdin.flush()
        return self._next

    def reply(self, number: int) -> dict[str, Any]:
        """Return the next reply to this message."""
        for reply in self._kept:
            if reply["id"] == number:
                self._kept.remove(reply)
                return reply
        while True:
            reply = self._replies.get(timeout=PATIENCE_S)
            if reply["id"] == number:
                return reply
            self._kept.append(reply)

    def ask(self, op: str, **message: Any) -> dict[str, Any]:
        """Send a message and return the first reply to it."""
        return self.reply(self.send(op, **message))

    def load(self, lease: int, key: str, **config: Any) -> int:
        """Let it send a load; return the id of the message."""
        return self.send("load", lease=lease, body={"model": key, **config}, deadline_s=PATIENCE_S)

    def run_dies(self) -> None:
        """Close its stdin."""
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):
            self.process.stdin.close()

    def end(self) -> None:
        """Let the run die and wait until the reaper has ended too."""
        self.run_dies()
        self.process.wait(PATIENCE_S)

    def left(self) -> Mapping[int, OpenLease]:
        """Return the leases that are open in the journal; none where it was removed."""
        return replay(self.journal.path).open_leases if self.journal.path.exists() else {}

    def close(self) -> None:
        """Leave nothing behind."""
        self.run_dies()
        self.process.kill()
        self.process.wait(PATIENCE_S)
        self._reading.join(PATIENCE_S)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.journal.finish()

    def _read(self) -> None:
        for line in self.process.stdout or ():
            self._replies.put(json.loads(line))


@pytest.fixture
def reaper(tmp_path: Path) -> Iterator[Callable[..., ReaperByHand]]:
    """Start a reaper, or several; all state is in the test's folder."""
    started: list[ReaperByHand] = []

    def start(url: str, **how: Any) -> ReaperByHand:
        started.append(ReaperByHand(tmp_path, url, **how))
        return started[-1]

    yield start
    for by_hand in started:
        by_hand.close()
