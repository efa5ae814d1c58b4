"""The jobs of a task on one instance, and the hash that identifies each of them."""

from typing import Any

from harness.domain.answer import Job
from harness.domain.model import Model
from harness.domain.sample import content_hash
from harness.run.ask.request import request_for
from harness.settings import Settings
from harness.task.task import Task


def jobs_of(
    task: Task,
    settings: Settings,
    *,
    limit: int,
    room_tokens: int,
    address: str,
    reasoning: str | None,
    thought_tokens: int = 0,
) -> list[Job]:
    """Return what is asked of one instance: the first `limit` samples of the seed, all of them again in each epoch.

    `thought_tokens` come on top of what an answer may take, where the model thinks in its text.
    """
    requests = [
        (
            sample,
            request_for(
                task,
                sample,
                address=address,
                reasoning=reasoning,
                max_output_tokens=settings.max_output_tokens,
                thought_tokens=thought_tokens,
            ),
        )
        for sample in task.samples(seed=settings.seed, limit=limit, room_tokens=room_tokens)
    ]
    return [
        Job(sample=sample, epoch=epoch, request=request)
        for epoch in range(1, settings.epochs + 1)
        for sample, request in requests
    ]


def sample_uid(task: Task, job: Job, model: Model, *, config: dict[str, Any]) -> str:
    """Return the hash of everything that can change the answer: item, model and variant, config, sampling, epoch."""
    return content_hash(
        [
            task.name,
            job.sample.item_hash,
            model.key,
            model.selected_variant,
            config,
            [job.request.temperature, job.request.max_output_tokens, job.request.reasoning],
            job.epoch,
        ]
    )
