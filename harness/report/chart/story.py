"""What a history tells: the points of the newest runs by task and model, their dates, and what changed with a run."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from harness.report.chart.chart import finite
from harness.report.chart.label import cut
from harness.report.text import one_line

MOST_RUNS = 60
_MOST_CHANGES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryPoint:
    """One model on one task in one run.

    Attributes:
        run: its id.
        began: when, as ISO 8601 in UTC.
        model: its key.
        task: its name.
        score: 0 to 1; None: none.
        low, high: the interval of the score.
        changed: what differs from the same model's run before, such as "server 0.3.1 -> 0.3.2".
    """

    run: str
    began: str
    model: str
    task: str
    score: float | None
    low: float | None = None
    high: float | None = None
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What changed with a run: the mark in the panels, and the line below them."""

    mark: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """All points, and what every panel shares."""

    points: Sequence[HistoryPoint]
    runs: Mapping[str, str]  # The id of each run, in order, and what stands below it.
    tasks: Sequence[str]
    models: Sequence[str]
    changes: Mapping[str, Change]
    changed_runs: int
    lines: Mapping[tuple[str, str], Sequence[HistoryPoint]]
    ends: Sequence[float]  # Of all scores and intervals.
    left_out: int  # How many runs are older than what is shown.

    def line(self, task: str, model: str) -> Sequence[HistoryPoint]:
        """Return a model's points on a task, in the order of the runs."""
        return self.lines.get((task, model), ())


def story_of(points: Sequence[HistoryPoint]) -> Story:
    """Return what is told of the newest runs; tasks and models stand in the order of their first point."""
    ordered = sorted(points, key=lambda point: (point.began, point.run))
    runs = {point.run: point.began for point in ordered}
    left_out = max(0, len(runs) - MOST_RUNS)
    runs = dict([*runs.items()][left_out:])
    ordered = [point for point in ordered if point.run in runs]
    lines: dict[tuple[str, str], list[HistoryPoint]] = defaultdict(list)
    for point in ordered:
        lines[point.task, point.model].append(point)
    ends = [finite(end) for point in ordered for end in (point.score, point.low, point.high)]
    changes: dict[str, Change] = {}
    told = {run: _changes(list(together)) for run, together in groupby(ordered, key=lambda point: point.run)}
    for run, note in [(run, note) for run, note in told.items() if note][-_MOST_CHANGES:]:
        changes[run] = Change(mark=str(len(changes) + 1), note=note)
    return Story(
        points=ordered,
        runs=_dates(runs),
        tasks=_in_order((point.task for point in points), {task for task, _ in lines}),
        models=_in_order((point.model for point in points), {model for _, model in lines}),
        changes=changes,
        changed_runs=sum(map(bool, told.values())),
        lines=lines,
        ends=[end for end in ends if end is not None],
        left_out=left_out,
    )


def _in_order(names: Iterable[str], kept: AbstractSet[str]) -> list[str]:
    """Return each of the kept names once, in the order in which they come first."""
    return [name for name in dict.fromkeys(names) if name in kept]


def _changes(points: Sequence[HistoryPoint]) -> str:
    """Return what changed with a run; what did not change for all of its models follows the names it changed for."""
    models = [*dict.fromkeys(point.model for point in points)]
    told: dict[str, list[str]] = defaultdict(list)
    for change in dict.fromkeys(change for point in points for change in point.changed):
        concerned = [*dict.fromkeys(point.model for point in points if change in point.changed)]
        whose = "" if len(concerned) == len(models) else f"{', '.join(cut(model, 30) for model in concerned)}: "
        told[whose].append(change)
    return "; ".join(f"{whose}{', '.join(changes)}" for whose, changes in told.items())


def _dates(runs: Mapping[str, str]) -> dict[str, str]:
    """Return the runs with their dates or, where that tells them apart better, times."""
    try:
        times = [datetime.fromisoformat(began) for began in runs.values()]
    except ValueError:
        return {run: one_line(began, limit=16) for run, began in runs.items()}
    days = {time.date() for time in times}
    if len({time.year for time in times}) > 1:
        form = "%Y-%m-%d"
    elif len(days) == len(times):
        form = "%d %b"
    else:
        form = "%H:%M" if len(days) == 1 else "%d %b %H:%M"
    return {run: time.strftime(form).removeprefix("0") for run, time in zip(runs, times, strict=True)}
