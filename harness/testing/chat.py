"""Native chats of a scripted server. A token is a word, and the template costs three tokens a turn."""

import json
import math
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from harness.domain.model import LoadConfig, Model
from harness.serving import answer, refusal
from harness.serving.body import ChatBody, ImageItem, chat_body
from harness.testing.download import Catalogue
from harness.testing.library import Library, Loaded, Turn
from harness.testing.message import Request, Response, event, event_stream

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
    """Everything that decides an answer: the state, who speaks, and how fast.

    Attributes:
        speak: makes up the reply to a request.
        pause: waits for so many seconds.
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
    call_tokens: int = 0
    is_cut: bool = False

    @property
    def output_tokens(self) -> int:
        """How many tokens there are so far."""
        return len(self.reasoning) + len(self.words) + self.call_tokens

    def compose(self, world: World) -> tuple[list[str], list[str]]:
        """Return the tokens of reasoning and message, cut at the limit, which counts both."""
        reply = world.speak(self.request)
        if isinstance(reply, str):
            reply = Reply(text=reply)
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
    body = chat_body(request.body)
    model, loaded = _resolved(world, body.model)
    _check_reasoning(model, body.reasoning)
    speech = Speech(
        request=request,
        max_tokens=body.max_output_tokens,
        input_tokens=_input_tokens(world.library, body),
        with_reasoning=(body.reasoning or _default_reasoning(model)) not in {"off", "none"},
    )
    if loaded is not None and speech.input_tokens > (loaded.config.context_length or math.inf):
        raise refusal.context_exceeded()
    events = _native_events(world, model, loaded, speech, body)
    if body.stream:
        return event_stream(events)
    return Response(parts=_last_result(events))


def _native_events(
    world: World, model: Model, loaded: Loaded | None, speech: Speech, body: ChatBody
) -> Iterator[bytes]:
    name = loaded.id if loaded else model.key
    yield event("chat.start", model_instance_id=name)
    load_s: float | None = None
    if loaded is None:
        yield event("model_load.start", model_instance_id=name)
        for progress in (0.0, 0.5, 1.0):
            yield event("model_load.progress", model_instance_id=name, progress=progress)
            world.pause(world.load_s / 3)
        loaded = world.library.load(model, LoadConfig(context_length=body.context_length), is_jit=True)
        load_s = round(world.load_s, 3)
        yield event("model_load.end", model_instance_id=loaded.id, load_time_seconds=load_s)
    with slot(loaded) as waiting:
        yield from waiting
        yield event("prompt_processing.start")
        yield event("prompt_processing.progress", progress=1.0)
        yield event("prompt_processing.end")
        reasoning, words = speech.compose(world)
        yield from _part_events(world, "reasoning", reasoning, speech.reasoning)
        yield from _part_events(world, "message", words, speech.words)
    yield event("chat.end", result=_result(world.library, loaded, speech, body, load_s))


def _part_events(world: World, kind: str, tokens: list[str], spoken: list[str]) -> Iterator[bytes]:
    if not tokens:
        return
    yield event(f"{kind}.start")
    for token in tokens:
        if world.token_s:
            world.pause(world.token_s)
            yield b""
        spoken.append(token)
        yield event(f"{kind}.delta", content=token)
    yield event(f"{kind}.end")


def _result(library: Library, loaded: Loaded, speech: Speech, body: ChatBody, load_s: float | None) -> dict[str, Any]:
    stats: dict[str, Any] = {
        "input_tokens": speech.input_tokens,
        "total_output_tokens": speech.output_tokens,
        "reasoning_output_tokens": len(speech.reasoning),
        "tokens_per_second": 100.0,
        "time_to_first_token_seconds": 0.01,
    }
    if load_s is not None:
        stats["model_load_time_seconds"] = load_s
    response_id = library.store(Turn(tokens=speech.input_tokens + speech.output_tokens)) if body.store else None
    return answer.chat_result(
        loaded.id,
        reasoning="".join(speech.reasoning),
        message="".join(speech.words),
        stats=stats,
        tool_calls=speech.tool_calls,
        response_id=response_id,
    )


def _last_result(events: Iterator[bytes]) -> Iterator[bytes]:
    """Yield a pause for every event, then the result of the last one: the answer of a plain chat."""
    last = b"{}"
    for data in events:
        last = data or last
        yield b""
    payload = json.loads(last.partition(b"data: ")[2])
    yield answer.json_bytes(payload["result"])


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
        loaded = next((loaded for loaded in library.instances.values() if loaded.id == name), None)
        if loaded is not None:
            return loaded.model, loaded
        model = library.find(name)
        if model is None or not model.is_chat:
            raise refusal.unknown_model(name, example=library.models[0].key if library.models else None)
        copies = library.instances_of(model)
    if not copies and not world.jit:
        raise refusal.nothing_loaded()
    return model, copies[0] if copies else None


def _check_reasoning(model: Model, wanted: str | None) -> None:
    options = model.capabilities.reasoning_options if model.capabilities else None
    if wanted is not None and wanted not in (options or ()):
        raise refusal.reasoning_refused(model.key, wanted, options)


def _default_reasoning(model: Model) -> str:
    return (model.capabilities.reasoning_default if model.capabilities else None) or "on"


def _input_tokens(library: Library, body: ChatBody) -> int:
    tokens = TEMPLATE_TOKENS + len((body.system_prompt or "").split())
    for item in body.input:
        tokens += _IMAGE_TOKENS if isinstance(item, ImageItem) else len(item.content.split())
    previous = body.previous_response_id
    if previous is None:
        return tokens
    if previous not in library.turns:
        raise refusal.unknown_response(previous)
    return tokens + library.turns[previous].tokens
