"""How many samples fit into a time, and who is left out."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from harness.run.plan.budget import LEAST_SAMPLES, CellCost, ModelCost, allot, shared


def model(key: str, *, fixed_s: float = 1.0, sample_s: float = 1.0, known: int = 0) -> ModelCost:
    return ModelCost(key=key, fixed_s=fixed_s, cells={"task": CellCost(sample_s=sample_s, known=known)})


def test_all_models_get_the_same_number_of_samples() -> None:
    found = allot([model("a"), model("b")], limit=30, epochs=1, available_s=42.0)
    assert (found.limit, found.kept, found.dropped) == (20, ("a", "b"), ())


def test_never_more_than_was_asked_for() -> None:
    assert allot([model("a")], limit=30, epochs=1, available_s=1e6).limit == 30


def test_the_most_expensive_model_is_dropped_before_all_get_less_than_ten() -> None:
    found = allot([model("a"), model("b"), model("c", sample_s=5.0)], limit=30, epochs=1, available_s=32.0)
    assert (found.kept, found.dropped) == (("a", "b"), ("c",))
    assert found.limit == 15


def test_the_last_one_left_gets_what_fits() -> None:
    assert allot([model("a"), model("b")], limit=30, epochs=1, available_s=5.0).limit == 4
    nothing = allot([model("a")], limit=30, epochs=1, available_s=1.5)
    assert (nothing.limit, nothing.kept, nothing.dropped) == (0, (), ("a",))


def test_a_loaded_model_is_not_dropped_while_there_is_another() -> None:
    found = allot([model("a", sample_s=5.0), model("b")], limit=30, epochs=1, available_s=60.0, first="a")
    assert found.kept == ("a",)


def level(key: str, *, sample_s: float) -> ModelCost:
    return replace(model(key, fixed_s=21.0, sample_s=sample_s), model_key=key.partition("@")[0], load_s=20.0)


def test_the_levels_of_a_model_share_its_load_and_the_next_one_has_it_where_the_first_is_dropped() -> None:
    levels = [level("m@off", sample_s=2.0), level("m@low", sample_s=1.0)]
    assert [cost.fixed_s for cost in shared(levels)] == [21.0, 1.0]
    assert [cost.fixed_s for cost in shared(levels, loaded="m")] == [1.0, 1.0]
    assert shared([model("a"), model("b")]) == [model("a"), model("b")]
    both = allot(levels, limit=30, epochs=1, available_s=52.0)
    assert (both.limit, both.kept) == (10, ("m@off", "m@low"))
    one = allot(levels, limit=30, epochs=1, available_s=51.0)
    assert (one.kept, one.dropped) == (("m@low",), ("m@off",))
    assert one.limit == 30, "a load of 20 s, a second of tests, and 30 s of samples"
    assert allot(levels[1:], limit=30, epochs=1, available_s=50.0).limit == 29


def test_who_saves_most_is_dropped_and_a_load_that_another_level_needs_saves_nothing() -> None:
    costs = [level("m@off", sample_s=0.1), level("m@low", sample_s=0.1), model("big", fixed_s=5.0, sample_s=1.0)]
    found = allot(costs, limit=30, epochs=1, available_s=30.0)
    assert found.dropped == ("big",), "without m@off, which looks dearer, m would still be loaded"


def test_epochs_cost_as_samples_do_and_known_answers_nothing() -> None:
    assert allot([model("a")], limit=30, epochs=2, available_s=41.0).limit == 20
    assert allot([model("a", known=25)], limit=30, epochs=1, available_s=6.0).limit == 30


COSTS = st.lists(
    st.builds(
        lambda key, fixed, sample: model(key, fixed_s=fixed, sample_s=sample),
        st.text(min_size=1),
        st.floats(0, 100),
        st.floats(0.001, 10),
    ),
    unique_by=lambda one: one.key,
    max_size=6,
)


@given(COSTS, st.integers(1, 50), st.integers(1, 3), st.floats(0, 5000))
def test_what_is_kept_fits_and_one_more_sample_would_not(
    costs: list[ModelCost], limit: int, epochs: int, available_s: float
) -> None:
    found = allot(costs, limit=limit, epochs=epochs, available_s=available_s)
    kept = [cost for cost in costs if cost.key in found.kept]
    assert sorted(found.kept + found.dropped) == sorted(cost.key for cost in costs)
    assert sum(cost.seconds(found.limit, epochs) for cost in kept) <= available_s
    if kept and found.limit < limit:
        assert sum(cost.seconds(found.limit + 1, epochs) for cost in kept) > available_s
    if len(kept) > 1:
        assert found.limit >= min(LEAST_SAMPLES, limit)


def test_without_models_there_is_nothing_to_allot() -> None:
    assert allot([], limit=30, epochs=1, available_s=1.0).kept == ()
