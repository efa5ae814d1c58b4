"""What a run keeps in memory of the answers to a task."""

import gc
import tracemalloc
from collections.abc import Iterable, Mapping
from dataclasses import replace

from harness.domain.answer import Answer, Job, KeptAnswer, KeptAnswers, Thought
from harness.domain.generation import ChatRequest, Generation, Outcome, ServerStats, Times
from harness.domain.model import InstanceId, Model, ModelKey
from harness.domain.record import SummaryRecord
from harness.domain.sample import Json
from harness.domain.score import Score
from harness.run.cell import Cell
from harness.scoring.judge import faulty, is_fault
from harness.verdict.summary import summarise
from tests.run.conftest import TASK, Echo, Make, samples
from tests.run.silent import Silent

COUNT = 200
MANY = 4000
MODEL = Model(key=ModelKey("acme/tiny-1b"), type="llm")


def answered(job: Job, *, length: int) -> Answer:
    generation = Generation(
        model_instance_id=InstanceId("acme/tiny-1b"),
        text=job.sample.target * length,
        reasoning=job.sample.prompt * length,
        stats=ServerStats(),
        times=Times(total_s=1.0, e2e_s=1.0),
    )
    score = Score(value=0.0, passed=False, reason=generation.text[1:], details={"said": generation.text[2:]})
    return Answer(job=job, outcome=Outcome.OK, generation=generation, score=score, earlier=(generation,))


def test_what_is_kept_of_an_answer_does_not_depend_on_its_length() -> None:
    items = samples(0, COUNT)
    jobs = [Job(sample=item, epoch=1, request=ChatRequest(model="m", input=item.prompt)) for item in items]
    cell = Cell(TASK, MODEL, jobs, {}, pace=None)
    tracemalloc.start()
    try:
        for job in jobs:
            cell.add(answered(job, length=2_000))
        kept_bytes = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert len(cell.answers) == COUNT
    assert kept_bytes / COUNT < 60
    first = cell.answers[0]
    assert (first.e2e_s, first.score) == (1.0, Score(value=0.0, passed=False))


def test_answers_come_back_as_they_were_kept() -> None:
    plain = KeptAnswer(
        item_id="a",
        tier=3,
        cluster_id="c",
        target=None,
        outcome=Outcome.OK,
        score=Score(value=0.1, passed=False),
        e2e_s=0.3,
    )
    answers = [
        plain,
        replace(plain, item_id="ü\ud800", cluster_id="", target={"label": "x"}, outcome=Outcome.TIMEOUT, e2e_s=None),
        *(
            replace(plain, score=score)
            for score in (
                None,
                Score(value=None),
                Score(value=None, passed=True),
                Score(value=1.0),
                Score(value=0.0, passed=True, details={"f1": 0.5}),
                faulty("it raised"),
            )
        ),
    ]
    kept = KeptAnswers(answers)
    assert list(kept) == answers
    assert kept[-3:] == answers[-3:]
    assert (kept[-1], len(kept)) == (answers[-1], len(answers))


def test_the_ids_of_items_are_not_kept_as_texts() -> None:
    answer = KeptAnswer(
        item_id="", tier=1, cluster_id="", target=None, outcome=Outcome.OK, score=Score(value=0.5), e2e_s=1.0
    )
    tracemalloc.start()
    try:
        answers = KeptAnswers(replace(answer, item_id=f"numbers-{number:012x}") for number in range(MANY))
        kept_bytes = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert answers[MANY - 1].item_id == f"numbers-{MANY - 1:012x}"
    assert kept_bytes / MANY < 90


def test_a_summary_collects_nothing_by_item_where_no_item_is_repeated() -> None:
    answer = KeptAnswer(
        item_id="", tier=1, cluster_id="", target=None, outcome=Outcome.OK, score=Score(value=0.5), e2e_s=1.0
    )
    answers = KeptAnswers(replace(answer, item_id=f"item {number}") for number in range(MANY))
    tracemalloc.start()
    try:
        cell = summarise(
            TASK, answers, planned=MANY, epochs=1, model_key="m", head={"run_id": "r", "at": "2026-01-01T00:00:00Z"}
        )
        most_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (cell.n, cell.score, cell.by_tier) == (MANY, 0.5, {"1": 0.5})
    assert most_bytes / MANY < 260


def test_why_an_answer_could_not_be_judged_is_kept_for_the_summary() -> None:
    job = Job(sample=samples(0, 1)[0], epoch=1, request=ChatRequest(model="m", input="say 0"))
    cell = Cell(TASK, MODEL, [job], {}, pace=None)
    cell.add(replace(answered(job, length=10), score=faulty("the scorer echo raised ValueError")))
    (kept,) = cell.answers
    assert is_fault(kept.score)
    assert kept.score is not None
    assert "ValueError" in kept.score.reason


class Metrics(Echo):
    """A scorer whose paper reports figures of its own."""

    def metrics(self, judged: Iterable[tuple[Json, Score]]) -> Mapping[str, float]:
        return {"all": float(len(list(judged)))}


def test_a_target_is_kept_only_for_a_scorer_that_reports_figures_of_its_own() -> None:
    job = Job(sample=samples(0, 1)[0], epoch=1, request=ChatRequest(model="m", input="say 0"))
    for task, target in ((TASK, None), (replace(TASK, scorer=Metrics()), "say 0")):
        cell = Cell(task, MODEL, [job], {}, pace=None)
        cell.add(answered(job, length=1))
        assert cell.answers[0].target == target


class Counting(Silent):
    """Counts, when a task has ended, what the run still has of its questions and answers."""

    def __init__(self) -> None:
        super().__init__()
        self.left = -1

    def ended(self, cell: SummaryRecord) -> None:
        super().ended(cell)
        self.left = sum(isinstance(thing, Job | Answer | Generation | ServerStats) for thing in gc.get_objects())


def test_neither_questions_nor_answers_are_kept_once_they_are_recorded(make: Make) -> None:
    left = []
    for limit in (4, 40):
        bench = make(limit=limit)
        bench.run.progress = counting = Counting()
        assert bench.evaluate().n == limit
        left.append(counting.left)
    assert left[1] <= left[0] + 4  # A few are in the hands of threads that are just ending.


def test_what_went_into_thoughts_comes_back_for_those_answers_that_thought() -> None:
    thought = Thought(tokens=5, answer_tokens=2, s=0.25, answer_s=None)
    plain = KeptAnswer(
        item_id="a", tier=1, cluster_id="", target=None, outcome=Outcome.OK, score=Score(value=1.0), e2e_s=0.5
    )
    answers = KeptAnswers([plain, replace(plain, thought=thought), plain, replace(plain, thought=thought)])
    assert [answer.thought for answer in answers] == [None, thought, None, thought]
