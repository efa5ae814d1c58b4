"""The details of a flip: the prompt and both answers."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from harness.domain.record import PromptRecord
from harness.domain.sample import Sample
from harness.errors import TaskError
from harness.store.cell import CellKey, SampleEntry
from harness.task.task import Task
from harness.verdict.comparability import Subject
from harness.verdict.compare import Contrast, Flip
from harness.verdict.value import value_of


@dataclass(frozen=True, slots=True, kw_only=True)
class FlippedAnswer:
    """An item that only one side passes.

    Attributes:
        is_gained: the candidate passes it.
        prompt: with the turns before it, as recorded, else made again by the task; None where it was not recorded and
            the task does not make this item any more.
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
        tasks: returns the tasks that are known, by name; called only where a prompt was not recorded.

    Raises:
        StoreError: a run file cannot be read any more.
    """
    flips = [(flip, False) for effect in contrast.tasks for flip in effect.lost]
    flips += [(flip, True) for effect in contrast.tasks for flip in effect.gained]
    known: Mapping[str, Task] | None = None
    samples: dict[str, dict[str, Sample]] = {}
    shown = {
        (effect.task, passes): (
            _samples_that(contrast.reference, effect.task, passes=not passes),
            _samples_that(contrast.candidate, effect.task, passes=passes),
        )
        for effect in contrast.tasks
        for passes in (False, True)
    }
    for flip, is_gained in flips:
        ours, theirs = shown[flip.task, is_gained]
        before = contrast.reference.run.sample_record(ours[flip.item_id])
        after = contrast.candidate.run.sample_record(theirs[flip.item_id])
        prompt: PromptRecord | Sample | None = contrast.reference.run.prompt(before)
        if prompt is None:
            known = tasks() if known is None else known
            if flip.task not in samples:
                samples[flip.task] = _samples(known.get(flip.task), contrast.reference)
            prompt = samples[flip.task].get(before.item_hash)
        yield FlippedAnswer(
            flip=flip,
            is_gained=is_gained,
            prompt=None if prompt is None else "\n".join([*prompt.turns, prompt.prompt]),
            reference=before.output_text,
            candidate=after.output_text,
        )


def _samples_that(subject: Subject, task: str, *, passes: bool) -> dict[str, SampleEntry]:
    """Return the first sample of each item that passes, or fails: of several epochs, one that shows the flip."""
    found: dict[str, SampleEntry] = {}
    for sample in subject.run.cells[CellKey(subject.model_key, task)]:
        if sample.is_counted and value_of(subject.run.score(sample), "majority") == passes:
            found.setdefault(sample.item_id, sample)
    return found


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
