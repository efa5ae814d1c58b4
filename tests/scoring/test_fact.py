import pytest

from harness.errors import TaskError
from harness.scoring.fact import Facts

SOURCE = "On 12 March the mill in Oslo burnt. The damage is 1,250 euros. Ada Berg, 41, saw it."
TARGET = {
    "facts": [["12 March", "March 12"], [1250], ["Ada Berg", "Berg"]],
    "source": SOURCE,
    "max_words": 14,
    "reference": "On 12 March a fire cost 1,250 euros, says Ada Berg.",
}


@pytest.mark.parametrize(
    ("summary", "value"),
    [
        ("Ada Berg saw a fire that cost €1250 on 12 March.", 1.0),
        ("A fire cost 1,250 euros on 12 March.", 2 / 3),
        ("Ada Berg saw a fire that cost 1250 euros on 12 March in Bergen.", 3 / 4),
        ("Ada Berg saw a fire that cost 1250 euros on 12 March, 9 hurt.", 3 / 4),
        ("Ada Berg saw a fire that cost 12500 euros.", 1 / 3 * 1 / 2),
        ("Nothing happened.", 0.0),
    ],
)
def test_missing_and_invented_facts_cost(summary: str, value: float) -> None:
    score = Facts()(summary, TARGET)
    assert score.value == pytest.approx(value)
    assert score.passed is (value == 1.0)


def test_copying_the_source_costs_by_its_length() -> None:
    score = Facts()(SOURCE, TARGET)
    assert (score.details["coverage"], score.details["words"]) == (1.0, 19)
    assert score.value == pytest.approx(2 - 19 / 14)
    assert 0.0 < score.details["rouge_l"] < 1.0
    assert Facts()(SOURCE + " Again:" + SOURCE, TARGET).value == 0.0


def test_a_fact_that_the_source_lacks_is_the_tasks_error() -> None:
    with pytest.raises(TaskError, match="in its source"):
        Facts()("x", {**TARGET, "facts": [["13 March"]]})
