"""A race stops a task on a model as soon as a sequential test has decided whether the model reaches its floor.

The test looks in **planned order**, whatever comes back first, because quick answers are not a random half of all.
Items of one cluster are one observation (their mean), so a race asks them one after the other, the clusters in the
order in which they first appear, which keeps them balanced over the tiers.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from harness.domain.answer import Answer, Job
from harness.settings import Settings
from harness.stats.reducer import Reducer, named
from harness.stats.sequential import Sprt, SprtState
from harness.task.task import Task
from harness.verdict.value import value_of


@dataclass(slots=True)
class _Cluster:
    """What is asked of one cluster, and what has come back, by item."""

    jobs: list[Job] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        return len(self.answers) == len(self.jobs)


class Race:
    """One task on one model, looked at after every complete cluster.

    When the test has decided, what is in flight is to be cancelled and not waited for: its answers would not be used,
    as the figures are of the observations up to the decision. Answers that had come out of turn are only recorded.

    Args:
        jobs: all that would be asked.
        floor: what the model has to reach, above 0 and below 1.
        margin: rates within it around the floor may be called either way.
        reducer: by its name, and as a function, from an item's epochs to its value.

    Attributes:
        jobs: the same in the order in which they are to be asked.
        test: the sequential test.
        used: the answers that it has looked at, in planned order.
        observations: what it has looked at: a value for each cluster, None where an answer was lost.
    """

    def __init__(self, jobs: Sequence[Job], *, floor: float, margin: float, reducer: tuple[str, Reducer]) -> None:
        self.floor = floor
        self._reducer = reducer
        self._clusters: dict[str, _Cluster] = {}
        for job in jobs:
            self._clusters.setdefault(_name(job), _Cluster()).jobs.append(job)
        self.jobs = tuple(job for cluster in self._clusters.values() for job in cluster.jobs)
        self.test = Sprt.against_floor(floor, margin=margin)
        self.used: list[Answer] = []
        self.observations: list[float | None] = []
        self._waiting = list(self._clusters.values())

    @property
    def clusters(self) -> int:
        """How many observations there would be, were everything asked."""
        return len(self._clusters)

    @property
    def is_over(self) -> bool:
        """Whether the test has decided."""
        return self.test.progress is not SprtState.GO_ON

    @property
    def is_cut(self) -> bool:
        """Whether the test has decided before all was asked: what it has looked at is not everything."""
        return self.is_over and bool(self._waiting)

    def take(self, answer: Answer) -> bool:
        """Take an answer in whatever order it comes, and tell whether the test has decided."""
        self._clusters[_name(answer.job)].answers.append(answer)
        while not self.is_over and self._waiting and self._waiting[0].is_complete:
            cluster = self._waiting.pop(0)
            observation = self._observation(cluster.answers)
            self.used += cluster.answers
            self.observations.append(observation)
            self.test.observe(observation)
        return self.is_over

    def figures(self, *, asked: int, elapsed_s: float) -> dict[str, float | int | str]:
        """Return what the summary says of the race.

        Args:
            asked: answers that were asked for, the cancelled ones included.
            elapsed_s: since the first one.
        """
        left = len(self.jobs) - asked
        return {
            "floor": self.floor,
            "p0": self.test.p0,
            "p1": self.test.p1,
            "decision": self.test.progress.value,
            "observations": len(self.observations),
            "of": self.clusters,
            "asked": asked,
            "saved_s": round(left * elapsed_s / asked, 3) if asked else 0.0,
        }

    def _observation(self, answers: Iterable[Answer]) -> float | None:
        name, reduce = self._reducer
        items: dict[str, list[float]] = {}
        for answer in answers:
            value = value_of(answer.score, name)
            if value is None:
                return None
            items.setdefault(answer.job.sample.item_id, []).append(value)
        return fmean(reduce(values) for values in items.values())


def race_for(task: Task, jobs: Sequence[Job], settings: Settings) -> Race | None:
    """Return the race on a task with its floor (else 0.8), or None where the settings have no race."""
    if not settings.race:
        return None
    reducer = settings.reducer, named(settings.reducer)
    return Race(jobs, floor=settings.race_floor(task.name), margin=settings.margin, reducer=reducer)


def _name(job: Job) -> str:
    return job.sample.cluster_id or f"item {job.sample.item_id}"
