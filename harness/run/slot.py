"""Runs jobs over the slots of an instance, a thread a slot, and can always be interrupted."""

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar

from harness.client.exchange import Exchange
from harness.client.http import Client
from harness.domain.generation import ChatRequest, Generation

Job = TypeVar("Job")
Result = TypeVar("Result")
_WAKE_S = 0.2


class Slots(Generic[Job, Result]):
    """As many daemon threads as slots, each taking the next job when it is done with the last.

    The threads are daemons and not from a `ThreadPoolExecutor`, which joins its threads at exit: an interrupted run
    must not wait for a model that is still generating.

    Args:
        work: does one job within the given exchange. What it raises is raised by `map`.
        count: how many jobs at a time.
    """

    def __init__(self, work: Callable[[Job, Exchange], Result], *, count: int) -> None:
        self._work = work
        self._count = count
        self._exchanges: set[Exchange] = set()
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._threads: list[threading.Thread] = []
        self._done: queue.SimpleQueue[Result | BaseException] = queue.SimpleQueue()

    def map(self, jobs: Sequence[Job]) -> Iterator[Result]:
        """Yield results as they come, in the order of completion.

        When the consumer stops early or is interrupted, requests in flight are cancelled and no further job starts;
        the results of the cancelled ones are then not yielded: `stop` returns them.
        """
        todo: queue.SimpleQueue[Job] = queue.SimpleQueue()
        for job in jobs:
            todo.put(job)
        self._threads = [
            threading.Thread(target=self._slot, args=(todo,), name=f"slot-{number}", daemon=True)
            for number in range(min(self._count, len(jobs)))
        ]
        for thread in self._threads:
            thread.start()
        for _ in jobs:
            yield self._next()

    def stop(self, *, within_s: float = 5.0) -> list[Result]:
        """Cancel what is in flight and return its results; no job starts any more. Harmless when all is done."""
        self._stopped.set()
        with self._lock:
            for exchange in self._exchanges:
                exchange.cancel()
        for thread in self._threads:
            # A Ctrl-C may come between the starts: joining a thread that never began raises, and would hide it.
            if thread.ident is not None:
                thread.join(within_s)
        left: list[Result] = []
        while not self._done.empty():
            result = self._done.get()
            if not isinstance(result, BaseException):
                left.append(result)
        return left

    def _next(self) -> Result:
        while True:
            try:
                # A wait without a timeout cannot be interrupted by Ctrl-C on Windows.
                result = self._done.get(timeout=_WAKE_S)
            except queue.Empty:
                continue
            if isinstance(result, BaseException):
                raise result
            return result

    def _slot(self, todo: "queue.SimpleQueue[Job]") -> None:
        while not self._stopped.is_set():
            try:
                job = todo.get_nowait()
            except queue.Empty:
                return
            exchange = Exchange()
            with self._lock:
                self._exchanges.add(exchange)
            if self._stopped.is_set():
                return
            try:
                self._done.put(self._work(job, exchange))
            except BaseException as exc:  # noqa: BLE001  (a defect must reach the main thread, not die in this one)
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
