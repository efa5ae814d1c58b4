"""An own task in figures, as the catalogue shows the tasks that ship."""

from statistics import fmean, median

from harness.domain.sample import Sample
from harness.own_task.own_task import OwnTask
from harness.own_task.target import ideal_answer
from harness.scoring.judge import judged
from harness.task.catalogue import Entry, Portrait, estimated_tokens


def portray_own(own: OwnTask, *, seed: int, n: int) -> Portrait:
    """Return the figures of an own task, measured on the first n samples of a seed.

    Raises:
        TaskError: the scorer cannot use a target.
    """
    samples = own.task.samples(seed=seed, limit=n)
    tokens = [estimated_tokens(sample) for sample in samples]
    answers = {sample.item_id: ideal_answer(own.task.scorer.name, sample.target) for sample in samples}
    scores = [ideal_score(own, sample) for sample in samples]

    def reference(sample: Sample) -> str:
        return answers.get(sample.item_id) or ""

    return Portrait(
        entry=Entry(task=own.task, reference=reference, adversaries={}, guesses={}),
        n=len(samples),
        distinct=len({sample.prompt_hash for sample in samples}),
        tiers={1: len(samples)},
        strata=len({sample.stratum for sample in samples}),
        prompt_tokens=(int(median(tokens)), max(tokens)),
        chance=own.task.chance,
        reference=None if None in scores else fmean(score or 0.0 for score in scores),
        best_lazy=(f"always {own.constant.answer}", own.constant.score),
    )


def ideal_score(own: OwnTask, sample: Sample) -> float | None:
    """Return what a sample's own target scores as an answer; None where it does not say what an answer looks like.

    Raises:
        TaskError: the scorer cannot use the target.
    """
    ideal = ideal_answer(own.task.scorer.name, sample.target)
    return None if ideal is None else judged(own.task.scorer, ideal, sample.target).value or 0.0
