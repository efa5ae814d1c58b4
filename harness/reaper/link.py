"""The run's end of the pipe to its reaper: locks, loads, and somebody who finishes what the run cannot."""

import contextlib
import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from harness import child
from harness.client.exchange import Exchange
from harness.errors import ConnectionLost, DeadlineExceeded, HarnessError, LeaseError, ServerUnreachable
from harness.reaper import identity
from harness.reaper.journal import Journal
from harness.reaper.reconcile import SETTLE_S
from harness.reaper.server import RawAnswer

_ANSWER_S = 30.0
_WAKE_S = 0.05
_EXIT_S = 0.5
_MAX_RESTARTS = 5
_WORTH_A_WORD_S = 1.0


class Guard:
    """A reaper for one journal: started with the first lock, ended by `close`, replaced when it dies.

    Args:
        journal: of the run.
        token: of the server; goes through the pipe, so that it is in no process list.
        settle_s: how long the listing may lag behind an answer.
        say: prints a line for a person, such as that another run is loading the same model.
    """

    def __init__(
        self, journal: Journal, *, token: str, settle_s: float = SETTLE_S, say: Callable[[str], None] = lambda _: None
    ) -> None:
        self._journal = journal
        self._token = token
        self._settle_s = settle_s
        self._say = say
        self._reaper: _Reaper | None = None
        self._starting = threading.RLock()
        self._keys: list[str] = []
        self._restarts = 0

    @property
    def pid(self) -> int | None:
        """Of the reaper; None while there is none."""
        return self._reaper.pid if self._reaper else None

    def start(self) -> None:
        """Start the reaper, if it is not running.

        Raises:
            LeaseError: it cannot be started. Nothing may be loaded then.
            StoreError: the journal cannot be written.
        """
        with self._starting:
            if self._reaper is None or self._reaper.is_dead:
                self._journal.open()
                self._reaper = _Reaper.started(
                    self._journal, token=self._token, settle_s=self._settle_s, on_death=self._replace
                )

    @contextlib.contextmanager
    def loading(self, key: str, *, within_s: float) -> Iterator[None]:
        """Be the only one of this machine's runs that loads this model on this server.

        After our death the reaper goes on being it, until what we may have loaded is found.

        Raises:
            LeaseError: another run has been loading it for `within_s`.
        """
        self.start()
        for reply in self._ask({"op": "lock", "key": key, "within_s": within_s}, within_s=within_s + _ANSWER_S):
            if "waiting" in reply:
                self._say(f"{key}: {reply['waiting']} is loading it; waiting up to {within_s:g} s for that to end")
            elif not reply["ok"]:
                raise LeaseError(
                    f"another run has been loading {key} for {within_s:g} s, and two at a time could not be told apart",
                    hint="See who that is: lms-harness doctor",
                )
        self._keys.append(key)
        try:
            yield
        finally:
            self._keys.remove(key)
            with contextlib.suppress(ConnectionLost):  # A dead reaper holds no lock.
                for _ in self._ask({"op": "unlock", "key": key}, within_s=_ANSWER_S):
                    pass

    def load(
        self, lease: int, body: Mapping[str, Any], *, deadline_s: float, exchange: Exchange | None = None
    ) -> RawAnswer:
        """Let the reaper send a load, and return the server's answer as it came.

        Raises:
            ServerUnreachable: nobody listens; nothing was sent.
            DeadlineExceeded, ConnectionLost: the answer is lost; the server may have loaded all the same.
            Cancelled: by the exchange. The reaper goes on waiting for the answer.
        """
        message = {"op": "load", "lease": lease, "body": dict(body), "deadline_s": deadline_s}
        for reply in self._ask(message, within_s=deadline_s + _ANSWER_S, exchange=exchange):
            if "lost" not in reply:
                return RawAnswer(status=reply["status"], body=reply["body"].encode())
            if reply["is_refused"]:
                raise ServerUnreachable(f"nobody answers at {self._journal.url}: {reply['lost']}")
            if reply["is_late"]:
                said = f"{self._journal.url}: {deadline_s:g} s passed without an answer (load deadline)"
                raise DeadlineExceeded(said, phase="load", after_s=deadline_s)
            raise ConnectionLost(f"the connection to {self._journal.url} broke: {reply['lost']}")
        raise ConnectionLost("the reaper gave no answer")

    def undo(self, lease: int, *, within_s: float) -> str | None:
        """Let the reaper finish a lease; return how it ended, None if it is still at it: it goes on without us."""
        how = self._undone(lease, min(within_s, _WORTH_A_WORD_S))
        if how is None and within_s > _WORTH_A_WORD_S:
            self._say("waiting for the server to end a load, to undo it; Ctrl-C leaves that to the reaper")
            how = self._undone(lease, within_s - _WORTH_A_WORD_S)
        return how

    def _undone(self, lease: int, within_s: float) -> str | None:
        try:
            for reply in self._ask({"op": "undo", "lease": lease}, within_s=within_s):
                return str(reply["how"])
        except (DeadlineExceeded, ConnectionLost):
            pass
        return None

    def close(self, *, waits: bool = True) -> None:
        """Let the reaper go: it finishes what the journal leaves open, and ends. Harmless when repeated."""
        with self._starting:
            if self._reaper is not None:
                self._reaper.close(within_s=_EXIT_S if waits else 0.0)
                self._reaper = None

    def _replace(self, dead: "_Reaper") -> None:
        """Start another reaper after one died of something: what is loaded needs one."""
        with self._starting, contextlib.suppress(HarnessError):
            if self._reaper is dead and self._restarts < _MAX_RESTARTS:
                self._restarts += 1
                self.start()
                for key in tuple(self._keys):
                    for _ in self._ask({"op": "lock", "key": key, "within_s": 0.0}, within_s=_ANSWER_S):
                        pass

    def _ask(
        self, message: Mapping[str, Any], *, within_s: float, exchange: Exchange | None = None
    ) -> Iterator[dict[str, Any]]:
        reaper = self._reaper
        if reaper is None:
            raise ConnectionLost("there is no reaper")
        return reaper.ask(message, within_s=within_s, exchange=exchange)


class _Reaper:
    """One reaper process."""

    def __init__(self, process: "subprocess.Popen[bytes]", on_death: "Callable[[_Reaper], None]") -> None:
        self._process = process
        self._on_death = on_death
        self._is_closing = False
        self._replies: dict[int, queue.SimpleQueue[dict[str, Any] | None]] = {}
        self._lock = threading.RLock()  # A signal handler may ask while this very thread does.
        self._next = 1
        self.pid = process.pid
        self.is_dead = False

    @classmethod
    def started(
        cls, journal: Journal, *, token: str, settle_s: float, on_death: "Callable[[_Reaper], None]"
    ) -> "_Reaper":
        """Return a reaper that cares for this journal from now on."""
        try:
            process = subprocess.Popen(  # noqa: S603  (fixed arguments)
                child.command("harness.reaper.process"),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=journal.path.parent,
                env=child.environment(),
                **_detached(),
            )
        except OSError as exc:
            raise LeaseError(
                f"the process that would unload what this run loads cannot be started: {exc.strerror}",
                hint="Without it nothing is loaded.",
            ) from exc
        reaper = cls(process, on_death)
        threading.Thread(target=reaper._listen, name="lms-reaper", daemon=True).start()
        hello = {
            "op": "hello", "journal": str(journal.path.resolve()), "url": journal.url, "token": token,
            "locks": str(journal.path.resolve().parent.parent / "locks"), "settle_s": settle_s,
            "owner": identity.owner(),
        }  # fmt: skip
        try:
            ready = next(reaper.ask(hello, within_s=_ANSWER_S), None)
        except (ConnectionLost, DeadlineExceeded):
            ready = None
        if ready is None or not ready["ok"]:
            reaper.close(within_s=_EXIT_S)
            raise LeaseError(
                "the process that would unload what this run loads did not start",
                hint=f"Without it nothing is loaded. Try: {sys.executable} -m harness.reaper.process </dev/null",
            )
        return reaper

    def ask(
        self, message: Mapping[str, Any], *, within_s: float, exchange: Exchange | None = None
    ) -> Iterator[dict[str, Any]]:
        """Send a message and yield its replies: those that only tell how far it is, then the last one.

        Raises:
            ConnectionLost: the reaper is dead.
            DeadlineExceeded: it is late.
            Cancelled: the exchange is.
        """
        replies: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        with self._lock:
            number, self._next = self._next, self._next + 1
            self._replies[number] = replies
            self._send({**message, "id": number})
        end = time.monotonic() + within_s
        try:
            while True:
                reply = self._next_reply(replies, end, within_s, exchange)
                yield reply
                if "waiting" not in reply:
                    return
        finally:
            with self._lock:
                self._replies.pop(number, None)

    def close(self, *, within_s: float) -> None:
        """Close the pipe, and give the process a moment to end; it ends without us as well."""
        self._is_closing = True
        with contextlib.suppress(OSError, ValueError, AttributeError):
            self._process.stdin.close()  # type: ignore[union-attr]
        try:
            self._process.wait(within_s)
        except subprocess.TimeoutExpired:
            # It is finishing what is left. Python would warn of a child that is still running, which is the point.
            self._process.returncode = 0

    def _send(self, message: Mapping[str, Any]) -> None:
        if self.is_dead or self._process.stdin is None:
            raise ConnectionLost("the reaper has ended")
        try:
            self._process.stdin.write(json.dumps(message).encode("ascii") + b"\n")
            self._process.stdin.flush()
        except (OSError, ValueError) as exc:
            raise ConnectionLost("the reaper has ended") from exc

    @staticmethod
    def _next_reply(
        replies: "queue.SimpleQueue[dict[str, Any] | None]", end: float, within_s: float, exchange: Exchange | None
    ) -> dict[str, Any]:
        while True:
            if exchange is not None:
                exchange.check()
            left = end - time.monotonic()
            if left <= 0:
                said = f"the reaper did not answer within {within_s:g} s"
                raise DeadlineExceeded(said, phase="load", after_s=within_s)
            try:
                # Short, so that Ctrl-C comes through on Windows and a cancelled exchange is seen.
                reply = replies.get(timeout=min(left, _WAKE_S))
            except queue.Empty:
                continue
            if reply is None:
                raise ConnectionLost("the reaper has ended")
            return reply

    def _listen(self) -> None:
        """Run in a thread: hand each reply to who waits for it; at the end wake all."""
        out = self._process.stdout
        with contextlib.suppress(OSError, ValueError):
            for line in out or ():
                reply = json.loads(line)
                with self._lock:
                    waiting = self._replies.get(reply["id"])
                if waiting is not None:
                    waiting.put(reply)
        with self._lock:
            self.is_dead = True
            for waiting in self._replies.values():
                waiting.put(None)
        if out is not None:
            out.close()
        if not self._is_closing:
            self.close(within_s=_EXIT_S)  # Else a dead one stays as a zombie, and its pipe open.
            self._on_death(self)


def _detached() -> dict[str, Any]:
    """Return what makes the child outlive us, out of reach of our terminal's signals."""
    if sys.platform == "win32":
        flags = subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP
        return {"creationflags": flags}
    return {"start_new_session": True}
