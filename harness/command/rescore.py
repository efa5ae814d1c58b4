"""Scores stored outputs without a server: the samples of a run file, or the rows of any JSONL or CSV file."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from harness.clock import Clock, timestamp
from harness.command.stored import CellOfScores, LacksTarget, Stored
from harness.domain.generation import Outcome
from harness.domain.record import ScoreRecord
from harness.domain.score import Score, Scorer, metrics_of
from harness.errors import StoreError, TaskError
from harness.reaper.filelock import FileLock
from harness.scoring.judge import judged
from harness.stats.interval import score_estimate
from harness.store.writer import append_records

_MOST_ERRORS = 5
LABEL_SCORERS = ("choice", "choices", "labels")
_NAME_LABELS = "Is the target only the right label? Then name all labels with --labels A,B,C."
NO_OUTPUT = "no output is stored"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredAnswer:
    """A stored answer with its score."""

    answer: Stored
    score: Score


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The answers of one file with their scores.

    Attributes:
        answers: in the order of the file.
        lacking: samples of a run file that have no such target, and are left out.
    """

    answers: Sequence[ScoredAnswer]
    lacking: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The scores of one model on one task, summed up; of all rows where the file is not a run file.

    Attributes:
        by: the value that all these answers have in the field that the user tells them apart by; "" without one.
        n: number of items; the repeats of an item are averaged first.
        unscored: answers that were lost; they do not count as 0.
        unparsed: answers that the scorer could not read; they score 0.
        passed: answers that are completely right.
        mean, low, high, interval: over the items, with the 95 % interval and its method.
        metrics: what the scorer's paper reports besides.
    """

    model_key: str
    task: str
    by: str
    n: int
    unscored: int
    unparsed: int
    passed: int
    mean: float | None
    low: float | None
    high: float | None
    interval: str
    metrics: Mapping[str, float]


def judge(found: Iterable[Stored | TaskError], scorer: Scorer, *, name: str, target_field: str) -> Judgement:
    """Return every answer with its score. Outcomes count as in a run: failures score 0, lost answers stay unscored.

    Args:
        found: the answers of a file, and an error for each line that cannot be used.
        scorer: judges the answers.
        name: of the file, for messages.
        target_field: where the targets are in it, for messages.

    Raises:
        TaskError: lines cannot be used, or targets do not suit the scorer; names up to five of them. Or there are no
            answers.
    """
    answers: list[ScoredAnswer] = []
    wrong: list[TaskError] = []
    lacking: list[TaskError] = []
    for answer in found:
        if isinstance(answer, LacksTarget):
            lacking.append(answer)
        elif isinstance(answer, TaskError):
            wrong.append(answer)
        else:
            try:
                answers.append(ScoredAnswer(answer=answer, score=_score(answer, scorer)))
            except TaskError as exc:
                hint = _NAME_LABELS if _lacks_labels(answer, scorer) else exc.hint
                wrong.append(TaskError(f"{answer.place}: field {target_field}: {exc.message}", hint=hint))
        if len(wrong) == _MOST_ERRORS:
            break
    # Where not one sample has such a target, its path is wrong.
    wrong = wrong or ([] if answers else lacking[:_MOST_ERRORS])
    if wrong:
        raise TaskError("\n".join(error.message for error in wrong), hint=wrong[0].hint)
    if not answers:
        raise TaskError(f"{name} has no answers to score", hint="Check the file, and the task if you named one.")
    return Judgement(answers=answers, lacking=len(lacking))


def figures(judged: Sequence[ScoredAnswer], scorer: Scorer) -> Iterator[Figures]:
    """Yield the figures of each model on each task, in the order of the file."""
    cells: dict[CellOfScores, list[ScoredAnswer]] = defaultdict(list)
    for scored in judged:
        cells[scored.answer.cell].append(scored)
    for cell, answers in cells.items():
        items: dict[Any, list[float]] = defaultdict(list)
        clusters: dict[Any, str] = {}
        for scored in answers:
            # Only a run file has repeats, which share an id; in other files each line is an item.
            item = scored.answer.id if scored.answer.sample_uid else scored.answer.line
            if scored.score.value is not None:
                items[item].append(scored.score.value)
                clusters[item] = scored.answer.cluster or f"item {item}"
        estimate = score_estimate([fmean(values) for values in items.values()], clusters=list(clusters.values()))
        bounds = estimate.interval
        yield Figures(
            model_key=cell.model_key,
            task=cell.task,
            by=cell.group,
            n=estimate.n,
            unscored=sum(scored.score.value is None for scored in answers),
            unparsed=sum(scored.score.reason.startswith("unparsed") for scored in answers),
            passed=sum(scored.score.passed is True for scored in answers),
            mean=estimate.value,
            low=bounds.low if bounds else None,
            high=bounds.high if bounds else None,
            interval=bounds.method if bounds else "",
            metrics=metrics_of(scorer, ((scored.answer.target, scored.score) for scored in answers)),
        )


def score_records(judged: Iterable[ScoredAnswer], scorer: Scorer, *, clock: Clock) -> list[ScoreRecord]:
    """Return the scores of a run file's samples as records that belong to its run."""
    at = timestamp(clock.now())
    return [
        ScoreRecord(
            run_id=scored.answer.run_id,
            at=at,
            sample_uid=scored.answer.sample_uid,
            scorer=scorer.name,
            scorer_version=scorer.version,
            value=scored.score.value,
            passed=scored.score.passed,
            reason=scored.score.reason,
            details=dict(scored.score.details),
        )
        for scored in judged
    ]


def append_scores(path: Path, records: Iterable[ScoreRecord]) -> None:
    """Append late scores to the run file that they belong to; nothing in it is changed.

    Raises:
        StoreError: a run is still writing it, or it cannot be written.
    """
    lock = FileLock(path.resolve())  # The user may name a link to the run file.
    try:
        is_ours = lock.try_acquire(create=False)
    except OSError as exc:
        raise StoreError(f"cannot write {path}: {exc.strerror}", hint="Write to another file instead.") from exc
    if not is_ours:
        raise StoreError(f"a run is still writing {path}", hint="Wait for its end, or write to another file.")
    try:
        append_records(path, records)
    finally:
        lock.release()


def _lacks_labels(answer: Stored, scorer: Scorer) -> bool:
    return scorer.name in LABEL_SCORERS and not isinstance(answer.target, dict)


def _score(answer: Stored, scorer: Scorer) -> Score:
    if answer.output is None and answer.outcome in {None, Outcome.OK}:
        return Score(value=None, reason=NO_OUTPUT)
    if answer.outcome is None or answer.outcome == "ok":
        return judged(scorer, answer.output or "", answer.target)
    if not answer.outcome.is_scored:
        return Score(value=None, reason=answer.outcome.value)
    return Score(value=0.0, passed=False, reason=answer.outcome.value)
