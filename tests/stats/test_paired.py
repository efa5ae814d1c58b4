"""Paired tests against enumeration and scipy, and the exact coverage of Tango's interval."""

import math
import random
from itertools import product

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import stats

from harness.stats.interval import mean_estimate
from harness.stats.paired import compare, difference_estimate, least_discordant, mcnemar, sign_flip, tango

counts = st.tuples(st.integers(0, 40), st.integers(0, 40))
thousandths = st.integers(0, 1000).map(lambda number: number / 1000)
rounded_grades = st.lists(st.tuples(thousandths, thousandths), min_size=2, max_size=12)
grades = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=12)
passes = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60)


@pytest.mark.parametrize(("wins", "losses"), [(b, c) for b in range(7) for c in range(7) if b + c <= 10])
def test_mcnemar_agrees_with_enumerating_every_outcome(wins: int, losses: int) -> None:
    m = wins + losses
    extreme = sum(abs(2 * sum(outcome) - m) >= abs(wins - losses) for outcome in product([0, 1], repeat=m))
    assert mcnemar(wins, losses) == pytest.approx(extreme / 2**m)


@given(counts)
def test_mcnemar_is_scipys_binomial_test(pair: tuple[int, int]) -> None:
    wins, losses = pair
    if wins + losses:
        assert mcnemar(wins, losses) == pytest.approx(stats.binomtest(wins, wins + losses).pvalue)
    assert mcnemar(wins, losses) == mcnemar(losses, wins)
    assert 0 < mcnemar(wins, losses) <= 1


def test_thousands_of_discordant_items_still_have_a_p_value() -> None:
    assert 0 < mcnemar(5000, 0) < 1e-300
    assert mcnemar(2500, 2500) == 1.0


@given(passes)
def test_a_pair_that_agrees_never_changes_mcnemars_p(pairs: list[tuple[bool, bool]]) -> None:
    ours, theirs = [float(one) for one, _ in pairs], [float(other) for _, other in pairs]
    p = compare(ours, theirs).p
    assert compare([*ours, 1.0], [*theirs, 1.0]).p == p
    assert compare([*ours, 0.0], [*theirs, 0.0]).p == p


@example([(0.0, 1e-9), (0.0, 2e-16)])
@given(grades)
def test_no_p_value_is_zero(pairs: list[tuple[float, float]]) -> None:
    p, _ = sign_flip([one - other for one, other in pairs])
    assert 0 < p <= 1


@given(rounded_grades)
def test_sign_flips_agree_with_enumerating_every_sign(pairs: list[tuple[float, float]]) -> None:
    differences = [one - other for one, other in pairs]
    observed = abs(math.fsum(differences)) - 1e-9
    extreme = sum(
        abs(math.fsum(sign * value for sign, value in zip(signs, differences, strict=True))) >= observed
        for signs in product([-1, 1], repeat=len(differences))
    )
    p, method = sign_flip(differences)
    assert method == "sign-flip-exact"
    assert p == pytest.approx(extreme / 2 ** len(differences), abs=1e-9)


def test_sign_flips_of_zeros_and_ones_are_mcnemar() -> None:
    assert sign_flip([1.0] * 8 + [-1.0] * 2 + [0.0] * 20)[0] == pytest.approx(mcnemar(8, 2))


def test_monte_carlo_agrees_with_the_exact_p_and_with_scipys() -> None:
    differences = [0.1 * ((7 * i) % 11 - 4.5) for i in range(15)]
    theirs = stats.permutation_test(
        (differences,), sum, permutation_type="samples", n_resamples=2**15, alternative="two-sided"
    )
    p, method = sign_flip(differences)
    assert method == "sign-flip-monte-carlo"
    assert p == pytest.approx(float(theirs.pvalue), abs=0.015)  # 2^15 signs exactly, against 9,999 of ours


def test_no_draw_at_all_still_leaves_p_above_zero() -> None:
    assert sign_flip([0.5] * 200)[0] == 1 / 10_000


def test_the_same_data_give_the_same_p_in_any_order() -> None:
    differences = [math.sin(i) / 2 for i in range(60)]
    assert sign_flip(differences, seed=3) == sign_flip(differences[::-1], seed=3)
    assert sign_flip(differences, seed=3)[0] == sign_flip([-value for value in differences], seed=3)[0]


def test_sign_flips_alarm_falsely_in_five_percent() -> None:
    rng = random.Random(1)
    alarms = sum(sign_flip([rng.choice([-1, 1]) * rng.random() for _ in range(12)])[0] < 0.05 for _ in range(4000))
    assert 0.04 <= alarms / 4000 <= 0.06


def test_clusters_flip_as_a_whole() -> None:
    differences, names = [0.5] * 9, ["a"] * 3 + ["b"] * 3 + ["c"] * 3
    assert sign_flip(differences)[0] == 2 / 2**9
    assert sign_flip(differences, clusters=names)[0] == 2 / 2**3


def test_clustered_passes_are_no_mcnemar() -> None:
    comparison = compare([1.0] * 9, [0.0] * 9, clusters=["a"] * 3 + ["b"] * 3 + ["c"] * 3)
    assert comparison.method == "sign-flip-exact"
    assert comparison.p == 0.25
    assert compare([1.0] * 9, [0.0] * 9).p == pytest.approx(2 / 2**9)


@given(st.integers(1, 120).flatmap(lambda n: st.tuples(st.integers(0, n), st.integers(0, n), st.just(n))))
def test_tango_holds_the_difference_mirrors_and_excludes_zero_with_mcnemars_statistic(
    numbers: tuple[int, int, int],
) -> None:
    wins, losses, n = numbers
    losses = min(losses, n - wins)
    ours, mirrored = tango(wins, losses, n), tango(losses, wins, n)
    assert -1 <= ours.low <= (wins - losses) / n <= ours.high <= 1
    assert ours.high > ours.low
    assert (ours.low, ours.high) == pytest.approx((-mirrored.high, -mirrored.low), abs=1e-9)
    z = abs(wins - losses) / math.sqrt(wins + losses) if wins + losses else 0.0
    if abs(z - 1.959964) > 1e-4:
        assert (ours.low > 0 or ours.high < 0) == (z > 1.959964)


def test_without_a_discordant_item_tango_is_the_rule_of_three_and_a_bit() -> None:
    z = 1.959964
    assert tango(0, 0, 30).high == pytest.approx(z**2 / (30 + z**2), abs=1e-6)


@pytest.mark.parametrize("n", [30, 60])
@pytest.mark.parametrize(("wins", "losses"), [(0.1, 0.1), (0.05, 0.15), (0.02, 0.07), (0.3, 0.1), (0.01, 0.01)])
def test_tango_covers_its_level_exactly_enumerated(n: int, wins: float, losses: float) -> None:
    covered = 0.0
    for b, c in product(range(n + 1), repeat=2):
        chance = stats.multinomial.pmf([b, c, n - b - c], n, [wins, losses, 1 - wins - losses]) if b + c <= n else 0
        if chance > 1e-7:
            interval = tango(b, c, n)
            covered += chance if interval.low <= wins - losses <= interval.high else 0
    assert covered >= 0.93


@given(grades)
def test_swapping_the_models_mirrors_the_comparison(pairs: list[tuple[float, float]]) -> None:
    ours, theirs = [one for one, _ in pairs], [other for _, other in pairs]
    one, other = compare(ours, theirs), compare(theirs, ours)
    assert one.p == pytest.approx(other.p)
    assert (one.candidate_only, one.reference_only) == (other.reference_only, other.candidate_only)
    assert one.discordant == other.discordant
    assert one.interval is not None
    assert other.interval is not None
    assert one.difference is not None
    assert -1 <= one.interval.low <= one.difference <= one.interval.high <= 1
    assert one.interval.low == pytest.approx(-other.interval.high, abs=1e-9)


def test_graded_items_that_never_differ_get_the_interval_of_zeros_and_ones_that_never_differ() -> None:
    graded = difference_estimate([0.5] * 30, [0.5] * 30).interval
    binary = difference_estimate([1.0] * 30, [1.0] * 30).interval
    assert graded is not None
    assert binary is not None
    assert (graded.low, graded.high) == pytest.approx((binary.low, binary.high), abs=1e-9)


def test_the_paired_bootstrap_covers_its_level() -> None:
    rng = random.Random(9)
    covered = 0
    for seed in range(150):
        ease = [rng.random() for _ in range(40)]
        ours = [min(1.0, max(0.0, x + rng.uniform(-0.3, 0.5) * x)) for x in ease]
        interval = difference_estimate(ours, ease, seed=seed).interval
        covered += interval is not None and interval.low <= 0.0388 <= interval.high
    assert covered / 150 >= 0.90


@pytest.mark.parametrize(
    ("ours", "theirs", "clusters", "reason"),
    [
        ([], [], None, "no items"),
        ([0.5], [0.4], None, "one item shows no spread"),
        ([0.5, 0.1], [0.4, 0.3], ["a", "a"], "all 2 items share one cluster"),
    ],
)
def test_a_missing_interval_has_its_reason(
    ours: list[float], theirs: list[float], clusters: list[str] | None, reason: str
) -> None:
    comparison = compare(ours, theirs, clusters=clusters)
    assert (comparison.interval, comparison.reason, comparison.p) == (None, reason, 1.0)


def test_what_is_no_pair_of_scores_is_refused() -> None:
    with pytest.raises(ValueError, match="as many"):
        compare([1.0], [1.0, 0.0])
    with pytest.raises(ValueError, match="within 0 to 1"):
        compare([1.5], [1.0])
    with pytest.raises(ValueError, match="as many clusters"):
        compare([1.0, 0.0], [1.0, 0.0], clusters=["a"])
    with pytest.raises(ValueError, match="as many clusters"):
        sign_flip([1.0], clusters=["a", "b"])
    with pytest.raises(ValueError, match="counts"):
        mcnemar(-1, 0)
    with pytest.raises(ValueError, match="counts"):
        tango(3, 3, 5)


@pytest.mark.parametrize(("wins", "losses"), [(0.0, 0.05), (0.025, 0.075), (0.075, 0.125), (0.175, 0.225)])
def test_a_candidate_at_the_margin_is_called_not_worse_in_about_five_percent_exactly_enumerated(
    wins: float, losses: float
) -> None:
    n, not_worse = 100, 0.0
    for b, c in product(range(n + 1), repeat=2):
        chance = stats.multinomial.pmf([b, c, n - b - c], n, [wins, losses, 1 - wins - losses]) if b + c <= n else 0
        if chance > 1e-7 and tango(b, c, n, level=0.9).low > -0.05:
            not_worse += chance
    assert not_worse <= 0.06


def test_a_rare_total_failure_that_thirty_graded_items_cannot_show_is_not_ruled_out() -> None:
    # The candidate loses everything on 6 % of the items and next to nothing elsewhere: a true loss above the margin.
    rng = random.Random(3)
    not_worse, bootstrap_alone = 0, 0
    for seed in range(80):
        theirs = [0.9 - 0.02 * rng.random() for _ in range(30)]
        ours = [0.0 if rng.random() < 0.06 else x + rng.uniform(-0.01, 0.01) for x in theirs]
        interval = difference_estimate(ours, theirs, level=0.9, seed=seed).interval
        not_worse += interval is not None and interval.low > -0.05
        alone = mean_estimate([one - other for one, other in zip(ours, theirs, strict=True)], level=0.9, seed=seed)
        bootstrap_alone += alone.interval is not None and alone.interval.low > -0.05
    assert not_worse == 0
    assert bootstrap_alone / 80 > 0.1


@pytest.mark.parametrize(("alpha", "least"), [(0.05, 6), (0.01, 8), (0.5, 3), (0.9, 2)])
def test_the_fewest_discordant_items_are_mcnemars(alpha: float, least: int) -> None:
    assert least_discordant(alpha) == least
    assert mcnemar(least, 0) < alpha <= mcnemar(least - 1, 0)


def test_the_fewest_discordant_items_want_a_chance() -> None:
    with pytest.raises(ValueError, match="alpha"):
        least_discordant(1.0)
