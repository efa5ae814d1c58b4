"""Lists are paired element by element: exactly where that is cheap, well where it is not, and always in time."""

import json
import random
import time
from typing import Any

import pytest

from harness.scoring.fields import Fields

OBJECTS = [{f"k{key}": f"v{row}-{key}" for key in range(12)} for row in range(100)]
SAME = {"rows": [{f"k{key}": 1 for key in range(120)} for _ in range(100)]}
LISTS = [[{"x": row * column} for column in range(50)] for row in range(50)]
CUBE = [[[{"x": row + column * depth} for depth in range(20)] for column in range(20)] for row in range(20)]
DATES = [[{"x": {"$date": f"2026-03-{column % 28 + 1:02}"}} for column in range(50)] for _ in range(50)]
WRITTEN = [[{"x": f"{column % 28 + 1} March 2026"} for column in range(50)] for _ in range(50)]


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (OBJECTS, OBJECTS),
        (OBJECTS[::-1], OBJECTS),
        (SAME, SAME),
        (LISTS, LISTS),
        (LISTS[::-1], LISTS),
        (WRITTEN, DATES),
        (CUBE, CUBE),
        (CUBE[::-1], CUBE),
    ],
    ids=["objects", "objects reversed", "all the same", "lists", "lists reversed", "dates", "cube", "cube reversed"],
)
def test_a_long_right_list_is_right_within_a_second(given: Any, wanted: Any) -> None:
    Fields()("[1]", [1, 2])  # imports
    started = time.process_time()
    assert Fields()(json.dumps(given), wanted).value == 1.0
    assert time.process_time() - started < 1.0


@pytest.mark.parametrize("seed", range(5))
def test_an_estimate_pairs_as_well_as_comparing_all_elements(seed: int) -> None:
    dice = random.Random(seed)
    wanted = [{"id": row, "name": f"n{dice.randrange(30)}", "tags": [dice.randrange(9)] * 3} for row in range(120)]
    given = [dict(element) for element in wanted]
    for element in dice.sample(given, 10):
        element["name"] = "other"
    dice.shuffle(given)
    score = Fields()(json.dumps(given), wanted)
    fields = 5 * len(wanted)
    assert score.value == pytest.approx((fields - 10) / fields)
