from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.domain.model import Capabilities, Instance, InstanceId, LoadConfig, Model, ModelKey, Quantization
from harness.selection.need import PREFERENCES, TASK_NEEDS, Demand, demand_for
from harness.selection.ranking import Ranking, rank, unfit
from harness.selection.selection import parameters_or_guess


def model(
    key: str,
    *,
    size: int = 1,
    params: str | None = None,
    type_: str = "llm",
    most: int = 131_072,
    loaded: int | None = None,
    capabilities: Capabilities | None = None,
) -> Model:
    instances = () if loaded is None else (Instance(id=InstanceId(key), config=LoadConfig(context_length=loaded)),)
    return Model(
        key=ModelKey(key),
        type=type_,
        size_bytes=size,
        params_string=params,
        max_context_length=most,
        loaded_instances=instances,
        capabilities=capabilities,
    )


SEES = Capabilities(vision=True)
CALLS = Capabilities(trained_for_tool_use=True)
LISTING = (
    model("moe/26b-a4b", size=16_000, params="26B-A4B", capabilities=CALLS),
    model("dense/8b", size=5_000, params="8B", capabilities=SEES),
    model("dense/70b", size=40_000, params="70B", most=8192),
    model("embed/e", size=80, type_="embedding", most=2048),
)


def keys(ranking: Ranking) -> list[str]:
    return [candidate.model.key for candidate in ranking.fitting]


def best(*tasks: str, listing: tuple[Model, ...] = LISTING, **more: object) -> str:
    return keys(rank(listing, demand_for(tasks, **more)))[0]  # type: ignore[arg-type]


def test_smaller_by_active_parameters_is_first_for_speed_and_larger_by_all_for_reasoning() -> None:
    assert best("classify") == "moe/26b-a4b"  # 4 of 26 billion are active: faster than 8 billion.
    assert best("reason") == "dense/70b"
    assert best() == "dense/8b"  # Without a task, the smallest file.


def test_what_is_loaded_already_comes_first_whatever_its_size() -> None:
    for task in ("classify", "reason", "chat"):
        assert best(task, listing=(*LISTING, model("z/13b", size=9_000, params="13B", loaded=8192))) == "z/13b"


def test_a_preference_that_is_named_before_loaded_beats_it() -> None:
    listing = (*LISTING, model("z/13b", size=9_000, params="13B", loaded=8192))
    assert best(listing=listing, prefer=("reasoning", "loaded")) == "dense/70b"
    assert best(listing=listing, prefer=("reasoning",)) == "z/13b"


def test_of_several_loaded_models_the_smallest_that_fits_is_first() -> None:
    listing = (model("a/7b", size=5, loaded=4096), model("b/1b", size=1, loaded=4096), model("c/0.5b", size=0))
    assert best(listing=listing) == "b/1b"


@pytest.mark.parametrize(("task", "expected"), [("vision", "dense/8b"), ("embedding", "embed/e")])
def test_a_need_leaves_only_models_that_have_it(task: str, expected: str) -> None:
    assert keys(rank(LISTING, demand_for([task]))) == [expected]


def test_for_tools_a_trained_model_comes_first_and_no_chat_model_is_left_out() -> None:
    listing = (*LISTING, model("z/13b", size=9_000, params="13B", loaded=8192))
    ranking = rank(listing, demand_for(["tools"]))
    assert keys(ranking) == ["moe/26b-a4b", "z/13b", "dense/8b", "dense/70b"]
    assert "ordered by: trained for tool use, then already loaded" in ranking.reason
    measured = rank(listing, demand_for(["tools"]), evidence=lambda model: (model.key != "dense/8b",))
    assert keys(measured)[0] == "dense/8b"


def test_what_a_listing_does_not_tell_counts_as_missing_and_it_says_which() -> None:
    silent = model("silent/7b", most=0)
    assert unfit(silent, Demand(vision=True)) == "does not say whether it has vision"
    assert unfit(model("blind/7b", capabilities=CALLS), Demand(vision=True)) == "has no vision"
    assert (
        unfit(silent, Demand(min_context_tokens=1))
        == "takes an unknown number of tokens of context: expected at least 1"
    )
    assert unfit(silent, Demand()) is None


def test_the_context_needed_is_the_models_and_an_instance_with_less_is_no_loaded_one() -> None:
    short = model("short/1b", size=1, loaded=2048)
    assert rank([short], demand_for(["chat"])).fitting[0].instance is not None
    (candidate,) = rank([short], demand_for(["chat"], min_context_tokens=4096)).fitting
    assert candidate.instance is None
    assert "70b" not in "".join(keys(rank(LISTING, demand_for(["longcontext"]))))


def test_the_first_instance_with_enough_context_is_the_one_to_use() -> None:
    made = [Instance(id=InstanceId(f"m:{n}"), config=LoadConfig(context_length=n)) for n in (2048, 8192, 16384)]
    two = replace(model("m"), loaded_instances=tuple(made))
    (candidate,) = rank([two], demand_for([], min_context_tokens=4096)).fitting
    assert candidate.instance == made[1]


def test_exclusion_and_size_leave_models_out_with_the_reason() -> None:
    ranking = rank(LISTING, demand_for([], exclude=("MOE/*",), max_size_bytes=6_000))
    assert keys(ranking) == ["dense/8b"]
    assert {one.key: why for one, why in ranking.left_out} == {
        "moe/26b-a4b": "is excluded, or larger than the maximum size",
        "dense/70b": "is excluded, or larger than the maximum size",
        "embed/e": "is of type embedding: expected a chat model",
    }


def test_where_none_fits_the_reason_says_so() -> None:
    assert rank(LISTING, Demand(min_context_tokens=10**9)).reason == "of 4 downloaded models, none fits"
    assert rank([], Demand()).reason == "no model is downloaded"


def test_an_unknown_parameter_count_is_guessed_from_the_file_and_its_bits() -> None:
    eight_bits = replace(model("m", size=8_000_000_000), quantization=Quantization(bits_per_weight=8))
    assert parameters_or_guess(eight_bits) == (8e9, 8e9)
    assert parameters_or_guess(model("m", size=2_000_000_000)) == (4e9, 4e9)


@st.composite
def listings(draw: st.DrawFn) -> list[Model]:
    abilities = st.none() | st.builds(Capabilities, vision=st.booleans(), trained_for_tool_use=st.booleans())
    made = st.builds(
        model,
        st.just("?"),
        size=st.integers(0, 50),
        most=st.sampled_from([0, 2048, 8192, 131_072]),
        params=st.sampled_from([None, "4B", "8B", "26B-A4B", "135M", "..", "8x7B", ""]),
        type_=st.sampled_from(["llm", "embedding", "reranker"]),
        loaded=st.none() | st.sampled_from([1024, 8192]),
        capabilities=abilities,
    )
    return [replace(one, key=ModelKey(f"m/{number}")) for number, one in enumerate(draw(st.lists(made, max_size=7)))]


@st.composite
def demands(draw: st.DrawFn) -> Demand:
    chat = sorted(task for task, need in TASK_NEEDS.items() if not need.embedding)
    return demand_for(
        draw(st.lists(st.sampled_from(chat), max_size=3) | st.just(["embedding"])),
        min_context_tokens=draw(st.sampled_from([0, 1, 4096, 100_000])),
        prefer=draw(st.lists(st.sampled_from(PREFERENCES), max_size=4)),
        exclude=draw(st.lists(st.sampled_from(["m/1", "m/*", "M/2"]), max_size=1)),
        max_size_bytes=draw(st.none() | st.integers(0, 50)),
    )


@given(listings(), demands())
def test_every_model_is_either_ranked_or_left_out_with_a_reason(listing: list[Model], demand: Demand) -> None:
    ranking = rank(listing, demand)
    assert sorted([*keys(ranking), *(one.key for one, _ in ranking.left_out)]) == [model.key for model in listing]
    assert all(why for _, why in ranking.left_out)
    assert all(unfit(candidate.model, demand) is None for candidate in ranking.fitting)


@given(listings(), demands(), st.randoms(use_true_random=False))
def test_the_order_of_the_listing_decides_nothing(listing: list[Model], demand: Demand, random: object) -> None:
    shuffled = list(listing)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert rank(shuffled, demand).fitting == rank(listing, demand).fitting


@given(listings(), demands())
def test_unless_put_elsewhere_no_loaded_model_stands_behind_one_that_is_not(
    listing: list[Model], demand: Demand
) -> None:
    loaded = [candidate.instance is not None for candidate in rank(listing, demand).fitting]
    if demand.prefer[0] == "loaded" and not demand.tools:
        assert loaded == sorted(loaded, reverse=True)


@given(listings(), demands())
def test_whoever_is_best_stays_best_when_others_go(listing: list[Model], demand: Demand) -> None:
    ranked = rank(listing, demand).fitting
    for without in listing:
        fewer = rank([model for model in listing if model.key != without.key], demand).fitting
        assert fewer == tuple(candidate for candidate in ranked if candidate.model.key != without.key)
