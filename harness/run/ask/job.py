"""The jobs of a task on one instance, and the hash that identifies each of them."""

from array import array
from collections.abc import Callable, Sequence
from typing import Any, overload

from harness.domain.answer import Job
from harness.domain.model import Model
from harness.domain.sample import content_hash
from harness.run.ask.request import request_for
from harness.run.ask.way import tools_of
from harness.settings import Settings
from harness.task.task import Task


class Jobs(Sequence[Job]):
    """Jobs that are made whenever they are looked at: there may be tens of thousands, and few are asked at a time.

    Args:
        make: returns a job by its number.
        numbers: of the jobs, in order.
    """

    def __init__(self, make: Callable[[int], Job], numbers: "range | array[int]") -> None:
        self._make = make
        self._numbers = numbers

    def __len__(self) -> int:
        return len(self._numbers)

    @overload
    def __getitem__(self, index: int) -> Job: ...

    @overload
    def __getitem__(self, index: slice) -> "Jobs": ...

    def __getitem__(self, index: int | slice) -> "Job | Jobs":
        if isinstance(index, slice):
            return Jobs(self._make, self._numbers[index])
        return self._make(self._numbers[index])


def only(jobs: Sequence[Job], is_wanted: Callable[[Job], bool]) -> Jobs:
    """Return some of the jobs, in their order."""
    return Jobs(jobs.__getitem__, array("q", (number for number, job in enumerate(jobs) if is_wanted(job))))


def jobs_of(
    task: Task,
    settings: Settings,
    *,
    limit: int,
    room_tokens: int,
    address: str,
    reasoning: str | None,
    thought_tokens: int = 0,
    sends_tools: bool = False,
) -> Jobs:
    """Return what is asked of one instance: the first `limit` samples of the seed, all of them again in each epoch.

    `thought_tokens` come on top of what an answer may take, where the model thinks in its text. With `sends_tools`,
    functions are sent as `tools`.
    """
    samples = task.samples(seed=settings.seed, limit=limit, room_tokens=room_tokens)

    def make(number: int) -> Job:
        sample = samples[number % len(samples)]
        tools = tools_of(sample) if sends_tools else ()
        request = request_for(
            task,
            sample,
            address=address,
            reasoning=reasoning,
            max_output_tokens=settings.max_output_tokens,
            thought_tokens=thought_tokens,
            with_tools=not tools,
        )
        return Job(sample=sample, epoch=1 + number // len(samples), request=request, tools=tools)

    return Jobs(make, range(len(samples) * settings.epochs))


def sample_uid(task: Task, job: Job, model: Model, *, config: dict[str, Any], item_hash: str | None = None) -> str:
    """Return the hash of everything that can change the answer: item, model and variant, config, sampling, epoch.

    Whoever has the `item_hash` of the sample at hand gives it.
    """
    return content_hash(
        [
            task.name,
            item_hash or job.sample.item_hash,
            model.key,
            model.selected_variant,
            config,
            [job.request.temperature, job.request.max_output_tokens, job.request.reasoning],
            job.epoch,
            # Only where they are sent, so that hashes from before that existed stay the same.
            *([job.way, job.prompt_hash] if job.tools else []),
        ]
    )
