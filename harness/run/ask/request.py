"""The requests that a sample is asked with."""

from collections.abc import Sequence
from dataclasses import replace

from harness.domain.answer import Job
from harness.domain.generation import ChatRequest, Generation
from harness.domain.sample import Sample
from harness.run.ask.reasoning import extra_tokens
from harness.task.image import image_of
from harness.task.task import Task
from harness.task.tool_prompt import asked_text


def request_for(
    task: Task,
    sample: Sample,
    *,
    address: str,
    reasoning: str | None,
    max_output_tokens: int | None,
    thought_tokens: int = 0,
    with_tools: bool = True,
) -> ChatRequest:
    """Return the request for a sample's prompt: greedy, not stored, addressed to one instance.

    Its functions stand in the prompt, unless `with_tools` says that they are sent beside it.
    """
    budget = task.max_output_tokens if max_output_tokens is None else min(task.max_output_tokens, max_output_tokens)
    return ChatRequest(
        model=address,
        input=asked_text(sample) if with_tools else sample.prompt,
        system_prompt=None if sample.turns else sample.system_prompt,
        temperature=0.0,
        max_output_tokens=budget + extra_tokens(reasoning) + thought_tokens,
        reasoning=reasoning,
    )


def next_request(job: Job, earlier: Sequence[Generation]) -> ChatRequest:
    """Return what is asked after these answers of a conversation: the next turn, and after the last one the prompt.

    A turn is stored at the server, so that the next one can continue it; the prompt is not. The system prompt goes with
    the first message only: some templates fail on a second one (LM Studio's bug #2219). Images go with the prompt, and
    are read only now.

    Raises:
        TaskError: an image can no longer be read.
    """
    sample, count = job.sample, len(earlier)
    if count == len(sample.turns):
        origin = earlier[(sample.continues or count) - 1].response_id if count else None
        if not sample.images:
            return job.request if origin is None else replace(job.request, previous_response_id=origin)
        images = [image_of(image) for image in sample.images]
        return replace(job.request, input=(asked_text(sample), *images), previous_response_id=origin)
    return replace(
        job.request,
        input=sample.turns[count],
        system_prompt=None if count else sample.system_prompt,
        previous_response_id=earlier[-1].response_id if count else None,
        store=True,
    )
