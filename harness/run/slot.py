"""Runs jobs over the slots of an instance, one thread per slot; it can be interrupted at any time."""

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Generic, TypeVar

from harness.client.exchange import Exchange
from harness.client.http import Client
from harness.domain.generation import ChatRequest, Generation

JobT = TypeVar("JobT")
ResultT = TypeVar("ResultT")
_WAKE_S = 0.05
"""How long a wait lasts, and how long a result waits until its slot has sent its next request, which may be retried."""


class Slots(Generic[JobT, ResultT]):
    """As many daemon threads as slots, each taking the next job when it has finished one.

    They are not from a `ThreadPoolExecutor`, which joins its threads at exit: an interrupted run must not wait for a
    model that is still generating.

    Args:
        work: does one job within the given exchange. What it raises is raised by `map`.
        count: how many jobs run at a time.
        finish: makes of a result what `map` yields, while its slot does its next job; one result of a slot at a time.
            What it raises is raised by `map`.
    """

    def __init__(
        self,
        work: Callable[[JobT, Exchange], ResultT],
        *,
        count: int,
        finish: Callable[[ResultT], ResultT] | None = None,
    ) -> None:
        self._work = work
        self._count = count
        self._finish = finish
        self._exchanges: set[Exchange] = set()
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._threads: list[threading.Thread] = []
        self._finishers: list[_Finisher[ResultT]] = []
        self._hurry_at = 0.0
        self._done: queue.SimpleQueue[ResultT | BaseException] = queue.SimpleQueue()

    def map(self, jobs: Sequence[JobT]) -> Iterator[ResultT]:
        """Yield results in the order of completion. A job is looked at when its turn comes, and then no longer kept.

        A caller that stops early, or is interrupted, must call `stop`: it cancels what is in flight and returns the
        results that were not yielded.
        """
        count = len(jobs)
        turns = iter(range(count))
        self._threads = [
            threading.Thread(target=self._slot, args=(jobs, turns), name=f"slot-{number}", daemon=True)
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
        self._hurry()
        for thread in (*self._threads, *self._finishers):
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
                self._hurry()
                continue
            if time.monotonic() >= self._hurry_at:
                self._hurry()
            if isinstance(result, BaseException):
                raise result
            return result

    def _hurry(self) -> None:
        """Let all results be finished, also those whose slots have not sent their next request yet."""
        self._hurry_at = time.monotonic() + _WAKE_S
        with self._lock:
            finishers = tuple(self._finishers)
        for finisher in finishers:
            finisher.begin()

    def _slot(self, jobs: Sequence[JobT], turns: Iterator[int]) -> None:
        finisher = self._new_finisher()
        while not self._stopped.is_set():
            turn = next(turns, None)  # Atomic: an iterator over a range is Python's own.
            if turn is None:
                break
            # The result before is finished once the server has something to do again.
            exchange = Exchange(on_sent=finisher.begin if finisher else _nothing)
            with self._lock:
                self._exchanges.add(exchange)
            # `stop` cancels the exchanges it sees: one that was added after it looked must not begin.
            if self._stopped.is_set():
                break
            try:
                result = self._work(jobs[turn], exchange)
                if finisher is not None:
                    finisher.take(result)
                else:
                    self._done.put(result)
            except BaseException as exc:  # noqa: BLE001  (a defect must reach the main thread)
                self._done.put(exc)
            finally:
                with self._lock:
                    self._exchanges.discard(exchange)
        if finisher is not None:
            finisher.close()

    def _new_finisher(self) -> "_Finisher[ResultT] | None":
        if self._finish is None:
            return None
        finisher = _Finisher(self._finish, self._done)
        with self._lock:
            self._finishers.append(finisher)
        finisher.start()
        return finisher


class _Finisher(threading.Thread, Generic[ResultT]):
    """Finishes the results of one slot, so that neither scoring nor what waits for it holds up the slot's next request.

    Args:
        finish: makes of a result what goes to `done`.
        done: gets the finished results, and what `finish` raises.
    """

    def __init__(
        self, finish: Callable[[ResultT], ResultT], done: "queue.SimpleQueue[ResultT | BaseException]"
    ) -> None:
        super().__init__(name="slot-finisher", daemon=True)
        self._finish = finish
        self._done = done
        # Held back in the slot's own thread, so that this one is woken only when it has something to do.
        self._held: deque[ResultT] = deque()
        self._taken: queue.SimpleQueue[ResultT | None] = queue.SimpleQueue()
        self._is_free = threading.Semaphore(1)

    def take(self, result: ResultT) -> None:
        """Take a result over, once the one before it is finished."""
        self.begin()
        self._is_free.acquire()
        self._held.append(result)

    def begin(self) -> None:
        """Let the result that was taken be finished: the slot has nothing better to do. Any thread may say so."""
        with suppress(IndexError):
            self._taken.put(self._held.pop())

    def close(self) -> None:
        """Take no more results; the thread ends with the last one."""
        self.begin()
        self._taken.put(None)

    def run(self) -> None:
        """Finish what is taken, until there is no more."""
        while (result := self._taken.get()) is not None:
            try:
                self._done.put(self._finish(result))
            except BaseException as exc:  # noqa: BLE001  (a defect must reach the main thread)
                self._done.put(exc)
            finally:
                self._is_free.release()


def _nothing() -> None:
    pass


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
