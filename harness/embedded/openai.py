"""`/v1/*`: OpenAI's routes, passed to the worker of the instance that `model` resolves to."""

import json
from collections.abc import AsyncIterator
from typing import Any

from harness.domain.model import LoadConfig
from harness.embedded.instance import LoadedInstance
from harness.embedded.pool import Pool
from harness.serving.refusal import Refusal, json_object_refused, unknown_model

_NOT_FOR_THE_WORKER = ("ttl", "draft_model", "model")


def check_chat(body: dict[str, Any]) -> None:
    """Refuse what LM Studio refuses.

    Raises:
        Refusal: 400 for `json_object` (refused since 0.4.15), and for a body without messages.
    """
    form = body.get("response_format")
    kind = form.get("type") if isinstance(form, dict) else None
    if form is not None and kind not in {"json_schema", "text"}:
        raise json_object_refused()
    if not isinstance(body.get("messages"), list):
        raise Refusal(400, "'messages' field is required", type="invalid_request_error", param="messages")


async def resolve(pool: Pool, name: object, *, embedding: bool) -> LoadedInstance:
    """Return who answers for `model`, loading it where needed.

    A name that nobody knows is answered by the loaded model where exactly one is loaded (LM Studio 0.4.25, bug #619).

    Raises:
        Refusal: 400 model_not_found, or the load failed.
    """
    text = name if isinstance(name, str) else ""
    instance = pool.resident(text)
    if instance is not None and instance.file.model.is_embedding == embedding:
        return instance
    file = pool.file(text)
    if file is None:
        loaded = [one for one in pool.instances if one.file.model.is_embedding == embedding]
        if len(loaded) == 1:
            return loaded[0]
        raise unknown_model(text, is_openai=True)
    if file.model.is_embedding != embedding:
        raise unknown_model(text, is_openai=True)
    async with pool.jit_lock(file):
        instance = pool.resident(text)
        if instance is None:
            await pool.evict_jit()
            instance = await pool.load(file.model.key, LoadConfig(), is_jit=True)
    return instance


def has_own_tools(instance: LoadedInstance) -> bool:
    """Tell whether the model's chat template has a place for tools."""
    capabilities = instance.file.model.capabilities
    return capabilities is not None and capabilities.trained_for_tool_use


def worker_body(body: dict[str, Any]) -> dict[str, Any]:
    """Return what the worker gets; it has only one model and names it by the instance's id."""
    return {name: value for name, value in body.items() if name not in _NOT_FOR_THE_WORKER}


async def ask(instance: LoadedInstance, path: str, body: dict[str, Any]) -> tuple[int, Any]:
    """Return status and JSON of the worker's answer; `model` names the instance.

    Raises:
        Refusal: the worker crashed.
    """
    async with instance.post(path, worker_body(body)) as response:
        raw = await response.aread()
        value = json.loads(raw)
        if response.status_code < 400:  # noqa: PLR2004  (HTTP errors)
            value["model"] = instance.id
        return response.status_code, value


async def ask_streaming(instance: LoadedInstance, path: str, body: dict[str, Any]) -> AsyncIterator[bytes]:
    """Yield the worker's event stream as it comes; the first item is its status as text.

    Raises:
        Refusal: the worker crashed.
    """
    async with instance.post(path, worker_body(body)) as response:
        yield str(response.status_code).encode()
        async for chunk in response.aiter_bytes():
            yield chunk


async def truncated(instance: LoadedInstance, texts: object) -> object:
    """Return the input of an embedding cut to the context: LM Studio embeds only its first tokens, without a word."""
    if isinstance(texts, str):
        texts = [texts]
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        return texts
    longest = (instance.config.context_length or 0) - 2
    cut: list[Any] = []
    for text in texts:
        # A token is at least one byte, so most texts need no count.
        if len(text.encode()) <= longest:
            cut.append(text)
            continue
        async with instance.post("/tokenize", {"content": text}) as response:
            tokens = json.loads(await response.aread())["tokens"]
        cut.append(tokens[:longest])
    return cut
