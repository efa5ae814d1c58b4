from typing import Any

import pytest

from harness.errors import TaskError
from harness.scoring.number import Number
from harness.scoring.number_answer import read_number

ANSWERS: list[tuple[Any, str]] = [
    (1234.5, "1,234.5"),
    (1234.5, "1 234,5"),
    (1234, "1'234"),
    (1234.5, "1.234,5"),
    (12, "12 km"),
    (1200.5, "$1,200.50"),
    (3, "€ 3"),
    (0.12, "12%"),
    ("12%", "0.12"),
    ("12%", "12"),
    (12, "12%"),
    (0.75, "3/4"),
    (1.5, "1 1/2"),
    ("3/4", r"\frac{3}{4}"),
    (1e5, "1e5"),
    (120000, "1.2\u00d710^5"),
    (32000, r"3.2 \times 10^{4}"),
    (120000, "1.2\u00d710⁵"),
    (-5, "\u22125"),
    (-5, "$-5$"),
    (7, "seven"),
    (42, "The answer is 42."),
    (None, "5-7"),
    (None, "5 to 7"),
    (None, "2026-03-03"),
    (None, "1.2.3"),
    (7, "The answer is 5. Wait, so the answer is 7"),
    (42, "#### 42"),
    (42, "blah 3 + 4\n#### 42\n"),
    (7, r"so $\boxed{7}$."),
    (None, "03.03.2026"),
    (0.5, "½"),
    (1.5, "1½"),
    (18, "She makes 9 * 2 = $<<9*2=18>>18 every day\n#### 18"),
    (8, "The answer is 5 + 3 = 8 apples."),
    (2500000, "2.5 million"),
    (12, "**12**"),
    (3, "Answer: **3**\n\nBecause 1+2"),
    (5, "- 5 apples"),
    (30, "So 5*6 = 30"),
    (None, "The answer is between 5 and 7"),
    (None, "1,2,3,4"),
    (12, "x = 12 cm^2"),
    (12, "12 m²"),
    (-0.75, r"-\frac{3}{4}"),
    (-3, "-$3"),
    (10**5, "10^5"),
    (1024, "2^10"),
    (None, "2^100000"),
    (None, "99^300"),
    (None, "x^2"),
    (1234, "1{,}234"),
    (1234567, "1.234.567"),
    (None, ""),
    (21, "twenty-one"),
    (None, "no one knows"),
    (1, "One."),
    (7, "10 - 3 = 7"),
    (40000, "so the total is 40,000?"),
    (5, "5."),
    (100, "the answer is 100 degrees"),
    ({"value": 3.14, "abs": 0.01}, "3.14159"),
    (None, "v2"),
    (None, "I don't know"),
    (18, "**Final Answer:**\n\n18"),
    (18, "Final answer\n18"),
    (0.5, ".5"),
    (None, "10:30"),
    (70000, "The answer is **$70,000**."),
    (5, "<think>6</think>5"),
]


@pytest.mark.parametrize(("target", "answer"), ANSWERS)
def test_numbers_are_read_in_the_usual_ways_of_writing(target: Any, answer: str) -> None:
    """A target of None stands for an answer without a number."""
    if target is None:
        assert read_number(answer) is None
    else:
        assert Number()(answer, target).passed


@pytest.mark.parametrize(
    ("target", "answer", "is_right"),
    [
        (12, "12%", True),
        (0.12, "12%", True),
        (0.12, "0.12%", False),
        ("12%", "0.12", True),
        ("12%", "1.2", False),
        ({"value": 10, "rel": 0.1}, "11", True),
        ({"value": 10, "rel": 0.1}, "11.1", False),
        ({"value": 10, "abs": 2}, "12", True),
        (12345678901, "12345678902", False),
        ("1/3", "0.3333333333", True),
        ("1/3", "0.33", False),
        (7, "-7", False),
    ],
)
def test_percent_and_tolerance_are_the_targets_to_decide(target: Any, answer: str, is_right: bool) -> None:  # noqa: FBT001
    assert Number()(answer, target).passed is is_right


@pytest.mark.parametrize(
    "target", [True, "many", "1 to 2", {"value": 1, "abs": -1}, {"value": 1, "tol": 2}, float("nan")]
)
def test_a_target_that_is_not_a_number_is_the_tasks_error(target: Any) -> None:
    with pytest.raises(TaskError, match="number"):
        Number()("1", target)
