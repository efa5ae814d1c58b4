"""The task classes that ship with the suites, each with its reference solution and with answers that must not score."""

import importlib
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median
from types import ModuleType

from harness.domain.sample import Sample
from harness.errors import TaskError
from harness.task.task import Task
from harness.task.tool_prompt import asked_text

_CHARACTERS_PER_TOKEN = 4
"""An estimate for English text: LM Studio has no route that counts tokens."""

_LAZY_SAMPLES = 30
"""Lazy answers are judged on at least so many samples, else on half of them: they are most of the work."""

Answerer = Callable[[Sample], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One task class.

    Attributes:
        task: what is asked.
        reference: gives the right answer to every sample.
        adversaries: give answers that only look right, by name. They score 0, or at most chance where that is not 0.
        guesses: give answers without reading the prompt, by name. They score at most chance.
    """

    task: Task
    reference: Answerer
    adversaries: Mapping[str, Answerer]
    guesses: Mapping[str, Answerer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Portrait:
    """A task class in figures, measured on its samples.

    Attributes:
        n: how many samples were measured.
        distinct: how many different prompts they have.
        tiers: how many samples each tier has.
        strata: how many templates they come from.
        prompt_tokens: median and maximum, estimated from characters.
        chance: as the task declares it.
        reference: mean score of the reference solution; anything but 1 is a defect of the task. None: there is none.
        best_lazy: the adversary or guess with the highest mean score, and that score.
    """

    entry: Entry
    n: int
    distinct: int
    tiers: Mapping[int, int]
    strata: int
    prompt_tokens: tuple[int, int]
    chance: float
    reference: float | None
    best_lazy: tuple[str, float]


def load_catalogue(suites: Path) -> tuple[Entry, ...]:
    """Return the task classes in `<suites>/offload`, sorted by name.

    Args:
        suites: the folder of the suites, in a clone or inside the installed package.

    Raises:
        TaskError: a package cannot be imported, or lacks its TASK or its reference.
    """
    return tuple(_entry(suites, folder.name) for folder in sorted((suites / "offload").iterdir()) if _is_class(folder))


def portray(entry: Entry, *, seed: int, n: int) -> Portrait:
    """Return the figures of a class, measured on the first n samples of a seed."""
    samples = entry.task.samples(seed=seed, limit=n)
    tokens = [estimated_tokens(sample) for sample in samples]
    tiers = Counter(sample.tier for sample in samples)
    fewer = samples[: max(_LAZY_SAMPLES, len(samples) // 2)]
    lazy = {name: _mean(entry.task, fewer, answer) for name, answer in {**entry.adversaries, **entry.guesses}.items()}
    return Portrait(
        entry=entry,
        n=len(samples),
        distinct=len({sample.prompt_hash for sample in samples}),
        tiers=dict(sorted(tiers.items())),
        strata=len({sample.stratum or sample.item_id for sample in samples}),
        prompt_tokens=(int(median(tokens)), max(tokens)),
        chance=entry.task.chance,
        reference=_mean(entry.task, samples, entry.reference),
        best_lazy=max(lazy.items(), key=lambda name_and_score: name_and_score[1], default=("none", 0.0)),
    )


def estimated_tokens(sample: Sample) -> int:
    """Return about how many tokens of text a sample has, its turns and system prompt included."""
    return len(f"{sample.system_prompt or ''}{''.join(sample.turns)}{asked_text(sample)}") // _CHARACTERS_PER_TOKEN


def _mean(task: Task, samples: Sequence[Sample], answer: Answerer) -> float:
    return fmean(task.scorer(answer(sample), sample.target).value or 0.0 for sample in samples)


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
    is_installed = suites.parent.name == "harness"  # The wheel has them as `harness.suites`, a clone beside `harness`.
    root = "harness.suites" if is_installed else "suites"
    if not is_installed and str(suites.parent) not in sys.path:
        sys.path.insert(0, str(suites.parent))
    try:
        return importlib.import_module(f"{root}.offload.{name}")
    except ImportError as exc:
        raise TaskError(f"the task class {name} cannot be imported: {exc}") from exc
