"""What a model answered on a task in a run, by item: what comparisons of runs and models work on."""

from collections import defaultdict
from collections.abc import Collection, Iterable

from harness.stats.latency import is_time
from harness.stats.pairing import Scores
from harness.store.cell import CellKey
from harness.verdict.comparability import Subject
from harness.verdict.value import value_of


class Answered:
    """What a subject answered on a task, by item.

    Attributes:
        clusters: of each item that was asked, the cluster.
        times, first_tokens: of each item, the times of its answers, in seconds.
        is_whole: whether it was asked all that was planned for it.
    """

    def __init__(self, subject: Subject, task: str, reducer: str) -> None:
        self.clusters: dict[str, str] = {}
        self.times: dict[str, list[float]] = defaultdict(list)
        self.first_tokens: dict[str, list[float]] = defaultdict(list)
        self._values: dict[str, dict[int, float | None]] = defaultdict(dict)
        self._passes: dict[str, list[float]] = defaultdict(list)
        run = subject.run
        for sample in run.cells.get(CellKey(subject.model_key, task), ()):
            item, score = sample.item_id, run.score(sample)
            self.clusters[item] = sample.cluster_id or f"item {item}"
            self._values[item][sample.epoch] = value_of(score, reducer) if sample.is_counted else None
            if not sample.is_counted:
                continue
            if (passed := value_of(score, "majority")) is not None:
                self._passes[item].append(passed)
            for figure, figures in ((sample.e2e_s, self.times), (sample.ttft_s, self.first_tokens)):
                if is_time(figure):
                    figures[item].append(figure)
        summary = subject.summary(task)
        planned = (summary.planned or 0) if summary else 0
        self.is_whole = sum(map(len, self._values.values())) >= planned

    @property
    def items(self) -> Collection[str]:
        """What it was asked, whether the answer counts or not."""
        return self.clusters.keys()

    def scores(self, items: Iterable[str], epochs: int) -> Scores:
        """Return the scores of these items, with None for what was lost or not asked."""
        return {item: [self._values.get(item, {}).get(epoch) for epoch in range(1, epochs + 1)] for item in items}

    def passes(self) -> dict[str, bool]:
        """Return whether each item is passed in most of its epochs."""
        return {item: 2 * sum(passes) > len(passes) for item, passes in self._passes.items()}


def compared_items(ours: Answered, theirs: Answered) -> list[str]:
    """Return the items that were planned for both: what a side was planned and not asked counts as lost."""
    whole = [side.items for side in (ours, theirs) if side.is_whole]
    return sorted(item for item in {*ours.items, *theirs.items} if all(item in items for items in whole))
