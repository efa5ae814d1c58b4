"""At how many requests a load two models are equally useful."""

from dataclasses import replace

import pytest

from harness.report.answer import TaskAnswer, render_why
from harness.verdict.board import Standing
from harness.verdict.break_even import break_even
from harness.verdict.choose import choose
from harness.verdict.contender import Contender, Rule

RULE = Rule()


def contender(key: str, passes: int, *, p50_s: float | None, load_s: float) -> Contender:
    scores = {f"item-{number:02}": float(number < passes) for number in range(30)}
    return Contender(key=key, scores=scores, p50_s=p50_s, load_s=load_s, size_bytes=len(key))


SLOW_LOAD = contender("slow-load", 29, p50_s=1.0, load_s=60.0)
QUICK_LOAD = contender("quick-load", 29, p50_s=2.0, load_s=1.0)


def standings(*candidates: Contender, rule: Rule = RULE) -> tuple[Standing, ...]:
    return choose(candidates, rule).standings


def test_at_the_break_even_both_have_the_same_utility() -> None:
    chosen, rival = standings(SLOW_LOAD, QUICK_LOAD)
    requests = break_even(chosen, rival, RULE)
    assert requests == pytest.approx(59.0)  # 1 + 60 / r = 2 + 1 / r
    for other, first in ((58, "quick-load"), (60, "slow-load")):
        rule = replace(RULE, requests_per_load=other)
        assert standings(SLOW_LOAD, QUICK_LOAD, rule=rule)[0].candidate.key == first


def test_a_difference_of_scores_is_worth_time() -> None:
    better = contender("better-xx", 30, p50_s=1.0, load_s=60.0)
    rule = replace(RULE, price=0.05)
    chosen, rival = standings(better, QUICK_LOAD, rule=rule)
    requests = break_even(chosen, rival, rule)
    assert requests is not None
    assert 1 < requests < 59.0
    at = [
        standings(better, QUICK_LOAD, rule=replace(rule, requests_per_load=round(requests) + step)) for step in (-1, 1)
    ]
    assert [found[0].candidate.key for found in at] == ["quick-load", "better-xx"]


@pytest.mark.parametrize(
    ("one", "other", "rule"),
    [
        (SLOW_LOAD, QUICK_LOAD, replace(RULE, price=0.0)),
        (SLOW_LOAD, replace(QUICK_LOAD, p50_s=None), RULE),
        (replace(SLOW_LOAD, load_s=1.0), QUICK_LOAD, RULE),  # quicker in both
    ],
)
def test_there_need_be_none(one: Contender, other: Contender, rule: Rule) -> None:
    chosen, rival = standings(one, other, rule=rule)
    assert break_even(chosen, rival, rule) is None


def test_why_names_it() -> None:
    answer = TaskAnswer(task="extract", choice=choose([SLOW_LOAD, QUICK_LOAD], RULE))
    text = " ".join(render_why(answer, RULE, width=100).split())
    assert "hand it to quick-load" in text
    assert (
        "Break-even with slow-load: 59 requests per load; with more, that one is more useful. Counted with 20." in text
    )


def test_times_that_count_as_equal_are_called_so_and_move_no_break_even() -> None:
    noisy = choose([replace(SLOW_LOAD, time_noise=0.5), replace(QUICK_LOAD, time_noise=0.5)], RULE)
    assert {standing.price for standing in noisy.standings} == {0.0}
    by_key = {standing.candidate.key: standing for standing in noisy.standings}
    assert break_even(by_key["slow-load"], by_key["quick-load"], RULE) == pytest.approx(59.0)
    text = " ".join(render_why(TaskAnswer(task="extract", choice=noisy), RULE, width=100).split())
    assert "Counted as equal, as their times differ by no more than noise: slow-load as quick as quick-load." in text
