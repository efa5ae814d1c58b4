"""Strict request bodies: an unknown key, a missing field or a wrong type is refused as LM Studio does (0.4.25)."""

from collections.abc import Mapping
from typing import Any

from harness.testing.message import Refusal, Request

_NUMBER = (int, float)

LOAD_FIELDS: Mapping[str, tuple[type, ...]] = {
    "model": (str,),
    "context_length": _NUMBER,
    "eval_batch_size": _NUMBER,
    "flash_attention": (bool,),
    "num_experts": _NUMBER,
    "offload_kv_cache_to_gpu": (bool,),
    "echo_load_config": (bool,),
}
UNLOAD_FIELDS: Mapping[str, tuple[type, ...]] = {"instance_id": (str,)}
DOWNLOAD_FIELDS: Mapping[str, tuple[type, ...]] = {"model": (str,), "quantization": (str,)}
CHAT_FIELDS: Mapping[str, tuple[type, ...]] = {
    "model": (str,),
    "input": (str, list),
    "system_prompt": (str,),
    "integrations": (list,),
    "stream": (bool,),
    "temperature": _NUMBER,
    "top_p": _NUMBER,
    "top_k": (int,),
    "min_p": _NUMBER,
    "repeat_penalty": _NUMBER,
    "max_output_tokens": (int,),
    "reasoning": (str,),
    "context_length": (int,),
    "store": (bool,),
    "previous_response_id": (str,),
}
_RANGES: Mapping[str, tuple[float, float]] = {"temperature": (0, 1), "top_p": (0, 1), "min_p": (0, 1)}


def parsed(request: Request) -> dict[str, Any]:
    """Return the body as an object.

    Raises:
        Refusal: it is none.
    """
    if not isinstance(request.json, dict):
        raise Refusal(400, f"Received request for {request.path} with invalid JSON", code="invalid_json")
    return request.json


def checked(request: Request, fields: Mapping[str, tuple[type, ...]], *, required: tuple[str, ...]) -> dict[str, Any]:
    """Return the body if it holds nothing but these fields, all required ones, no null, and nothing out of range.

    Raises:
        Refusal: it does not.
    """
    body = parsed(request)
    for name in required:
        if name not in body:
            said = f"Missing required field '{name}'"
            raise Refusal(400, said, code="missing_required_parameter", param=name)
    unknown = [name for name in body if name not in fields]
    if unknown:
        named = ", ".join(f"'{name}'" for name in unknown)
        raise Refusal(400, f"Unrecognized key(s) in object: {named}", code="unrecognized_keys")
    for name, value in body.items():
        # A bool is an int to Python, but not to JSON.
        if not isinstance(value, fields[name]) or (isinstance(value, bool) and bool not in fields[name]):
            said = f"Expected {fields[name][0].__name__}, received {'null' if value is None else type(value).__name__}"
            raise Refusal(400, said, code="invalid_type", param=name)
        low, high = _RANGES.get(name, (float("-inf"), float("inf")))
        if isinstance(value, _NUMBER) and not low <= value <= high:
            said = f"Expected {name} from {low:g} to {high:g}, received {value}"
            raise Refusal(400, said, code="invalid_value", param=name)
    return body
