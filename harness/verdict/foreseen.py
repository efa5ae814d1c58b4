"""How many items an answer is likely to take, before anything is asked."""

import math

from harness.stats.posterior import beta_reaches
from harness.stats.power import at_least
from harness.verdict.contender import Rule

_FORESEEN = 0.8
_GROWTH = 1.25
_MOST_ITEMS = 10_000


def items_to_answer(rate: float, rule: Rule) -> int | None:
    """Return about how many items it takes until a model of this pass rate is probably answered; None beyond 10,000.

    The answer is the model where the rate lies above the rule's floor, and your primary where it lies below.
    "Probably" is in 4 of 5 cases.

    Args:
        rate: the share of items that the model would pass if there were any number of them.
        rule: how it is chosen.
    """
    import numpy as np

    n = 1
    while n <= _MOST_ITEMS:
        passes = np.arange(n + 1)
        suffices = beta_reaches(passes, passes, n, rule.floor)
        is_answered = suffices >= rule.confidence if rate >= rule.floor else suffices <= 1 - rule.confidence
        chances = at_least(passes, n, rate) - at_least(passes + 1, n, rate)
        if float(chances[is_answered].sum()) >= _FORESEEN:
            return n
        n = max(n + 1, math.ceil(n * _GROWTH))
    return None
