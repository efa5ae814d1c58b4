"""The native chat: its answer, its stream, stored turns, and what it refuses."""

from collections.abc import Mapping
from typing import Any

from harness.contract.bench import Bench, RawReply
from harness.contract.check import Check, Deviation, Unchecked, expect
from harness.domain.model import ResponseId
from harness.errors import ContextOverflow

_CHAT = "/api/v1/chat"
_SETTINGS = ("off", "low", "medium", "high", "on")
_OVERFLOW_AT_MOST = 16_384


def chat_answer(bench: Bench) -> str:
    """A chat by instance id is answered by that instance, with model_instance_id, `output`, `stats` in whole tokens."""
    body = bench.body(max_output_tokens=8)
    payload = _answer(bench, body)
    expect({"model_instance_id", "output", "stats"} <= set(payload), f"only {', '.join(sorted(payload)) or 'nothing'}")
    expect(payload["model_instance_id"] == body["model"], f"answered by {payload['model_instance_id']}")
    stats = payload["stats"]
    counts = {name: stats.get(name) for name in ("input_tokens", "total_output_tokens", "reasoning_output_tokens")}
    expect(all(isinstance(count, int) for count in counts.values()), f"counts: {counts}")
    expect(0 < counts["total_output_tokens"] <= 8, f"{counts['total_output_tokens']} of at most 8 tokens")  # noqa: PLR2004
    speeds = {name: stats.get(name) for name in ("tokens_per_second", "time_to_first_token_seconds")}
    expect(all(isinstance(speed, int | float) for speed in speeds.values()), f"speeds: {speeds}")
    return ", ".join(f"{name} {value}" for name, value in counts.items())


def warm_chat_tells_no_load(bench: Bench) -> str:
    """`stats.model_load_time_seconds` is there only when the request itself loaded the model."""
    stats = _answer(bench, bench.body()).get("stats", {})
    expect("model_load_time_seconds" not in stats, f"model_load_time_seconds {stats.get('model_load_time_seconds')}")
    return "absent"


def stored_by_default(bench: Bench) -> str:
    """An answer is stored unless `store` is false: its response_id begins with resp_."""
    body = bench.body()
    del body["store"]
    found = _answer(bench, body).get("response_id")
    expect(str(found).startswith("resp_"), f"response_id {found!r}")
    return f"{str(found)[:9]}…, {len(str(found))} characters"


def store_false(bench: Bench) -> str:
    """With `store: false` there is no response_id."""
    found = _answer(bench, bench.body(store=False)).get("response_id")
    expect(found is None, f"response_id {found!r}")
    return "absent"


def stored_turns_branch(bench: Bench) -> str:
    """A chat with previous_response_id has the stored turns in its prompt; the same id can be continued many times."""
    first = bench.client.chat(bench.request("My name is Ada and I live in Oslo.", store=True))
    more = bench.request("Where do I live?", previous_response_id=first.response_id)
    first_tokens, second_tokens = (bench.client.chat(more).stats.input_tokens or 0 for _ in range(2))
    alone = bench.client.chat(bench.request("Where do I live?")).stats.input_tokens or 0
    seen = f"{alone} tokens alone, {first_tokens} and {second_tokens} continued"
    expect(first_tokens == second_tokens > alone, seen)
    return seen


def unknown_response_id(bench: Bench) -> str:
    """An unknown previous_response_id is 400 (not 404), with it as `param` and the code invalid_value."""
    missing = ResponseId("resp_" + 48 * "0")
    reply = bench.raw("POST", _CHAT, bench.body(previous_response_id=missing))
    expect(reply.error.get("param") == "previous_response_id", str(reply))
    return _refused(reply, "invalid_value")


def chat_strict_keys(bench: Bench) -> str:
    """A key that the chat does not know (stop, seed, ttl, messages) is 400 with the code unrecognized_keys."""
    for name, value in {"stop": ["x"], "seed": 1, "ttl": 60, "messages": []}.items():
        reply = bench.raw("POST", _CHAT, bench.body(**{name: value}))
        expect(reply.error.get("code") == "unrecognized_keys", f"{name}: {reply}")
    return _refused(reply, "unrecognized_keys")


def temperature_range(bench: Bench) -> str:
    """A temperature outside of 0 to 1 is refused with 400."""
    return _refused(bench.raw("POST", _CHAT, bench.body(temperature=7.0)))


def input_items(bench: Bench) -> str:
    """Items of `input` have the type text or image; the "message" of the documentation is 400 (docs issue 253)."""
    good = bench.raw("POST", _CHAT, bench.body(input=[{"type": "text", "content": "Say hello."}]))
    expect(not good.error, f"text: {good}")
    return "message: " + _refused(bench.raw("POST", _CHAT, bench.body(input=[{"type": "message", "content": "Hi"}])))


def reasoning_refused(bench: Bench) -> str:
    """A `reasoning` that the model does not list, or any where it lists none, is 400 invalid_value for `reasoning`."""
    can = bench.model.capabilities
    listed = (can.reasoning_options if can else None) or ()
    setting = next((option for option in _SETTINGS if option not in listed), None)
    if setting is None:
        raise Unchecked("the model lists every setting")
    reply = bench.raw("POST", _CHAT, bench.body(reasoning=setting))
    expect(reply.error.get("param") == "reasoning", f"{setting}: {reply}")
    return f"{setting}: {_refused(reply, 'invalid_value')}"


def stream_order(bench: Bench) -> str:
    """A stream goes from chat.start over prompt_processing and message (or reasoning) to chat.end; a warm one has no
    model_load, every part has its .start before and its .end after its deltas, and chat.end has the plain answer.
    """
    bench.client.chat(bench.request(), stream=True)
    names = [event.name for event in bench.client.events]
    seen = ", ".join(dict.fromkeys(names))
    expect(names[0] == "chat.start" and names[-1] == "chat.end", seen)
    expect(not any(name.startswith("model_load") for name in names), seen)
    parts = [part for part in ("reasoning", "message") if f"{part}.delta" in names]
    expect(parts, f"no deltas: {seen}")
    for part in parts:
        deltas = [at for at, name in enumerate(names) if name == f"{part}.delta"]
        expect(f"{part}.start" in names[: deltas[0]] and f"{part}.end" in names[deltas[-1] :], seen)
    expect("prompt_processing.start" in names[: names.index(f"{parts[0]}.start")], seen)
    result = bench.client.events[-1].data.get("result")
    wanted = {"model_instance_id", "output", "stats"}
    expect(isinstance(result, dict) and wanted <= set(result), "chat.end has no whole result")
    return seen


def stream_equals_plain(bench: Bench) -> str:
    """At temperature 0 and one at a time, stream and plain answer have one text, and the deltas add up to it."""
    request = bench.request()
    bench.client.chat(request)  # From here on the prompt is in the cache, for both.
    plain = bench.client.chat(request)
    streamed = bench.client.chat(request, stream=True)
    deltas = [event for event in bench.client.events if event.name == "message.delta"]
    joined = "".join(str(event.data.get("content", "")) for event in deltas)
    expect(joined == streamed.text, f"deltas {joined!r}, chat.end {streamed.text!r}")
    if plain.text != streamed.text and bench.client.chat(request).text != plain.text:
        raise Unchecked("plain answers to one request differ among themselves")
    expect(plain.text == streamed.text, f"plain {plain.text!r}, stream {streamed.text!r}")
    expect(plain.stats.input_tokens == streamed.stats.input_tokens, "another number of input tokens")
    return f"{len(deltas)} deltas, {streamed.text!r}"[:80]


def context_overflow(bench: Bench) -> str:
    """A prompt longer than the context is an error, and nothing is cut off silently."""
    context = bench.lease().instance.config.context_length or 0
    if not 0 < context <= _OVERFLOW_AT_MOST:
        raise Unchecked(f"the instance has a context of {context} tokens")
    try:
        answer = bench.client.chat(bench.request("word " * (context + 200), max_output_tokens=1))
    except ContextOverflow as exc:
        return f"HTTP {exc.status}, type {exc.type}, code {exc.code}"
    raise Deviation(f"answered, with {answer.stats.input_tokens} input tokens of {context}")


def _answer(bench: Bench, body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the JSON of a chat that succeeded.

    Raises:
        Deviation: it failed.
    """
    reply = bench.raw("POST", _CHAT, body)
    if reply.error or not isinstance(reply.payload, dict):
        raise Deviation(str(reply))
    return reply.payload


def _refused(reply: RawReply, code: str | None = None) -> str:
    """Return what a refusal with status 400 and this code says.

    Raises:
        Deviation: the answer is another one.
    """
    wanted: Any = {"code": code} if code else {}
    expect(reply.status == 400 and reply.error and wanted.items() <= dict(reply.error).items(), str(reply))  # noqa: PLR2004
    return str(reply)


CHECKS: tuple[Check, ...] = (
    chat_answer,
    warm_chat_tells_no_load,
    stored_by_default,
    store_false,
    stored_turns_branch,
    unknown_response_id,
    chat_strict_keys,
    temperature_range,
    input_items,
    reasoning_refused,
    stream_order,
    stream_equals_plain,
    context_overflow,
)
