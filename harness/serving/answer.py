"""The bodies of LM Studio's answers: the listing, loads, chats and the events of a stream."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from harness.domain.model import Capabilities, InstanceId, LoadConfig, Model

JSON_TYPE = "application/json; charset=utf-8"
EVENTS_TYPE = "text/event-stream"


def json_bytes(payload: Any) -> bytes:
    """Return a JSON body, printed with indents as LM Studio does."""
    return json.dumps(payload, indent=2, ensure_ascii=False).encode()


def greeting() -> dict[str, Any]:
    """Return the answer of `GET /lmstudio-greeting`."""
    return {"lmstudio": True}


def listing(models: Iterable[Model]) -> dict[str, Any]:
    """Return the answer of `GET /api/v1/models`; instances are the models' own `loaded_instances`."""
    return {"models": [_listed(model) for model in models]}


def openai_listing(models: Iterable[Model]) -> dict[str, Any]:
    """Return the answer of `GET /v1/models`: with JIT loading on, every downloaded model."""
    data = [{"id": model.key, "object": "model", "owned_by": "organization_owner"} for model in models]
    return {"object": "list", "data": data}


def load_answer(
    model: Model, instance_id: InstanceId, *, load_time_s: float, echoed: LoadConfig | None
) -> dict[str, Any]:
    """Return the answer of a load; `echoed` is the effective config where the request asked for it."""
    payload: dict[str, Any] = {
        "type": model.type,
        "instance_id": instance_id,
        "load_time_seconds": round(load_time_s, 3),
        "status": "loaded",
    }
    if echoed is not None:
        # The listing shows `parallel`, the answer to a load does not.
        payload["load_config"] = {name: value for name, value in echoed.as_dict().items() if name != "parallel"}
    return payload


def chat_result(
    instance_id: str,
    *,
    reasoning: str,
    message: str,
    stats: Mapping[str, Any],
    tool_calls: Sequence[Mapping[str, Any]] = (),
    response_id: str | None = None,
) -> dict[str, Any]:
    """Return the answer of a chat, which `chat.end` carries too; empty parts are left out, as LM Studio does."""
    output: list[Mapping[str, Any]] = [{"type": "reasoning", "content": reasoning}] if reasoning else []
    output.extend(tool_calls)
    if message:
        output.append({"type": "message", "content": message})
    result: dict[str, Any] = {"model_instance_id": instance_id, "output": output, "stats": dict(stats)}
    return result if response_id is None else result | {"response_id": response_id}


def event(name: str, data: Mapping[str, Any]) -> bytes:
    """Return one server-sent event; its data repeats the name as `type`."""
    return f"event: {name}\ndata: {json.dumps({'type': name, **data}, ensure_ascii=False)}\n\n".encode()


def _listed(model: Model) -> dict[str, Any]:
    quantization = model.quantization
    entry: dict[str, Any] = {
        "type": model.type,
        "publisher": model.publisher,
        "key": model.key,
        "display_name": model.display_name,
    }
    if model.is_chat:
        entry["architecture"] = model.architecture
    entry |= {
        "quantization": quantization and {"name": quantization.name, "bits_per_weight": quantization.bits_per_weight},
        "size_bytes": model.size_bytes,
        "params_string": model.params_string,
        "loaded_instances": [{"id": each.id, "config": each.config.as_dict()} for each in model.loaded_instances],
        "max_context_length": model.max_context_length,
        "format": model.format,
    }
    if model.capabilities is not None:
        entry["capabilities"] = _listed_capabilities(model.capabilities)
    if model.is_chat:
        entry["description"] = model.description
    if model.variants:
        entry |= {"variants": list(model.variants), "selected_variant": model.selected_variant}
    return entry


def _listed_capabilities(capabilities: Capabilities) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "vision": capabilities.vision,
        "trained_for_tool_use": capabilities.trained_for_tool_use,
    }
    if capabilities.reasoning_options is not None:
        options = {"allowed_options": list(capabilities.reasoning_options), "default": capabilities.reasoning_default}
        entry["reasoning"] = options
    return entry
