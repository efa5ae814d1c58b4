"""Instances that requests of ours loaded although nothing was to be loaded.

A request by instance id loads a model by JIT when that id is also a key and its instance is gone: somebody unloaded it,
or it crashed. What our own answer or stream says that we loaded is ours to unload, and not what a lease was for.
"""

import contextlib
import threading

from harness.client.http import Client
from harness.client.stream import Loading
from harness.clock import Clock
from harness.domain.model import InstanceId, LoadConfig
from harness.errors import HarnessError, ReleaseFailed
from harness.lifecycle.resident import SETTLE_S, resident_ids, unload_verified, wait_for
from harness.reaper.journal import Journal


class Strays:
    """What requests loaded behind our back; told by `Client.on_load`, from any thread.

    Args:
        client: of the server.
        journal: of this run.
        clock: for waiting.
        settle_s: how long the listing may lag behind an answer.
    """

    def __init__(self, client: Client, journal: Journal, *, clock: Clock, settle_s: float = SETTLE_S) -> None:
        self._client = client
        self._journal = journal
        self._clock = clock
        self._settle_s = settle_s
        self._lock = threading.Lock()
        self._numbers: dict[InstanceId, int] = {}
        self._loaded: set[InstanceId] = set()
        self._configs: dict[InstanceId, LoadConfig] = {}

    @property
    def ids(self) -> tuple[InstanceId, ...]:
        """Those that are not ended yet."""
        return tuple(self._numbers)

    def note(self, instance_id: InstanceId, phase: Loading, *, model_key: str) -> None:
        """Take it for ours, and write it into the journal."""
        with self._lock:
            if instance_id not in self._numbers:
                number = self._journal.intent(model_key, resident=(), mode="jit")
                self._journal.grant(number, instance_id)
                self._numbers[instance_id] = number
            if phase == "loaded" and instance_id not in self._loaded:
                self._loaded.add(instance_id)
                # What has its id later with another config is somebody else's.
                if (config := self.listed(instance_id)) is not None:
                    self._configs[instance_id] = config
                self._journal.verified(self._numbers[instance_id], config.as_dict() if config else {})

    def unload(self, instance_id: InstanceId) -> None:
        """Unload it, verified; nothing happens if it is none of ours.

        Raises:
            ReleaseFailed: it is still listed, or the server may still be loading it.
        """
        if instance_id not in self._numbers:
            return
        if instance_id not in self._loaded and not self._shows_up(instance_id):
            raise ReleaseFailed(
                f"a request of ours made the server load {instance_id}, and it may still be at it",
                hint=f"See: lms-harness models --loaded\nFinish with: lms-harness unload --instance {instance_id!r}",
            )
        listed, ours = self.listed(instance_id), self._configs.get(instance_id)
        if listed is not None and ours is not None and listed != ours:
            self._end(instance_id, "gone")
            return
        unload_verified(self._client, instance_id, clock=self._clock, settle_s=self._settle_s)
        self._end(instance_id, "released")

    def hand_over(self, instance_id: InstanceId) -> None:
        """Leave it loaded on purpose; nothing happens if it is none of ours."""
        if instance_id in self._numbers:
            self._end(instance_id, "handed_over")

    def listed(self, instance_id: InstanceId) -> LoadConfig | None:
        """Return the config that is listed for it; None when it is not listed, or nothing is."""
        with contextlib.suppress(HarnessError):
            for model in self._client.models():
                if (instance := model.instance(instance_id)) is not None:
                    return instance.config
        return None

    def _shows_up(self, instance_id: InstanceId) -> bool:
        def look() -> bool | None:
            return True if instance_id in resident_ids(self._client.models()) else None

        return wait_for(look, self._clock, within_s=self._settle_s) is not None

    def _end(self, instance_id: InstanceId, how: str) -> None:
        with self._lock:
            self._journal.close_lease(self._numbers.pop(instance_id), how)
            self._loaded.discard(instance_id)
            self._configs.pop(instance_id, None)
