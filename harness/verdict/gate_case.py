"""What is known of one model on one task tonight and in earlier runs, item by item."""

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean

from harness.domain.record import SummaryRecord
from harness.domain.score import REVIEW, unscored_words
from harness.stats.estimate import Estimate
from harness.stats.exchange import Exchange, exchange_test
from harness.stats.paired import difference_estimate
from harness.stats.pairing import MOST_UNSCORED, Scores
from harness.stats.reducer import Reducer, named
from harness.verdict.answered import Answered, compared_items
from harness.verdict.comparability import NO_ITEMS, Subject, obstacles, task_obstacle

_SIDES = "the baseline", "this run"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """An item: tonight's value, and that of each earlier run that was asked it, by the number of the run."""

    cluster: str
    now: float
    earlier: Mapping[int, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlakyItem:
    """An item that some of the earlier runs pass and others do not."""

    task: str
    item_id: str
    passed: int
    runs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Paired:
    """Tonight's answers beside the earlier ones.

    Attributes:
        against: by item, what went unscored counted against tonight: what is said in its favour has to hold here.
        favour: the same, counted in its favour: a loss is claimed only if it holds here.
        score, baseline_score: means over the items of what was scored; None: nothing was.
        unscored: answers that were lost, tonight and earlier.
        lost, gained: items that most earlier runs pass and tonight does not, and the other way round.
        losses, gains: how many items an earlier run passes and tonight does not, and the other way round, as a mean
            over the earlier runs: for passes and fails, gains - losses is the difference of the means, times the items.
        flaky: items that flip among the earlier runs.
        runs: how many earlier runs there are.
        asked: items that the newest of them was asked.
        left_out: those of them that tonight was not asked.
    """

    against: Mapping[str, Drawn]
    favour: Mapping[str, Drawn]
    score: float | None
    baseline_score: float | None
    unscored: int = 0
    lost: tuple[str, ...] = ()
    gained: tuple[str, ...] = ()
    losses: float = 0.0
    gains: float = 0.0
    flaky: tuple[FlakyItem, ...] = ()
    runs: int = 1
    asked: int = 0
    left_out: int = 0

    def difference(self, *, in_favour: bool = False, level: float = 0.95) -> Estimate:
        """Return the mean of tonight less the mean of the earlier runs, each item once, with its interval."""
        drawn = list((self.favour if in_favour else self.against).values())
        return difference_estimate(
            [item.now for item in drawn],
            [fmean(item.earlier.values()) for item in drawn],
            clusters=[item.cluster for item in drawn],
            level=level,
        )

    def at_worst(self) -> "Paired":
        """Return the same items, had tonight scored 0 on every one."""
        lost = {item: replace(drawn, now=0.0) for item, drawn in self.favour.items()}
        return replace(self, against=lost, favour=lost)

    def exchange(self) -> Exchange:
        """Return the test of a loss, with what went unscored counted in tonight's favour."""
        return exchange_test(list(_units(self.favour.values())))


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpaired:
    """Why tonight's answers could not be put beside the earlier ones.

    Attributes:
        reason: for a person.
        is_empty: they were asked nothing alike.
        is_lost: tonight's answers have no score.
        is_ungraded: because a person has not graded them yet.
    """

    reason: str
    is_empty: bool = False
    is_lost: bool = False
    is_ungraded: bool = False


def paired(tonight: Subject, earlier: Sequence[Subject], task: str) -> Paired | Unpaired:
    """Return the answers of a model to a task tonight beside those of earlier runs that can be compared with it.

    A run is left out where its sampling, config, scorer or items differ, or where more than 5 % of its answers were
    lost.

    Args:
        tonight: has a summary of the task.
        earlier: the newest first.
        task: its name.

    Raises:
        ValueError: a scorer gave a score outside 0 to 1.
    """
    summary = tonight.summary(task)
    assert summary is not None  # noqa: S101  (the caller has looked)
    ours = Answered(tonight, task, summary.reducer)
    if why := _lost(ours.scores(ours.items, summary.epochs), summary.scorer, planned=summary.planned):
        return Unpaired(reason=why, is_lost=True, is_ungraded=summary.scorer == REVIEW)
    found = _Baseline(ours, summary, task)
    for number, subject in enumerate(earlier):
        found.add(number, subject, tonight)
    if not found.values:
        reasons = list(found.left_out)
        return Unpaired(reason=reasons[0] if reasons else NO_ITEMS, is_empty=set(reasons) <= {NO_ITEMS})
    return found.paired()


@dataclass(slots=True)
class _Baseline:
    """The earlier runs of a cell that can be compared with tonight's."""

    ours: Answered
    summary: SummaryRecord
    task: str
    left_out: list[str] = field(default_factory=list)
    values: dict[int, Scores] = field(default_factory=dict)
    passes: dict[int, dict[str, bool]] = field(default_factory=dict)
    clusters: dict[str, str] = field(default_factory=dict)
    asked: Collection[str] = ()

    def add(self, number: int, subject: Subject, tonight: Subject) -> None:
        """Take an earlier run, or note why it is left out."""
        why = "; ".join(obstacles(subject, tonight, names=_SIDES))
        why = why or task_obstacle(subject, tonight, self.task, names=_SIDES)
        theirs = Answered(subject, self.task, self.summary.reducer)
        scores = theirs.scores(compared_items(self.ours, theirs), self.summary.epochs)
        why = why or ("" if scores else NO_ITEMS) or _lost(scores, self.summary.scorer, whose="the baseline's ")
        if why:
            self.left_out.append(why)
            return
        if not self.values:
            self.asked = theirs.items
        self.values[number] = scores
        self.passes[number] = theirs.passes()
        self.clusters.update(theirs.clusters)

    def paired(self) -> Paired:
        """Return both sides, item by item."""
        items = sorted({item for scores in self.values.values() for item in scores})
        ours = self.ours.scores(items, self.summary.epochs)
        clusters = {**self.clusters, **self.ours.clusters}
        reduce = named(self.summary.reducer)
        against, favour = (
            dict(self._drawn(items, ours, clusters, reduce, now=now, earlier=1 - now)) for now in (0.0, 1.0)
        )
        now_passes = self.ours.passes()
        earlier_passes: dict[str, list[bool]] = defaultdict(list)
        for passes in self.passes.values():
            for item in against:
                if item in passes:
                    earlier_passes[item].append(passes[item])
        both = {item: found for item, found in earlier_passes.items() if item in now_passes}
        return Paired(
            against=against,
            favour=favour,
            score=_mean([ours[item] for item in against], reduce),
            baseline_score=_mean(
                [scores[item] for scores in self.values.values() for item in against if item in scores], reduce
            ),
            unscored=sum(
                score is None
                for side in (ours, *self.values.values())
                for item in against
                for score in side.get(item, ())
            ),
            lost=tuple(item for item, found in both.items() if 2 * sum(found) > len(found) and not now_passes[item]),
            gained=tuple(item for item, found in both.items() if 2 * sum(found) < len(found) and now_passes[item]),
            losses=math.fsum(fmean(found) for item, found in both.items() if not now_passes[item]),
            gains=math.fsum(1 - fmean(found) for item, found in both.items() if now_passes[item]),
            flaky=tuple(
                FlakyItem(task=self.task, item_id=item, passed=sum(found), runs=len(found))
                for item, found in earlier_passes.items()
                if 0 < sum(found) < len(found)
            ),
            runs=len(self.values),
            asked=len(self.asked),
            left_out=sum(item not in ours for item in self.asked),
        )

    def _drawn(
        self,
        items: Sequence[str],
        ours: Scores,
        clusters: Mapping[str, str],
        reduce: Reducer,
        *,
        now: float,
        earlier: float,
    ) -> Iterator[tuple[str, Drawn]]:
        """Yield each item, with these values in place of lost answers.

        The items of a cluster are drawn together, so only runs count that were asked all of them.
        """
        runs: dict[str, set[int]] = {}
        for item in items:
            asked = {number for number, scores in self.values.items() if item in scores}
            runs[clusters[item]] = runs.get(clusters[item], asked) & asked
        for item in items:
            if common := sorted(runs[clusters[item]]):
                yield (
                    item,
                    Drawn(
                        cluster=clusters[item],
                        now=reduce(_filled(ours[item], now)),
                        earlier={number: reduce(_filled(self.values[number][item], earlier)) for number in common},
                    ),
                )


def pooled(cells: Mapping[str, Paired]) -> Paired:
    """Return the items of several tasks together, each with the same weight."""

    def together(sides: Iterable[tuple[str, Mapping[str, Drawn]]]) -> dict[str, Drawn]:
        return {
            f"{task} {item}": Drawn(cluster=f"{task} {drawn.cluster}", now=drawn.now, earlier=drawn.earlier)
            for task, side in sides
            for item, drawn in side.items()
        }

    against = together((task, cell.against) for task, cell in cells.items())
    return Paired(
        against=against,
        favour=together((task, cell.favour) for task, cell in cells.items()),
        score=fmean(drawn.now for drawn in against.values()),
        baseline_score=fmean(fmean(drawn.earlier.values()) for drawn in against.values()),
        unscored=sum(cell.unscored for cell in cells.values()),
        lost=tuple(f"{task} {item}" for task, cell in cells.items() for item in cell.lost),
        gained=tuple(f"{task} {item}" for task, cell in cells.items() for item in cell.gained),
        losses=math.fsum(cell.losses for cell in cells.values()),
        gains=math.fsum(cell.gains for cell in cells.values()),
        runs=max(cell.runs for cell in cells.values()),
    )


def _units(items: Iterable[Drawn]) -> Iterator[list[float]]:
    """Yield tonight's and the earlier values of each cluster, summed over its items."""
    tonight: dict[str, float] = defaultdict(float)
    before: dict[str, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    for item in items:
        tonight[item.cluster] += item.now
        for number, value in item.earlier.items():
            before[item.cluster][number] += value
    for cluster, now in tonight.items():
        yield [now, *before[cluster].values()]


def _lost(scores: Scores, scorer: str, *, planned: int | None = None, whose: str = "") -> str:
    """Return why nothing can be said where more than 5 % of the answers have no score; else ""."""
    answers = [score for epochs in scores.values() for score in epochs]
    total = max(len(answers), planned or 0)
    scored = sum(score is not None for score in answers)
    if total - scored <= MOST_UNSCORED * total:
        return ""
    return f"{total - scored} of {whose}{total} answers {unscored_words(scorer)} (above {100 * MOST_UNSCORED:g} %)"


def _filled(epochs: Sequence[float | None], value: float) -> list[float]:
    return [value if score is None else score for score in epochs]


def _mean(items: Iterable[Sequence[float | None]], reduce: Reducer) -> float | None:
    values = [reduce([score for score in epochs if score is not None]) for epochs in items if None not in epochs]
    return fmean(values) if values else None
