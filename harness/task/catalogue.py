"""The task classes that ship with the suites, each with its reference solution and the answers that must not score."""

import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median
from types import ModuleType

from harness.domain.sample import Sample
from harness.errors import TaskError
from harness.task.task import Task

_CHARACTERS_PER_TOKEN = 4
"""Of English text with usual tokenisers; only an estimate, as LM Studio has no tokenise route."""

Answerer = Callable[[Sample], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One task class.

    Attributes:
        task: what is asked.
        reference: answers every sample right.
        adversaries: answers that only look right, by name; they score 0, or at most chance where chance is not 0.
        guesses: answers without reading; they score at most chance.
    """

    task: Task
    reference: Answerer
    adversaries: Mapping[str, Answerer]
    guesses: Mapping[str, Answerer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Portrait:
    """What a task class looks like, measured on its own samples.

    Attributes:
        n: samples looked at.
        distinct: different prompts among them.
        tiers: samples of each tier.
        clusters: templates or documents that they come from.
        prompt_tokens: estimated from characters: median and most.
        chance: what the task says answering without reading scores.
        reference: mean score of the reference solution; anything but 1 is a defect of the task.
        best_lazy: the adversary or guess with the highest mean score, and that score.
    """

    entry: Entry
    n: int
    distinct: int
    tiers: Mapping[int, int]
    clusters: int
    prompt_tokens: tuple[int, int]
    chance: float
    reference: float
    best_lazy: tuple[str, float]


def load_catalogue(suites: Path) -> tuple[Entry, ...]:
    """Return the entries of all packages in `<suites>/offload` that have a TASK, by name of the class.

    Args:
        suites: the folder of the suites, in a clone or inside the installed package.

    Raises:
        TaskError: a package cannot be imported, or lacks its reference.
    """
    return tuple(_entry(suites, folder.name) for folder in sorted((suites / "offload").iterdir()) if _is_class(folder))


def portray(entry: Entry, *, seed: int, n: int) -> Portrait:
    """Return the portrait of a class on the first n samples of a seed."""
    samples = entry.task.samples(seed=seed, limit=n)
    tokens = [
        len(f"{one.system_prompt or ''}{''.join(one.turns)}{one.prompt}") // _CHARACTERS_PER_TOKEN for one in samples
    ]
    tried = {
        name: _mean(entry.task, samples, answer) for name, answer in {**entry.adversaries, **entry.guesses}.items()
    }
    return Portrait(
        entry=entry,
        n=len(samples),
        distinct=len({(one.turns, one.prompt) for one in samples}),
        tiers={tier: sum(one.tier == tier for one in samples) for tier in sorted({one.tier for one in samples})},
        clusters=len({one.cluster_id or one.item_id for one in samples}),
        prompt_tokens=(int(median(tokens)), max(tokens)),
        chance=entry.task.chance,
        reference=_mean(entry.task, samples, entry.reference),
        best_lazy=max(tried.items(), key=lambda one: one[1], default=("none", 0.0)),
    )


def _mean(task: Task, samples: Sequence[Sample], answer: Answerer) -> float:
    return fmean(task.scorer(answer(one), one.target).value or 0.0 for one in samples)


def _is_class(folder: Path) -> bool:
    return (folder / "reference.py").is_file() and (folder / "__init__.py").is_file()


def _entry(suites: Path, name: str) -> Entry:
    package = _import(suites, name)
    reference = _import(suites, f"{name}.reference")
    try:
        return Entry(
            task=package.TASK,
            reference=reference.reference,
            adversaries=reference.adversaries,
            guesses=getattr(reference, "guesses", {}),
        )
    except AttributeError as exc:
        raise TaskError(
            f"the task class {name} is incomplete: {exc}",
            hint="Its package exports TASK; its reference.py has reference(sample) and adversaries (docs/tasks.md).",
        ) from exc


def _import(suites: Path, name: str) -> ModuleType:
    inside = suites.parent.name == "harness"  # The wheel carries the suites within the package.
    root = "harness.suites" if inside else "suites"
    if not inside and str(suites.parent) not in sys.path:
        sys.path.insert(0, str(suites.parent))
    try:
        return importlib.import_module(f"{root}.offload.{name}")
    except ImportError as exc:
        raise TaskError(f"the task class {name} cannot be imported: {exc}") from exc
