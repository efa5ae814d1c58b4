"""Turns what a run file holds of a sample back into what it was recorded from."""

from harness.domain.answer import Answer, Job
from harness.domain.generation import ChatRequest, Generation, Outcome, ServerStats, Times
from harness.domain.model import InstanceId
from harness.domain.record import SampleRecord, ScoreRecord
from harness.domain.sample import Sample
from harness.domain.score import Score
from harness.task.task import Task


def job_of(record: SampleRecord) -> Job:
    """Return the job of a recorded sample without its prompt, which its answer is counted without."""
    sample = Sample(
        item_id=record.item_id, prompt="", target=record.target, tier=record.tier, cluster_id=record.cluster_id
    )
    return Job(sample=sample, epoch=record.epoch, request=ChatRequest(model=record.instance_id, input=""))


def answer_of(record: SampleRecord, job: Job, score: Score | None) -> Answer:
    """Return the answer that a sample was recorded from."""
    generation = None
    if "e2e_s" in record.times and "total_s" in record.times:
        generation = Generation(
            model_instance_id=InstanceId(record.instance_id),
            text=record.output_text,
            reasoning=record.reasoning_text,
            stats=ServerStats(**record.server_stats),  # type: ignore[arg-type]  # As it was written.
            times=Times(**record.times),  # type: ignore[arg-type]
            loaded_model=record.cold,
        )
    return Answer(
        job=job,
        outcome=Outcome(record.outcome),
        generation=generation,
        score=score,
        error=record.error,
        attempts=record.attempts,
    )


def score_record_of(task: Task, record: SampleRecord, score: Score) -> ScoreRecord:
    """Return the record of a score that the task's scorer gave a recorded sample."""
    return ScoreRecord(
        run_id=record.run_id,
        at=record.at,
        sample_uid=record.sample_uid,
        scorer=task.scorer.name,
        scorer_version=task.scorer.version,
        value=score.value,
        passed=score.passed,
        reason=score.reason,
        details=dict(score.details),
    )
