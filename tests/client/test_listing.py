"""What is odd about one entry of the listing is that entry's problem, and is named once."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.client.http import Client
from harness.client.listing import UNREADABLE, read_listing
from harness.client.wire import ModelWire
from harness.domain.model import Model
from harness.testing.odd_entry import LOADED, NOT_LOADED
from harness.testing.scripted import ScriptedServer

SOUND = {"type": "llm", "key": "acme/a", "loaded_instances": [{"id": "acme/a", "config": {"context_length": 4096}}]}


def read(*entries: Any) -> tuple[tuple[Model, ...], tuple[str, ...]]:
    listing = read_listing(entries)
    return listing.models, listing.oddities


@pytest.mark.parametrize("name", NOT_LOADED)
def test_an_odd_entry_hides_no_other_one_and_nothing_is_loaded_of_it(name: str) -> None:
    models, oddities = read(NOT_LOADED[name], SOUND)
    assert models[-1].key == "acme/a"
    assert models[-1].loaded_instances[0].id == "acme/a"
    assert sum(len(model.loaded_instances) for model in models) == 1
    assert len(oddities) <= 1


@pytest.mark.parametrize("name", LOADED)
def test_what_may_be_resident_counts_though_it_cannot_be_read(name: str) -> None:
    models, _ = read(SOUND, LOADED[name])
    assert [len(model.loaded_instances) for model in models] == [1, 1]
    assert models[1].loaded_instances[0].id in {UNREADABLE, "odd/model"}
    assert models[1].is_chat == ("without key" not in name)


ODDLY: list[tuple[Any, str]] = [
    (None, "entry 1 is not an object and is skipped"),
    ({"type": "llm"}, "entry 1 has no key and is skipped"),
    ({"key": "x", "size_bytes": "1 MB", "type": "llm"}, "size_bytes of x cannot be read"),
    ({"key": "x", "size_bytes": 10**4000, "type": "llm"}, "size_bytes of x is out of range"),
    ({"key": "x", "type": None}, "x has no type that can be read, so it is never chosen for a chat"),
    ({"key": "x", "type": "llm", "quantization": {"bits_per_weight": "4"}}, "quantization.bits_per_weight of x cannot"),
    ({"key": "x", "type": "llm", "loaded_instances": 3}, "the loaded instances of x cannot be read: something may be"),
    ({"key": "x", "type": "llm", "loaded_instances": [{}]}, "an instance of x has no id: it counts as loaded"),
]


@pytest.mark.parametrize(("entry", "line"), ODDLY)
def test_it_says_what_is_odd(entry: Any, line: str) -> None:
    _, (oddity,) = read(entry)
    assert oddity.startswith(f"The server's listing: {line}")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
fields = st.sampled_from([*ModelWire.model_fields, "more"])
parts = st.sampled_from(["id", "config", "context_length", "name", "reasoning", "allowed_options", "vision"])
values = json_values | st.dictionaries(parts, json_values | st.lists(st.dictionaries(parts, json_values), max_size=2))
entries = st.dictionaries(fields, values | st.lists(values, max_size=2), max_size=8) | json_values


@given(st.lists(entries, max_size=4))
def test_no_listing_raises_and_no_sound_entry_is_lost(odd: list[Any]) -> None:
    models, _ = read(*odd, SOUND)
    (found,) = (model for model in models if model.key == "acme/a")
    assert found.instance("acme/a") is not None


def test_the_rest_of_an_odd_entry_is_read() -> None:
    (model,), _ = read({**SOUND, "size_bytes": "1 MB", "params_string": "1B", "capabilities": {"vision": "yes"}})
    assert (model.key, model.size_bytes, model.params_string, model.is_loaded) == ("acme/a", 0, "1B", True)
    assert model.capabilities is not None
    assert not model.capabilities.vision


def test_a_key_that_is_listed_twice_is_one_model_with_all_instances() -> None:
    again = {**SOUND, "loaded_instances": [*SOUND["loaded_instances"], {"id": "acme/a:2"}]}
    (model,), oddities = read(SOUND, again)
    assert [instance.id for instance in model.loaded_instances] == ["acme/a", "acme/a:2"]
    assert oddities == ("The server's listing: acme/a is listed more than once: its instances count together.",)


def test_a_type_that_is_not_known_is_listed_but_cannot_chat() -> None:
    (model,), oddities = read({"key": "acme/decides", "type": "decision"})
    assert (model.is_chat, model.is_embedding, oddities) == (False, False, ())


def test_the_client_names_each_oddity_once() -> None:
    told: list[str] = []
    with ScriptedServer(odd_entries=[None, {"type": "llm"}]) as server, Client(server.url) as client:
        client.on_oddity = told.append
        for _ in range(3):
            assert client.models()
    assert len(told) == 2
