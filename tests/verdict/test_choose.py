"""Who takes a task: the four answers, and what may never change one."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.verdict.choose import AnswerKind, Recommendation, choose
from harness.verdict.contender import Contender, Rule

QUICK = settings(max_examples=60)


def model(key: str, passes: float, n: int = 30, *, time_s: float = 1.0, size: int = 1, lost: int = 0) -> Contender:
    """Return a model that passes the first so many of its items."""
    scores: dict[str, float | None] = {f"i{number:03}": float(number < passes) for number in range(n)}
    for number in range(n - lost, n):
        scores[f"i{number:03}"] = None
    return Contender(key=key, scores=scores, p50_s=time_s, load_s=0.0, size_bytes=size)


def without_names(choice: Recommendation) -> list[tuple[float, float | None]]:
    return [(standing.suffices, standing.utility) for standing in choice.standings]


def test_a_model_that_surely_suffices_is_named_with_its_risk() -> None:
    choice = choose([model("small", 29), model("large", 30, time_s=8.0, size=9)])
    assert (choice.answer, choice.key, choice.runner_up) == (AnswerKind.MODEL, "small", "large")
    assert choice.regret is not None
    assert 0 < choice.regret < 0.03
    assert choice.loss_to_largest is not None
    assert choice.nothing_much_better is not None
    assert choice.nothing_much_better > 0.8
    assert choice.needed is None


def test_time_is_worth_a_price() -> None:
    pair = [model("quick", 29), model("slow", 30, time_s=8.0)]
    assert choose(pair).key == "quick"
    assert choose(pair, Rule(price=0.0)).key == "slow"


def test_a_load_is_spread_over_the_requests() -> None:
    pair = [model("quick", 29), replace(model("slow to load", 30), load_s=20.0)]
    assert choose(pair, Rule(requests_per_load=1)).key == "quick"
    assert choose(pair, Rule(requests_per_load=10_000)).key == "slow to load"


def test_where_none_suffices_the_primary_is_kept_and_the_best_is_named() -> None:
    choice = choose([model("a", 10), model("b", 14)])
    assert (choice.answer, choice.key) == (AnswerKind.PRIMARY, "b")


def test_an_open_answer_names_the_best_so_far_and_the_items_that_would_settle_it() -> None:
    choice = choose([model("a", 26), model("b", 20)])
    assert (choice.answer, choice.key) == (AnswerKind.OPEN, "a")
    assert choice.needed is not None
    assert choice.needed > 30
    assert choose([model("a", 26), model("b", 20)], most_items=31).needed is None


def test_the_items_needed_are_about_those_that_it_takes() -> None:
    """A model at .97 of few items is settled by few more, one at the floor by very many."""
    soon, late = (choose([model("a", passes, n=n)]).needed for passes, n in ((9, 9), (24, 30)))
    assert soon is not None
    assert late is not None
    assert soon <= 60 < late


def test_the_primary_is_the_yardstick_where_its_answers_are_known() -> None:
    primary = model("cloud", 21)
    choice = choose([model("local", 24)], primary=primary)
    assert choice.answer is AnswerKind.MODEL
    assert choice.yardstick == pytest.approx(0.6)
    assert choose([model("local", 24)]).answer is AnswerKind.OPEN
    assert choose([model("local", 9)], primary=primary).answer is AnswerKind.PRIMARY
    near = choose([model("local", 20, n=15)], primary=model("cloud", 8, n=15))
    assert near.answer is AnswerKind.MODEL
    far = choose([model("local", 18)], primary=primary)
    assert far.answer is AnswerKind.OPEN
    assert far.needed is not None


def test_lost_answers_count_as_wrong_and_too_many_of_them_refuse_the_model() -> None:
    assert choose([model("a", 30, lost=1)]).standings[0].suffices < choose([model("a", 30)]).standings[0].suffices
    choice = choose([model("a", 30, lost=2), model("b", 27)])
    assert choice.key == "b"
    assert "2 of 30 answers were lost" in choice.standings[-1].refusal


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        (Rule(max_p50_s=0.5), "p50_s is 1, above the limit of 0.5"),
        (Rule(max_ttft_s=0.5), "ttft_s is unknown"),
        (Rule(max_size_bytes=4), "size_bytes is 5"),
        (Rule(min_context=8192), "its context is unknown"),
    ],
)
def test_a_model_beyond_a_limit_is_never_chosen(rule: Rule, reason: str) -> None:
    choice = choose([model("a", 30, size=5)], rule)
    assert (choice.answer, choice.key) == (AnswerKind.OPEN, None)
    assert reason in choice.standings[0].refusal


def test_regret_ranges_over_the_models_within_the_limits() -> None:
    pair = [model("quick", 28, time_s=1.0), model("slow", 30, time_s=2.0)]
    free, limited = choose(pair, Rule(price=0.2)), choose(pair, Rule(price=0.2, max_p50_s=1.5))
    assert free.regret is not None
    assert limited.regret == 0.0
    assert free.key == limited.key == "quick"


def test_safe_takes_the_certified_one_and_else_the_largest_that_suffices() -> None:
    small, large = model("small", 30, size=1), model("large", 29, time_s=2.0, size=9)
    assert choose([small, large], Rule(is_safe=True)).key == "large"
    assert choose([replace(small, is_certified=True), large], Rule(is_safe=True)).key == "small"


def test_no_candidates_leave_the_task_open() -> None:
    assert choose([]).answer is AnswerKind.OPEN
    assert choose([Contender(key="a", scores={})]).standings[0].refusal == "was not asked"


def test_one_model_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="once"):
        choose([model("a", 3), model("a", 4)])


SCORE = st.sampled_from([0.0, 0.5, 1.0])


@st.composite
def contests(draw: st.DrawFn) -> list[Contender]:
    n = draw(st.integers(4, 12))
    return [
        Contender(
            key=f"m{place}",
            scores={f"i{number}": draw(SCORE) for number in range(n)},
            p50_s=draw(st.sampled_from([1.0, 2.0, 4.0])),
            size_bytes=place + 1,
        )
        for place in range(draw(st.integers(1, 4)))
    ]


RULE = Rule(floor=0.5, confidence=0.7)


def answer(candidates: Sequence[Contender]) -> tuple[AnswerKind, str | None]:
    choice = choose(candidates, RULE, most_items=0)
    return choice.answer, choice.key


@QUICK
@given(contests(), st.integers(0, 3), st.integers(0, 11))
def test_a_wrong_answer_of_a_candidate_never_turns_the_answer_towards_it(
    contest: list[Contender], place: int, item: int
) -> None:
    victim = contest[place % len(contest)]
    worse = replace(victim, scores={**victim.scores, f"i{item % len(victim.scores)}": 0.0})
    before = answer(contest)
    after = answer([worse if candidate is victim else candidate for candidate in contest])
    if before != (AnswerKind.MODEL, victim.key):
        assert after != (AnswerKind.MODEL, victim.key)


@QUICK
@given(contests(), st.permutations(range(4)))
def test_names_and_order_change_nothing(contest: list[Contender], order: list[int]) -> None:
    names = {candidate.key: f"n{order[place]}" for place, candidate in enumerate(contest)}
    renamed = [
        replace(candidate, key=names[candidate.key], scores=dict(reversed(list(candidate.scores.items()))))
        for candidate in reversed(contest)
    ]
    first, second = (choose(those, RULE) for those in (contest, renamed))
    assert first.answer is second.answer
    assert without_names(first) == without_names(second)
    assert (first.regret, first.needed) == (second.regret, second.needed)
    assert first.key is not None
    assert names[first.key] == second.key


@QUICK
@given(contests())
def test_a_dominated_model_is_never_chosen(contest: list[Contender]) -> None:
    choice = choose(contest, RULE, most_items=0)
    assert choice.chosen is not None
    mine = choice.chosen
    for other in choice.standings:
        if other.suffices >= mine.suffices and (other.candidate.p50_s or 0) <= (mine.candidate.p50_s or 0):
            assert (other.candidate.score or 0) <= (mine.candidate.score or 0)


@QUICK
@given(contests(), st.lists(SCORE, min_size=12, max_size=12))
def test_adding_a_model_never_changes_whether_another_suffices(contest: list[Contender], scores: list[float]) -> None:
    added = Contender(key="new", scores={f"i{n}": score for n, score in enumerate(scores)}, p50_s=0.5)
    before = {standing.candidate.key: standing.suffices for standing in choose(contest, RULE, most_items=0).standings}
    after = choose([*contest, added], RULE, most_items=0).standings
    assert before == {
        standing.candidate.key: standing.suffices for standing in after if standing.candidate.key != "new"
    }


def test_items_that_share_a_cluster_tell_less_of_whether_a_model_suffices() -> None:
    """37 of 40 items suffice; as the answers about four documents they may be luck, and it takes more of them."""
    alone = model("small", 37, n=40)
    clustered = replace(alone, clusters={item: item[:-1] for item in alone.scores})
    whole = choose([alone], Rule(floor=0.8))
    part = choose([clustered], Rule(floor=0.8))
    assert (whole.answer, part.answer) == (AnswerKind.MODEL, AnswerKind.OPEN)
    assert part.standings[0].suffices < 0.8 < whole.standings[0].suffices
    assert part.needed is not None
    assert part.needed > 100
    one = replace(alone, clusters=dict.fromkeys(alone.scores, "all"))
    assert choose([one], Rule(floor=0.8)).standings[0].suffices < part.standings[0].suffices + 0.1


def clustered(contender: Contender) -> Contender:
    """Return the model with its items in clusters of ten."""
    return replace(contender, clusters={item: item[:-1] for item in contender.scores})


def test_items_that_share_a_cluster_tell_less_against_a_primary() -> None:
    """Where all agree on 40 items, the candidate will do; on four documents that is not known."""
    primary, small = model("cloud", 34, n=40), model("small", 34, n=40)
    whole = choose([small], primary=primary)
    for pair in (clustered(small), primary), (small, clustered(primary)), (clustered(small), clustered(primary)):
        part = choose([pair[0]], primary=pair[1])
        assert (whole.answer, part.answer) == (AnswerKind.MODEL, AnswerKind.OPEN)
        assert part.standings[0].suffices < whole.standings[0].suffices - 0.1
        assert part.needed is not None
        assert part.needed > 100


def test_items_that_share_a_cluster_tell_less_of_what_may_be_lost() -> None:
    """A model that is ahead on all of a document's items is ahead on one thing."""
    ahead, behind = model("ahead", 40, n=40), model("behind", 30, n=40)
    whole, part = (choose(pair) for pair in ([ahead, behind], [clustered(ahead), clustered(behind)]))
    assert (whole.key, part.key) == ("ahead", "ahead")
    assert whole.nothing_much_better is not None
    assert part.nothing_much_better is not None
    assert part.nothing_much_better < 0.95 < whole.nothing_much_better
    certain, likely = (choice.standings[-1].dominated for choice in (whole, part))
    assert certain is not None
    assert likely is not None
    assert likely < 0.95 < certain
    assert part.standings[0].utility == pytest.approx((4 + 1) / (4 + 2))


def test_times_within_the_noise_of_both_count_as_equal() -> None:
    """A little better and a little slower: the score decides, not a time that the next run may turn round."""
    better, quicker = model("better", 29, time_s=1.2), model("quicker", 28, time_s=1.0)
    rule = Rule(price=0.5)

    def chosen(noise: float | None, other: float | None) -> Recommendation:
        return choose([replace(better, time_noise=noise), replace(quicker, time_noise=other)], rule)

    found = chosen(0.1, 0.1)
    assert found.key == "better"
    assert [(standing.price, standing.as_quick_as) for standing in found.standings] == [(0, "quicker"), (0, None)]
    for noise, other in ((0.05, 0.05), (0.1, None), (None, None)):
        assert chosen(noise, other).key == "quicker"


def test_a_chain_of_small_differences_makes_no_slow_model_quick() -> None:
    chain = [replace(model(f"m{number}", 28, time_s=1.2**number), time_noise=0.1) for number in range(5)]
    found = {standing.candidate.key: standing for standing in choose(chain, Rule(price=0.1)).standings}
    assert [found[f"m{number}"].as_quick_as for number in range(5)] == [None, "m0", None, "m2", None]
    assert found["m4"].price == pytest.approx(0.1 * 4 * 0.263, abs=0.001)
