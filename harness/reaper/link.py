"""The run's end of the pipe to its reaper: locks, loads, and a process that finishes what the run cannot."""

import contextlib
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.client.exchange import Exchange
from harness.clock import Clock
from harness.errors import (
    ConnectionLost,
    DeadlineExceeded,
    HarnessError,
    LeaseError,
    ServerUnreachable,
    StoreError,
)
from harness.reaper.answer import RawAnswer
from harness.reaper.channel import ANSWER_S, EXIT_S, Channel, Launch, launched
from harness.reaper.journal import Journal
from harness.reaper.reconcile import SETTLE_S, UNREACHABLE_S, Ending

if TYPE_CHECKING:
    from harness.reaper.carrier import Carrier

_MAX_RESTARTS = 5
_SAY_AFTER_S = 1.0


class ReaperLink:
    """A reaper for one journal: started with the first lock, ended by `close`, replaced when it dies.

    Args:
        journal: of the run.
        token: of the server; goes through the pipe, so that no process list shows it.
        settle_s: how long the listing may lag behind an answer.
        say: prints a line for a person, such as that another run is loading the same model.
        launch: starts the reaper; tests start one that runs in a thread (`harness.testing.reaper`).
    """

    def __init__(
        self,
        journal: Journal,
        *,
        token: str,
        settle_s: float = SETTLE_S,
        say: Callable[[str], None] = lambda _: None,
        launch: Launch = launched,
    ) -> None:
        self._journal = journal
        self._token = token
        self._settle_s = settle_s
        self._launch = launch
        self._channel: Channel | None = None
        self._starting = threading.RLock()
        self._keys: list[str] = []
        self._restarts = 0
        self._noting = threading.Lock()
        self._in_flight: Counter[int] = Counter()
        self._heard_by: Channel | None = None
        self._heard: set[int] = set()
        """The leases of which this reaper knows that they are asked."""
        self.say = say

    @property
    def pid(self) -> int | None:
        """Of the reaper; None while there is none."""
        return self._channel.pid if self._channel else None

    def start(self) -> None:
        """Start the reaper if it is not running.

        Raises:
            LeaseError: it cannot be started. Nothing may be loaded then.
            StoreError: the journal cannot be written.
        """
        with self._starting:
            if self._channel is None or self._channel.is_dead:
                self._journal.open()
                self._channel = Channel.opened(
                    self._journal,
                    token=self._token,
                    settle_s=self._settle_s,
                    launch=self._launch,
                    on_death=self._replace,
                )

    @contextlib.contextmanager
    def loading(self, key: str, *, within_s: float) -> Iterator[None]:
        """Be the only run of this machine that loads this model on this server.

        If this run dies, its reaper keeps the lock until it has found what the run may have loaded.

        Raises:
            LeaseError: another run has been loading it for `within_s`.
            StoreError: the lock's file cannot be made or used.
        """
        self.start()
        for reply in self._ask({"op": "lock", "key": key, "within_s": within_s}, within_s=within_s + ANSWER_S):
            if "waiting" in reply:
                self.say(f"{key}: {reply['waiting']} is loading it; waiting up to {within_s:g} s for it to finish")
            elif "unusable" in reply:
                raise StoreError(
                    f"cannot lock the load of {key}: {reply['unusable']}",
                    hint="Nothing is loaded without the lock. Remove what is in its place, "
                    "or set LMS_HARNESS_STATE to a folder that you can write to.",
                )
            elif not reply["ok"]:
                raise LeaseError(
                    f"another run has been loading {key} for {within_s:g} s, and two loads at a time could not be "
                    "told apart",
                    hint="`lms-harness doctor` shows which process that is.",
                )
        self._keys.append(key)
        try:
            yield
        finally:
            self._keys.remove(key)
            with contextlib.suppress(ConnectionLost):  # A dead reaper holds no lock.
                for _ in self._ask({"op": "unlock", "key": key}, within_s=ANSWER_S):
                    pass

    def load(
        self, lease: int, body: Mapping[str, Any], *, deadline_s: float, exchange: Exchange | None = None
    ) -> RawAnswer:
        """Let the reaper send a load, and return the server's answer as it came.

        Raises:
            ServerUnreachable: nothing listens at this address; nothing was sent.
            DeadlineExceeded, ConnectionLost: the answer is lost; the server may have loaded the model all the same.
            Cancelled: by the exchange. The reaper keeps waiting for the answer.
        """
        message = {"op": "load", "lease": lease, "body": dict(body), "deadline_s": deadline_s}
        for reply in self._ask(message, within_s=deadline_s + ANSWER_S, exchange=exchange):
            if "lost" not in reply:
                return RawAnswer(status=reply["status"], body=reply["body"].encode())
            raise _lost(reply, url=self._journal.url, deadline_s=deadline_s)
        raise ConnectionLost("the reaper did not answer")

    def carrier(self, lease: int, clock: Clock) -> "Carrier":
        """Return what lets the reaper send a chat that may load its model: the load then outlives this process."""
        from harness.reaper.carrier import Carrier  # It needs the HTTP client, which is imported late here.

        return Carrier(partial(self._chat, lease), url=self._journal.url, clock=clock)

    def _chat(self, lease: int, body: Mapping[str, Any], deadline_s: float) -> Iterator[Mapping[str, Any]]:
        """Yield what comes of a chat that the reaper sends.

        Raises:
            HarnessError: the answer is lost.
        """
        message = {"op": "chat", "lease": lease, "body": dict(body), "deadline_s": deadline_s}
        for reply in self._ask(message, within_s=deadline_s + ANSWER_S):
            if "lost" in reply:
                raise _lost(reply, url=self._journal.url, deadline_s=deadline_s)
            yield reply

    def note_request(self, lease: int, *, begins: bool) -> None:
        """Note that a request to the instance of this lease begins, or has ended; the reaper hears of first and last.

        Each word to it wakes a process, while a slot waits for its next request.
        """
        with self._noting:
            self._in_flight[lease] += 1 if begins else -1
            channel, is_asking = self._channel, self._in_flight[lease] > 0
            if channel is None:
                return
            if channel is not self._heard_by:
                self._heard_by, self._heard = channel, set()
            if is_asking == (lease in self._heard):
                return
            self._heard ^= {lease}
            with contextlib.suppress(ConnectionLost):  # What a reaper that is gone has missed is lost.
                channel.tell({"op": "asking" if is_asking else "asked", "lease": lease})

    def find(self, lease: int, *, within_s: float, exchange: Exchange | None = None) -> Ending:
        """Let the reaper find what a load made whose answer was lost; what it finds is in the journal.

        Args:
            lease: its number in the journal.
            within_s: how long the load may take.
            exchange: cancels the wait; the reaper keeps looking.

        Returns:
            `found` with the instance, `denied` (nothing was made), or why neither can be said.
        """
        self.start()  # The answer may be lost because the reaper died.
        message = {"op": "find", "lease": lease}
        patience_s = within_s + 2 * self._settle_s + UNREACHABLE_S + ANSWER_S
        return self._ending(message, within_s=patience_s, exchange=exchange)

    def undo(self, lease: int, *, within_s: float) -> Ending | None:
        """Let the reaper finish a lease and return how it ended; None if it is still busy and finishes without us."""
        ending = self._undone(lease, min(within_s, _SAY_AFTER_S))
        if ending is None and within_s > _SAY_AFTER_S:
            self.say("waiting for the server to finish a load, in order to undo it; Ctrl-C leaves that to the reaper")
            ending = self._undone(lease, within_s - _SAY_AFTER_S)
        return ending

    def close(self, *, waits: bool = True) -> None:
        """Let the reaper go: it finishes what the journal leaves open, and ends. Harmless when repeated."""
        with self._starting:
            if self._channel is not None:
                self._channel.close(within_s=EXIT_S if waits else 0.0)
                self._channel = None

    def _undone(self, lease: int, within_s: float) -> Ending | None:
        with contextlib.suppress(DeadlineExceeded, ConnectionLost):
            return self._ending({"op": "undo", "lease": lease}, within_s=within_s)
        return None

    def _ending(self, message: Mapping[str, Any], *, within_s: float, exchange: Exchange | None = None) -> Ending:
        for reply in self._ask(message, within_s=within_s, exchange=exchange):
            return Ending(how=reply["how"], why=reply["why"], instances=tuple(reply["instances"]))
        raise ConnectionLost("the reaper did not answer")

    def _replace(self, dead: Channel) -> None:
        """Start another reaper after one was killed: what is loaded needs one."""
        with self._starting, contextlib.suppress(HarnessError):
            if self._channel is dead and self._restarts < _MAX_RESTARTS:
                self._restarts += 1
                self.start()
                for key in tuple(self._keys):
                    for _ in self._ask({"op": "lock", "key": key, "within_s": 0.0}, within_s=ANSWER_S):
                        pass

    def _ask(
        self, message: Mapping[str, Any], *, within_s: float, exchange: Exchange | None = None
    ) -> Iterator[dict[str, Any]]:
        channel = self._channel
        if channel is None:
            raise ConnectionLost("there is no reaper")
        return channel.ask(message, within_s=within_s, exchange=exchange)


def _lost(reply: Mapping[str, Any], *, url: str, deadline_s: float) -> HarnessError:
    """Return the error for an answer that did not reach the reaper."""
    if reply["is_refused"]:
        return ServerUnreachable(f"nothing answers at {url}: {reply['lost']}")
    if reply["is_late"]:
        return DeadlineExceeded(
            f"{url}: {deadline_s:g} s passed without an answer (load deadline)", phase="load", after_s=deadline_s
        )
    return ConnectionLost(f"the connection to {url} broke: {reply['lost']}")
