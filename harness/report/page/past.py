"""What runs scored, the oldest first, and what changed for a model since the run before."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from harness.domain.record import SummaryRecord
from harness.domain.way import way_text
from harness.report.compare import change_text
from harness.report.table import score
from harness.store.cell import CellKey
from harness.store.run_file import RunFile
from harness.verdict.comparability import Subject, changes
from harness.verdict.evidence import difference


@dataclass(frozen=True, slots=True, kw_only=True)
class PastCell:
    """A model on a task in one of several runs.

    Attributes:
        changed: what differs from the model's run before: versions, settings, its file and config, what was asked.
    """

    run_id: str
    began: str
    model: str
    task: str
    score: float
    low: float | None
    high: float | None
    changed: tuple[str, ...] = ()


class Past:
    """Takes runs, the oldest first; keeps what a history needs of each, not the run."""

    def __init__(self) -> None:
        self.cells: list[PastCell] = []
        self.changed: dict[str, tuple[str, ...]] = {}
        """By run id: what changed since the models' runs before."""
        self.asked: dict[CellKey, str] = {}
        """When the newest run began that ended a task with a model, with a score or without."""
        self._last: dict[str, RunFile] = {}
        self._ways: dict[CellKey, frozenset[str]] = {}

    def add(self, run: RunFile) -> None:
        """Take a run that is newer than those before."""
        kept = RunFile(path=run.path, header=run.header, uses=run.uses)
        self.asked |= {CellKey(summary.model_key, summary.task): run.run.at for summary in run.summaries}
        changed: dict[str, None] = {}
        for model in dict.fromkeys(summary.model_key for summary in run.summaries):
            before = self._last.get(model)
            same = () if before is None else tuple(_changes(before, kept, model))
            changed.update(dict.fromkeys(same))
            for summary in run.summaries:
                if summary.model_key == model and _is_claimed(summary):
                    other = "" if before is None else difference(before.run, run.run, summary.task)
                    asked = [*self._other_way(run, CellKey(model, summary.task))]
                    asked += ["other samples or scorer"] if other.startswith("not the same samples") else []
                    changed.update(dict.fromkeys(asked))
                    self.cells.append(_cell(run, summary, (*same, *asked)))
            self._last[model] = kept
        self.changed[run.run.run_id] = tuple(changed)

    def _other_way(self, run: RunFile, key: CellKey) -> Iterator[str]:
        """Yield how a model got the functions of a task, where that was another way before."""
        now = run.ways(*key)
        before = self._ways.setdefault(key, now)
        self._ways[key] = now
        if before != now:
            yield f"functions {way_text(before)} -> {way_text(now)}"


def _changes(before: RunFile, after: RunFile, model: str) -> Iterator[str]:
    sides = (Subject(run=before, model_key=model), Subject(run=after, model_key=model))
    # The address of an embedded server has another port each time.
    yield from (change_text(change) for change in changes(*sides) if change.name != "server_url")


def _is_claimed(summary: SummaryRecord) -> bool:
    return summary.score is not None and score(summary) != "-"


def _cell(run: RunFile, summary: SummaryRecord, changed: Iterable[str]) -> PastCell:
    assert summary.score is not None  # noqa: S101  (the caller has looked)
    return PastCell(
        run_id=run.run.run_id,
        began=run.run.at,
        model=summary.model_key,
        task=summary.task,
        score=summary.score,
        low=summary.low,
        high=summary.high,
        changed=tuple(changed),
    )
