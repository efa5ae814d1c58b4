"""What one free-form test asks of a leased instance, and how its answers are judged and recorded (adr-0006)."""

from dataclasses import replace
from typing import Any, Protocol

from harness.domain.answer import Answer
from harness.domain.answer_text import AnswerText
from harness.domain.generation import Outcome
from harness.domain.sample import Json, Sample, canonical_json, content_hash, is_unicode
from harness.domain.score import Score, Scorer
from harness.errors import TaskError
from harness.run.ask.job import sample_uid
from harness.run.free_form import Case, FreeForm, task_of_test
from harness.run.leased_model import LeasedModel
from harness.run.run import Run
from harness.scoring.judge import faulty, judged

OUTPUT_TOKENS = 512
"""How long an answer may be, unless the test says otherwise."""


class Ask(Protocol):
    """The type of the fixture `lms_ask`."""

    def __call__(
        self, prompt: str, *, system_prompt: str | None = None, max_output_tokens: int = OUTPUT_TOKENS
    ) -> AnswerText:
        """Return the answer of the leased instance; without a whole answer the test fails."""
        ...


class Check(Protocol):
    """The type of the fixture `lms_check`."""

    def __call__(
        self, answer: AnswerText, scorer: Scorer | str, target: Json, *, at_least: float | None = None
    ) -> Score:
        """Return the score of an answer; the test fails if it is not right, or below `at_least`."""
        ...


class Questions:
    """The questions of one free-form test. Its answers are written when `settle` is called.

    Args:
        run: that records them.
        leased: the instance that is asked.
        case: the test.
        free_form: keeps the answers for the summary of the task.
    """

    def __init__(self, run: Run, leased: LeasedModel, case: Case, free_form: FreeForm) -> None:
        self._run = run
        self._leased = leased
        self._case = case
        self._free_form = free_form
        self._count = 0
        self._open: dict[str, Answer] = {}

    def ask(self, prompt: Any, *, system_prompt: str | None, max_output_tokens: int) -> Answer:
        """Ask, and return how that ended; what an interruption cancels is kept as well.

        Raises:
            TaskError: there is no question, or no room for an answer.
            ServerUnreachable: the server went away.
        """
        if not isinstance(prompt, str) or not prompt.strip():
            raise TaskError(f"lms_ask: expected a question, got {prompt!r}")
        if not (system_prompt is None or isinstance(system_prompt, str)):
            raise TaskError(f"lms_ask: system_prompt: expected a text, got {system_prompt!r}")
        for name, text in (("the question", prompt), ("system_prompt", system_prompt or "")):
            if not is_unicode(text):
                raise TaskError(f"lms_ask: {name}: expected Unicode, got half of a surrogate pair: {text!r}")
        if type(max_output_tokens) is not int or max_output_tokens < 1:
            raise TaskError(f"lms_ask: max_output_tokens: expected a whole number from 1, got {max_output_tokens!r}")
        self._count += 1
        base = self._case.item_id
        sample = Sample(
            item_id=base if self._count == 1 else f"{base} #{self._count}",
            prompt=prompt,
            target=None,
            system_prompt=system_prompt,
            cluster_id=base,
            tags={"test": self._case.test},
        )
        task = task_of_test(self._case.task, [sample], max_output_tokens=max_output_tokens)
        return self._run.ask_one(task, self._leased, take=self._keep)

    def check(self, item_id: str, scorer: Scorer, target: Json, *, at_least: float | None = None) -> Score:
        """Return the score of an answer by this scorer. The lowest of several is the one that is recorded.

        With `at_least`, the answer has passed from that score on, whatever the scorer says.

        Raises:
            TaskError: it is no answer of this test that is still open, or the scorer cannot use the target.
        """
        answer = self._open.get(item_id)
        if answer is None or answer.generation is None:
            raise TaskError(
                "lms_check: this answer is recorded already", hint="Check it in the test that asked for it."
            )
        try:
            canonical_json(target).encode()  # A lone surrogate, which no record can hold, is a ValueError.
            score = judged(scorer, answer.generation.text, target)
        except (TypeError, ValueError) as exc:
            # A TaskError is a ValueError: either way the answer cannot be judged.
            self._open[item_id] = replace(answer, score=faulty(f"lms_check: {scorer.name}: {exc}"))
            raise TaskError(f"lms_check: {scorer.name} cannot use the target: {exc}") from exc
        if at_least is not None and score.value is not None:
            score = replace(score, passed=score.value >= at_least)
        about = {"scorer": scorer.name, "scorer_version": scorer.version}
        recorded = replace(score, details={**about, **score.details})
        if _is_open(answer) or _value(recorded) < _value(answer.score):
            sample = replace(answer.job.sample, target=target)
            self._open[item_id] = replace(answer, job=replace(answer.job, sample=sample), score=recorded)
        return score

    def settle(self, score: Score) -> None:
        """Write the answers that are not written yet; those that nothing has judged get this score.

        Raises:
            StoreError: they cannot be written.
        """
        answers = [
            replace(answer, score=score) if _is_open(answer) else answer
            for answer in map(self._open.pop, [*self._open])
        ]
        instance, model = self._leased.lease.instance, self._leased.model
        for answer in answers:
            task = task_of_test(self._case.task, [answer.job.sample])
            uid = sample_uid(task, answer.job, model, config=instance.config.as_dict())
            self._run.recorder.answer(
                task,
                answer,
                model,
                instance_id=instance.id,
                config=instance.config,
                # Two tests of a task may ask the same.
                uid=content_hash([answer.job.sample.item_id, uid]),
            )
        self._free_form.take(self._case, answers)

    def _keep(self, answer: Answer) -> None:
        self._open[answer.job.sample.item_id] = answer


def _value(score: Score | None) -> float:
    """Return what orders scores: what could not be judged comes first."""
    return -1.0 if score is None or score.value is None else score.value


def _is_open(answer: Answer) -> bool:
    score = answer.score
    return answer.outcome is Outcome.OK and (score is None or (score.value is None and not score.details))
