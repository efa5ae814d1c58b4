"""Figures from times: rates, percentiles only where n allows them, their intervals, and ratios of two models."""

import math
from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean, median, quantiles, variance
from typing import TypeGuard

from harness.domain.count import counted
from harness.stats.beta import t_quantile
from harness.stats.estimate import Estimate, Interval
from harness.stats.interval import mean_estimate

_LEAST_N = {50: 1, 90: 100, 99: 1000}
_OF_E2E = 0.01
_FASTEST_TPOT_S = 0.0002
_AGREEMENT = 0.2
_CLOSE = 0.02
_CLOSE_S = 0.005
_LEAST_COMPARED_TOKENS = 64
_SHARED_BY_CHANCE_TOKENS = 16
_SHORTEST_S, _LONGEST_S = 1e-9, 1e9
_WIDEST = 100.0  # of ln(ratio): two items that contradict each other may give e^5000, which no float can hold


def is_time(value: float | None) -> TypeGuard[float]:
    """Return whether this can be the time of a request or a load, in seconds: a server or a file may say anything."""
    return value is not None and _SHORTEST_S <= value <= _LONGEST_S


def tpot_s(*, ttft_s: float | None, e2e_s: float, output_tokens: int | None) -> float | None:
    """Return seconds per output token after the first: (last delta - first delta) / (n - 1); None below two tokens.

    Args:
        ttft_s: request written to the first delta.
        e2e_s: request written to the last delta.
        output_tokens: from the server's usage, never the number of chunks.
    """
    if ttft_s is None or output_tokens is None or output_tokens < 2 or e2e_s <= ttft_s:  # noqa: PLR2004
        return None
    return (e2e_s - ttft_s) / (output_tokens - 1)


def is_one_block(*, ttft_s: float | None, e2e_s: float | None, output_tokens: int | None) -> bool:
    """Return whether an answer of several tokens arrived all at once, so that its TTFT is really its E2E.

    A proxy that collects the stream does this. One block is what takes 1 % of the E2E, or is faster than any model.
    """
    if ttft_s is None or e2e_s is None or output_tokens is None or output_tokens < 2:  # noqa: PLR2004
        return False
    return e2e_s - ttft_s <= max(_OF_E2E * e2e_s, _FASTEST_TPOT_S * (output_tokens - 1))


def trusted_rate(client_tps: float | None, server_tps: float | None) -> tuple[float | None, bool]:
    """Return the decode rate to show, and whether it is the server's because the client's cannot be right.

    A stream that comes in blocks makes the client's rate too high or leaves none. The two agree within a few percent
    otherwise; above 20 % the server's is shown.
    """
    if server_tps is None or (client_tps is not None and abs(client_tps - server_tps) <= _AGREEMENT * server_tps):
        return client_tps, False
    return server_tps, True


def prefill_tps(*, prompt_tokens: int | None, cached_tokens: int | None, ttft_s: float | None) -> float | None:
    """Return prompt tokens per second: (prompt tokens - cached tokens) / TTFT; None where it cannot be known.

    The first token comes out of the prefill, so TTFT holds no decode step; the request's way to the server, its queue
    and the sampling of one token are in it, so short prompts look slower than the engine is.

    Args:
        prompt_tokens: from the server's usage.
        cached_tokens: those of them that the server took from its cache; None: it does not tell, and none are assumed.
        ttft_s: request written to the first delta.
    """
    if prompt_tokens is None or not is_time(ttft_s):
        return None
    computed = prompt_tokens - (cached_tokens or 0)
    return computed / ttft_s if computed > 0 else None


def cache_hits(cached_tokens: Sequence[int | None], prompt_tokens: Sequence[int | None]) -> list[bool]:
    """Return which of these prompts, of one length and each with another beginning, met the server's prompt cache.

    The chat template begins every prompt, so the fewest cached tokens of all are its own; a few more are chance. More
    than that is a hit. Where even the fewest are over half of the prompt, the cache was not defeated at all. A prompt
    of which the server does not tell counts as none.
    """
    told = [cached for cached in cached_tokens if cached is not None]
    template = min(told, default=0)
    return [
        cached is not None
        and (cached > template + _SHARED_BY_CHANCE_TOKENS or (prompt is not None and 2 * template > prompt))
        for cached, prompt in zip(cached_tokens, prompt_tokens, strict=True)
    ]


def disagreement(client: float | None, server: float | None, *, output_tokens: float | None = None) -> bool:
    """Return whether the client's figure and the server's own differ by more than 2 %, and times by more than 5 ms.

    Args:
        client: a time in seconds, or a decode rate.
        server: the same.
        output_tokens: of an answer, for a rate: from 64 on it is compared, as fewer say little. None: it is a time.
    """
    if client is None or server is None or (output_tokens is not None and output_tokens < _LEAST_COMPARED_TOKENS):
        return False
    apart = abs(client - server)
    return apart > _CLOSE * server and (output_tokens is not None or apart > _CLOSE_S)


def percentile(values: Sequence[float], p: int) -> float | None:
    """Return the p-th percentile, linearly interpolated; None where n is too small: p90 needs 100 values, p99 1,000.

    Raises:
        ValueError: p is not 50, 90 or 99.
    """
    if p not in _LEAST_N:
        raise ValueError(f"expected 50, 90 or 99, got {p}")
    if len(values) < _LEAST_N[p]:
        return None
    return median(values) if p == 50 else quantiles(values, n=100, method="inclusive")[p - 1]  # noqa: PLR2004


def percentile_estimate(values: Sequence[float], p: int, *, level: float = 0.95) -> Estimate:
    """Return the p-th percentile with its order-statistic interval, or why it is not available.

    No shape of the distribution is assumed: the l-th and u-th smallest of n values hold the percentile with probability
    P(l <= B <= u - 1), B binomial with n and p / 100; l and u leave at most (1 - level) / 2 on either side. Source:
    David and Nagaraja, Order Statistics (2003), section 7.1.

    Args:
        values: in any unit; the estimate has the same.
        p: 50, 90 or 99.
        level: the confidence, within 0 to 1.

    Raises:
        ValueError: p is not 50, 90 or 99.
    """
    n, value = len(values), percentile(values, p)
    if value is None:
        return Estimate(value=None, interval=None, n=n, reason=f"p{p} needs n >= {_LEAST_N[p]}, got {n}")
    ranks = _ranks(n, p / 100, (1 - level) / 2)
    if ranks is None:
        return Estimate(value=value, interval=None, n=n, reason=f"too few values for a {100 * level:g} % interval: {n}")
    ordered = sorted(values)
    low, high = ordered[ranks[0] - 1], ordered[ranks[1] - 1]
    interval = Interval(low=low, high=high, level=level, method="order-statistics", n=n)
    return Estimate(value=value, interval=interval, n=n)


def ratio_estimate(
    candidate_s: Sequence[float],
    reference_s: Sequence[float],
    *,
    clusters: Sequence[str] | None = None,
    level: float = 0.95,
    seed: int = 0,
) -> Estimate:
    """Return the geometric mean of the items' ratios candidate / reference, with its interval: 2 is twice as slow.

    exp of the mean of ln(candidate / reference), and of its bounds (`mean_estimate`: bootstrap from 20 to 500 items,
    else t). Ratios of times are skewed and their logarithms are not; A / B is exactly the inverse of B / A. Source:
    Fleming and Wallace 1986, Communications of the ACM 29:218.

    Args:
        candidate_s: times of the candidate, one an item, above 0.
        reference_s: times of the reference for the same items in the same order.
        clusters: one name an item.
        level: the confidence, within 0 to 1.
        seed: of the bootstrap.

    Raises:
        ValueError: the sequences differ in length, or a time is not above 0.
    """
    if len(candidate_s) != len(reference_s) or any(time <= 0 for time in (*candidate_s, *reference_s)):
        raise ValueError("expected times above 0, and as many of the candidate as of the reference")
    logs = [math.log(ours / theirs) for ours, theirs in zip(candidate_s, reference_s, strict=True)]
    estimate = mean_estimate(logs, clusters=clusters, level=level, seed=seed)
    if estimate.value is None:
        return estimate
    value, interval = math.exp(estimate.value), estimate.interval
    if interval is not None and interval.high - interval.low > _WIDEST:
        return replace(
            estimate,
            value=value,
            interval=None,
            reason=f"{counted(estimate.n, 'item')} {'leaves' if estimate.n == 1 else 'leave'} the ratio open",
        )
    if interval is not None:
        interval = replace(interval, low=math.exp(interval.low), high=math.exp(interval.high))
    return replace(estimate, value=value, interval=interval)


def unpaired_ratio_estimate(
    candidate_s: Sequence[float], reference_s: Sequence[float], *, level: float = 0.95
) -> Estimate:
    """Return the ratio of the geometric means candidate / reference of times that belong to no items, such as loads.

    exp of the difference of the mean logarithms, and of its bounds by Welch's t. Source: Welch 1947, Biometrika 34:28.

    Args:
        candidate_s: times of the candidate, above 0.
        reference_s: times of the reference, not necessarily as many.
        level: the confidence, within 0 to 1.

    Returns:
        No interval, and the reason, where either has fewer than two times, or none of them differ.

    Raises:
        ValueError: a time is not above 0.
    """
    if any(time <= 0 for time in (*candidate_s, *reference_s)):
        raise ValueError("expected times above 0")
    sides = [[math.log(time) for time in times] for times in (candidate_s, reference_s)]
    n = min(map(len, sides))
    if n == 0:
        return Estimate(value=None, interval=None, n=0, reason="not measured")
    value = fmean(sides[0]) - fmean(sides[1])
    if n < 2:  # noqa: PLR2004  (one time shows no spread)
        return Estimate(value=math.exp(value), interval=None, n=n, reason="one time shows no spread")
    errors = [variance(logs) / len(logs) for logs in sides]
    total = sum(errors)
    if total < 1e-24:  # noqa: PLR2004  (rounding of equal times)
        return Estimate(value=math.exp(value), interval=None, n=n, reason="no spread: all times are equal")
    freedom = total**2 / sum(error**2 / (len(logs) - 1) for error, logs in zip(errors, sides, strict=True))
    half = t_quantile((1 + level) / 2, freedom) * math.sqrt(total)
    if half > _WIDEST / 2:
        return Estimate(value=math.exp(value), interval=None, n=n, reason=f"{n} times leave the ratio open")
    interval = Interval(low=math.exp(value - half), high=math.exp(value + half), level=level, method="t-welch", n=n)
    return Estimate(value=math.exp(value), interval=interval, n=n)


def _ranks(n: int, share: float, tail: float) -> tuple[int, int] | None:
    """Return the ranks l and u, from 1, with P(B <= l - 1) and P(B >= u) at most `tail`; None if there are none."""
    below, low, high = 0.0, 0, n + 1
    for k in range(n):
        below += math.exp(
            math.lgamma(n + 1)
            - math.lgamma(k + 1)
            - math.lgamma(n - k + 1)
            + k * math.log(share)
            + (n - k) * math.log1p(-share)
        )
        # The slack is for sums that are equal to the tail but for rounding.
        if below <= tail * (1 + 1e-9):
            low = k + 1
        if 1 - below <= tail * (1 + 1e-9):
            high = k + 1
            break
    return (low, high) if low >= 1 and high <= n else None
