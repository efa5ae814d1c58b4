from dataclasses import replace

import pytest

from harness.command.request import addressed, fitted
from harness.domain.generation import ChatRequest, Image
from harness.domain.model import Capabilities, Instance, InstanceId, LoadConfig, Model, ModelKey
from harness.errors import ModelNotFound, SettingsError, TaskError

PLAIN = Model(
    key=ModelKey("acme/plain"),
    type="llm",
    max_context_length=4096,
    capabilities=Capabilities(),
    loaded_instances=(
        Instance(id=InstanceId("acme/plain"), config=LoadConfig(context_length=2048)),
        Instance(id=InstanceId("alias"), config=LoadConfig(context_length=1024)),
    ),
)
SEES = Model(key=ModelKey("acme/sees"), type="llm", capabilities=Capabilities(vision=True))
UNTOLD = Model(key=ModelKey("acme/untold"), type="llm")
THINKS = Model(key=ModelKey("acme/thinks"), type="llm", capabilities=Capabilities(reasoning_options=("low", "xhigh")))
EMBEDS = Model(key=ModelKey("acme/embeds"), type="embedding")
LISTING = (PLAIN, SEES, UNTOLD, THINKS, EMBEDS)
PICTURE = ("What is it?", Image(data_url="data:image/png;base64,QUJD"))
ASKED = ChatRequest(model="any", input="Hello")


class Ear:
    """Hears what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []


def fit(request: ChatRequest, model: Model, instance_id: str | None = None, *, ear: Ear | None = None) -> ChatRequest:
    named = None if instance_id is None else InstanceId(instance_id)
    return fitted(request, model, named, listing=LISTING, say=(ear or Ear()).said.append)


def test_a_name_is_a_key_in_any_case_or_exactly_an_instance() -> None:
    assert addressed(LISTING, "ACME/plain") == (PLAIN, None)
    assert addressed(LISTING, "acme/plain") == (PLAIN, None)
    assert addressed(LISTING, "alias") == (PLAIN, "alias")
    with pytest.raises(ModelNotFound):
        addressed(LISTING, "Alias")


def test_an_alias_that_is_another_models_key_means_the_instance_as_at_the_server() -> None:
    shadow = replace(SEES, loaded_instances=(Instance(id=InstanceId("acme/untold"), config=LoadConfig()),))
    assert addressed((shadow, UNTOLD), "acme/untold") == (shadow, "acme/untold")


def test_an_embedding_model_cannot_chat() -> None:
    with pytest.raises(SettingsError, match="cannot chat") as refused:
        fit(ASKED, EMBEDS)
    assert "acme/plain, acme/sees" in refused.value.hint


def test_a_model_of_another_type_cannot_chat_either_and_its_type_is_named() -> None:
    with pytest.raises(SettingsError, match="acme/verdict is of type decision and cannot chat"):
        fit(ASKED, replace(EMBEDS, key=ModelKey("acme/verdict"), type="decision"))


def test_images_go_to_models_with_vision_and_to_those_of_which_nothing_is_known() -> None:
    asked = replace(ASKED, input=PICTURE)
    assert fit(asked, SEES).input == fit(asked, UNTOLD).input == PICTURE
    with pytest.raises(SettingsError, match="acme/plain does not accept images") as refused:
        fit(asked, PLAIN)
    assert refused.value.hint == "Downloaded models with vision: acme/sees"


def test_reasoning_is_sent_only_where_its_value_is_listed() -> None:
    ear = Ear()
    assert fit(replace(ASKED, reasoning="xhigh"), THINKS).reasoning == "xhigh"
    assert fit(ASKED, THINKS).reasoning is None
    assert fit(replace(ASKED, reasoning="off"), PLAIN, ear=ear).reasoning is None
    assert fit(replace(ASKED, reasoning="off"), UNTOLD, ear=ear).reasoning is None
    assert [line.partition(",")[0] for line in ear.said] == [
        "acme/plain lists no reasoning settings",
        "acme/untold lists no reasoning settings",
    ]
    with pytest.raises(SettingsError, match="'off'") as refused:
        fit(replace(ASKED, reasoning="off"), THINKS)
    assert refused.value.hint == "Expected one of: low, xhigh"


def test_a_context_that_the_model_or_the_named_instance_has_not_is_refused() -> None:
    assert fit(replace(ASKED, context_length=4096), PLAIN).context_length == 4096
    assert fit(replace(ASKED, context_length=1024), PLAIN, "alias").context_length == 1024
    assert fit(replace(ASKED, context_length=10**6), UNTOLD).context_length == 10**6
    with pytest.raises(SettingsError, match="at most 4096 tokens for acme/plain, got 4097"):
        fit(replace(ASKED, context_length=4097), PLAIN)
    with pytest.raises(SettingsError, match="alias is loaded with a context of 1024 tokens, not 2048"):
        fit(replace(ASKED, context_length=2048), PLAIN, "alias")


def test_a_task_that_certainly_cannot_fit_is_refused_and_one_that_might_is_not() -> None:
    words = "word " * 13_107  # 65,535 characters, 4096 * 16 - 1
    assert fit(replace(ASKED, input=words), PLAIN).input == words
    with pytest.raises(TaskError, match="takes 4096"):
        fit(replace(ASKED, input=words + "and more of it, a lot"), PLAIN)
    with pytest.raises(TaskError, match="takes 2000"):
        fit(replace(ASKED, input=words, context_length=2000), PLAIN)


def test_repetitions_may_be_few_tokens() -> None:
    asked = replace(ASKED, input="=" * 1_000_000 + "\n" * 1_000_000)
    assert fit(asked, PLAIN) == asked


def test_what_is_too_long_for_a_request_is_refused_where_no_context_is_known() -> None:
    with pytest.raises(TaskError, match=r"would have 3\d\.\d MiB: expected at most 32 MiB"):
        fit(replace(ASKED, input="ü" * 6_000_000), UNTOLD)
