"""What an unfinished run file holds, sorted for the run that goes on with it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from harness.domain.generation import Outcome
from harness.domain.record import (
    EndRecord,
    InstanceRecord,
    ItemRecord,
    Record,
    RunRecord,
    SampleRecord,
    ScoreRecord,
)
from harness.errors import StoreError
from harness.store.reader import read_run

_UNSCORED = {Outcome.SERVER_ERROR.value, Outcome.CANCELLED.value}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parent:
    """A run file that is to be resumed.

    Attributes:
        run: its first record.
        is_finished: its last record says that nobody interrupted it.
        instances: the last one that was used, by model key.
        samples: those that count, by their uid; what the server or an interruption took is to be asked again.
        scores: every judgement of a sample, by its uid.
        tests: the node ids of the tests that need not be run again.
        records: all of them, in the order written.
    """

    path: Path
    run: RunRecord
    is_finished: bool
    instances: Mapping[str, InstanceRecord]
    samples: Mapping[str, SampleRecord]
    scores: Mapping[str, Sequence[ScoreRecord]]
    tests: frozenset[str]
    records: Sequence[Record]


def read_parent(path: Path) -> Parent:
    """Return what a run file holds.

    Raises:
        StoreError: as `read_run`, or not even its first record was written.
    """
    records = list(read_run(path))
    scores: dict[str, list[ScoreRecord]] = defaultdict(list)
    for one in records:
        if isinstance(one, ScoreRecord):
            scores[one.sample_uid].append(one)
    end = records[-1] if records and isinstance(records[-1], EndRecord) else None
    return Parent(
        path=path,
        run=_first(path, records),
        is_finished=end is not None and not end.interrupted,
        instances={
            one.model_key: one
            for one in records
            if isinstance(one, InstanceRecord) and one.purpose == "use" and one.error is None
        },
        samples={
            one.sample_uid: one for one in records if isinstance(one, SampleRecord) and one.outcome not in _UNSCORED
        },
        scores=scores,
        tests=frozenset(one.test for one in records if isinstance(one, ItemRecord) and one.outcome != "failed"),
        records=records,
    )


def read_head(path: Path) -> RunRecord:
    """Return the first record of a run file, and read no more of it.

    Raises:
        StoreError: as `read_run`, or there is none.
    """
    records = read_run(path)
    return _first(path, [one for one in [next(records, None)] if one is not None])


def last_unfinished(results: Path) -> Path:
    """Return the newest run file of a folder whose run was interrupted or died, and was not resumed since.

    Raises:
        StoreError: there is none.
    """
    heads: dict[Path, RunRecord] = {}
    for path in sorted(results.glob("*.jsonl"), reverse=True):  # The name begins with the time.
        with suppress(StoreError):
            heads[path] = read_head(path)
    resumed = {head.parent_run_id for head in heads.values()}
    for path, head in heads.items():
        with suppress(StoreError):
            if head.run_id not in resumed and not read_parent(path).is_finished:
                return path
    raise StoreError(
        f"there is no unfinished run in {results}", hint="Name a run file, or its folder with --lms-results DIR."
    )


def _first(path: Path, records: Sequence[Record]) -> RunRecord:
    if not records or not isinstance(records[0], RunRecord):
        raise StoreError(
            f"{path} does not begin as a run file does, so there is nothing to resume", hint="Start a new run."
        )
    return records[0]
