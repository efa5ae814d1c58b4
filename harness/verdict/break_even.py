"""At how many requests a load two models are equally useful: a slow load pays when it serves enough requests."""

import math

from harness.verdict.board import Standing
from harness.verdict.contender import Rule


def break_even(chosen: Standing, rival: Standing, rule: Rule) -> float | None:
    """Return the requests per load at which both have the same utility; None: there is no such number.

    Utility is score - price x log2(time), time = p50 + load / requests. It is the same where the ratio of the times is
    what the difference of the scores is worth: 2 ** (difference / price).
    """
    times = [standing.candidate.time_s(rule) for standing in (chosen, rival)]
    if not rule.price or not all(times) or chosen.utility is None or rival.utility is None:
        return None
    gained = chosen.utility + (chosen.price or 0.0) - rival.utility - (rival.price or 0.0)
    exponent = gained / rule.price
    if abs(exponent) > 100:  # noqa: PLR2004  (no time makes up for such a difference)
        return None
    worth: float = 2.0**exponent
    a, b = chosen.candidate, rival.candidate
    per_request = (a.p50_s or 0.0) - worth * (b.p50_s or 0.0)
    per_load = worth * (b.load_s or 0.0) - (a.load_s or 0.0)
    requests = per_load / per_request if per_request else 0.0
    return requests if math.isfinite(requests) and requests > 0 else None
