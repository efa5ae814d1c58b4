import pytest

from harness.scoring.finding import Findings

KINDS = ["off by one", "wrong operator", "missing return"]
BUG = {"line": 7, "kind": "off by one", "kinds": KINDS, "aliases": {"off by one": ["fencepost error"]}}
CLEAN = {"line": None, "kind": None, "kinds": KINDS}


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        ('{"line": 7, "kind": "off-by-one"}', 1.0),
        ('```json\n[{"line": "7", "kind": "off_by_one"}]\n```', 1.0),
        ("line 7: off by one", 1.0),
        ("7: Off-by-one", 1.0),
        ("The bug is on **line 7**, a fencepost error.", 1.0),
        ("line 7: wrong operator", 0.5),
        ("line 8: off by one", 0.5),
        ("line 1, line 7: off by one, wrong operator, missing return", 0.0),
        ("off by one", 0.5),
        ("no bug", 0.0),
        ('{"line": null, "kind": null}', 0.0),
    ],
)
def test_line_and_kind_count_half_each(answer: str, value: float) -> None:
    score = Findings()(answer, BUG)
    assert score.value == value
    assert score.details["missed"] is (answer in {"no bug", '{"line": null, "kind": null}'})


@pytest.mark.parametrize(
    "answer", ["no bug", "None", "[]", "The code is correct.", "There are no bugs.", '{"line": null, "kind": "none"}']
)
def test_clean_code_wants_no_alarm(answer: str) -> None:
    assert Findings()(answer, CLEAN).value == 1.0


@pytest.mark.parametrize(
    "answer", ["line 3: off by one", '{"line": 1, "kind": null}', "line 1, line 2", '[{"line": 1}, {"line": 2}]']
)
def test_a_false_alarm_scores_zero(answer: str) -> None:
    score = Findings()(answer, CLEAN)
    assert (score.value, score.details["false_alarm"]) == (0.0, True)


@pytest.mark.parametrize("answer", ["", "hello", '{"a": 1}', '{"kind": "strange"}'])
def test_what_names_nothing_is_unparsed_even_for_clean_code(answer: str) -> None:
    assert Findings()(answer, CLEAN).reason.startswith("unparsed")


def test_a_tolerance_accepts_the_lines_beside_it() -> None:
    assert Findings()("line 8: off by one", {**BUG, "tolerance": 1}).value == 1.0
