from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from harness.domain.model import Instance, InstanceId, LoadConfig, Model, ModelKey
from harness.errors import LoadFailed
from harness.selection.memory import memory, memory_hint, resident_bytes, with_memory_hint


def model(key: str, gigabytes: float, *, copies: int = 0, type_: str = "llm") -> Model:
    ids = [key if number == 1 else f"{key}:{number}" for number in range(1, copies + 1)]
    instances = tuple(
        Instance(id=InstanceId(instance_id), config=LoadConfig(context_length=4096)) for instance_id in ids
    )
    return Model(key=ModelKey(key), type=type_, size_bytes=int(gigabytes * 1e9), loaded_instances=instances)


BIG = model("big/70b", 40)
LISTING = (
    BIG,
    model("mid/14b", 9),
    model("small/4b", 2.5, copies=2),
    model("tiny/1b", 0.7),
    model("embed/e", 0.1, copies=1, type_="embedding"),
)


def test_every_resident_copy_counts_whatever_its_type() -> None:
    assert resident_bytes(LISTING) == 2 * 2_500_000_000 + 100_000_000
    told = memory(LISTING, BIG)
    assert told.resident_bytes == resident_bytes(LISTING)
    assert [one for one, _ in told.resident] == ["small/4b", "small/4b:2", "embed/e"]


def test_what_would_fit_is_smaller_of_the_same_type_and_surely_fits_only_where_something_lies_now() -> None:
    told = memory(LISTING, BIG)
    assert [model.key for model in told.in_place] == ["tiny/1b"]
    assert [model.key for model in told.smaller] == ["mid/14b"]
    assert [model.key for model in told.loaded] == ["small/4b"]


def test_the_hint_says_what_is_needed_what_is_in_the_way_and_what_would_do() -> None:
    assert memory_hint(LISTING, BIG).splitlines() == [
        "big/70b needs at least 40.0 GB (its file; the context comes on top).",
        "Loaded now: small/4b (2.5 GB), small/4b:2 (2.5 GB), embed/e (100 MB), 5.1 GB in all.",
        "To unload one that is not in use: lms-harness unload --instance ID",
        "Already loaded, so usable at once: small/4b (2.5 GB).",
        "Would fit after unloading what is loaded now: tiny/1b (700 MB).",
        "Smaller, so may fit: mid/14b (9.0 GB).",
    ]


def test_with_nothing_resident_and_nothing_smaller_it_says_so() -> None:
    assert memory_hint([BIG], BIG).splitlines()[1:] == [
        "No model is loaded.",
        "No smaller model of its type is downloaded: try a smaller context length or quantisation.",
    ]


def test_only_a_failure_that_is_about_memory_gets_the_hint() -> None:
    told = with_memory_hint(LoadFailed("insufficient system resources", status=500), LISTING, "BIG/70b")
    assert "needs at least 40.0 GB" in told.hint
    assert (told.message, told.status, told.exit_code) == ("insufficient system resources", 500, 6)
    other = LoadFailed("unknown model architecture", hint="as it was")
    assert with_memory_hint(other, LISTING, "big/70b") is other


@given(st.lists(st.tuples(st.integers(0, 100), st.integers(0, 3), st.booleans()), min_size=1, max_size=8))
def test_whatever_is_listed_nothing_larger_or_loaded_is_proposed_and_no_model_twice(
    made: list[tuple[int, int, bool]],
) -> None:
    listing = [
        model(f"m/{number}", size, copies=copies, type_="embedding" if is_embedding else "llm")
        for number, (size, copies, is_embedding) in enumerate(made)
    ]
    for wanted in listing:
        told = memory(listing, wanted)
        proposed = [*told.in_place, *told.smaller]
        assert all(model.size_bytes < wanted.size_bytes and model.type == wanted.type for model in proposed)
        assert not any(model.is_loaded for model in proposed)
        assert all(model.size_bytes <= told.resident_bytes for model in told.in_place)
        assert len({model.key for model in proposed}) == len(proposed)
        assert memory(listing, replace(wanted)).resident_bytes == sum(
            model.size_bytes * len(model.loaded_instances) for model in listing
        )
        assert memory_hint(listing, wanted)
