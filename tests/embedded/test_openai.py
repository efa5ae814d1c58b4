"""The official `openai` client, unmodified, against the embedded server."""

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from .conftest import loaded
from .test_models import EMBEDDING, KEY, load

if TYPE_CHECKING:
    from openai import OpenAI

pytestmark = [pytest.mark.embedded, pytest.mark.usefixtures("resident")]

MESSAGES: Any = [{"role": "user", "content": "Name an animal."}]


@pytest.fixture
def client(http: httpx.Client) -> "OpenAI":
    # Not at the top: every worker collects this module, and openai takes half a second.
    openai = pytest.importorskip("openai", reason="needs openai: pip install 'lmstudio-harness[dev]'")
    return openai.OpenAI(base_url=f"{http.base_url}/v1", api_key="lmstudio", max_retries=0, timeout=60)  # type: ignore[no-any-return]


def test_models_are_listed(client: "OpenAI") -> None:
    assert {KEY, EMBEDDING} <= {model.id for model in client.models.list()}


def test_a_chat_is_answered_by_the_named_instance(client: "OpenAI", http: httpx.Client) -> None:
    load(http)
    answer = client.chat.completions.create(model=f"{KEY}:2", messages=MESSAGES, max_tokens=8, temperature=0)
    assert answer.model == f"{KEY}:2"
    assert answer.choices[0].finish_reason == "length"
    assert answer.choices[0].message.content
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 8


def test_a_stream_ends_with_its_usage(client: "OpenAI", http: httpx.Client) -> None:
    chunks = list(
        client.chat.completions.create(
            model=KEY, messages=MESSAGES, max_tokens=8, stream=True, stream_options={"include_usage": True}
        )
    )
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert chunks[-1].usage is not None
    assert 0 < chunks[-1].usage.completion_tokens <= 8  # It may end of itself.


def test_a_json_schema_is_obeyed(client: "OpenAI", http: httpx.Client) -> None:
    schema = {
        "type": "object",
        "properties": {"animal": {"type": "string", "maxLength": 12}, "legs": {"type": "integer"}},
        "required": ["animal", "legs"],
        "additionalProperties": False,
    }
    form: Any = {"type": "json_schema", "json_schema": {"name": "animal", "strict": True, "schema": schema}}
    answer = client.chat.completions.create(model=KEY, messages=MESSAGES, max_tokens=60, response_format=form)
    value = json.loads(answer.choices[0].message.content or "")
    assert isinstance(value["animal"], str)
    assert isinstance(value["legs"], int)


WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "maxLength": 20}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}
CLOCK: Any = {"type": "function", "function": {"name": "clock", "description": "Tells the time."}}
QUESTION: Any = {"role": "user", "content": "What is the weather in Oslo?"}


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "weather"}}])
def test_a_required_tool_is_called_with_arguments_of_its_schema(
    client: "OpenAI", http: httpx.Client, choice: Any
) -> None:
    tools = [WEATHER] if choice == "required" else [CLOCK, WEATHER]
    answer = client.chat.completions.create(
        model=KEY, messages=[QUESTION], max_tokens=80, tools=tools, tool_choice=choice, temperature=0
    )
    (answered,) = answer.choices
    calls: Any = answered.message.tool_calls
    assert (answered.finish_reason, answered.message.content) == ("tool_calls", None)
    assert calls[0].function.name == "weather"
    assert isinstance(json.loads(calls[0].function.arguments)["city"], str)


def test_a_tool_call_is_streamed_and_its_result_taken(client: "OpenAI", http: httpx.Client) -> None:
    chunks = list(
        client.chat.completions.create(
            model=KEY,
            messages=[QUESTION],
            max_tokens=80,
            tools=[WEATHER],
            tool_choice="required",
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    calls: Any = chunks[0].choices[0].delta.tool_calls
    assert calls[0].function.name == "weather"
    assert chunks[1].choices[0].finish_reason == "tool_calls"
    assert chunks[-1].usage is not None
    history: Any = [
        QUESTION,
        {"role": "assistant", "tool_calls": [calls[0].model_dump(exclude={"index"})]},
        {"role": "tool", "tool_call_id": calls[0].id, "content": "Rain, 4 degrees."},
    ]
    asked = client.chat.completions.create(model=KEY, messages=[QUESTION], max_tokens=4, tools=[WEATHER])
    answer = client.chat.completions.create(model=KEY, messages=history, max_tokens=4, tools=[WEATHER])
    assert asked.usage is not None
    assert answer.usage is not None
    assert answer.usage.prompt_tokens > asked.usage.prompt_tokens


def test_offered_tools_reach_the_prompt_and_none_keeps_them_out(client: "OpenAI", http: httpx.Client) -> None:

    def prompt_tokens(**more: Any) -> int:
        answer = client.chat.completions.create(model=KEY, messages=[QUESTION], max_tokens=1, **more)
        assert answer.usage is not None
        return int(answer.usage.prompt_tokens)

    bare = prompt_tokens()
    assert prompt_tokens(tools=[WEATHER]) > bare + 20
    assert prompt_tokens(tools=[WEATHER], tool_choice="none") == bare


@pytest.mark.parametrize(
    "more",
    [
        {"tools": [{"type": "function"}]},
        {"tools": [WEATHER], "tool_choice": {"type": "function", "function": {"name": "nobody"}}},
    ],
)
def test_senseless_tools_are_refused(client: "OpenAI", http: httpx.Client, more: Any) -> None:
    from openai import BadRequestError

    with pytest.raises(BadRequestError, match="tool"):
        client.chat.completions.create(model=KEY, messages=[QUESTION], **more)


def test_embeddings_are_vectors_in_which_like_is_near_like_and_long_texts_are_cut(
    client: "OpenAI", http: httpx.Client
) -> None:
    texts = ["The cat sleeps on the sofa.", "A kitten naps on the couch.", "Interest rates rose by half a percent."]
    load(http, EMBEDDING, context_length=64)
    answer = client.embeddings.create(model=EMBEDDING, input=texts)
    vectors = [item.embedding for item in answer.data]
    assert {len(vector) for vector in vectors} == {576}
    assert answer.model == EMBEDDING

    def cosine(a: list[float], b: list[float]) -> float:
        dot = sum(x * y for x, y in zip(a, b, strict=True))
        return dot / float(sum(x * x for x in a) ** 0.5 * sum(y * y for y in b) ** 0.5)

    assert cosine(vectors[0], vectors[1]) > cosine(vectors[0], vectors[2])
    assert loaded(http) == [KEY, EMBEDDING]
    # Of a text that is too long its beginning is embedded, without a word.
    vector = client.embeddings.create(model=EMBEDDING, input="one two three " * 2000).data[0].embedding
    assert len(vector) == 576


def test_unknown_models_and_json_object_are_refused(client: "OpenAI", http: httpx.Client) -> None:
    from openai import BadRequestError

    load(http, "smollm2-135m-instruct-q8_0")  # Of two models, neither is meant.
    with pytest.raises(BadRequestError) as caught:
        client.chat.completions.create(model="nobody", messages=MESSAGES)
    assert caught.value.code == "model_not_found"
    with pytest.raises(BadRequestError, match="json_schema"):
        client.chat.completions.create(model=KEY, messages=MESSAGES, response_format={"type": "json_object"})
    with pytest.raises(BadRequestError):
        client.embeddings.create(model=KEY, input="x")


def test_an_unknown_name_is_answered_by_the_only_loaded_model_which_the_answer_names(
    client: "OpenAI", http: httpx.Client
) -> None:
    answer = client.chat.completions.create(model="nobody", messages=MESSAGES, max_tokens=2)
    assert answer.model == KEY


def test_a_native_body_of_lm_studio_alone_is_taken(http: httpx.Client) -> None:
    body = {"model": KEY, "messages": MESSAGES, "max_tokens": 2, "ttl": 60}
    answer = http.post("/v1/chat/completions", json=body)
    assert answer.status_code == 200
    assert answer.json()["model"] == KEY
