"""Instances that requests of ours loaded although nothing was to be loaded.

A request by instance id loads a model by JIT when that id is also a key and its instance is gone, unloaded by another
client or crashed. What our own answer or stream says that we loaded is ours to unload.
"""

import threading
from collections.abc import Mapping

from harness.client.stream import Loading
from harness.domain.model import InstanceId
from harness.lifecycle.custody import Custody
from harness.lifecycle.release import Releaser
from harness.reaper.journal import Journal


class Strays:
    """What requests loaded without any lease of ours; noted from any thread.

    Args:
        journal: of this run.
        custody: watches them from then on.
        releaser: unloads them.
    """

    def __init__(self, journal: Journal, custody: Custody, releaser: Releaser) -> None:
        self._journal = journal
        self._custody = custody
        self._releaser = releaser
        self._lock = threading.Lock()
        self._numbers: dict[InstanceId, int] = {}
        self._keys: dict[InstanceId, str] = {}

    @property
    def ids(self) -> tuple[InstanceId, ...]:
        """Those that are not ended yet."""
        return tuple(self._numbers)

    @property
    def keys(self) -> Mapping[InstanceId, str]:
        """Those that are not ended yet, with the keys of their models."""
        return dict(self._keys)

    def note(self, instance_id: InstanceId, phase: Loading, *, model_key: str) -> None:
        """Take it for ours, and write it into the journal."""
        with self._lock:
            if instance_id not in self._numbers:
                number = self._journal.intent(model_key, resident=(), mode="jit")
                self._journal.grant(number, instance_id)
                self._numbers[instance_id] = number
                self._keys[instance_id] = model_key
                self._custody.watch(instance_id, number=number, model_key=model_key, is_loading=True)
            self._custody.loading(instance_id, phase)

    def unload(self, instance_id: InstanceId) -> str:
        """Unload it, verified; nothing happens if it is not one of ours. Returns what `Releaser.unload` does.

        Raises:
            ReleaseFailed: as `Releaser.unload`.
        """
        if instance_id not in self._numbers:
            return ""
        number = self._numbers[instance_id]
        try:
            return self._releaser.unload(instance_id, number=number)
        finally:
            if number not in self._journal.open_leases:  # It has ended, or a person has to end it.
                self._numbers.pop(instance_id, None)
                self._keys.pop(instance_id, None)

    def hand_over(self, instance_id: InstanceId) -> None:
        """Leave it loaded on purpose; nothing happens if it is not one of ours."""
        with self._lock:
            if instance_id in self._numbers:
                self._journal.close_lease(self._numbers.pop(instance_id), "handed_over")
                self._keys.pop(instance_id, None)
                self._custody.forget(instance_id)
