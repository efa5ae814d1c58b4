"""Which request meets which fault on its way."""

import threading
from dataclasses import dataclass

from harness.testing.proxy_fault import Fault

ANY = "*"
"""Any method, or any path."""


@dataclass(slots=True, kw_only=True)
class _Plan:
    """A fault, for which requests it is meant, how many of them to spare first, and how many to hit (None: all)."""

    method: str
    path: str
    fault: Fault
    spare: int
    left: int | None

    def is_meant_for(self, method: str, path: str) -> bool:
        """Tell whether such requests are meant."""
        return self.method in {ANY, method} and self.path in {ANY, path}


class Plans:
    """Faults in the order in which they were given; may be used by many threads at a time."""

    def __init__(self) -> None:
        self._plans: list[_Plan] = []
        self._lock = threading.Lock()

    def add(self, method: str, path: str, fault: Fault, *, after: int, times: int | None) -> None:
        """Plan a fault for such requests: for so many of them, or all, once so many have passed."""
        with self._lock:
            self._plans.append(_Plan(method=method, path=path, fault=fault, spare=after, left=times))

    def clear(self) -> None:
        """Forget all plans."""
        with self._lock:
            self._plans.clear()

    def next_fault(self, method: str, path: str) -> Fault | None:
        """Return the fault of the first plan that has one left for this request, and count the request for all."""
        with self._lock:
            hit: _Plan | None = None
            for plan in self._plans:
                if plan.is_meant_for(method, path):
                    if plan.spare:
                        plan.spare -= 1
                    elif hit is None and plan.left != 0:
                        hit = plan
            if hit is None:
                return None
            if hit.left is not None:
                hit.left -= 1
            return hit.fault
