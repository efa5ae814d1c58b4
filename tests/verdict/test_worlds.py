"""The rule where the truth is known: what it loses, what it says that it loses, and whether what it names suffices.

The large form (`make torture`) has 800 worlds a family and size.
"""

from dataclasses import replace
from statistics import fmean

import numpy as np
import pytest

from harness.settings.rounds import rounds_up_to
from harness.stats.decision import decide
from harness.verdict.choose import AnswerKind, Recommendation, choose
from harness.verdict.contender import Contender, Rule
from harness.verdict.spending import to_ask
from tests.verdict.world import MODELS, Array, Family, World, answers, candidates, draw

HELPS: Family = "size helps"
HARDLY: Family = "size hardly matters"
SIZES = (30, 60, 120)
LARGE = pytest.param(800, marks=(pytest.mark.torture, pytest.mark.timeout(1800)))
EITHER_SIZE = pytest.mark.parametrize("worlds", [120, LARGE])
BY_UTILITY = Rule(floor=0.0)
"""With a floor of 0 every model suffices, so the greatest expected utility is named."""


def chosen(scores: Array, rule: Rule) -> Recommendation:
    return choose(candidates(scores), rule, most_items=0)


@EITHER_SIZE
@pytest.mark.parametrize(
    ("family", "most"),
    [
        (HELPS, (0.024, 0.016, 0.009)),
        pytest.param(HARDLY, (0.022, 0.013, 0.008), marks=pytest.mark.torture),
    ],
)
def test_the_greatest_expected_utility_loses_little_and_says_how_much(
    family: Family, most: tuple[float, ...], worlds: int
) -> None:
    for n, limit in zip(SIZES, most, strict=True):
        if worlds < 500 and n == 60:
            continue
        rng = np.random.default_rng(14)
        lost, stated = [], []
        for _ in range(worlds):
            world = draw(rng, family)
            choice = chosen(answers(rng, world, n), BY_UTILITY)
            assert choice.key is not None
            assert choice.regret is not None
            lost.append(world.regret(choice.key))
            stated.append(choice.regret)
        assert fmean(lost) <= limit
        # Of 120 worlds the mean regret itself is known to 15 % only.
        assert fmean(stated) == pytest.approx(fmean(lost), rel=0.25 if worlds > 500 else 0.5)


def named_and_truly(worlds: int, family: Family, n: int, ask: "Asking") -> tuple[float, float]:
    """Return the share of worlds in which a model is named, and of those the share in which it suffices."""
    rng = np.random.default_rng(9)
    named, suffice = 0, 0
    for _ in range(worlds):
        world = draw(rng, family)
        scores, truth = ask(rng, world, n)
        choice = chosen(scores, Rule())
        if choice.answer is AnswerKind.MODEL and choice.key is not None:
            named += 1
            suffice += truth[int(choice.key[1:])] >= Rule().floor
    return named / worlds, suffice / named


class Asking:
    """Asks a world's models, and says what they would score on items without end."""

    def __call__(self, rng: np.random.Generator, world: World, n: int) -> tuple[Array, Array]:
        return answers(rng, world, n), world.truth


class WithTotalFailures(Asking):
    """Graded scores, of which 5 % are 0 whatever the model is."""

    def __call__(self, rng: np.random.Generator, world: World, n: int) -> tuple[Array, Array]:
        mean = 0.7 + 0.3 * world.truth
        scores = rng.beta(12 * mean, 12 * (1 - mean), (n, len(mean)))
        return np.where(rng.random(scores.shape) < 0.05, 0.0, scores), 0.95 * mean


class WithStrata(Asking):
    """Nine templates, taken in turn, of which some are harder for every model."""

    def __call__(self, rng: np.random.Generator, world: World, n: int) -> tuple[Array, Array]:
        shift = rng.normal(0, 0.8, 9)
        logit = np.log(world.truth / (1 - world.truth))
        rates = 1 / (1 + np.exp(-(logit[None, :] - shift[:, None])))
        return (rng.random((n, rates.shape[1])) < rates[np.arange(n) % 9]).astype(float), rates.mean(axis=0)


@EITHER_SIZE
@pytest.mark.parametrize(
    ("family", "ask"),
    [
        (HELPS, Asking()),
        pytest.param(HARDLY, WithTotalFailures(), marks=pytest.mark.torture),
        pytest.param(HELPS, WithStrata(), marks=pytest.mark.torture),
        pytest.param(HARDLY, Asking(), marks=pytest.mark.torture),
        pytest.param(HELPS, WithTotalFailures(), marks=pytest.mark.torture),
        pytest.param(HARDLY, WithStrata(), marks=pytest.mark.torture),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_what_is_named_truly_suffices(family: Family, ask: Asking, worlds: int) -> None:
    found = [named_and_truly(worlds, family, n, ask) for n in (SIZES if worlds > 500 else (30, 120))]
    shares = [named for named, _ in found]
    assert shares == sorted(shares), "more items name more models"
    assert shares[-1] > 0.4
    for _, suffice in found:
        assert suffice >= (0.93 if worlds > 500 else 0.88)


@pytest.mark.parametrize("worlds", [LARGE])
def test_safe_loses_no_more_than_always_taking_the_largest(worlds: int) -> None:
    rng = np.random.default_rng(4)
    safe, largest = [], []
    for _ in range(worlds):
        world = draw(rng, HELPS)
        scores = answers(rng, world, 30)
        models = candidates(scores, certified=certified(candidates(scores)))
        choice = choose(models, Rule(floor=0.0, is_safe=True), most_items=0)
        assert choice.key is not None
        safe.append(world.regret(choice.key))
        largest.append(world.regret("m3"))
    assert fmean(safe) <= fmean(largest) + 1e-9


def certified(models: list[Contender]) -> dict[str, bool]:
    """Return for which models it is proved that they are not worse than the largest by .10."""
    top = {item: [score] for item, score in models[-1].scores.items()}
    found = {models[-1].key: True}
    for model in models[:-1]:
        scores = {item: [score] for item, score in model.scores.items()}
        found[model.key] = decide(scores, top, margin=0.10).verdict in {"better", "not worse"}
    return found


def until_decided(scores: Array, rounds: tuple[int, ...]) -> tuple[str, int]:
    """Return whom the rounds of `--until-decided` name, and how many answers they took."""
    whole = candidates(scores)
    models, live = {model.key: model for model in whole}, tuple(model.key for model in whole)
    for size in rounds:
        for model in whole:
            if model.key in live:
                items = dict(list(model.scores.items())[:size])
                models[model.key] = replace(model, scores=items)
            else:
                models[model.key] = replace(models[model.key], is_given_up=True)
        choice = choose(list(models.values()), BY_UTILITY, most_items=0)
        live = to_ask(choice)
        if not live:
            break
    assert choice.key is not None
    return choice.key, sum(model.n for model in models.values())


def lost_by_plan(drawn: list[tuple[World, Array]], n: int) -> float:
    """Return the mean regret of asking every model the same n items."""
    choices = [(world, chosen(scores[:n], BY_UTILITY).key) for world, scores in drawn]
    return fmean(world.regret(key) for world, key in choices if key is not None)


@pytest.mark.parametrize("family", [HELPS, pytest.param(HARDLY, marks=pytest.mark.torture)])
def test_rounds_lose_much_less_than_the_first_one_alone(family: Family) -> None:
    rng = np.random.default_rng(3)
    drawn = [(world := draw(rng, family), answers(rng, world, 120)) for _ in range(40)]
    found = [(world, *until_decided(scores, rounds_up_to(120))) for world, scores in drawn]
    assert 15 < fmean(asked for _, _, asked in found) / MODELS < 100
    assert fmean(world.regret(key) for world, key, _ in found) < 0.8 * lost_by_plan(drawn, 15)


@pytest.mark.torture
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("family", "most"), [(HELPS, 1.0), (HARDLY, 0.85)])
def test_rounds_lose_less_than_a_plan_with_as_many_answers(family: Family, most: float) -> None:
    """Where size hardly matters they lose .83 of what the plan loses, where it helps .98.

    In the latter worlds no way to spend at most 120 items a model reaches .85: the plan loses .0095 with the 79 that
    the rounds take, and .0081 with all 120.
    """
    rng = np.random.default_rng(3)
    drawn = [(world := draw(rng, family), answers(rng, world, 120)) for _ in range(800)]
    found = [(world, *until_decided(scores, rounds_up_to(120))) for world, scores in drawn]
    lost = fmean(world.regret(key) for world, key, _ in found)
    assert lost <= most * lost_by_plan(drawn, round(fmean(asked for _, _, asked in found) / MODELS))
