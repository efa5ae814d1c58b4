"""Reason: the targets are right, right answers count in other words, and guesses score at most chance."""

import datetime as dt
import re
from itertools import permutations
from typing import Any

import pytest

from suites.offload.reason import TASK
from suites.offload.reason.problem import DAYS

SAMPLES = list(TASK.samples(seed=0, limit=300))


@pytest.mark.parametrize(
    ("target", "answer"),
    [
        ({"kind": "number", "target": 28}, "28 cards"),
        ({"kind": "number", "target": 28}, "Henrik has 17 + 11 = 28 cards."),
        ({"kind": "number", "target": 3000}, "3,000"),
        ({"kind": "number", "target": 3000}, "There are 3 000 millilitres in 3 litres, so 3000."),
        ({"kind": "number", "target": 504}, "560 * 0.9 = 504 euros"),
        ({"kind": "number", "target": 504}, "\u20ac504.00"),
        ({"kind": "number", "target": {"value": 6.46, "abs": 0.005}}, "\\boxed{6.46} kg"),
        ({"kind": "number", "target": {"value": 6.4625, "abs": 0.005}}, "about 6.46 kilograms"),
        ({"kind": "choice", "target": {"label": "Tuesday", "labels": ["Monday", "Tuesday"]}}, "It will be a Tuesday."),
        ({"kind": "choice", "target": {"label": "Anna", "labels": ["Anna", "Bruno"]}}, "**Anna** is the oldest."),
    ],
)
def test_a_right_answer_counts_in_other_words(target: dict[str, Any], answer: str) -> None:
    assert TASK.scorer(answer, target).passed


def test_days_and_weekdays_are_those_of_the_calendar() -> None:
    for sample in SAMPLES:
        if sample.stratum in {"days_between", "days_far"}:
            words = re.findall(r"\d+ [A-Z][a-z]+(?: \d{4})?", sample.prompt)
            first, then = (_date(word) for word in words)
            assert (then - first).days == sample.target["target"]
        elif sample.stratum.startswith("weekday"):
            today = next(day for day in DAYS if day in sample.prompt)
            days = int(re.findall(r"\d+", sample.prompt)[0]) * (-1 if " ago" in sample.prompt else 1)
            # 1 January 2024 was a Monday.
            then = dt.date(2024, 1, 1) + dt.timedelta(days=DAYS.index(today) + days)
            assert then.strftime("%A") == sample.target["target"]["label"]
            assert today not in sample.target["target"]["labels"]


def _date(text: str) -> dt.date:
    day, month, *year = text.split()
    return dt.datetime.strptime(f"{day} {month} {year[0] if year else 2025}", "%d %B %Y").date()  # noqa: DTZ007


def test_orders_follow_from_what_is_told_and_from_nothing_less() -> None:
    for sample in SAMPLES:
        if not sample.stratum.endswith("_in_order"):
            continue
        told = re.findall(r"(\w+) is (\w+) than (\w+)\.", sample.prompt)
        above = [(b, a) if word in {"shorter", "younger", "slower", "poorer"} else (a, b) for a, word, b in told]
        names = sample.target["target"]["labels"]
        orders = [order for order in permutations(names) if all(order.index(a) < order.index(b) for a, b in above)]
        assert len(orders) == 1
        rank, word = re.findall(r"Who is the (second |third |fourth |)(\w+)\?", sample.prompt)[0]
        order = orders[0][::-1] if word in {"shortest", "youngest", "slowest", "poorest"} else orders[0]
        assert order[("", "second ", "third ", "fourth ").index(rank)] == sample.target["target"]["label"]


def test_exactly_one_person_can_be_the_liar() -> None:
    for sample in SAMPLES:
        if sample.stratum != "one_liar":
            continue
        said = dict(re.findall(r'(\w+): "([^"]+)"', sample.prompt))
        can = [who for who in said if all(_is_true(text, who) != (speaker == who) for speaker, text in said.items())]
        assert can == [sample.target["target"]["label"]]


def _is_true(text: str, liar: str) -> bool:
    return (liar in text) != text.startswith("Neither")


def test_the_figures_of_a_story_give_its_answer() -> None:
    for sample in SAMPLES:
        figures = [int(figure) for figure in re.findall(r"\d+", sample.prompt)]
        target = sample.target["target"]
        if sample.stratum == "tank":
            size, held, first, second, leak = figures
            assert target * (first + second - leak) == size - held
        elif sample.stratum == "library":
            _, _, shelves, books, lent, back, _ = figures
            left = shelves * books - lent + back
            assert lent > 0
            assert left % 3 == 0
            assert target == left * 2 // 3
        elif sample.stratum == "recipe":
            served, grams, guests = figures
            assert target["value"] == pytest.approx(grams / served * guests / 1000)
        elif sample.stratum == "discount":
            price, percent = figures
            assert target == price - price * percent / 100
        elif sample.stratum == "change":
            count, price, note = figures
            assert target == note - count * price > 0
