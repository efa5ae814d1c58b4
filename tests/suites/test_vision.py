"""Whether each image shows what its question asks: read from its pixels by Pillow, which did not draw it."""

from io import BytesIO

from PIL import Image

from harness import DrawnImage
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


def test_letters_count_with_spaces_between_and_in_lower_case_but_each_counts() -> None:
    sample = next(sample for sample in TASK.samples(seed=0, limit=24) if sample.stratum == "word")
    right = sample.target["target"][0]
    answers = (right, " ".join(right), ", ".join(right), f"**{right.lower()}**.", right[:-1], right[::-1], f"{right}E")
    scores = [TASK.scorer(answer, sample.target).value for answer in answers]
    assert scores == [1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0]


def test_the_digits_of_a_scale_do_not_touch() -> None:
    """Between two numbers at the left, one above the other, is at least a row without ink."""
    sample = next(sample for sample in TASK.samples(seed=0, limit=24) if sample.stratum == "height")
    (drawn,) = sample.images
    assert isinstance(drawn, DrawnImage)
    with Image.open(BytesIO(drawn.draw())) as image:
        ink = image.convert("L").crop((0, 0, 30, image.height)).point(lambda shade: shade < 128)
        rows = [ink.crop((0, y, 30, y + 1)).getbbox() is not None for y in range(image.height)]
    assert sum(is_inked and not above for is_inked, above in zip(rows, [False, *rows], strict=False)) == 5
