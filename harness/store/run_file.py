"""One run file, sorted: the only view of a run that tables, verdicts, resumed runs and estimates work on.

Reading streams: prompts and answers stay on the disk. Kept are a few small values of each sample (`store/cell.py`), and
the offset from which `RunFile.sample_record` reads the whole record for whoever needs it.
"""

import sys
from array import array
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from sys import float_info
from typing import Any, Protocol, Self

from harness.domain.record import (
    ComparisonRecord,
    EndRecord,
    InstanceRecord,
    ItemRecord,
    MeasureRecord,
    PromptRecord,
    Record,
    RunRecord,
    SampleRecord,
    ScoreRecord,
    SkipRecord,
    SummaryRecord,
)
from harness.errors import StoreError
from harness.store.cell import NOT_COUNTED, CellKey, CellSamples, SampleEntry, ScoreEntry, ScorerId
from harness.store.reader import RunLine, as_record, parse, read_lines

_sample_texts = itemgetter(
    "run_id",
    "at",
    "sample_uid",
    "task",
    "task_class",
    "item_id",
    "item_hash",
    "model_key",
    "instance_id",
    "prompt_hash",
    "outcome",
)
_TASKS_OF_FIRST_VERSION = frozenset(
    {
        "brainstorm",
        "classify",
        "extract",
        "instruct",
        "longcontext",
        "multiturn",
        "reason",
        "review",
        "rewrite",
        "summarise",
    }
)
_PROMPT = b'{"kind":"prompt",'
_score_texts = itemgetter("run_id", "at", "sample_uid", "scorer", "scorer_version")
_ROW_BITS = 40
_LAST_ROW = (1 << _ROW_BITS) - 1


class NamedScorer(Protocol):
    """What tells scorers apart."""

    @property
    def name(self) -> str:
        """As in a score record."""
        ...

    @property
    def version(self) -> str:
        """As in a score record."""
        ...


@dataclass(slots=True, kw_only=True)
class RunFile:
    """What one run file holds.

    Attributes:
        path: of the file.
        header: the first record; None for an empty run, which died within its first record.
        uses: the instances that answered, in order; loads that were only timed or that failed are left out.
        cells: the samples by model and task. Of several records of one sample the last one stands, unless only an
            earlier one counts.
        summaries: one for each cell that came to its end; the last one, where it was asked in several rounds.
        comparisons: the verdicts.
        measures: figures of the latency suite and others.
        skips: what was not run, and why.
        items: tests that came to an end.
        end: the last record of the run itself; None: the run is still going, or died. Late scores may follow it.
    """

    path: Path
    header: RunRecord | None = None
    uses: list[InstanceRecord] = field(default_factory=list)
    cells: dict[CellKey, CellSamples] = field(default_factory=dict)
    summaries: list[SummaryRecord] = field(default_factory=list)
    comparisons: list[ComparisonRecord] = field(default_factory=list)
    measures: list[MeasureRecord] = field(default_factory=list)
    skips: list[SkipRecord] = field(default_factory=list)
    items: list[ItemRecord] = field(default_factory=list)
    end: EndRecord | None = None
    _places: dict[str, int] = field(default_factory=dict)
    """Sample uid -> the number of its cell and its row there, in one integer: a tuple takes twice the memory."""
    _prompts: "array[int]" = field(default_factory=lambda: array("q"))
    """The offsets of the prompts, which are parsed only when one is asked for."""
    _prompt_places: dict[str, int] | None = None
    _numbers: dict[CellKey, int] = field(default_factory=dict)
    _in_order: list[CellSamples] = field(default_factory=list)
    _first_versions: dict[str, dict[str, ScorerId]] = field(default_factory=dict)
    """Task -> the name of each scorer -> the first one of that name."""
    _summary_places: dict[CellKey, int] = field(default_factory=dict)
    _own_scorers: dict[str, ScorerId] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return the view of a run file; there is nothing in that of an empty run.

        Raises:
            StoreError: as `read_run`.
        """
        seen = cls(path=path)
        for line in read_lines(path):
            if line.content.startswith(_PROMPT):
                seen._prompts.append(line.offset)
                continue
            value = parse(path, line)
            if value["kind"] == "sample":
                seen._take_sample(line, value)
            elif value["kind"] == "score":
                seen._take_score(line, value)
            elif value["kind"] == "prompt":  # Written by another program, with other blanks.
                seen._prompts.append(line.offset)
            elif (record := as_record(path, line, value)) is not None:
                seen.take(record)
        seen._own_scorers = {task: seen._own_scorer(task) for task in seen._first_versions}
        return seen

    @property
    def run(self) -> RunRecord:
        """The first record.

        Raises:
            StoreError: there is none.
        """
        if self.header is None:
            raise StoreError(
                f"{self.path} is an empty run: it died before its first record was written",
                hint="There is nothing to resume: start a new run.",
            )
        return self.header

    @property
    def is_finished(self) -> bool:
        """Whether the run came to its end, and was not interrupted."""
        return self.end is not None and not self.end.interrupted

    @property
    def instances(self) -> dict[str, InstanceRecord]:
        """The instance that was used last, by model key."""
        return {use.model_key: use for use in self.uses}

    def sample(self, sample_uid: str) -> SampleEntry | None:
        """Return a sample by its uid; None if it is not there."""
        place = self._place(sample_uid)
        return None if place is None else place[0].sample(place[1])

    def samples(self) -> Iterator[tuple[str, SampleEntry]]:
        """Yield every sample with its uid, in the order of the file."""
        for sample_uid, place in self._places.items():
            yield sample_uid, self._in_order[place >> _ROW_BITS].sample(place & _LAST_ROW)

    def scorer(self, task: str) -> ScorerId | None:
        """Return the task's own scorer: the one that the run judged it with, whatever was scored later.

        It is the one that the task's summary names. Where the run died before its first summary, it is that of the
        first score. Its version is that of its first score of the task. None: nothing was scored.
        """
        return self._own_scorers.get(task)

    def score(self, sample: SampleEntry, scorer: NamedScorer | None = None) -> ScoreEntry | None:
        """Return the last score of a sample by this scorer and version; None if it has none.

        Args:
            sample: of this file.
            scorer: None: the task's own. What a model judged for a scorer is not meant.
        """
        wanted = self.scorer(sample.key.task) if scorer is None else ScorerId(scorer.name, scorer.version)
        return None if wanted is None else self.cells[sample.key].score(sample.row, wanted)

    def sample_record(self, sample: SampleEntry) -> SampleRecord:
        """Return the whole record of a sample, read from the file.

        Raises:
            StoreError: the file cannot be read any more, or has changed.
        """
        record = self._read_at(sample.offset)
        assert isinstance(record, SampleRecord)  # noqa: S101  (the offset says so)
        return record

    def prompt(self, sample: SampleRecord) -> PromptRecord | None:
        """Return what was sent for a sample; None where the run did not record it.

        Raises:
            StoreError: the file cannot be read any more, or has changed.
        """
        if self._prompt_places is None:
            found = map(self._prompt_at, self._prompts)
            self._prompt_places = {
                record.prompt_hash: offset for record, offset in zip(found, self._prompts, strict=True)
            }
        offset = self._prompt_places.get(sample.prompt_hash)
        return None if offset is None else self._prompt_at(offset)

    def score_record(self, score: ScoreEntry) -> ScoreRecord:
        """Return the whole record of a score, read from the file.

        Raises:
            StoreError: the file cannot be read any more, or has changed.
        """
        record = self._read_at(score.offset)
        assert isinstance(record, ScoreRecord)  # noqa: S101  (the offset says so)
        return record

    def records(self) -> Iterator[tuple[int, Record]]:
        """Yield every record with its offset, in the order written, by reading the file once more.

        Samples of version 0.1.0 have their strata where later versions have them, so that they can be written again.

        Raises:
            StoreError: as `read_run`.
        """
        for line in read_lines(self.path):
            value = parse(self.path, line)
            record = as_record(self.path, line, value)
            if isinstance(record, SampleRecord):
                stratum, cluster_id = strata_of(value)
                record = record.model_copy(update={"stratum": stratum, "cluster_id": cluster_id})
            if record is not None:
                yield line.offset, record

    def _prompt_at(self, offset: int) -> PromptRecord:
        record = self._read_at(offset)
        assert isinstance(record, PromptRecord)  # noqa: S101  (the offset says so)
        return record

    def _read_at(self, offset: int) -> Record | None:
        try:
            with self.path.open("rb") as file:
                file.seek(offset)
                line = RunLine(0, offset, file.readline())
        except OSError as exc:
            raise StoreError(f"cannot read {self.path}: {exc.strerror}") from exc
        return as_record(self.path, line, parse(self.path, line))

    def take(self, record: Record) -> None:
        """Add a record that is not a sample, a score or a prompt."""
        match record:
            case RunRecord():
                self.header = self.header or record
            case InstanceRecord():
                if record.purpose == "use" and record.error is None:
                    self.uses.append(record)
            case SummaryRecord():
                self._take_summary(record)
            case ComparisonRecord():
                self.comparisons.append(record)
            case MeasureRecord():
                self.measures.append(record)
            case SkipRecord():
                self.skips.append(record)
            case ItemRecord():
                self.items.append(record)
            case EndRecord():
                self.end = record
            case _:  # Releases tell a reader nothing that `instance` and `end` do not.
                pass

    def _take_summary(self, record: SummaryRecord) -> None:
        key = CellKey(record.model_key, record.task)
        place = self._summary_places.setdefault(key, len(self.summaries))
        self.summaries[place : place + 1] = [record]

    def _take_sample(self, line: RunLine, value: dict[str, Any]) -> None:
        value = _checked_sample(self.path, line, value)
        key = CellKey(value["model_key"], value["task"])
        cell = self.cells.get(key)
        if cell is None:
            cell = self.cells[key] = CellSamples(key)
            self._numbers[key] = len(self._numbers)
            self._in_order.append(cell)
        uid, outcome = value["sample_uid"], value["outcome"]
        before = self._place(uid)
        row = before[1] if before is not None and before[0] is cell else len(cell)
        if row < len(cell) and outcome in NOT_COUNTED and cell.outcome(row) not in NOT_COUNTED:
            return
        times, usage, stats = value.get("times", {}), value.get("usage", {}), value.get("server_stats", {})
        stratum, cluster_id = strata_of(value)
        # Few items, strata and outcomes, many samples: each text is kept once.
        texts = (sys.intern(value["item_id"]), sys.intern(stratum), sys.intern(cluster_id), sys.intern(outcome))
        counts = (value.get("epoch", 1), value.get("tier", 1), usage.get("total_output_tokens"))
        figures = (times.get("ttft_s"), times.get("e2e_s"), stats.get("tokens_per_second"))
        try:
            cell.put(row, texts, counts, figures, line.offset)
        except OverflowError:
            raise StoreError(f"{self.path}:{line.number}: sample record: a number that is too large") from None
        self._places[uid] = self._numbers[key] << _ROW_BITS | row

    def _take_score(self, line: RunLine, value: dict[str, Any]) -> None:
        value = _checked_score(self.path, line, value)
        place = self._place(value["sample_uid"])
        if place is None:  # Its sample stands in another file.
            return
        if value["value"] is not None and not 0 <= value["value"] <= 1:
            raise StoreError(f"{self.path}:{line.number}: score record: value: expected 0 to 1, or null")
        cell, row = place
        scorer = ScorerId(value["scorer"], value["scorer_version"], value.get("judge"))
        if scorer.judge is None:
            self._first_versions.setdefault(cell.key.task, {}).setdefault(scorer.name, scorer)
        cell.put_score(row, scorer, ScoreEntry(value["value"], value.get("passed"), line.offset))

    def _place(self, sample_uid: str) -> tuple[CellSamples, int] | None:
        place = self._places.get(sample_uid)
        return None if place is None else (self._in_order[place >> _ROW_BITS], place & _LAST_ROW)

    def _own_scorer(self, task: str) -> ScorerId:
        versions = self._first_versions[task]
        named = (summary.scorer for summary in self.summaries if summary.task == task and summary.scorer in versions)
        return versions[next(named, next(iter(versions)))]


def _checked_sample(path: Path, line: RunLine, value: dict[str, Any]) -> dict[str, Any]:
    """Return a sample record whose small values have the right types.

    They are looked at one by one, which takes a tenth of pydantic's time: most of that would go into texts that are not
    kept. Whatever is not as we write it goes through pydantic, which has the messages.
    """
    times, usage, stats = value.get("times", {}), value.get("usage", {}), value.get("server_stats", {})
    if (
        _are_texts(value, _sample_texts)
        and type(value.get("epoch", 1)) is type(value.get("tier", 1)) is int
        and type(value.get("cluster_id", "")) is type(value.get("stratum", "")) is str
        and type(times) is type(usage) is type(stats) is dict
        and _is_figure(times.get("ttft_s"))
        and _is_figure(times.get("e2e_s"))
        and _is_figure(stats.get("tokens_per_second"))
        and type(usage.get("total_output_tokens")) in {int, type(None)}
    ):
        return value
    return _validated(path, line, value)


def strata_of(value: Mapping[str, Any]) -> tuple[str, str]:
    """Return the stratum and the cluster of a sample record.

    Version 0.1.0 had no strata: the templates of the shipped tasks were recorded as clusters, and are strata.
    """
    cluster_id = value.get("cluster_id", "")
    if "stratum" not in value and value["task"] in _TASKS_OF_FIRST_VERSION:
        return cluster_id, ""
    return value.get("stratum", ""), cluster_id


def _checked_score(path: Path, line: RunLine, value: dict[str, Any]) -> dict[str, Any]:
    """Return a score record whose small values have the right types; see `_checked_sample`."""
    if (
        _are_texts(value, _score_texts)
        and _is_figure(value.get("value", ""))
        and type(value.get("passed")) in {bool, type(None)}
        and type(value.get("judge")) in {str, type(None)}
    ):
        return value
    return _validated(path, line, value)


def _validated(path: Path, line: RunLine, value: dict[str, Any]) -> dict[str, Any]:
    record = as_record(path, line, value)
    assert record is not None  # noqa: S101  (its kind is known)
    return record.model_dump(exclude_unset=True)  # What the file lacks stays lacking: `strata_of` asks.


def _are_texts(value: dict[str, Any], fields: Callable[[dict[str, Any]], tuple[Any, ...]]) -> bool:
    try:
        return set(map(type, fields(value))) == {str}
    except KeyError:
        return False


def _is_figure(value: Any) -> bool:
    return value is None or (type(value) in {int, float} and -float_info.max <= value <= float_info.max)
