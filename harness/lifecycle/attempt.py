"""One load, from its intent in the journal to an instance that is ours, or to nothing that stays of it.

REST gives a load no name: what is new, and what we heard, must tell which instance a request of ours made.
"""

import contextlib
from collections.abc import Collection, Sequence
from types import TracebackType
from typing import Self

from harness.client.exchange import Exchange
from harness.client.http import Client
from harness.client.request import load_body
from harness.client.stream import Loading
from harness.clock import Clock
from harness.domain.generation import Generation
from harness.domain.model import InstanceId, LoadConfig, LoadResult, Model, ModelKey
from harness.errors import (
    AmbiguousLoad,
    ApiError,
    Cancelled,
    HarnessError,
    LeaseError,
    LoadUnverified,
    ServerFault,
    ServerUnreachable,
    TransportError,
)
from harness.lifecycle.resident import resident_ids, unload_verified, wait_for
from harness.reaper.journal import ENDS, Journal, Mode, granted_elsewhere
from harness.reaper.link import Guard
from harness.selection.selection import find_model

_JIT_UNDO_S = 1.0


class Attempt:
    """A load that is undone when its `with` block raises, Ctrl-C included: the server goes on loading after we hang up.

    Where it cannot be told what the server made, the lease stays open in the journal: it may need longer than anybody
    waits after a Ctrl-C. The reaper waits for it.

    Args:
        client: of the server.
        journal: gets the intent when the block begins.
        guard: sends the load and undoes it; None: this process does, and after its death nobody.
        key: of the model.
        config: what is asked for.
        before: the listing before the load.
        held: ids that this run has leases on.
        mode: explicit: what is new and nobody else's is ours; jit (a load by a chat): only what its stream named.
        clock: for waiting.
        settle_s: how long the listing may lag behind an answer, and how long a single candidate must stay the only one.
    """

    def __init__(
        self,
        client: Client,
        journal: Journal,
        guard: Guard | None,
        key: ModelKey,
        config: LoadConfig,
        *,
        before: Sequence[Model],
        held: Collection[InstanceId],
        mode: Mode,
        clock: Clock,
        settle_s: float,
    ) -> None:
        self._client = client
        self._journal = journal
        self._guard = guard
        self._config = config
        self._mode = mode
        self._before = resident_ids(before)
        self._known = {*self._before, *held}
        self._clock = clock
        self._settle_s = settle_s
        self._number = 0
        self._named: InstanceId | None = None
        self.key = key

    def __enter__(self) -> Self:
        self._number = self._journal.intent(
            self.key, resident=self._before, mode=self._mode, config=self._config.as_dict(),
            deadline_s=self._client.deadlines.load_s,
        )  # fmt: skip
        if self._mode == "jit" or self._guard is None:
            self._journal.sent(self._number)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is not None:
            self._undo(error)

    @property
    def number(self) -> int:
        """Of the lease in the journal."""
        return self._number

    def load(self, *, deadline_s: float, exchange: Exchange | None) -> float | None:
        """Load once, never again: after a lost answer, take what appears within `deadline_s`.

        Returns:
            The server's load time in seconds; None where its answer was lost.
        """
        try:
            result = self._load(exchange)
        except (Cancelled, ServerUnreachable):
            raise
        except (TransportError, ServerFault) as exc:
            # After an answer the load has ended, though nobody knows how.
            self._named = self._adopt(self._settle_s if isinstance(exc, ServerFault) else deadline_s)
            if self._named is None:
                raise
            return None
        self._named = result.instance_id
        return result.load_time_s

    def heard(self, instance_id: InstanceId, phase: Loading) -> None:
        """Note which instance our own stream says that it is loading, or has loaded."""
        if instance_id not in self._before:
            self._named = instance_id
            self._journal.grant(self._number, instance_id)
            if phase == "loaded":
                self._journal.verified(self._number, {})

    def answered(self, answer: Generation) -> None:
        """Take the instance that answered, if the answer itself shows that this request loaded it.

        Raises:
            LeaseError: somebody else may have loaded it.
        """
        if not answer.loaded_model or answer.model_instance_id in self._before:
            raise LeaseError(f"{answer.model_instance_id} answered, but nothing shows that this request loaded it")
        self._named = answer.model_instance_id

    def grant(self) -> InstanceId:
        """Write into the journal which instance was made, and return it."""
        if self._named is None:
            raise AssertionError("nothing was made yet")
        self._journal.grant(self._number, self._named)
        return self._named

    def _load(self, exchange: Exchange | None) -> LoadResult:
        if self._guard is None:
            return self._client.load(self.key, self._config, exchange=exchange)
        body = load_body(self.key, self._config, echo=True)
        answer = self._guard.load(self._number, body, deadline_s=self._client.deadlines.load_s, exchange=exchange)
        return self._client.loaded(answer.status, answer.body)

    def _undo(self, error: BaseException) -> None:
        if isinstance(error, AmbiguousLoad):
            return  # The journal names what may be left.
        # After these the server is not loading: it has refused, or has not shown anything until the load deadline.
        is_final = isinstance(error, ApiError | LeaseError | ServerUnreachable)
        if isinstance(error, LoadUnverified) and self._named is not None:
            with contextlib.suppress(HarnessError):  # A listing may lag longer than we wait: our id is ours.
                self._client.unload(self._named)
        is_final |= self._mode == "explicit" and isinstance(error, TransportError) and not isinstance(error, Cancelled)
        if self._guard is not None and not is_final:
            # A load by a chat most likely ends with the chat, and the reaper has to wait to be sure of that.
            patience_s = _JIT_UNDO_S if self._mode == "jit" else self._settle_s
            if self._guard.undo(self._number, within_s=patience_s) in ENDS:
                self._journal.forget(self._number)
            return
        try:
            leftover = self._leftover(0.0 if is_final else self._settle_s)
        except TransportError:
            return
        if leftover is not None:
            unload_verified(self._client, leftover, clock=self._clock, settle_s=self._settle_s)
            self._journal.close_lease(self._number, "released")
        elif is_final:
            self._journal.close_lease(self._number, "denied")

    def _leftover(self, patience_s: float) -> InstanceId | None:
        """Return the instance that this made, once it is listed; None when it is not."""
        if self._named is None:
            return self._adopt(patience_s) if self._mode == "explicit" else None
        # What a stream has only announced is not listed before it is loaded.
        return wait_for(
            lambda: self._named if self._named in resident_ids(self._client.models()) else None,
            self._clock,
            within_s=patience_s,
        )

    def _adopt(self, patience_s: float) -> InstanceId | None:
        """Return the one instance of the key that is new and nobody else's, waiting for it up to `patience_s`.

        It counts once it was the only one for a while: what somebody else loads may be listed before ours is.

        Raises:
            AmbiguousLoad: several are new.
            TransportError: the listing could not be read for `settle_s`, or at the end.
        """
        last_seen, trouble = self._clock.monotonic(), None
        alone: tuple[InstanceId, float] | None = None

        def look() -> InstanceId | None:
            nonlocal last_seen, trouble, alone
            now = self._clock.monotonic()
            try:
                model = find_model(self._client.models(), self.key)
            except TransportError as exc:
                if now - last_seen >= self._settle_s:
                    raise
                trouble = exc
                return None
            last_seen, trouble = now, None
            new = self._only_new(model)
            if new is None or alone is None or alone[0] != new:
                alone = None if new is None else (new, now)
            return new if alone is not None and now - alone[1] >= min(self._settle_s, patience_s) else None

        found = wait_for(look, self._clock, within_s=patience_s)
        if found is None and alone is not None:  # It came late: the rest of the wait is for it.
            found = wait_for(look, self._clock, within_s=self._settle_s)
        if trouble is not None:
            raise trouble
        return found

    def _only_new(self, model: Model) -> InstanceId | None:
        others = granted_elsewhere(self._journal.path.parent, url=self._client.url, but=self._journal.path)
        new = [one for one in model.loaded_instances if one.id not in self._known and one.id not in others]
        fitting = [one.id for one in new if self._config.agrees_with(one.config)]
        if len(fitting) > 1:
            commands = "\n".join(f"  lms-harness unload --instance {one!r}" for one in fitting)
            raise AmbiguousLoad(
                f"the answer to loading {self.key} was lost, and {len(fitting)} instances are new since: "
                f"{', '.join(fitting)}",
                hint=f"None was touched, as one may be somebody else's. Whichever is not in use:\n{commands}",
            )
        return fitting[0] if fitting else None
