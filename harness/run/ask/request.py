"""The requests that a sample is asked with."""

from collections.abc import Sequence
from dataclasses import replace

from harness.domain.answer import Job
from harness.domain.generation import ChatRequest, Generation
from harness.domain.model import Model
from harness.domain.sample import Sample
from harness.task.task import Task

REASONING_EXTRA_TOKENS = 2048
"""What an answer's budget grows by where reasoning cannot be switched off: it counts towards the same limit."""

_LEVELS = ("off", "none", "minimal", "low", "medium", "high", "xhigh", "on")


def reasoning_for(model: Model, wanted: str | None) -> str | None:
    """Return the `reasoning` to send: what was asked for where the model lists it, else its lowest; None: do not send.

    LM Studio answers 400 to any value for a model without the setting, even to "off" (LMSTUDIO_API, section 3).
    """
    options = model.capabilities.reasoning_options if model.capabilities else None
    if not options:
        return None
    if wanted in options:
        return wanted
    return min(options, key=lambda one: _LEVELS.index(one) if one in _LEVELS else len(_LEVELS))


def request_for(
    task: Task, sample: Sample, *, address: str, reasoning: str | None, max_output_tokens: int | None
) -> ChatRequest:
    """Return the request for a sample's prompt: greedy, not stored, addressed to one instance."""
    budget = task.max_output_tokens if max_output_tokens is None else min(task.max_output_tokens, max_output_tokens)
    if reasoning not in {None, "off", "none"}:
        budget += REASONING_EXTRA_TOKENS
    return ChatRequest(
        model=address,
        input=sample.prompt,
        system_prompt=None if sample.turns else sample.system_prompt,
        temperature=0.0,
        max_output_tokens=budget,
        reasoning=reasoning,
    )


def next_request(job: Job, earlier: Sequence[Generation]) -> ChatRequest:
    """Return what is asked after these answers: the next turn, to be kept by the server, or at last the prompt.

    The system prompt goes with the first message only: some templates fail on a second one (LM Studio's bug #2219).
    """
    sample, count = job.sample, len(earlier)
    if count == len(sample.turns):
        origin = earlier[(sample.continues or count) - 1].response_id if count else None
        return replace(job.request, previous_response_id=origin)
    return replace(
        job.request,
        input=sample.turns[count],
        system_prompt=None if count else sample.system_prompt,
        previous_response_id=earlier[-1].response_id if count else None,
        store=True,
    )
