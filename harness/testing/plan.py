"""Which request meets which fault, at the scripted server or on its way through the proxy."""

import threading
from dataclasses import dataclass
from typing import Generic, TypeVar

ANY = "*"
"""Any method, or any path."""

AnyFault = TypeVar("AnyFault")
"""`Fault` for the proxy, `ScriptedFault` for the scripted server."""


@dataclass(slots=True, kw_only=True)
class PlannedFault(Generic[AnyFault]):
    """A fault for requests of one method and path.

    Attributes:
        spare: how many such requests still pass first.
        left: how many it still hits; None: all.
    """

    method: str
    path: str
    fault: AnyFault
    spare: int
    left: int | None

    def matches(self, method: str, path: str) -> bool:
        """Return whether the fault is for such requests."""
        return self.method in {ANY, method} and self.path in {ANY, path}


class FaultPlan(Generic[AnyFault]):
    """Faults in the order in which they were added. Threads may share it."""

    def __init__(self) -> None:
        self._planned: list[PlannedFault[AnyFault]] = []
        self._lock = threading.Lock()

    def add(self, method: str, path: str, fault: AnyFault, *, after: int, times: int | None) -> None:
        """Plan a fault: it spares `after` such requests and hits the next `times`, or all."""
        with self._lock:
            self._planned.append(PlannedFault(method=method, path=path, fault=fault, spare=after, left=times))

    def clear(self) -> None:
        """Forget all faults."""
        with self._lock:
            self._planned.clear()

    def next_fault(self, method: str, path: str) -> AnyFault | None:
        """Return the first fault that still hits this request; the request counts for all that spare it."""
        with self._lock:
            hit: PlannedFault[AnyFault] | None = None
            for planned in self._planned:
                if planned.matches(method, path):
                    if planned.spare:
                        planned.spare -= 1
                    elif hit is None and planned.left != 0:
                        hit = planned
            if hit is None:
                return None
            if hit.left is not None:
                hit.left -= 1
            return hit.fault
