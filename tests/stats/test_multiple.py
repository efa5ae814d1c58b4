import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stats.multiple import holm

p_values = st.lists(st.floats(0, 1), max_size=12)


def test_it_agrees_with_a_worked_example() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


@given(p_values)
def test_it_rejects_what_stepping_down_rejects(values: list[float]) -> None:
    ordered = sorted(values)
    rejected = 0
    while rejected < len(values) and ordered[rejected] * (len(values) - rejected) <= 0.05:
        rejected += 1
    assert sum(p <= 0.05 for p in holm(values)) == rejected


@given(p_values)
def test_it_only_raises_keeps_the_order_and_is_at_most_bonferroni(values: list[float]) -> None:
    adjusted = holm(values)
    pairs = sorted(zip(values, adjusted, strict=True))
    assert all(before <= after <= min(1.0, before * len(values)) for before, after in pairs)
    assert [after for _, after in pairs] == sorted(adjusted)


@given(p_values, st.randoms(use_true_random=False))
def test_the_order_of_the_comparisons_does_not_matter(values: list[float], rng: random.Random) -> None:
    order = list(range(len(values)))
    rng.shuffle(order)
    assert holm([values[i] for i in order]) == [holm(values)[i] for i in order]


def test_it_controls_the_family_wise_error_where_raw_p_values_do_not() -> None:
    rng = random.Random(8)
    runs, raw, adjusted = 8000, 0, 0
    for _ in range(runs):
        # Eight true hypotheses that share a reference, and so depend on each other, and two false ones.
        shared = rng.gauss(0, 1)
        values = [two_sided((rng.gauss(0, 1) - shared) / 2**0.5) for _ in range(8)] + [1e-6, 1e-5]
        raw += min(values[:8]) < 0.05
        adjusted += min(holm(values)[:8]) < 0.05
    assert raw / runs > 0.15
    assert adjusted / runs <= 0.05


def two_sided(z: float) -> float:
    from statistics import NormalDist

    return 2 * (1 - NormalDist().cdf(abs(z)))


@pytest.mark.parametrize("values", [[-0.1], [1.1], [float("nan")]])
def test_what_is_no_p_value_is_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match="within 0 to 1"):
        holm(values)
