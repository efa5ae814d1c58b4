"""Asks a scorer for a judgement so that no scorer, task or answer can harm the run.

A scorer that raises, takes too long or returns an impossible score leaves that one answer unscored, with a reason that
names the scorer. It runs in a thread of its own; if it exceeds its time, the thread is told to stop and abandoned. A
call into C that holds the interpreter, such as an exponential pattern of Python's `re`, cannot be stopped that way; the
scorers here avoid such calls (see `harness.scoring.schema_check`). Those that only look for one short answer are called
without a thread: tests show that they are done with a megabyte of any text within a second.
"""

import contextlib
import ctypes
import json
import math
import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any

from harness.domain.sample import Json
from harness.domain.score import FAULT, Score, Scorer
from harness.errors import TaskError
from harness.scoring.bound import bounded

LIMIT_S = 20.0
"""How long one judgement may take, in wall-clock time; ours take less than a second of processor time."""


_QUICK = frozenset(f"harness.scoring.{module}" for module in ("choice", "exact", "labels", "number"))
"""Where the scorers are that are called without a thread; handing a call over and back takes four times the call."""

_BATCH, _BATCH_S = 64, 1.0
"""How many judgements are made in one call of `judged_each`, and how long they may take together."""


def judged(scorer: Scorer, output: str, target: Json, *, limit_s: float = LIMIT_S) -> Score:
    """Return a sound score of an answer: a value from 0 to 1, or None with a reason where the scorer fails.

    The scorer sees the bounded text; if that is less than the answer, `details` say how much it is (`cut_to`). If a
    scorer leaves `passed` out, it is whether the value is 1.

    Raises:
        TaskError: the scorer cannot use the target.
    """
    text = bounded(output)
    try:
        result = scorer(text, target) if _is_quick(scorer) else _within(limit_s, lambda: scorer(text, target))
    except TaskError:
        raise
    except TimeoutError:
        return _failed(scorer, f"took longer than {limit_s:g} s; simplify the task's target or the scorer")
    except _Quit as exc:
        return _failed(scorer, f"raised {type(exc.error).__name__}: {str(exc.error)[:200]}")
    except Exception as exc:  # noqa: BLE001  (one sample's isolation: a scorer may raise anything)
        return _failed(scorer, f"raised {type(exc).__name__}: {str(exc)[:200]}")
    return _sound(scorer, result, cut_to=len(text) if len(text) < len(output) else None)


def judged_each(scorer: Scorer, pairs: Iterable[tuple[str, Json]]) -> Iterator[Score | TaskError]:
    """Yield what `judged` returns or raises for each answer and target, several of them in one call of its thread.

    Each takes as long as `judged` lets it: where several together are not done soon, or one fails, they are judged one
    by one.
    """
    left = iter(pairs)
    is_soon_done = not _is_quick(scorer)
    while batch := [(bounded(output), output, target) for output, target in islice(left, _BATCH)]:
        results: list[Any] | None = None
        if is_soon_done:
            try:
                results = _within(_BATCH_S, partial(_results, scorer, batch))
            except TimeoutError:
                is_soon_done = False
            except (Exception, _Quit):  # noqa: BLE001  (as in `judged`, which finds out which one it was)
                results = None
        for number, (text, output, target) in enumerate(batch):
            try:
                if results is None:
                    yield judged(scorer, output, target)
                else:
                    yield _sound(scorer, results[number], cut_to=len(text) if len(text) < len(output) else None)
            except TaskError as exc:
                yield exc


def _is_quick(scorer: Scorer) -> bool:
    return type(scorer).__module__ in _QUICK


def _results(scorer: Scorer, batch: Sequence[tuple[str, str, Json]]) -> list[Any]:
    return [scorer(text, target) for text, _, target in batch]


def _sound(scorer: Scorer, result: Any, *, cut_to: int | None) -> Score:
    """Return a scorer's result as a record can hold it, or the score of an answer that could not be judged.

    `cut_to` is the length of the text that the scorer saw, if that was not all of it.
    """
    if wrong := _impossible(result):
        return _failed(scorer, wrong)
    try:
        details = {} if result.details == {} else _as_recorded(result.details)
    except (TypeError, ValueError, RecursionError) as exc:
        return _failed(scorer, f"returned details that are not JSON: {exc}")
    if cut_to is not None:
        details["cut_to"] = cut_to
    passed = result.value == 1.0 if result.passed is None and result.value is not None else result.passed
    return Score(value=result.value, passed=passed, reason=_encodable(str(result.reason)), details=details)


def is_fault(score: Score | None) -> bool:
    """Return whether an answer is unscored because its scorer or its task failed."""
    return score is not None and score.is_fault


def faulty(reason: str) -> Score:
    """Return the score of an answer that cannot be judged."""
    reason = _encodable(reason)
    return Score(value=None, reason=reason, details={FAULT: reason[:300]})


def _failed(scorer: Scorer, what: str) -> Score:
    return faulty(f"the scorer {scorer.name} {what}")


def _impossible(score: Any) -> str:
    """Return what is wrong with a scorer's answer, or ""."""
    if not isinstance(score, Score):
        return f"returned {type(score).__name__}, expected a Score"
    value: Any = score.value  # A user's scorer need not keep to the types.
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        return f"returned the value {value!r}, expected a number from 0 to 1, or None"
    if value is not None and not (math.isfinite(value) and 0 <= value <= 1):
        return f"returned the value {value!r}, expected one from 0 to 1"
    return ""


def _as_recorded(details: Mapping[str, Json]) -> dict[str, Json]:
    """Return details as a record can hold them: JSON whose keys are texts.

    Raises:
        TypeError, ValueError, RecursionError: they are not JSON.
    """
    recorded: dict[str, Json] = json.loads(_encodable(json.dumps(dict(details), allow_nan=False, ensure_ascii=False)))
    return recorded


def _encodable(text: str) -> str:
    """Return a text without halves of surrogate pairs, which no file in UTF-8 can hold."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


class _Quit(Exception):
    """A scorer raised what would end the program, such as SystemExit or pytest's own exceptions."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(error)
        self.error = error


class _Stopped(BaseException):
    """Raised in a worker that exceeded its time."""


class _Worker(threading.Thread):
    """A thread that makes one call after another, so that not each judgement starts a thread."""

    def __init__(self) -> None:
        super().__init__(name="lms-scorer", daemon=True)
        self.calls: queue.SimpleQueue[Callable[[], Any]] = queue.SimpleQueue()
        self.results: queue.SimpleQueue[tuple[Any, BaseException | None]] = queue.SimpleQueue()
        self.start()

    def run(self) -> None:
        """Make calls for ever, or until stopped."""
        with contextlib.suppress(_Stopped):
            while True:
                call = self.calls.get()
                try:
                    result: tuple[Any, BaseException | None] = (call(), None)
                except _Stopped:
                    raise
                except BaseException as exc:  # noqa: BLE001  (raised again by the caller)
                    result = (None, exc)
                self.results.put(result)
                del call, result

    def stop(self) -> None:
        """Raise `_Stopped` in the thread at its next step in Python."""
        if self.ident is not None:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self.ident), ctypes.py_object(_Stopped))


_idle: list[_Worker] = []


def _within(limit_s: float, call: Callable[[], Any]) -> Any:
    """Return what a call returns.

    Raises:
        TimeoutError: it takes longer.
        _Quit: it raises something that is not an `Exception`.
    """
    try:
        worker = _idle.pop()  # atomic, so that no two threads get the same one
    except IndexError:
        worker = _Worker()
    worker.calls.put(call)
    try:
        result, error = worker.results.get(timeout=limit_s)
    except queue.Empty:
        worker.stop()
        raise TimeoutError from None
    except BaseException:  # Ctrl-C: the worker may still be busy, so it is not used again.
        worker.stop()
        raise
    _idle.append(worker)
    if error is not None:
        raise error if isinstance(error, Exception) else _Quit(error)
    return result
