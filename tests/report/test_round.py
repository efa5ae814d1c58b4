"""What a round says of the tasks that are settled."""

from harness.report.round import render_round
from harness.verdict.choose import AnswerKind, Recommendation
from harness.verdict.contender import Contender
from harness.verdict.evidence import TaskEvidence
from harness.verdict.task_choice import TaskChoice


def test_a_task_that_no_model_takes_says_whether_the_named_primary_does() -> None:
    def settled(task: str, primary: Contender | None) -> TaskChoice:
        evidence = TaskEvidence(task=task, task_class=task, candidates=(), runs=())
        choice = Recommendation(answer=AnswerKind.PRIMARY, key="small", yardstick=0.8)
        return TaskChoice(evidence=evidence, choice=choice, primary=primary, primary_name="big")

    choices = [settled("sort", Contender(key="big", scores={"i": 1.0})), settled("embed", None)]
    text = render_round(None, choices, asked={}, cells={})
    assert "Settled: sort (your primary), embed (none suffices)." in text
