import time

import pytest

from harness.scoring.fields import Fields
from harness.scoring.json_answer import find_loose_json

LOOSE = Fields(is_loose=True)


@pytest.mark.parametrize(
    "answer",
    [
        '{"a": 1,}',
        "{'a': 1}",
        "{a: 1}",
        '{"a": 1, "b": None}',
        '{"a": 1, "b": NaN}',
        '{"a": 1 // one\n}',
        '{"a": 1 /* one */}',
        '{"a": 1',
        '\\boxed{{"a": 1}}',
        "I think that {'a': 1} is it.",
        '```json\n{"a": 1,}\n```',
    ],
)
def test_near_json_counts_for_the_loose_form_and_is_named_by_the_strict_one(answer: str) -> None:
    score = LOOSE(answer, {"a": 1})
    assert (score.value, score.passed) == (1.0, True)
    strict = Fields()(answer, {"a": 1})
    # The object inside the box is JSON as it stands.
    if "boxed" not in answer:
        assert (strict.value, strict.passed, strict.details) == (0.0, False, {"content_right": True})
        assert strict.reason == "unparsed: no JSON object: content right, syntax broken"


def test_a_raw_newline_in_a_text_is_read() -> None:
    assert LOOSE('{"a": "x\ny"}', {"a": "x y"}).passed


def test_true_json_scores_the_same_in_both_forms() -> None:
    for answer in ('{"a": 1}', '{"a": 2}', "no"):
        assert (LOOSE(answer, {"a": 1}).value, LOOSE(answer, {"a": 1}).passed) == (
            Fields()(answer, {"a": 1}).value,
            Fields()(answer, {"a": 1}).passed,
        )


@pytest.mark.parametrize("answer", ["{}", "{", "no", "{'a'", "[1, 2,]", "{" * 30 + '"a": 1,'])
def test_what_means_no_object_is_none(answer: str) -> None:
    found = find_loose_json(answer, dict)
    assert found is None or isinstance(found, dict)
    assert LOOSE(answer, {"a": 1}).value == 0.0


@pytest.mark.parametrize("piece", ['"a"{"a":1}', ' "b" c', "'a','b'\"a\"", '"\\u12', "{'a': 1,"])
def test_what_is_slow_to_mend_is_given_up(piece: str) -> None:
    started = time.process_time()
    LOOSE("{" + piece * (20_000 // len(piece)), {"a": 1})
    LOOSE("{" + piece * (4_900 // len(piece)), {"a": 1})
    assert time.process_time() - started < 1.5
