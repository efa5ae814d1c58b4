"""Functions to call, written into a prompt: for models that are not sent them as `tools`.

A line for each function, with its parameters in the notation of TypeScript: short, and known to every model.
"""

import json
from collections.abc import Mapping, Sequence

from harness.domain.sample import Json, Sample

# SmolLM2-135M (q4_0, q8_0) gets hardly a call right by this or 28 other wordings, such as solved examples, or functions
# as templates of calls: it copies what it is shown, or nests without end (2026-11-29).
_EXAMPLE = '[{"name": "play_song", "arguments": {"title": "Yesterday"}}]'
_MAX_DEPTH = 8


def asked_text(sample: Sample) -> str:
    """Return the text of a sample's last message: its prompt, with the functions where it has tools."""
    if not sample.tools:
        return sample.prompt
    functions = definitions(sample.tools)
    optional = "Arguments with ? may be left out. " if "?: " in functions else ""
    return (
        f"Functions:\n{functions}\n\n"
        f"Answer with a JSON list of the calls that the request needs, such as {_EXAMPLE}. "
        f"{optional}If no function fits, answer [].\n"
        f"Request: {sample.prompt}\nJSON:"
    )


def definitions(tools: Sequence[Mapping[str, Json]]) -> str:
    """Return the functions, one a line: `get_weather(city: string, days?: integer): Forecast for a city`."""
    return "\n".join(map(_definition, tools))


def _definition(tool: Mapping[str, Json]) -> str:
    described = _one_line(tool.get("description"))
    parameters = _parameters(tool.get("parameters") or {}, depth=0)
    return f"{tool['name']}({parameters}){': ' if described else ''}{described}"


def _parameters(schema: Mapping[str, Json], *, depth: int) -> str:
    properties, required = schema.get("properties"), schema.get("required")
    required = required if isinstance(required, list | tuple) else ()
    return ", ".join(
        f"{name}{'' if name in required else '?'}: {_type(inner, depth=depth + 1)}{_default(inner)}{_remark(inner)}"
        for name, inner in (properties.items() if isinstance(properties, Mapping) else ())
    )


def _default(schema: Json) -> str:
    """Return what a parameter is that is left out; null says no more than that it may be."""
    value = schema.get("default") if isinstance(schema, Mapping) else None
    return "" if value is None else f" = {json.dumps(value, ensure_ascii=False)}"


def _remark(schema: Json) -> str:
    described = _one_line(schema.get("description")) if isinstance(schema, Mapping) else ""
    return f" ({described})" if described else ""


def _type(schema: Json, *, depth: int) -> str:
    if not isinstance(schema, Mapping) or depth > _MAX_DEPTH:
        return "any"
    if isinstance(schema.get("enum"), list):
        return "|".join(json.dumps(value, ensure_ascii=False) for value in schema["enum"])
    kind = schema.get("type") or "any"
    if kind == "array":
        inner = _type(schema.get("items"), depth=depth + 1)
        return f"({inner})[]" if "|" in inner and not inner.startswith("{") else f"{inner}[]"
    if kind == "object" and schema.get("properties"):
        return f"{{{_parameters(schema, depth=depth)}}}"
    return "|".join(map(str, kind)) if isinstance(kind, list) else str(kind)


def _one_line(text: Json) -> str:
    return " ".join(text.split()) if isinstance(text, str) else ""
