"""One load, from its intent in the journal to an instance that is ours, or to nothing that stays of it.

REST gives a load no name, so only the server's answer tells what it made. The reaper gets that answer, and where it is
lost, the reaper alone decides what the load made (`harness.reaper.reconcile`).
"""

import contextlib
from collections.abc import Collection, Sequence
from types import TracebackType
from typing import Self

from harness.client.exchange import Exchange
from harness.client.http import Client
from harness.client.request import load_body
from harness.domain.generation import Generation
from harness.domain.model import InstanceId, LoadConfig, Model, ModelKey
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
from harness.lifecycle.resident import resident_ids
from harness.reaper.journal import Journal
from harness.reaper.lease import Mode
from harness.reaper.link import ReaperLink
from harness.reaper.reconcile import Ending


class Attempt:
    """A load that is undone when its `with` block raises, Ctrl-C included: the server keeps loading after we hang up.

    The reaper undoes it. Where the server takes longer than anyone waits after a Ctrl-C, the lease stays open in the
    journal and the reaper finishes it without us.

    Args:
        client: of the server.
        journal: gets the intent when the block begins.
        link: to the reaper, which sends the load, finds what it made where the answer is lost, and undoes it.
        key: of the model.
        config: what is asked for.
        before: the listing before the load.
        held: ids that this run has leases on; a listing that lags may have left them out of `before`.
        mode: explicit: a load of its own; jit: a load by a chat, which only its own stream can show to be ours.
        load_deadline_s: how long the load may take before nothing that appears is taken for its instance.
        settle_s: how long the listing may lag behind an answer.
    """

    def __init__(
        self,
        client: Client,
        journal: Journal,
        link: ReaperLink,
        key: ModelKey,
        config: LoadConfig,
        *,
        before: Sequence[Model],
        held: Collection[InstanceId],
        mode: Mode,
        load_deadline_s: float,
        settle_s: float,
    ) -> None:
        self._client = client
        self._journal = journal
        self._link = link
        self._config = config
        self._mode = mode
        self._before = tuple(dict.fromkeys([*resident_ids(before), *held]))
        self._load_deadline_s = load_deadline_s
        self._settle_s = settle_s
        self._number = 0
        self._named: InstanceId | None = None
        self._is_settled = False
        self.key = key

    def __enter__(self) -> Self:
        self._number = self._journal.intent(
            self.key,
            resident=self._before,
            mode=self._mode,
            config=self._config.as_dict(),
            deadline_s=self._load_deadline_s,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is not None and not self._is_settled:
            self._undo(error)

    @property
    def number(self) -> int:
        """Of the lease in the journal."""
        return self._number

    def load(self, *, exchange: Exchange | None) -> float | None:
        """Load once, never again: after a lost answer, take what the reaper finds.

        Returns:
            The server's load time in seconds; None where its answer was lost.

        Raises:
            AmbiguousLoad: the answer was lost, and what is new may belong to another client.
        """
        body = load_body(self.key, self._config, echo=True)
        try:
            answer = self._link.load(self._number, body, deadline_s=self._client.deadlines.load_s, exchange=exchange)
            result = self._client.loaded(answer.status, answer.body)
        except (Cancelled, ServerUnreachable):
            raise
        except (TransportError, ServerFault) as lost:
            self._named = self._found(lost, exchange)
            return None
        self._named = result.instance_id
        return result.load_time_s

    def heard(self, instance_id: InstanceId) -> None:
        """Note which instance our own stream says that it is loading, or has loaded."""
        if instance_id not in self._before:
            self._named = instance_id

    def answered(self, answer: Generation) -> None:
        """Take the instance that answered, if the answer itself shows that this request loaded it.

        Raises:
            LeaseError: another client may have loaded it.
        """
        if not answer.loaded_model or answer.model_instance_id in self._before:
            raise LeaseError(f"{answer.model_instance_id} answered, but nothing shows that this request loaded it")
        self._named = answer.model_instance_id

    def granted(self) -> InstanceId:
        """Return which instance was made; the reaper has written it into the journal."""
        if self._named is None:
            raise AssertionError("nothing has been loaded yet")
        return self._named

    def _found(self, lost: HarnessError, exchange: Exchange | None) -> InstanceId:
        """Return the instance that the reaper found after a lost answer.

        Raises:
            AmbiguousLoad: it is uncertain which one is ours; the journal names them.
            HarnessError: `lost`, as nothing was made, or the reaper is still looking.
        """
        try:
            ending = self._link.find(self._number, within_s=self._load_deadline_s, exchange=exchange)
        except Cancelled:
            raise
        except HarnessError:
            raise lost from None  # The lease is open, so the undo below leaves it to the reaper.
        if ending.how == "found":
            return InstanceId(ending.instances[0])
        self._is_settled = True  # Or the lease stays open, as the server does not answer: the reaper tries again.
        if ending.how == "doubtful" or ending.is_final:
            self._journal.forget(self._number)  # The reaper has written it down.
        raise lost if ending.how != "doubtful" else _ambiguous(self.key, ending)

    def _patience_s(self, error: BaseException) -> float:
        """Return how long an undo is waited for before it is left to the reaper."""
        is_hurried = not isinstance(error, HarnessError) or isinstance(error, Cancelled)
        # After an answer that names nothing, a single candidate has to stay the only one for as long as it may lag.
        return self._settle_s if is_hurried else 2 * self._settle_s

    def _undo(self, error: BaseException) -> None:
        if self._named is None and isinstance(error, ApiError | LeaseError | ServerUnreachable):
            # The server refused or failed, or another client loaded the model: no load of ours is going on.
            self._journal.close_lease(self._number, "denied")
            return
        if isinstance(error, LoadUnverified) and self._named is not None:
            with contextlib.suppress(HarnessError):  # The listing may lag longer than we wait; the granted id is ours.
                self._client.unload(self._named)
        ending = self._link.undo(self._number, within_s=self._patience_s(error))
        if ending is None:
            return
        if ending.is_final or ending.how == "doubtful":
            self._journal.forget(self._number)  # The reaper has written it down.
        if not ending.is_final:
            self._link.say(f"{self.key}: {_names(ending) or 'what was loaded'} may still be loaded: {ending.why}")


def _ambiguous(key: ModelKey, ending: Ending) -> AmbiguousLoad:
    commands = "\n".join(f"  lms-harness unload --instance {instance_id!r}" for instance_id in ending.instances)
    return AmbiguousLoad(
        f"the answer to loading {key} was lost, and what it loaded is uncertain: {ending.why} ({_names(ending)})",
        hint=f"None was touched, because another client may be using it. Unload what is not in use:\n{commands}",
    )


def _names(ending: Ending) -> str:
    return ", ".join(ending.instances)
