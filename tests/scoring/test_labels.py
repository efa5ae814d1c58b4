import pytest

from harness.errors import TaskError
from harness.scoring.labels import Labels

ONE = {"label": "login", "labels": ["billing", "login", "other"]}
SEVERAL = {"right": ["billing", "login"], "labels": ["billing", "login", "other"]}


@pytest.mark.parametrize(
    ("output", "target", "value"),
    [
        ("login", ONE, 1.0),
        ("The answer is: **Login**", ONE, 1.0),
        ("billing", ONE, 0.0),
        ("login or billing", ONE, 0.0),
        ("login, billing", SEVERAL, 1.0),
        ('["billing", "login"]', SEVERAL, 1.0),
        ("login", SEVERAL, 0.0),
        ("billing, login, other", SEVERAL, 0.0),
    ],
)
def test_exactly_the_right_labels_count(output: str, target: object, value: float) -> None:
    score = Labels()(output, target)
    assert (score.value, score.passed) == (value, value == 1.0)


def test_details_have_what_macro_f1_and_the_unparsed_count_need() -> None:
    assert Labels()("billing", ONE).details == {"right": ["login"], "chosen": ["billing"]}
    unparsed = Labels()("who knows", ONE)
    assert unparsed.details == {"right": ["login"], "chosen": None}
    assert unparsed.reason.startswith("unparsed")
    details = Labels()("login", SEVERAL).details
    assert (details["right"], details["chosen"]) == (["billing", "login"], ["login"])


@pytest.mark.parametrize("target", [{"labels": ["a", "b"]}, {**ONE, **SEVERAL}])
def test_a_target_has_either_label_or_right(target: object) -> None:
    with pytest.raises(TaskError, match="either label or right"):
        Labels()("a", target)
