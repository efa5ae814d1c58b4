"""Whether each image shows what its question asks: read from its pixels by Pillow, which did not draw it."""

from suites.offload.vision.task import TASK

from .seeing import answer


def test_each_question_is_answered_from_the_pixels() -> None:
    samples = TASK.samples(seed=0, limit=72)
    wrong = [
        (sample.stratum, sample.tags)
        for sample in samples
        if not TASK.scorer(answer(sample.images[0].draw(), sample.prompt), sample.target).passed  # type: ignore[union-attr]
    ]
    assert wrong == []
