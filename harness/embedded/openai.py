"""`/v1/*`: OpenAI's routes, passed to the worker of the instance that `model` resolves to."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

from harness.domain.model import LoadConfig
from harness.embedded import length
from harness.embedded.catalogue import ModelFile
from harness.embedded.instance import LoadedInstance
from harness.embedded.pool import Pool
from harness.serving.refusal import unknown_model


async def resolve(pool: Pool, name: str, *, embedding: bool) -> LoadedInstance:
    """Return the instance that answers for `model`, loading it where needed.

    An unknown name is answered by the loaded model if exactly one is loaded (LM Studio 0.4.25, bug 619).

    Raises:
        Refusal: 400 model_not_found, or the load failed.
    """
    instance = pool.resident(name)
    if instance is not None and instance.file.model.is_embedding == embedding:
        return instance
    file = pool.file(name)
    if file is None:
        loaded = [each for each in pool.instances if each.file.model.is_embedding == embedding]
        if len(loaded) == 1:
            return loaded[0]
        raise unknown_model(name, is_openai=True)
    if file.model.is_embedding != embedding:
        raise unknown_model(name, is_openai=True)
    async with pool.jit_lock(file):
        instance = pool.resident(name)
        if instance is None:
            await pool.evict_jit()
            instance = await pool.load(file.model.key, LoadConfig(), is_jit=True)
    return instance


def has_own_tools(instance: LoadedInstance) -> bool:
    """Tell whether the model's chat template has a place for tools."""
    capabilities = instance.file.model.capabilities
    return capabilities is not None and capabilities.trained_for_tool_use


async def refuse_if_too_long(instance: LoadedInstance, body: Mapping[str, Any]) -> None:
    """Refuse messages that cannot fit into the context.

    Raises:
        Refusal: 400, with the native wording.
    """
    contents = [message["content"] for message in body["messages"] if message["content"]]
    await length.refuse_if_too_long(instance, contents, is_openai=True)


async def ask(instance: LoadedInstance, path: str, body: Mapping[str, Any]) -> tuple[int, Any]:
    """Return status and JSON of the worker's answer; `model` names the instance.

    Raises:
        Refusal: the worker crashed.
    """
    async with instance.post(path, body_for(instance.file, body)) as response:
        raw = await response.aread()
        value = json.loads(raw)
        if response.status_code < 400:  # noqa: PLR2004  (HTTP errors)
            value["model"] = instance.id
        return response.status_code, value


async def ask_streaming(instance: LoadedInstance, path: str, body: Mapping[str, Any]) -> AsyncIterator[bytes]:
    """Yield the worker's event stream as it comes; the first item is its status as text.

    Raises:
        Refusal: the worker crashed.
    """
    async with instance.post(path, body_for(instance.file, body)) as response:
        yield str(response.status_code).encode()
        async for chunk in response.aiter_bytes():
            yield chunk


def body_for(file: ModelFile, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body for a worker: without `model`, as it knows its only model by the instance's id.

    Templates that can think look at `enable_thinking`, which the native route sets as well.
    """
    given = {name: value for name, value in body.items() if name != "model"}
    if file.reasons_by_template and (effort := body.get("reasoning_effort")) is not None:
        given["chat_template_kwargs"] = {"enable_thinking": effort != "none"}
    return given
