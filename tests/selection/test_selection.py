from dataclasses import replace
from typing import Any

import pytest

from harness.domain.model import Instance, InstanceId, LoadConfig, Model, ModelKey
from harness.errors import ModelNotFound, SettingsError
from harness.selection.selection import (
    embedders_left_out,
    find_model,
    left_alone,
    nearest_hint,
    parameters,
    select_models,
)
from harness.settings import Settings


def model(key: str, *, size: int = 1, params: str | None = None, type_: str = "llm", loaded: bool = False) -> Model:
    instances = (Instance(id=InstanceId(key), config=LoadConfig(context_length=4096)),) if loaded else ()
    return Model(key=ModelKey(key), type=type_, size_bytes=size, params_string=params, loaded_instances=instances)


LISTING = (
    model("big/30b-a3b", size=18_000, params="30B-A3B"),
    model("mid/8b", size=5_000, params="8B"),
    model("small/4b", size=2_500, params="4B"),
    model("embed/nomic", size=80, type_="embedding"),
)


def keys(*, patterns: tuple[str, ...] = (), listing: tuple[Model, ...] = LISTING, **more: object) -> list[str]:
    return [model.key for model in select_models(listing, patterns=patterns, **more).models]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4B", (4e9, 4e9)),
        ("26B-A4B", (26e9, 4e9)),
        ("135M", (135e6, 135e6)),
        ("0.6b", (6e8, 6e8)),
        (None, None),
        ("?", None),
        ("..B", None),
        ("8x7B", None),
        ("1T-A32B", (1e12, 32e9)),
    ],
)
def test_parameters_tell_total_and_active(text: str | None, expected: tuple[float, float] | None) -> None:
    assert parameters(model("m", params=text)) == expected


def test_without_a_name_the_loaded_models_are_chosen() -> None:
    listing = (*LISTING, model("other/7b", loaded=True))
    assert keys(listing=listing) == ["other/7b"]


def test_without_a_name_and_nothing_loaded_the_smallest_chat_model_is_chosen_and_it_says_so() -> None:
    chosen = select_models(LISTING)
    assert [model.key for model in chosen.models] == ["small/4b"]
    assert "smallest" in chosen.reason


def test_all_is_every_chat_model_cheapest_first_by_active_parameters() -> None:
    assert keys(patterns=("all",)) == ["big/30b-a3b", "small/4b", "mid/8b"]


def test_for_tasks_of_both_kinds_all_and_globs_mean_models_of_both() -> None:
    assert keys(patterns=("all",), is_mixed=True) == ["embed/nomic", "big/30b-a3b", "small/4b", "mid/8b"]
    assert keys(patterns=("*m*",), is_mixed=True) == ["embed/nomic", "small/4b", "mid/8b"]
    assert keys(patterns=("*m*",)) == ["small/4b", "mid/8b"]


def test_a_key_with_a_level_as_tables_print_it_is_told_apart_into_key_and_level() -> None:
    with pytest.raises(ModelNotFound, match="'Mid/8b@low'") as caught:
        find_model(LISTING, "Mid/8b@low")
    assert caught.value.hint == "A key is without the reasoning level: name Mid/8b, and setting `reasoning = low`."
    with pytest.raises(ModelNotFound, match="has the key") as caught:
        find_model(LISTING, "@low")
    assert "Did you mean" in str(caught.value.hint) or "lists all" in str(caught.value.hint)


def test_globs_and_repeats_name_each_model_once_whatever_the_case() -> None:
    assert keys(patterns=("*/4B", "small/*", "MID/8b")) == ["small/4b", "mid/8b"]


def test_exclusion_and_size_leave_models_out() -> None:
    assert keys(patterns=("all",), exclude=("mid/*",)) == ["big/30b-a3b", "small/4b"]
    assert keys(patterns=("all",), max_size_bytes=6_000) == ["small/4b", "mid/8b"]
    with pytest.raises(SettingsError, match="chat models are left out"):
        keys(patterns=("all",), exclude=("*",))


def test_a_key_that_is_not_there_names_the_nearest() -> None:
    with pytest.raises(ModelNotFound, match="small/4b") as caught:
        keys(patterns=("smal/4b",))
    assert caught.value.exit_code == 5


def test_an_embedding_model_is_selected_by_name_alone() -> None:
    assert keys(patterns=("EMBED/nomic",)) == keys(patterns=("embed/*",)) == ["embed/nomic"]
    assert keys(patterns=("small/4b", "embed/nomic")) == ["embed/nomic", "small/4b"]
    assert "embed/nomic" not in keys(patterns=("*",))
    assert keys(patterns=("embed/nomic",), listing=LISTING[3:]) == ["embed/nomic"]
    with pytest.raises(SettingsError, match="of 1 listed model, none can chat"):
        select_models(LISTING[3:])


def test_where_only_embedding_tasks_are_named_all_is_every_embedding_model() -> None:
    assert keys(kind="embedding") == keys(patterns=("all",), kind="embedding") == ["embed/nomic"]
    assert keys(patterns=("small/4b",), kind="embedding") == ["small/4b"]
    with pytest.raises(SettingsError, match="of 3 listed models, none makes embeddings"):
        keys(listing=LISTING[:3], kind="embedding")
    with pytest.raises(SettingsError, match="the only embedding model is left out"):
        keys(kind="embedding", exclude=("embed/*",))


def test_all_says_which_embedding_models_it_does_not_mean_and_how_to_ask_them() -> None:
    def left(*patterns: str, **changed: Any) -> str:
        settings = replace(Settings(), models=patterns, **changed)
        return embedders_left_out(LISTING, select_models(LISTING, patterns=patterns).models, settings)

    assert left("all") == (
        "setting `models = all` means all chat models: 1 embedding model (embed/nomic) not asked. "
        "Name one to ask it, too."
    )
    assert left("*") == left("all", "embed/nomic") == left("all", exclude=("embed/*",)) == ""


def test_the_hint_counts_what_the_models_command_lists_and_offers_only_what_is_asked() -> None:
    listing = (*LISTING, replace(LISTING[0], key=ModelKey("small/4c"), type="decision"))
    with pytest.raises(ModelNotFound) as caught:
        keys(patterns=("smal/4c",), listing=listing)
    assert f"lists all {len(listing)}." in str(caught.value.hint)
    assert "small/4c" not in str(caught.value.hint)


def test_keys_match_in_any_case() -> None:
    assert find_model(LISTING, "SMALL/4B").key == "small/4b"


@pytest.mark.parametrize(
    ("listing", "asked", "expected"),
    [
        (LISTING, "smal/4b", ["Did you mean small/4b", "The smallest chat model: big/30b-a3b."]),
        (LISTING, "embed/nomik", ["Did you mean embed/nomic", "The smallest embedding model: embed/nomic."]),
        ((*LISTING, model("other/7b", loaded=True)), "qqq", ["Loaded chat models: other/7b.", "lists all 5"]),
        ((), "x", ["lms-harness download"]),
    ],
)
def test_a_key_that_is_not_there_gets_the_nearest_keys_and_what_else_would_do(
    listing: tuple[Model, ...], asked: str, expected: list[str]
) -> None:
    hint = nearest_hint(listing, asked)
    assert all(part in hint for part in expected), hint


def test_a_variant_given_as_a_key_is_named_with_its_model_and_the_selected_one() -> None:
    listing = (replace(model("qwen/4b"), variants=("qwen/4b@q4_0", "qwen/4b@q8_0"), selected_variant="qwen/4b@q4_0"),)
    for find in (
        lambda: find_model(listing, "Qwen/4B@q8_0"),
        lambda: select_models(listing, patterns=["qwen/4b@q8_0"]),
    ):
        with pytest.raises(ModelNotFound, match=r"variant of qwen/4b, of which qwen/4b@q4_0 is selected") as refused:
            find()
        assert "Use the key qwen/4b" in refused.value.hint


DECISION = model("acme/verdict", type_="decision")


def test_a_model_that_neither_chats_nor_embeds_is_left_alone_and_one_line_says_so() -> None:
    listing = (*LISTING, DECISION)
    assert keys(patterns=("all",), listing=listing) == keys(patterns=("all",))
    line = "Left alone, as only llm and embedding models are asked: acme/verdict (decision)."
    assert left_alone(listing) == left_alone(listing, ("small/*", "ACME/*")) == line
    assert left_alone(LISTING) == left_alone(listing, ()) == left_alone(listing, ("small/4b",)) == ""


def test_of_many_such_models_the_first_three_are_named() -> None:
    many = [model(f"m{number}", type_="tts") for number in range(5)]
    assert left_alone(many).endswith("asked: m0 (tts), m1 (tts), m2 (tts) and 2 more.")


def test_one_that_is_named_is_refused_with_its_type() -> None:
    with pytest.raises(ModelNotFound, match="acme/verdict is of type 'decision': expected a chat model"):
        keys(patterns=("ACME/verdict",), listing=(*LISTING, DECISION))
