"""The reaper (`python -m harness.reaper.process`): a process that outlives a run and unloads what the run left.

It is started before the first load, in a session of its own, and ignores the signals of a terminal. It sends the loads
itself, so that the answer, which alone tells for certain what was made, reaches a process that is still there when the
run is killed (docs/adr/0003). When its stdin ends, it finishes every lease that the journal leaves open.

Until there is something to do it imports the standard library alone, as it is part of every run that loads anything:
`pyproject.toml` holds the contract, and a test looks into a started one.

Lines of JSON on stdin, each (but for the last two kinds) with an `id`, and answered on stdout by a line with the same
`id`, or by several, of which all but the last have `more`:

    hello   journal, url, token, locks, settle_s    -> ok, pid
    lock    key, within_s                           -> [more, waiting: who holds it] then ok: true or false
    unlock  key                                     -> ok
    load    lease, body, deadline_s                 -> status, body; or lost, is_refused, is_late
    chat    lease, body, deadline_s                 -> status, content_type; data ...; then ended; or lost, as for load
    find    lease                                   -> how, why, instances: what a load made whose answer was lost
    undo    lease                                   -> how, why, instances: the lease is finished
    asking  lease                                   a request to its instance begins
    asked   lease                                   it has ended
"""

import json
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from harness.clock import Clock, SystemClock, timestamp
from harness.reaper import identity, journal
from harness.reaper.filelock import FileLock

if TYPE_CHECKING:
    from harness.reaper.lease import OpenLease
    from harness.reaper.reconcile import Ending
    from harness.reaper.relay import Relay
    from harness.reaper.server import PlainServer

_OWNER_LOOK_S = 2.0
_FINISH_DEADLINE_S = 1800.0
_REQUESTS = {"asking": 1, "asked": -1}
_FROM_RUN = frozenset({"lock", "load", "chat", "find", "undo"})


def main() -> None:
    """Serve until stdin ends, finish what is open, exit."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGPIPE"):
        if (number := getattr(signal, name, None)) is not None:
            signal.signal(number, signal.SIG_IGN)
    serve(sys.stdin.buffer, sys.stdout.buffer, SystemClock())
    # Threads that still wait for answers must not hold up the exit.
    os._exit(0)


def serve(stdin: IO[bytes], stdout: IO[bytes], clock: Clock, *, is_killed: Callable[[], bool] = lambda: False) -> None:
    """Be the reaper of the run at the other end, and return when the run is over and nothing of it is left open.

    Args:
        stdin: messages of the run; the run is over when it ends.
        stdout: for replies.
        clock: for waiting.
        is_killed: whether to end without finishing anything, as a process does that is killed (for tests).
    """
    hello = json.loads(stdin.readline() or b"{}")
    if not hello:
        return
    reaper = Reaper(hello, stdout, clock)
    threading.Thread(target=reaper.listen, args=(stdin,), daemon=True).start()
    reaper.wait_for_the_end()
    if not is_killed():
        reaper.finish()
    reaper.close()


def key_lock(folder: Path, url: str, model_key: str) -> Path:
    """Return the file whose lock means that a run is loading this model on this server. Keys never become paths."""
    import hashlib

    name = hashlib.sha256(f"{url}\n{model_key.lower()}".encode()).hexdigest()[:32]
    return folder / f"{name}.lock"


class Reaper:
    """What the reaper knows and does; a thread for each wait.

    Args:
        hello: the first message.
        out: where replies go; it is not an error if the run no longer reads them.
        clock: for waiting.
    """

    def __init__(self, hello: Mapping[str, Any], out: IO[bytes], clock: Clock) -> None:
        self._out = out
        self._writing = threading.Lock()
        self._path = Path(hello["journal"])
        self._locks_folder = Path(hello["locks"])
        self._settle_s = float(hello["settle_s"])
        self._clock = clock
        self._url, self._token = hello["url"], hello["token"]
        self._owner = hello["owner"]
        self._is_over = threading.Event()
        self._locks: dict[str, FileLock] = {}
        self._loads: dict[int, threading.Event] = {}
        self._relays: dict[int, Relay] = {}
        self._asking: Counter[int] = Counter()
        self._sent_at: dict[int, float] = {}
        self._turns: dict[int, threading.Lock] = {}
        self._state = threading.Lock()
        self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | getattr(os, "O_CLOEXEC", 0))
        # Whoever can take this lock knows that no reaper takes care of the journal any more.
        self._own_lock = FileLock(self._path)
        self._answer(hello["id"], ok=self._own_lock.acquire(within_s=5.0), pid=os.getpid())

    @cached_property
    def _server(self) -> "PlainServer":
        from harness.reaper.server import PlainServer

        return PlainServer(self._url, self._token)

    def listen(self, stdin: IO[bytes]) -> None:
        """Do what each message says, until they end."""
        for line in iter(stdin.readline, b""):
            try:
                message = json.loads(line)
            except ValueError:
                break  # Torn: the run died while it wrote.
            if message["op"] == "unlock":
                self._unlock(message["key"])
                self._answer(message["id"], ok=True)
            elif message["op"] in _REQUESTS:
                self._asking[message["lease"]] += _REQUESTS[message["op"]]
            elif message["op"] in _FROM_RUN:
                if message["op"] == "load":
                    self._loads[message["lease"]] = threading.Event()
                if message["op"] == "chat":
                    self._relays[message["lease"]] = self._relay(message)
                work = getattr(self, f"_{message['op']}")
                threading.Thread(target=work, args=(message,), daemon=True).start()
        self._is_over.set()

    def wait_for_the_end(self) -> None:
        """Return when the run is over: its end of the pipe is closed, or it is gone while a child holds the pipe."""
        while not self._is_over.wait(_OWNER_LOOK_S):
            if not identity.is_alive(self._owner):
                return

    def finish(self) -> None:
        """Finish every open lease, each in a thread, as one may have to wait for its load."""
        try:
            state = journal.replay(self._path)
        except OSError:
            return  # The run has removed it: nothing was left open.
        leases = state.open_leases
        if state.owner.get("is_server_ours"):  # It ends with the run.
            for number in leases:
                self._note("gone", number)
            leases = {}
        threads = [threading.Thread(target=self._finish, args=(number,), daemon=True) for number in leases]
        for thread in threads:
            thread.start()
        end = time.monotonic() + _FINISH_DEADLINE_S
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))
        journal.remove_if_settled(self._path)

    def close(self) -> None:
        """Let go of the journal and of every lock, as the end of a process does."""
        for key in tuple(self._locks):
            self._unlock(key)
        self._own_lock.release()
        file, self._file = self._file, -1  # A thread that still waits for an answer must not write to a reused number.
        os.close(file)

    def _lock(self, message: Mapping[str, Any]) -> None:
        key, end = message["key"], time.monotonic() + message["within_s"]
        lock = FileLock(key_lock(self._locks_folder, self._url, key))
        try:
            journal.private_folder(self._locks_folder)
            is_held = lock.try_acquire()
            if not is_held:
                self._answer(message["id"], more=True, waiting=_holder(lock.path))
                is_held = lock.acquire(within_s=end - time.monotonic())
        except OSError as exc:  # The run would wait for an answer in vain.
            self._answer(message["id"], ok=False, unusable=f"{exc.filename or lock.path}: {exc.strerror}")
            return
        if is_held:
            lock.note(json.dumps({"journal": self._path.name, "pid": self._owner["pid"]}))
            with self._state:
                self._locks[key] = lock
        if self._is_over.is_set():
            self._unlock(key)
        self._answer(message["id"], ok=is_held)

    def _unlock(self, key: str) -> None:
        with self._state:
            lock = self._locks.pop(key, None)
        if lock is not None:
            lock.release()

    def _load(self, message: Mapping[str, Any]) -> None:
        from harness.reaper.answer import ServerTrouble

        lease, ended = message["lease"], self._loads[message["lease"]]
        self._sent_at[lease] = self._clock.monotonic()
        self._note("sent", lease)
        try:
            answer = self._server.load(message["body"], deadline_s=message["deadline_s"])
        except ServerTrouble as exc:
            if exc.is_refused:
                self._note("answered", lease, status=400)  # Nothing was sent, so nothing was made.
            ended.set()
            self._answer(message["id"], lost=str(exc), is_refused=exc.is_refused, is_late=exc.is_late)
            return
        made = answer.value.get("instance_id")
        if isinstance(made, str) and "error" not in answer.value:
            self._note("grant", lease, instance_id=made)
        else:
            self._note("answered", lease, status=answer.status)
        ended.set()
        self._answer(message["id"], status=answer.status, body=answer.body.decode("utf-8", "replace"))

    def _relay(self, message: Mapping[str, Any]) -> "Relay":
        from harness.reaper.relay import Relay

        lease = message["lease"]
        opened = journal.replay(self._path).open_leases.get(lease)
        resident = opened.resident if opened else ()
        return Relay(
            resident=resident, note=partial(self._note, lease=lease), send=partial(self._answer, message["id"])
        )

    def _chat(self, message: Mapping[str, Any]) -> None:
        lease = message["lease"]
        self._sent_at[lease] = self._clock.monotonic()
        self._relays[lease].run(self._server, message["body"], deadline_s=message["deadline_s"])

    def _find(self, message: Mapping[str, Any]) -> None:
        self._answer(message["id"], **_as_reply(self._decided(message["lease"], undoes=False)))

    def _undo(self, message: Mapping[str, Any]) -> None:
        self._answer(message["id"], **_as_reply(self._decided(message["lease"], undoes=True)))

    def _decided(self, number: int, *, undoes: bool) -> "Ending":
        """Find what the load of a lease made, and finish the lease if `undoes`; the journal is written on return."""
        from harness.reaper.reconcile import Ending, finish, locate

        with self._state:
            turn = self._turns.setdefault(number, threading.Lock())
        with turn:  # One decision at a time: an undo that comes while we search waits for what the search finds.
            if (load := self._loads.get(number)) is not None:
                load.wait()  # It has a deadline of its own.
            if (relay := self._relays.get(number)) is not None:
                relay.abandon()
                relay.wait()
            try:
                lease = journal.replay(self._path).open_leases.get(number)
            except FileNotFoundError:
                lease = None  # The run has removed it meanwhile: nothing was left open.
            if lease is None:
                return Ending(how="released")
            lease = replace(lease, is_asked=self._is_over.is_set() and self._asking[number] > 0)
            here = self._path.parent
            ending = (finish if undoes else locate)(
                lease,
                self._server,
                self._clock,
                settle_s=self._settle_s,
                age_s=self._age_s(lease),
                claimed=lambda: journal.granted_elsewhere(here, url=self._url, but=self._path),
            )
            if ending.how == "found":
                self._note("grant", number, instance_id=ending.instances[0])
            elif ending.is_final:
                self._note(ending.how, number)
            elif undoes or ending.how == "doubtful":
                self._note("doubt", number, why=ending.why, instances=list(ending.instances))
            if undoes:
                self._unlock(lease.model_key)
            return ending

    def _age_s(self, lease: "OpenLease") -> float:
        """Return the seconds since the load was sent: by our own clock where we sent it, as the wall clock may jump."""
        sent_at = self._sent_at.get(lease.number)
        return lease.age_s(self._clock.now()) if sent_at is None else self._clock.monotonic() - sent_at

    def _finish(self, number: int) -> None:
        self._decided(number, undoes=True)

    def _note(self, kind: str, lease: int, **entry: Any) -> None:
        line = {"kind": kind, "lease": lease, **entry, "by": "reaper", "at": timestamp(self._clock.now())}
        try:
            journal.append(self._file, line)
        except OSError:
            return  # The disk is full: continue, and tell the run over the pipe.

    def _answer(self, number: int, **message: Any) -> None:
        data = json.dumps({"id": number, **message}).encode("ascii") + b"\n"
        with self._writing:
            try:
                self._out.write(data)
                self._out.flush()
            except (OSError, ValueError):
                return


def _as_reply(ending: "Ending") -> dict[str, Any]:
    return {"how": ending.how, "why": ending.why, "instances": list(ending.instances)}


def _holder(path: Path) -> str:
    """Return who holds a lock, as far as its file says."""
    try:
        holder = json.loads(path.read_text(encoding="ascii"))
        return f"process {int(holder['pid'])}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"


if __name__ == "__main__":
    main()
