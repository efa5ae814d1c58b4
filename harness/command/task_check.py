"""Checks own tasks without a server: what is wrong with them, and what a run of them can be expected to show."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median
from typing import NamedTuple

from harness.errors import HarnessError
from harness.own_task.definition import read_definition
from harness.own_task.folder import definition_paths
from harness.own_task.kept_sample import KeptSamples
from harness.own_task.own_task import OwnTask, Repetition, check_names, load_own_task, prompt_tokens
from harness.own_task.portrait import ideal_score
from harness.report.own_task import Findings
from harness.run.ask.room import USUAL_SLOTS
from harness.verdict.contender import DEFAULT_RULE
from harness.verdict.foreseen import items_to_answer
from harness.verdict.task_choice import with_floor

_SHARES = (0.75, 0.5)
"""How far between the floor and 1 the pass rates lie, for which the rows are worked out."""
_SCORED_ROWS = 2000
_OUTLIER = 4


class Faulty(NamedTuple):
    """A definition that cannot be run, and why."""

    path: Path
    error: HarnessError


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedFolder:
    """What became of the definitions in a folder."""

    tasks: Sequence[Findings]
    faulty: Sequence[Faulty]


def check_folder(path: Path) -> CheckedFolder:
    """Return what is to be known of each definition in a folder, or of one TOML file; all rows are checked.

    Raises:
        TaskError: there is no definition.
    """
    tasks: list[Findings] = []
    faulty: list[Faulty] = []
    named: dict[str, Path] = {}
    for file in definition_paths(path):
        try:
            definition = read_definition(file)
            check_names(definition, named)
            own = load_own_task(definition)
            own.rows.check(own.rows.samples)
            tasks.append(_checked(own))
        except HarnessError as exc:
            faulty.append(Faulty(file, exc))
    return CheckedFolder(tasks=tasks, faulty=faulty)


def _checked(own: OwnTask) -> Findings:
    samples, task = own.rows.samples, own.task
    scores = [ideal_score(own, sample) for sample in samples[:_SCORED_ROWS]]
    known = [score for score in scores if score is not None]
    sizes = [prompt_tokens(sample, task.max_output_tokens) for sample in samples]
    usual, most = int(median(sizes)), max(sizes)
    rule = with_floor(DEFAULT_RULE, task.floor)
    rates = [rule.floor + (1 - rule.floor) * share for share in _SHARES]
    return Findings(
        own=own,
        ceiling=fmean(known) if len(known) == len(scores) else None,
        unlike=[samples.place(index) for index, score in enumerate(scores) if score is not None and score < 1],
        contradictions=_contradictions(samples),
        tokens=(usual, most),
        longest=samples.place(sizes.index(most)) if most > _OUTLIER * usual else None,
        context=1 << (max(2048, task.room_tokens * USUAL_SLOTS) - 1).bit_length(),
        floor=rule.floor,
        prospects=[(rate, items_to_answer(rate, rule)) for rate in rates],
    )


def _contradictions(samples: KeptSamples) -> list[Repetition]:
    first: dict[str, int] = {}
    found = []
    for index, sample in enumerate(samples):
        earlier = first.setdefault(sample.prompt_hash, index)
        if samples[earlier].target != sample.target:
            found.append(Repetition(samples.place(index), samples.place(earlier)))
    return found
