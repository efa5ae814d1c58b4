"""Scores stored outputs, with no server: the samples of a run file anew, or those of somebody else's JSONL and CSV."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from harness.clock import Clock, timestamp
from harness.command.stored import Stored
from harness.domain.record import ScoreRecord
from harness.domain.score import Score, Scorer
from harness.errors import StoreError, TaskError
from harness.reaper.filelock import FileLock
from harness.stats.interval import score_estimate
from harness.store.reader import read_run
from harness.store.writer import append_records

_MOST_ERRORS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A stored answer with its score."""

    answer: Stored
    score: Score


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What all scores of one model on one task say; all of a file that is no run file.

    Attributes:
        n: items; the repeats of an item are averaged first.
        unscored: answers that were lost, which is not 0.
        unparsed: answers that the scorer could not read, which score 0.
        passed: answers that are right as a whole.
        mean, low, high, interval: of the items, with the 95 % interval and its method.
    """

    model_key: str
    task: str
    n: int
    unscored: int
    unparsed: int
    passed: int
    mean: float | None
    low: float | None
    high: float | None
    interval: str


def judge(found: Iterable[Stored | TaskError], scorer: Scorer, *, path: Path, target_field: str) -> list[Judged]:
    """Return every answer with its score. Outcomes count as in a run: what failed scores 0, what was lost nothing.

    Args:
        found: answers, and what is wrong with other lines.
        scorer: judges them.
        path: for messages, as `target_field` is.
        target_field: where the targets were found.

    Raises:
        TaskError: lines cannot be used, or a target does not suit the scorer; names up to five of them.
    """
    judged: list[Judged] = []
    wrong: list[TaskError] = []
    for one in found:
        if isinstance(one, TaskError):
            wrong.append(one)
        else:
            try:
                judged.append(Judged(answer=one, score=_score(one, scorer)))
            except TaskError as exc:
                wrong.append(TaskError(f"{path}:{one.line}: field {target_field}: {exc.message}", hint=exc.hint))
        if len(wrong) == _MOST_ERRORS:
            break
    if wrong:
        raise TaskError("\n".join(one.message for one in wrong), hint=wrong[0].hint)
    if not judged:
        raise TaskError("there is nothing to score", hint="Is it the right file? --task must name a task of it.")
    return judged


def figures(judged: Sequence[Judged]) -> Iterator[Figures]:
    """Yield the figures of each model on each task, in the order of the file."""
    cells: dict[tuple[str, str], list[Judged]] = defaultdict(list)
    for one in judged:
        cells[one.answer.cell].append(one)
    for (model_key, task), answers in cells.items():
        items: dict[Any, list[float]] = defaultdict(list)
        clusters: dict[Any, str] = {}
        for one in answers:
            # Repeats share an id in a run file only; elsewhere each line is an item.
            item = one.answer.id if one.answer.sample_uid else one.answer.line
            if one.score.value is not None:
                items[item].append(one.score.value)
                clusters[item] = one.answer.cluster or f"item {item}"
        estimate = score_estimate([fmean(values) for values in items.values()], clusters=list(clusters.values()))
        bounds = estimate.interval
        yield Figures(
            model_key=model_key,
            task=task,
            n=estimate.n,
            unscored=sum(one.score.value is None for one in answers),
            unparsed=sum(one.score.reason.startswith("unparsed") for one in answers),
            passed=sum(one.score.passed is True for one in answers),
            mean=estimate.value,
            low=bounds.low if bounds else None,
            high=bounds.high if bounds else None,
            interval=bounds.method if bounds else "",
        )


def score_records(path: Path, judged: Iterable[Judged], scorer: Scorer, *, clock: Clock) -> list[ScoreRecord]:
    """Return the scores as records of the run of this file.

    Raises:
        StoreError: the file cannot be read, or has no records.
    """
    first = next(read_run(path), None)
    if first is None:
        raise StoreError(f"{path} has no records")
    at = timestamp(clock.now())
    return [
        ScoreRecord(
            run_id=first.run_id,
            at=at,
            sample_uid=one.answer.sample_uid,
            scorer=scorer.name,
            scorer_version=scorer.version,
            value=one.score.value,
            passed=one.score.passed,
            reason=one.score.reason,
            details=dict(one.score.details),
        )
        for one in judged
    ]


def append_scores(path: Path, records: Iterable[ScoreRecord]) -> None:
    """Append late scores to the run file that they are about; what it had before stays as it is.

    Raises:
        StoreError: a run is still writing it, or it cannot be written.
    """
    lock = FileLock(path)
    try:
        is_ours = lock.try_acquire(create=False)
    except OSError as exc:
        raise StoreError(f"cannot write {path}: {exc.strerror}", hint="Name another file with --out.") from exc
    if not is_ours:
        raise StoreError(f"a run is still writing {path}", hint="Wait for its end, or name another file with --out.")
    try:
        append_records(path, records)
    finally:
        lock.release()


def _score(one: Stored, scorer: Scorer) -> Score:
    if one.outcome is None or one.outcome == "ok":
        return scorer(one.output, one.target)
    if not one.outcome.is_scored:
        return Score(value=None, reason=one.outcome.value)
    return Score(value=0.0, passed=False, reason=one.outcome.value)
