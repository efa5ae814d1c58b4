"""Figures from times: rates, medians with an interval, percentiles only where n allows them."""

import math
from collections.abc import Sequence
from statistics import median, quantiles

_LEAST_N = {90: 100, 99: 1000}


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


def iqr(values: Sequence[float]) -> float | None:
    """Return the distance of the quartiles; None below two values."""
    if len(values) < 2:  # noqa: PLR2004
        return None
    first, _, third = quantiles(values, n=4, method="inclusive")
    return third - first


def percentile(values: Sequence[float], p: int) -> float | None:
    """Return the p-th percentile, linearly interpolated; None where n is too small: p90 wants 100, p99 1,000 values.

    Raises:
        ValueError: p is none of 50, 90, 99.
    """
    if p == 50:  # noqa: PLR2004
        return median(values) if values else None
    if p not in _LEAST_N:
        raise ValueError(f"expected 50, 90 or 99, got {p}")
    if len(values) < _LEAST_N[p]:
        return None
    return quantiles(values, n=100, method="inclusive")[p - 1]


def median_interval(values: Sequence[float], *, level: float = 0.95) -> tuple[float, float] | None:
    """Return the order-statistic interval of the median; None below six values, as none has the level then.

    The k-th smallest and k-th largest of n values hold the median with probability 1 - 2 P(B <= k - 1), B binomial with
    n and 1/2. Source: David and Nagaraja, Order Statistics (2003), section 7.1.
    """
    n, best, tail = len(values), 0, 0.0
    for k in range(1, n // 2 + 1):
        tail += math.comb(n, k - 1) / 2**n
        if 1 - 2 * tail < level:
            break
        best = k
    if best == 0:
        return None
    ordered = sorted(values)
    return ordered[best - 1], ordered[n - best]
