"""One run file, sorted: the only view of a run that tables, verdicts, resumed runs and estimates work on.

Reading streams: prompts and answers stay on the disk. Kept are a few small values of each sample (`store/cell.py`), and
the offset from which `RunFile.sample_record` reads the whole record for whoever needs it.
"""

import sys
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar

from harness.domain.candidate import Candidate, candidate_of, candidates_of
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
from harness.domain.way import PROMPT
from harness.errors import StoreError
from harness.store.cell import NOT_COUNTED, CellKey, CellSamples, SampleEntry, ScoreEntry, ScorerId
from harness.store.reader import RunLine, as_record, parse, read_lines
from harness.store.small_value import checked_sample, checked_score, strata_of

RecordT = TypeVar("RecordT", bound=Record)
_PROMPT = b'{"kind":"prompt",'
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

    Where the run asked a model at several reasoning levels, `model_key` is everywhere the name of the candidate,
    `key@level`, as a `Candidate` that knows its parts. What is about the model at any level, such as a load, is there
    once for each of them.

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
    _levels: dict[str, list[Candidate]] = field(default_factory=dict)
    """Model key -> the candidates that the run made of it, where it asked several levels."""
    _lines_read: int = 0
    _bytes_read: int = 0

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return the view of a run file; there is nothing in that of an empty run.

        Raises:
            StoreError: as `read_run`.
        """
        return cls(path=path).read_on()

    def read_on(self) -> Self:
        """Return the view with what was appended to the file since it was read.

        Raises:
            StoreError: as `read_run`.
        """
        for line in read_lines(self.path, after=self._lines_read, offset=self._bytes_read):
            self._take_line(line)
            self._lines_read, self._bytes_read = line.number, line.offset + len(line.content)
        self._prompt_places = None
        self._own_scorers = {task: self._own_scorer(task) for task in self._first_versions}
        return self

    def _take_line(self, line: RunLine) -> None:
        if line.content.startswith(_PROMPT):
            self._prompts.append(line.offset)
            return
        value = parse(self.path, line)
        if value["kind"] == "sample":
            self._take_sample(line, value)
        elif value["kind"] == "score":
            self._take_score(line, value)
        elif value["kind"] == "prompt":  # Written by another program, with other blanks.
            self._prompts.append(line.offset)
        elif (record := as_record(self.path, line, value)) is not None:
            self.take(record)

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

    def ways(self, model_key: str, task: str) -> frozenset[str]:
        """Return in which ways a model was asked a task (`harness.domain.way`); none where it was not asked."""
        cell = self.cells.get(CellKey(model_key, task))
        return frozenset() if cell is None else frozenset(cell.ways)

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
        return _with_name(record)

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
        """Yield every record as it stands in the file, with its offset, by reading the file once more.

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
        for named in self._named(record):
            self._take(named)

    def _named(self, record: Record) -> Iterator[Record]:
        """Yield the record under the name of what it is about: one for each level where it is about all of them."""
        key = getattr(record, "model_key", None)
        if key is None:
            yield record
        elif (levels := self._levels.get(key)) and getattr(record, "reasoning_level", None) is None:
            for name in levels:
                yield record.model_copy(update={"model_key": name})
        else:
            yield _with_name(record)

    def _take(self, record: Record) -> None:
        match record:
            case RunRecord():
                self._take_header(record)
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

    def _take_header(self, record: RunRecord) -> None:
        if self.header is None:
            self.header = record
            for name in candidates_of(record.plan):
                self._levels.setdefault(name.key, []).append(name)

    def _take_summary(self, record: SummaryRecord) -> None:
        key = CellKey(record.model_key, record.task)
        place = self._summary_places.setdefault(key, len(self.summaries))
        self.summaries[place : place + 1] = [record]

    def _take_sample(self, line: RunLine, value: dict[str, Any]) -> None:
        value = checked_sample(self.path, line, value)
        level = value.get("reasoning_level")
        key = CellKey(value["model_key"] if level is None else Candidate(value["model_key"], level), value["task"])
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
        cell.ways.add(value.get("way", PROMPT))
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
        value = checked_score(self.path, line, value)
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


def _with_name(record: RecordT) -> RecordT:
    """Return the record with the name of its candidate as its model key."""
    if getattr(record, "reasoning_level", None) is None:
        return record
    return record.model_copy(update={"model_key": candidate_of(record)})
