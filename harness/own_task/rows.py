"""The samples of an own task, as its generator: a seeded part of its rows, whose targets are checked first."""

from collections.abc import Mapping, Sequence

from harness.domain.sample import Sample
from harness.errors import TaskError
from harness.own_task.definition import Definition
from harness.own_task.order import ordered
from harness.own_task.review import own_scorer
from harness.own_task.row_fault import MOST_FAULTS
from harness.own_task.target import ideal_answer
from harness.scoring.judge import judged

_ANY_ANSWER = "OK."


class Rows:
    """All samples of an own task: `Task(generate=Rows(…))`.

    Args:
        definition: of the task.
        samples: in the order of the file.
        places: where each sample's row stands, by item id.
    """

    def __init__(self, definition: Definition, samples: Sequence[Sample], places: Mapping[str, str]) -> None:
        self.samples = samples
        self._definition = definition
        self._places = places
        self._scorer = own_scorer(definition.scorer)
        self._sound: set[str] = set()
        self._order: tuple[int, Sequence[Sample]] | None = None

    def __call__(self, seed: int, n: int) -> Sequence[Sample]:
        """Return the first n samples of the seed's order, the same for every model; all where there are fewer.

        Raises:
            TaskError: the scorer cannot use a target; names up to five rows.
        """
        found = self._in_order(seed)[:n]
        self.check(found)
        return found

    def check(self, samples: Sequence[Sample]) -> None:
        """Make sure that the scorer can use the targets of these samples.

        Raises:
            TaskError: it cannot; names up to five rows.
        """
        wrong: list[TaskError] = []
        for sample in samples:
            if sample.item_id in self._sound:
                continue
            try:
                judged(self._scorer, ideal_answer(self._scorer.name, sample.target) or _ANY_ANSWER, sample.target)
                self._sound.add(sample.item_id)
            except TaskError as exc:
                place = f"{self._places[sample.item_id]}: field {self._definition.target_name}"
                wrong.append(TaskError(f"{place}: {exc.message}", hint=exc.hint))
                if len(wrong) == MOST_FAULTS:
                    break
        if wrong:
            hint = wrong[0].hint or "Is the cell JSON within text? Then name its column in json_columns."
            raise TaskError("\n".join(error.message for error in wrong), hint=hint)

    def place_of(self, item_id: str) -> str:
        """Return where the row of a sample stands."""
        return self._places[item_id]

    def _in_order(self, seed: int) -> Sequence[Sample]:
        if self._definition.sampling == "first":
            return self.samples
        if self._order is None or self._order[0] != seed:
            self._order = seed, ordered(self.samples, seed)
        return self._order[1]
