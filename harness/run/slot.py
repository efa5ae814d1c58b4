"""Runs jobs over the slots of an instance, one thread per slot; it can be interrupted at any time."""

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar

from harness.client.exchange import Exchange
from harness.client.http import Client
from harness.domain.generation import ChatRequest, Generation

JobT = TypeVar("JobT")
ResultT = TypeVar("ResultT")
_WAKE_S = 0.2


class Slots(Generic[JobT, ResultT]):
    """As many daemon threads as slots, each taking the next job when it has finished one.

    They are not from a `ThreadPoolExecutor`, which joins its threads at exit: an interrupted run must not wait for a
    model that is still generating.

    Args:
        work: does one job within the given exchange. What it raises is raised by `map`.
        count: how many jobs run at a time.
    """

    def __init__(self, work: Callable[[JobT, Exchange], ResultT], *, count: int) -> None:
        self._work = work
        self._count = count
        self._exchanges: set[Exchange] = set()
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._threads: list[threading.Thread] = []
        self._done: queue.SimpleQueue[ResultT | BaseException] = queue.SimpleQueue()

    def map(self, jobs: Sequence[JobT] | deque[JobT]) -> Iterator[ResultT]:
        """Yield results in the order of completion. A deque is emptied, so that no job is kept that was asked.

        A caller that stops early, or is interrupted, must call `stop`: it cancels what is in flight and returns the
        results that were not yielded.
        """
        todo = jobs if isinstance(jobs, deque) else deque(jobs)
        count = len(todo)
        self._threads = [
            threading.Thread(target=self._slot, args=(todo,), name=f"slot-{number}", daemon=True)
            for number in range(min(self._count, count))
        ]
        for thread in self._threads:
            thread.start()
        for _ in range(count):
            yield self._next()

    def stop(self, *, within_s: float = 5.0) -> list[ResultT]:
        """Start no further job, cancel what is in flight, and return its results. Harmless when all jobs are done."""
        self._stopped.set()
        with self._lock:
            for exchange in self._exchanges:
                exchange.cancel()
        for thread in self._threads:
            # Ctrl-C can come while `map` starts the threads, and joining one that never started would raise.
            if thread.ident is not None:
                thread.join(within_s)
        results: list[ResultT] = []
        while not self._done.empty():
            result = self._done.get()
            if not isinstance(result, BaseException):
                results.append(result)
        return results

    def _next(self) -> ResultT:
        while True:
            try:
                # On Windows, Ctrl-C does not interrupt a wait without a timeout.
                result = self._done.get(timeout=_WAKE_S)
            except queue.Empty:
                continue
            if isinstance(result, BaseException):
                raise result
            return result

    def _slot(self, todo: deque[JobT]) -> None:
        while not self._stopped.is_set():
            try:
                job = todo.popleft()
            except IndexError:
                return
            exchange = Exchange()
            with self._lock:
                self._exchanges.add(exchange)
            # `stop` cancels the exchanges it sees: one that was added after it looked must not begin.
            if self._stopped.is_set():
                return
            try:
                self._done.put(self._work(job, exchange))
            except BaseException as exc:  # noqa: BLE001  (a defect must reach the main thread)
                self._done.put(exc)
            finally:
                with self._lock:
                    self._exchanges.discard(exchange)


def run_concurrently(client: Client, requests: Sequence[ChatRequest]) -> list[Generation]:
    """Send all requests at once and return their answers, in the order of completion.

    Raises:
        HarnessError: of the first request that fails; the others are cancelled.
    """
    slots = Slots[ChatRequest, Generation](
        lambda request, exchange: client.chat(request, stream=True, exchange=exchange), count=len(requests)
    )
    try:
        return list(slots.map(requests))
    finally:
        slots.stop()
