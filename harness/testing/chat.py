"""Chats of a scripted server. A token is a word, and the template costs three tokens a turn."""

import json
import math
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from harness.domain.model import LoadConfig, Model
from harness.testing.body import CHAT_FIELDS, checked
from harness.testing.download import Catalogue
from harness.testing.library import Library, Loaded, Turn
from harness.testing.message import Refusal, Request, Response, event, event_stream

TEMPLATE_TOKENS = 3
"""What each turn or message costs besides its words."""

_IMAGE_TOKENS = 16
_TOKEN = re.compile(r"\s*\S+|\s+$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the model says.

    Attributes:
        tool_calls: in the form of the route that is asked; native ones become items of `output`.
    """

    text: str
    reasoning: str = ""
    tool_calls: tuple[dict[str, Any], ...] = ()


@dataclass(slots=True, kw_only=True)
class World:
    """All that decides an answer: the state, who speaks, and how fast.

    Attributes:
        speak: makes up the reply to a request.
        pause: waits for some seconds.
        load_s: how long a load takes.
        token_s: how long each token takes.
        jit: whether a chat loads the model that it names.
        catalogue: what can be downloaded.
    """

    library: Library
    speak: Callable[[Request], str | Reply]
    pause: Callable[[float], None]
    load_s: float = 0.0
    token_s: float = 0.0
    jit: bool = True
    catalogue: Catalogue = field(default_factory=Catalogue)


@dataclass(slots=True, kw_only=True)
class Speech:
    """One answer in the making: what was asked, and the tokens so far."""

    request: Request
    max_tokens: int | None
    input_tokens: int
    with_reasoning: bool = True
    reasoning: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    tool_calls: tuple[dict[str, Any], ...] = ()
    is_cut: bool = False

    @property
    def output_tokens(self) -> int:
        """How many tokens there are so far."""
        return len(self.reasoning) + len(self.words)

    def think(self, world: World) -> tuple[list[str], list[str]]:
        """Return the tokens of reasoning and answer, cut at the limit, which counts both."""
        said = world.speak(self.request)
        reply = said if isinstance(said, Reply) else Reply(text=said)
        reasoning = _TOKEN.findall(reply.reasoning) if self.with_reasoning else []
        words = _TOKEN.findall(reply.text)
        if self.max_tokens is not None:
            self.is_cut = len(reasoning) + len(words) > self.max_tokens
            reasoning = reasoning[: self.max_tokens]
            words = words[: self.max_tokens - len(reasoning)]
        self.tool_calls = reply.tool_calls
        return reasoning, words


def native_chat(world: World, request: Request) -> Response:
    """Answer `POST /api/v1/chat`."""
    body = checked(request, CHAT_FIELDS, required=("model", "input"))
    model, loaded = _resolved(world, body["model"])
    _check_reasoning(model, body)
    speech = Speech(
        request=request,
        max_tokens=body.get("max_output_tokens"),
        input_tokens=_input_tokens(world.library, body),
        with_reasoning=body.get("reasoning", _default_reasoning(model)) not in {"off", "none"},
    )
    if speech.max_tokens is not None and speech.max_tokens <= 0:
        raise Refusal(400, "Number must be greater than 0", code="invalid_value", param="max_output_tokens")
    if loaded is not None:
        _check_context(loaded, speech)
    events = _native_events(world, model, loaded, speech, body)
    if body.get("stream"):
        return event_stream(events)
    return Response(parts=_last_result(events))


def _native_events(
    world: World, model: Model, loaded: Loaded | None, speech: Speech, body: dict[str, Any]
) -> Iterator[bytes]:
    name = loaded.id if loaded else model.key
    yield event("chat.start", model_instance_id=name)
    load_s: float | None = None
    if loaded is None:
        yield event("model_load.start", model_instance_id=name)
        for progress in (0.0, 0.5, 1.0):
            yield event("model_load.progress", model_instance_id=name, progress=progress)
            world.pause(world.load_s / 3)
        loaded = world.library.load(model, LoadConfig(context_length=body.get("context_length")), is_jit=True)
        load_s = round(world.load_s, 3)
        yield event("model_load.end", model_instance_id=loaded.id, load_time_seconds=load_s)
    with slot(loaded) as wait:
        yield from wait
        yield event("prompt_processing.start")
        yield event("prompt_processing.progress", progress=1.0)
        yield event("prompt_processing.end")
        reasoning, words = speech.think(world)
        for kind, tokens, said in (("reasoning", reasoning, speech.reasoning), ("message", words, speech.words)):
            yield from _told(world, kind, tokens, said)
    yield event("chat.end", result=_result(world.library, loaded, speech, body, load_s))


def _told(world: World, kind: str, tokens: list[str], said: list[str]) -> Iterator[bytes]:
    if not tokens:
        return
    yield event(f"{kind}.start")
    for token in tokens:
        if world.token_s:
            world.pause(world.token_s)
            yield b""
        said.append(token)
        yield event(f"{kind}.delta", content=token)
    yield event(f"{kind}.end")


def _result(
    library: Library, loaded: Loaded, speech: Speech, body: dict[str, Any], load_s: float | None
) -> dict[str, Any]:
    output: list[dict[str, Any]] = []
    if speech.reasoning:
        output.append({"type": "reasoning", "content": "".join(speech.reasoning)})
    output.extend(speech.tool_calls)
    if speech.words:
        output.append({"type": "message", "content": "".join(speech.words)})
    stats: dict[str, Any] = {
        "input_tokens": speech.input_tokens,
        "total_output_tokens": speech.output_tokens,
        "reasoning_output_tokens": len(speech.reasoning),
        "tokens_per_second": 100.0,
        "time_to_first_token_seconds": 0.01,
    }
    if load_s is not None:
        stats["model_load_time_seconds"] = load_s
    result: dict[str, Any] = {"model_instance_id": loaded.id, "output": output, "stats": stats}
    if body.get("store", True):
        result["response_id"] = library.store(Turn(tokens=speech.input_tokens + speech.output_tokens))
    return result


def _last_result(events: Iterator[bytes]) -> Iterator[bytes]:
    """Yield a pause for every event, and then the result of the last one: the answer of a plain chat."""
    last = b"{}"
    for one in events:
        last = one or last
        yield b""
    data = json.loads(last.partition(b"data: ")[2])
    yield json.dumps(data["result"], indent=2).encode()


@contextmanager
def slot(loaded: Loaded) -> Iterator[Iterator[bytes]]:
    """Hold a slot of the instance; iterating waits for it, with pauses."""
    is_held = False

    def wait() -> Iterator[bytes]:
        nonlocal is_held
        while not loaded.slots.acquire(timeout=0.01):
            yield b""
        is_held = True
        loaded.in_flight += 1
        loaded.peak = max(loaded.peak, loaded.in_flight)

    try:
        yield wait()
    finally:
        if is_held:
            loaded.in_flight -= 1
            loaded.slots.release()


def _resolved(world: World, name: str) -> tuple[Model, Loaded | None]:
    """Return who answers to this name: the instance with exactly this id, else the oldest one of this key."""
    library = world.library
    with library.lock:
        loaded = next((one for one in library.instances.values() if one.id == name), None)
        if loaded is not None:
            return loaded.model, loaded
        model = library.find(name)
        if model is None or not model.is_chat:
            example = library.models[0].key if library.models else "none"
            said = f'Invalid model identifier "{name}". Please specify a valid downloaded model (e.g., {example}).'
            raise Refusal(404, said, code="model_not_found", param="model")
        copies = library.instances_of(model)
    if not copies and not world.jit:
        raise Refusal(400, "No models loaded. Please load a model in the developer page or use the 'lms load' command.")
    return model, copies[0] if copies else None


def _check_reasoning(model: Model, body: dict[str, Any]) -> None:
    wanted = body.get("reasoning")
    if wanted is None:
        return
    options = model.capabilities.reasoning_options if model.capabilities else None
    if options is None:
        said = f"Model '{model.key}' does not expose reasoning configuration."
        raise Refusal(400, said, code="invalid_value", param="reasoning")
    if wanted not in options:
        supported = ", ".join(f"'{one}'" for one in options)
        said = f"Reasoning setting '{wanted}' is not supported by model '{model.key}'. Supported settings: {supported}"
        raise Refusal(400, said, code="invalid_value", param="reasoning")


def _default_reasoning(model: Model) -> str:
    return (model.capabilities.reasoning_default if model.capabilities else None) or "on"


def _input_tokens(library: Library, body: dict[str, Any]) -> int:
    asked = body["input"]
    items = [{"type": "text", "content": asked}] if isinstance(asked, str) else asked
    tokens = TEMPLATE_TOKENS + len(body.get("system_prompt", "").split())
    for item in items:
        kind = item.get("type") if isinstance(item, dict) else None
        if kind == "text" and isinstance(item.get("content"), str):
            tokens += len(item["content"].split())
        elif kind == "image" and isinstance(item.get("data_url"), str):
            tokens += _IMAGE_TOKENS
        else:
            said = "Invalid discriminator value. Expected 'text' | 'image'"
            raise Refusal(400, said, code="invalid_union", param="input")
    previous = body.get("previous_response_id")
    if previous is None:
        return tokens
    if previous not in library.turns:
        said = (
            f"Could not find stored response for previous_response_id '{previous}'. "
            "Responses older than 30 days are automatically deleted."
        )
        raise Refusal(400, said, code="invalid_value", param="previous_response_id")
    return tokens + library.turns[previous].tokens


def _check_context(loaded: Loaded, speech: Speech) -> None:
    if speech.input_tokens > (loaded.config.context_length or math.inf):
        said = (
            "The number of tokens to keep from the initial prompt is greater than the context length. "
            "Try to load the model with a larger context length, or provide a shorter input"
        )
        raise Refusal(500, said, type="internal_error", code="unknown")
