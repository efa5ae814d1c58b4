"""The Beta distribution, and Student's t and the binomial, which are made from it, in plain Python.

scipy has all three, but takes .3 to .8 s of CPU to import, at the end of every run: see adr-0007. The tests hold these
functions to scipy's. For arrays, and for whatever needs more than a few calls, scipy remains the right tool.
"""

import math

_TINY = 1e-300  # keeps Lentz's method off a division by 0
_PRECISION = 1e-16
_MOST_TERMS = 100_000  # some √(a + b) are enough
_CLOSE = 1e-13  # the step after this one would be cubed
_MOST_STEPS = 200  # Halley's method takes 3 to 10


def beta_cdf(x: float, a: float, b: float) -> float:
    """Return the chance that a variable with the distribution Beta(a, b) is at most x.

    The regularised incomplete beta function I_x(a, b), by its continued fraction. Source: DLMF 8.17.22; Press et al.
    2007, Numerical Recipes, section 6.4. Relative error below 1e-9 for a + b up to 100,000.

    Args:
        x: any number; the variable lies within 0 to 1.
        a: above 0.
        b: above 0.
    """
    if x <= 0:
        return 0.0
    if x >= 1:
        return 1.0
    front = math.exp(a * math.log(x) + b * math.log1p(-x) - _log_beta(a, b))
    if x <= (a + 1) / (a + b + 2):  # Beyond, the fraction of the other tail converges, and this one hardly.
        return front * _fraction(x, a, b) / a
    return 1.0 - front * _fraction(1 - x, b, a) / b


def beta_quantile(p: float, a: float, b: float) -> float:
    """Return the x with `beta_cdf(x, a, b) == p`.

    Args:
        p: within 0 to 1.
        a: above 0.
        b: above 0.
    """
    if p <= 0:
        return 0.0
    if p >= 1:
        return 1.0
    low, high, x = 0.0, 1.0, a / (a + b)
    for _ in range(_MOST_STEPS):
        excess = beta_cdf(x, a, b) - p
        low, high = (low, x) if excess > 0 else (x, high)
        density = math.exp((a - 1) * math.log(x) + (b - 1) * math.log1p(-x) - _log_beta(a, b))
        # Halley's step where it stays between what is known to lie on either side, else halving.
        step = excess / density if density > 0 else 0.0
        bend = max(-1.0, min(1.0, step * ((a - 1) / x - (b - 1) / (1 - x))))
        better = x - step / (1 - bend / 2) if density > 0 else high
        if not low < better < high:
            better = (low + high) / 2
        if abs(better - x) <= _CLOSE * x or not low < better < high:
            return better
        x = better
    return x


def t_quantile(p: float, freedom: float) -> float:
    """Return the quantile of Student's t: t² / (freedom + t²) has the distribution Beta(1/2, freedom / 2).

    Args:
        p: from 1/2 to below 1.
        freedom: degrees of freedom, above 0; may be fractional.
    """
    inside = beta_quantile(2 * p - 1, 0.5, freedom / 2)
    if inside <= 0.5:  # noqa: PLR2004  (the half that is known to more digits)
        return math.sqrt(freedom * inside / (1 - inside))
    outside = beta_quantile(2 * (1 - p), freedom / 2, 0.5)
    return math.sqrt(freedom * (1 - outside) / outside)


def binomial_at_least(k: int, n: int, rate: float) -> float:
    """Return the chance of k passes or more among n items.

    Args:
        k: from 0 to n + 1.
        n: items.
        rate: the chance of each, within 0 to 1.
    """
    if k <= 0:
        return 1.0
    return beta_cdf(rate, k, n - k + 1) if k <= n else 0.0


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def _fraction(x: float, a: float, b: float) -> float:
    """Return the continued fraction of `beta_cdf`, by the method of Lentz (1976, Applied Optics 15:668)."""
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1) or _TINY)
    value = d
    for m in range(1, _MOST_TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        before = value
        for term in (even, odd):
            d = 1 / (1 + term * d or _TINY)
            c = 1 + term / c or _TINY
            value *= c * d
        if abs(value - before) <= _PRECISION * abs(value):
            break
    return value
