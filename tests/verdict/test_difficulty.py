"""What run files show about items, over the models that answered them."""

import pytest

from harness.verdict.difficulty import item_difficulty
from tests.store.written import written

from .recorded import cell, head


@pytest.mark.parametrize(("way", "respondents"), [("prompt", 1), ("native", 2)])
def test_answers_obtained_in_two_ways_are_not_averaged_as_one_models(way: str, respondents: int) -> None:
    runs = written(head(), *cell([1.0, 0.0])), written(head("r2"), *cell([0.0, 0.0], way=way))
    (first, _) = item_difficulty(runs)["say"]
    assert (first.n, first.difficulty) == (respondents, 0.5)
