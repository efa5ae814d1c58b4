"""The items of reason, made from problems and a seed."""

from collections.abc import Sequence

from harness import ByKind, Dice, Sample, Task

from . import easy, hard, medium
from .problem import Problem

TIERS = (easy.PROBLEMS, medium.PROBLEMS, hard.PROBLEMS)


def _sample(seed: int, index: int) -> Sample:
    tier = index % len(TIERS) + 1
    problems = TIERS[tier - 1]
    make = problems[index // len(TIERS) % len(problems)]
    problem: Problem = make(Dice("reason", seed, index))
    return Sample(
        item_id=f"reason-{seed}-{index:04d}",
        prompt=f"{problem.question}\nAnswer with the {problem.wanted} only.",
        target=problem.target,
        tier=tier,
        stratum=make.__name__,
    )


def generate(seed: int, n: int) -> Sequence[Sample]:
    """Return the first n samples of the seed: easy, medium, hard in turn."""
    return [_sample(seed, index) for index in range(n)]


# Of six kinds of problem in each tier one has six days to choose from, and one has people: three, four, six and four.
_CHANCE = ((1 / 6 + 1 / 3) / 6 + (1 / 6 + 1 / 4) / 6 + (1 / 6 + 1 / 4) / 6) / 3

TASK = Task(
    name="reason",
    task_class="reason",
    generate=generate,
    scorer=ByKind(kinds=("number", "choice")),
    max_output_tokens=48,
    prompt_tokens=240,
    chance=_CHANCE,
    description="arithmetic, dates, units and small logic",
)
