"""Free-form tests: pytest tests that ask with `lms_ask` and are tasks of their own (adr-0006)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from harness.domain.answer import Answer, KeptAnswer, kept
from harness.domain.record import SummaryRecord
from harness.domain.sample import Json, Sample, content_hash
from harness.domain.score import Score
from harness.errors import TaskError
from harness.task.task import Task
from harness.verdict.summary import summarise

PROMPT_TOKENS = 1024
"""An upper estimate of a question. It gives room to models that turn out to think in their text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A free-form test on one model: an item of its task.

    Attributes:
        test: pytest's node id.
        task: the test function, or the name that its marker gives.
        item_id: unique in the task, the same for all models.
        model_key: of the model.
        source: the code of the test. Runs in which it differs are not put side by side.
    """

    test: str
    task: str
    item_id: str
    model_key: str
    source: str = ""


class ByTest:
    """The scorer of free-form tests: an answer is right if its test passes, unless `lms_check` says how right it is."""

    name = "test"
    version = "1"

    def __call__(self, output: str, target: Json) -> Score:  # noqa: ARG002  (a scorer's signature)
        """Return no score: the test has not ended yet."""
        return Score(value=None, reason="its test has not ended")


def task_of_test(name: str, samples: Iterable[Sample], *, max_output_tokens: int = 1) -> Task:
    """Return the task of a free-form test, as far as samples of it are known."""
    known = list(samples)

    def generate(seed: int, n: int) -> list[Sample]:  # noqa: ARG001  (a generator's signature)
        if not known:
            raise TaskError(f"{name}: no test of it has asked anything yet")
        return known[:n]

    return Task(
        name=name,
        task_class=name,
        generate=generate,
        scorer=ByTest(),
        max_output_tokens=max_output_tokens,
        prompt_tokens=PROMPT_TOKENS,
    )


class FreeForm:
    """The free-form tests of a run, what they were answered, and which of them have ended.

    Args:
        cases: that were collected.
    """

    def __init__(self, cases: Iterable[Case] = ()) -> None:
        self.cases = {case.test: case for case in cases}
        self._answers: dict[str, dict[str, KeptAnswer]] = {}
        self._is_lost: dict[str, bool] = {}

    @property
    def tasks(self) -> tuple[str, ...]:
        """The names of their tasks."""
        return tuple(dict.fromkeys(case.task for case in self.cases.values()))

    def fingerprints(self) -> dict[str, str]:
        """Return a hash of each task: of its items, and of the code that asks and judges them."""
        items: dict[str, set[tuple[str, str]]] = {}
        for case in self.cases.values():
            items.setdefault(case.task, set()).add((case.item_id, case.source))
        return {
            task: content_hash([task, ByTest.name, ByTest.version, sorted(map(list, found))])
            for task, found in items.items()
        }

    def take(self, case: Case, answers: Iterable[Answer]) -> None:
        """Keep the answers of a test; those of a test that is repeated replace the earlier ones."""
        known = self._answers.setdefault(case.test, {})
        known.update((answer.job.sample.item_id, kept(answer, with_target=False)) for answer in answers)

    def end(self, test: str, *, has_failed: bool) -> None:
        """Note that a test has ended; one that failed before it got any answer has lost it."""
        if test in self.cases:
            self._is_lost[test] = has_failed and not self._answers.get(test)

    def summaries(self, model_key: str, *, head: dict[str, Any]) -> Iterator[SummaryRecord]:
        """Yield the summary of each task all of whose tests have ended on this model; none where nothing was asked."""
        for task in self.tasks:
            cases = [case for case in self.cases.values() if (case.task, case.model_key) == (task, model_key)]
            if not all(case.test in self._is_lost for case in cases):
                continue
            answers = [answer for case in cases for answer in self._answers.get(case.test, {}).values()]
            planned = len(answers) + sum(self._is_lost[case.test] for case in cases)
            if planned:
                yield summarise(
                    task_of_test(task, []), answers, planned=planned, epochs=1, model_key=model_key, head=head
                )
