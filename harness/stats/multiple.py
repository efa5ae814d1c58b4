"""Many comparisons at once."""

from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the adjusted p-values: rejecting those below alpha makes any false rejection at all at most alpha likely.

    In rising order, the i-th of m becomes max over j <= i of min(1, (m - j + 1) p_j). Holds under any dependence.
    Source: Holm 1979, Scandinavian Journal of Statistics 6:65.

    Args:
        p_values: one a comparison, each within 0 to 1; the result has the same order.

    Raises:
        ValueError: a value is outside 0 to 1.
    """
    if any(not 0 <= p <= 1 for p in p_values):
        raise ValueError("expected p-values within 0 to 1")
    adjusted = [1.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted


def tarone(least: Sequence[float], alpha: float) -> int:
    """Return by how many alpha is to be divided among tests of which some cannot reject anything.

    The smallest K such that at most K tests could have a p below alpha / K. What cannot show anything costs the others
    nothing; any false rejection at all stays at most alpha likely, under any dependence. Source: Tarone 1990,
    Biometrics 46:515.

    Args:
        least: of each test the smallest p that it could have had, known without looking at the outcome.
        alpha: the accepted chance of any false rejection.
    """
    for share in range(1, len(least)):
        if sum(p < alpha / share for p in least) <= share:
            return share
    return max(1, len(least))
