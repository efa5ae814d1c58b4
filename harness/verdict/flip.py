"""The details of a flip: the prompt and both answers."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from harness.domain.record import SampleRecord
from harness.domain.sample import Sample
from harness.errors import TaskError
from harness.store.cell import CellKey
from harness.task.task import Task
from harness.verdict.comparability import Subject
from harness.verdict.compare import Contrast, Flip


@dataclass(frozen=True, slots=True, kw_only=True)
class FlippedAnswer:
    """An item that only one side passes.

    Attributes:
        is_gained: the candidate passes it.
        prompt: made again by the task, with the turns before it; None where the task does not make this item any more.
        reference, candidate: the answers.
    """

    flip: Flip
    is_gained: bool
    prompt: str | None
    reference: str
    candidate: str


def flipped_answers(contrast: Contrast, tasks: Callable[[], Mapping[str, Task]]) -> Iterator[FlippedAnswer]:
    """Yield the flips of a contrast, those that the candidate no longer passes first.

    Args:
        contrast: of two subjects.
        tasks: returns the tasks that are known, by name; called only where there is a flip.

    Raises:
        StoreError: a run file cannot be read any more.
    """
    flips = [(flip, False) for effect in contrast.tasks for flip in effect.lost]
    flips += [(flip, True) for effect in contrast.tasks for flip in effect.gained]
    if not flips:
        return
    known = tasks()
    samples: dict[str, dict[str, Sample]] = {}
    records = {
        flip: tuple(_record(side, flip) for side in (contrast.reference, contrast.candidate)) for flip, _ in flips
    }
    for flip, is_gained in flips:
        before, after = records[flip]
        if flip.task not in samples:
            samples[flip.task] = _samples(known.get(flip.task), contrast.reference)
        yield FlippedAnswer(
            flip=flip,
            is_gained=is_gained,
            prompt=_prompt(samples[flip.task].get(before.item_hash)),
            reference=before.output_text,
            candidate=after.output_text,
        )


def _record(subject: Subject, flip: Flip) -> SampleRecord:
    cell = subject.run.cells[CellKey(subject.model_key, flip.task)]
    return subject.run.sample_record(next(sample for sample in cell if sample.item_id == flip.item_id))


def _samples(task: Task | None, subject: Subject) -> dict[str, Sample]:
    """Return the samples that a task makes now for the subject's run, by their hash."""
    if task is None:
        return {}
    run = subject.run.run
    rooms = run.plan.get("room_tokens", {}).get(task.name, {})
    limit = max(run.plan.get("limit") or 0, len({*subject.item_hashes(task.name)}))
    try:
        found = task.samples(seed=run.seed, limit=limit, room_tokens=rooms.get(subject.model_key))
    except TaskError:
        return {}
    return {sample.item_hash: sample for sample in found}


def _prompt(sample: Sample | None) -> str | None:
    return None if sample is None else "\n".join([*sample.turns, sample.prompt])
