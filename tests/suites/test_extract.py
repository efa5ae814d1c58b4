"""Answers to extract as models write them."""

import json
from typing import Any

import pytest

from harness.domain.sample import Sample
from suites.offload.extract.form import DATE, FLAG, NUMBER, TEXT, schema, shown
from suites.offload.extract.reference import reference
from suites.offload.extract.task import TASK


def sample_of(stratum: str) -> Sample:
    return next(sample for sample in TASK.samples(seed=0, limit=120) if sample.stratum == stratum)


def score(sample: Sample, answer: str) -> float | None:
    return TASK.scorer(answer, sample.target).value


def fields(sample: Sample) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(reference(sample))
    return found


def test_a_form_is_shown_briefly_and_becomes_a_schema_with_every_key() -> None:
    form = {"seller": {"name": TEXT}, "items": [{"product": TEXT, "price": NUMBER}], "due": DATE, "paid": FLAG}
    assert shown(form) == "seller {name}, items [{product, price (number)}], due (YYYY-MM-DD), paid (true or false)"
    made = schema(form)
    assert made["required"] == ["seller", "items", "due", "paid"]
    assert made["properties"]["items"]["items"]["properties"]["price"] == {"type": ["number", "null"]}


@pytest.mark.parametrize("stratum", ["invoice", "table", "errors", "contract", "correction"])
def test_right_answers_in_other_dress_are_right(stratum: str) -> None:
    sample = sample_of(stratum)
    right = fields(sample)
    for answer in (
        json.dumps(right, indent=2),
        f"```json\n{json.dumps(right)}\n```",
        f"Here is the JSON you asked for:\n{json.dumps(right)}\nLet me know if you need more.",
        json.dumps(dict(reversed(right.items()))),
        json.dumps({key: one[::-1] if isinstance(one, list) else one for key, one in right.items()}),
        json.dumps(right).replace(".0,", ","),
        f"<think>Which ones?</think>{json.dumps(right)}",
    ):
        assert score(sample, answer) == 1.0, answer


def test_case_of_texts_and_a_prefix_of_numbers_do_not_matter() -> None:
    sample = sample_of("invoice")
    right = fields(sample)
    assert score(sample, json.dumps({**right, "seller": right["seller"].upper()})) == 1.0
    assert score(sample, json.dumps({**right, "invoice": right["invoice"].removeprefix("R-")})) == 1.0


def test_what_breaks_the_schema_scores_zero_and_a_wrong_field_costs_that_field() -> None:
    sample = sample_of("contract")
    right = fields(sample)
    assert score(sample, json.dumps({**right, "furnished": "yes"})) == 0.0
    assert score(sample, json.dumps({key: one for key, one in right.items() if key != "deposit"})) == 0.0
    assert score(sample, json.dumps({**right, "tenant": "Robin Nobody"})) == pytest.approx(5 / 6)
    assert score(sample, json.dumps({**right, "deposit": 500})) == pytest.approx(12 / 13)


def test_fields_that_a_text_does_not_give_are_null_in_some_items_of_a_template() -> None:
    for stratum, name in (("letter", "phone"), ("lease", "deposit"), ("status", "user")):
        given = [
            sample.target["fields"][name] is None
            for sample in TASK.samples(seed=0, limit=240)
            if sample.stratum == stratum
        ]
        assert 0.2 < sum(given) / len(given) < 0.8
