"""What an item wants extracted, written once and rendered as prompt text, as a JSON Schema, and as reference answer."""

from typing import Any, TypeAlias

TEXT, NUMBER, DATE, TIME, FLAG = "", "number", "YYYY-MM-DD", "HH:MM", "true or false"

Form: TypeAlias = str | dict[str, Any] | list[Any]
"""One of the kinds above, an object of forms, or a list of one form."""

_JSON_TYPES = {NUMBER: "number", FLAG: "boolean"}


def shown(form: Form) -> str:
    """Return the form as a prompt shows it: `seller {name, city}, items [{product, price (number)}]`."""
    if isinstance(form, list):
        return f"[{shown(form[0])}]" if isinstance(form[0], str) else f"[{{{shown(form[0])}}}]"
    if isinstance(form, str):
        return form or "text"
    return ", ".join(_field(name, inner) for name, inner in form.items())


def schema(form: Form) -> dict[str, Any]:
    """Return the JSON Schema: every key is there, and every plain value has its type or is null."""
    if isinstance(form, str):
        return {"type": [_JSON_TYPES.get(form, "string"), "null"]}
    if isinstance(form, list):
        return {"type": "array", "items": schema(form[0])}
    return {
        "type": "object",
        "properties": {name: schema(inner) for name, inner in form.items()},
        "required": list(form),
    }


def _field(name: str, form: Form) -> str:
    if isinstance(form, str):
        return f"{name} ({form})" if form else name
    return f"{name} {shown(form)}" if isinstance(form, list) else f"{name} {{{shown(form)}}}"
