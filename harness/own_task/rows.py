"""The samples of an own task, as its generator: a seeded part of its rows, whose targets are checked first."""

from harness.domain.sample import Json
from harness.errors import TaskError
from harness.own_task.definition import Definition
from harness.own_task.kept_sample import KeptSamples, SampleStore
from harness.own_task.order import ordered
from harness.own_task.review import own_scorer
from harness.own_task.row_fault import MOST_FAULTS
from harness.own_task.target import ideal_answer
from harness.scoring.judge import judged_each

_ANY_ANSWER = "OK."


class Rows:
    """All samples of an own task: `Task(generate=Rows(…))`.

    Args:
        definition: of the task.
        store: has the samples, in the order of the file.

    Attributes:
        samples: all of them, in that order.
    """

    def __init__(self, definition: Definition, store: SampleStore) -> None:
        self.samples = KeptSamples(store)
        self._definition = definition
        self._store = store
        self._scorer = own_scorer(definition.scorer)
        self._is_sound = bytearray(len(store))
        self._order: tuple[int, KeptSamples] | None = None

    def __call__(self, seed: int, n: int) -> KeptSamples:
        """Return the first n samples of the seed's order, the same for every model; all where there are fewer.

        Raises:
            TaskError: the scorer cannot use a target; names up to five rows.
        """
        found = self._in_order(seed)[:n]
        self.check(found)
        return found

    def check(self, samples: KeptSamples) -> None:
        """Make sure that the scorer can use the targets of these samples.

        Raises:
            TaskError: it cannot; names up to five rows.
        """
        wrong: list[TaskError] = []
        unsure = [number for number in samples.numbers if not self._is_sound[number]]
        for number, found in zip(unsure, judged_each(self._scorer, map(self._ideal, unsure)), strict=True):
            if isinstance(found, TaskError):
                place = f"{self._store.place(number)}: field {self._definition.target_name}"
                wrong.append(TaskError(f"{place}: {found.message}", hint=found.hint))
                if len(wrong) == MOST_FAULTS:
                    break
            else:
                self._is_sound[number] = True
        if wrong:
            hint = wrong[0].hint or "Is the cell JSON within text? Then name its column in json_columns."
            raise TaskError("\n".join(error.message for error in wrong), hint=hint)

    def _ideal(self, number: int) -> tuple[str, Json]:
        """Return what is judged to see whether a target can be used, and that target."""
        sample = self._store.sample(number)
        self._store.item_hash(number, sample)
        return ideal_answer(self._scorer.name, sample.target) or _ANY_ANSWER, sample.target

    def _in_order(self, seed: int) -> KeptSamples:
        if self._definition.sampling == "first":
            return self.samples
        if self._order is None or self._order[0] != seed:
            self._order = seed, self.samples.in_order(ordered(self.samples.keys(), seed))
        return self._order[1]
