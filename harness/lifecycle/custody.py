"""Whether what has the id of an instance of ours is still ours, from all that was seen since it was loaded.

An instance keeps its id while its listed config changes: LM Studio reduces, raises or changes a context after the load
(bug tracker 1902, 2174, 2270, 2304). So a changed config proves nothing. Ids are reused, too: once ours is gone, the
next instance of its model gets the same id. So what counts is an absence, seen in a listing or reported by an error:
from then on the id may belong to another client, whatever its config, unless a request of ours loaded the model again.
"""

import contextlib
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from harness.client.stream import Loading
from harness.domain.model import InstanceId, LoadConfig, Model
from harness.errors import (
    Cancelled,
    ConnectionLost,
    DeadlineExceeded,
    HarnessError,
    InstanceNotLoaded,
    LoadFailed,
    ModelNotFound,
    ServerUnreachable,
    StoreError,
)
from harness.reaper.journal import Journal

_LOADING_FAILED = re.compile(r"failed to load|loading was stopped", re.IGNORECASE)


@dataclass(slots=True, kw_only=True)
class _Watched:
    """An instance of ours.

    Attributes:
        number: of its lease in the journal; None when that has ended, as the instance is kept on purpose.
        model_key: of its model.
        config: as it was last listed; None until it is.
        absence: how it was seen to be gone, in words; empty while it never was.
        is_loading: a request of ours makes the server load it, as far as its stream has said.
        is_unanswered: a request by its id broke off, so the server may be loading it without a word.
        is_restarted: the only evidence of an absence is a server that was not there for a while.
    """

    number: int | None
    model_key: str
    config: LoadConfig | None
    absence: str = ""
    is_loading: bool = False
    is_unanswered: bool = False
    is_restarted: bool = False


class Custody:
    """Watches the instances of one run through every listing and every error that its client gets, from any thread.

    Args:
        journal: of the run. It gets each change at once, because the reaper has seen nothing itself.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._watched: dict[InstanceId, _Watched] = {}
        self._others: frozenset[InstanceId] = frozenset()
        self._lock = threading.RLock()  # Reentrant: Ctrl-C may release while this very thread notes something.

    def watch(
        self,
        instance_id: InstanceId,
        *,
        number: int | None,
        model_key: str,
        config: LoadConfig | None = None,
        is_loading: bool = False,
    ) -> None:
        """Watch an instance from now on; it is ours at this moment."""
        with self._lock:
            self._watched[instance_id] = _Watched(
                number=number, model_key=model_key, config=config, is_loading=is_loading
            )

    def forget(self, instance_id: InstanceId) -> None:
        """Watch it no longer."""
        with self._lock:
            self._watched.pop(instance_id, None)

    def clear(self) -> None:
        """Watch nothing any more."""
        with self._lock:
            self._watched.clear()

    def listed(self, listing: Sequence[Model]) -> None:
        """Compare a listing with what we hold."""
        shown = {instance.id: (model.key, instance) for model in listing for instance in model.loaded_instances}
        with self._lock:
            # A server that was restarted lists nothing; one that still lists all others was only out of reach.
            before = self._others - self._watched.keys()
            was_restarted = not before or not before <= shown.keys()
            self._others = frozenset(shown)
            for instance_id, watched in self._watched.items():
                if watched.is_restarted and not was_restarted:
                    watched.is_restarted, watched.absence, watched.config = False, "", None
                if instance_id not in shown:
                    if not watched.is_loading:
                        self._note_absence(watched, "a listing did not show it")
                    continue
                model_key, instance = shown[instance_id]
                if model_key != watched.model_key:
                    self._note_absence(watched, f"its id belongs to {model_key} now")
                elif not watched.absence:
                    watched.is_unanswered = False
                    self._note_config(watched, instance.config)

    def failed(self, name: str | None, error: HarnessError, is_stream: bool) -> None:  # noqa: FBT001  (a callback)
        """Take in an error of a request.

        Args:
            name: the instance that it asked; None for a request that asked none.
            error: what became of it.
            is_stream: whether it would have reported a load that it caused.
        """
        with self._lock:
            if isinstance(error, ServerUnreachable):
                for watched in self._watched.values():
                    watched.is_restarted |= not watched.absence
                    self._note_absence(watched, "the server could not be reached, so it may have been restarted")
            instance = None if name is None else self._watched.get(InstanceId(name))
            if instance is None:
                return
            if _tells_absence(error):
                instance.is_loading = False
                self._note_absence(instance, f"the server answered: {error.message}")
            elif not is_stream and isinstance(error, Cancelled | ConnectionLost | DeadlineExceeded):
                instance.is_unanswered = True

    def loading(self, instance_id: InstanceId, phase: Loading) -> None:
        """Note that a request of ours makes the server load it again, or has done so: then it is ours."""
        with self._lock:
            if (watched := self._watched.get(instance_id)) is None:
                return
            watched.is_loading = phase == "loading"
            watched.is_restarted = False
            watched.absence = ""
            watched.config = None  # Loaded with the server's defaults; the next listing shows them.
            if watched.number is None:
                return
            if phase == "loading":
                self._journal.loading(watched.number)
            else:
                self._journal.verified(watched.number, {})

    def absence(self, instance_id: InstanceId) -> str:
        """Return how it was seen to be gone, in words; empty when it never was: then what has its id is ours."""
        with self._lock:
            watched = self._watched.get(instance_id)
            return watched.absence if watched else ""

    def has_answered_since_gone(self, instance_id: InstanceId) -> bool:
        """Tell whether its model was seen to be away, by more than a server that could not be reached for a while."""
        with self._lock:
            watched = self._watched.get(instance_id)
            return watched is not None and bool(watched.absence) and not watched.is_restarted

    def may_be_loading(self, instance_id: InstanceId) -> bool:
        """Tell whether a request of ours may have made the server load it, with the load still going on."""
        with self._lock:
            watched = self._watched.get(instance_id)
            return watched is not None and (watched.is_loading or watched.is_unanswered)

    def _note_absence(self, watched: _Watched, absence: str) -> None:
        if not watched.absence:
            watched.absence = absence
            if watched.number is not None:
                with contextlib.suppress(StoreError):  # A full disk must not stop a request, or the release.
                    self._journal.absent(watched.number, absence)

    def _note_config(self, watched: _Watched, config: LoadConfig) -> None:
        if config != watched.config:
            watched.config = config
            if watched.number is not None:
                with contextlib.suppress(StoreError):
                    self._journal.verified(watched.number, config.as_dict())


def _tells_absence(error: HarnessError) -> bool:
    """Tell whether this error of a request by instance id says that the instance is not there.

    A crash alone does not; the listing shows what comes after it. A failed load does, as a server loads for a request
    only what is not loaded.
    """
    if isinstance(error, LoadFailed):
        return _LOADING_FAILED.search(error.message) is not None
    return isinstance(error, InstanceNotLoaded | ModelNotFound)
