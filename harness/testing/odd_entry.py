"""Odd entries of a listing, which a client must survive; given to `ScriptedServer(odd_entries=…)`.

Each is one entry of `models` in `GET /api/v1/models`, beside models that are all right. A client skips it or reads what
it can, and names it once. `LOADED` holds those that may mean that something is resident.
"""

from collections.abc import Mapping
from typing import Any

_SOUND: Mapping[str, Any] = {
    "type": "llm",
    "publisher": "odd",
    "key": "odd/model",
    "display_name": "Odd",
    "architecture": "llama",
    "quantization": {"name": "Q4_K_M", "bits_per_weight": 4},
    "size_bytes": 1_000_000,
    "params_string": "1B",
    "loaded_instances": [],
    "max_context_length": 4096,
    "format": "gguf",
    "capabilities": {"vision": False, "trained_for_tool_use": False},
    "description": None,
}


def _without(name: str) -> dict[str, Any]:
    return {key: value for key, value in _SOUND.items() if key != name}


def _with(**changed: Any) -> dict[str, Any]:
    return {**_SOUND, **changed}


NOT_LOADED: Mapping[str, Any] = {
    "no key": _without("key"),
    "null key": _with(key=None),
    "empty key": _with(key=""),
    "number as key": _with(key=7),
    "no type": _without("type"),
    "null type": _with(type=None),
    "unknown type": _with(type="decision"),
    "drafter": _with(type="drafter"),
    "no size": _without("size_bytes"),
    "size as text": _with(size_bytes="1 MB"),
    "negative size": _with(size_bytes=-1),
    "size of 1e30": _with(size_bytes=1e30),
    "parameters as number": _with(params_string=1.5e9),
    "parameters as object": _with(params_string={"total": "1B"}),
    "quantisation as text": _with(quantization="Q4_K_M"),
    "bits as text": _with(quantization={"name": "Q4_K_M", "bits_per_weight": "four"}),
    "capabilities as list": _with(capabilities=["vision"]),
    "null capabilities": _with(capabilities=None),
    "context of 1e30": _with(max_context_length=1e30),
    "context as text": _with(max_context_length="4096"),
    "fractional context": _with(max_context_length=4096.5),
    "no instances": _without("loaded_instances"),
    "null instances": _with(loaded_instances=None),
    "error entry": {"error": "failed to read model"},
    "null": None,
    "text": "odd/model",
    "number": 7,
    "list": [],
    "empty object": {},
}
"""Entries of which nothing is loaded, by what is odd about them."""

LOADED: Mapping[str, Any] = {
    "instance without id": _with(loaded_instances=[{"config": {"context_length": 2048}}]),
    "instance with null id": _with(loaded_instances=[{"id": None, "config": {"context_length": 2048}}]),
    "instance without config": _with(loaded_instances=[{"id": "odd/model"}]),
    "instance with odd config": _with(loaded_instances=[{"id": "odd/model", "config": {"context_length": "long"}}]),
    "instance as text": _with(loaded_instances=["odd/model"]),
    "instances as object": _with(loaded_instances={"odd/model": {"context_length": 2048}}),
    "instances as text": _with(loaded_instances="odd/model"),
    "loaded without key": {**_without("key"), "loaded_instances": [{"id": "odd/model", "config": {}}]},
}
"""Entries of which something is loaded, or may be."""

ODD_ENTRIES: Mapping[str, Any] = {**NOT_LOADED, **LOADED}
"""All of them."""
