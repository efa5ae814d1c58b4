"""The JSON Schemas of the records and of the routing file, generated from their models."""

from typing import Any

from pydantic import TypeAdapter

from harness.domain.kind import Kinds
from harness.domain.record import SCHEMA
from harness.domain.routing import RoutingFile

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(kind: str | None = None) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of records as they are written: of one kind, or of any line.

    Further keys are allowed, as later minor versions add some.

    Raises:
        KeyError: no such kind exists.
    """
    kinds = Kinds.by_name if kind is None else {kind: Kinds.by_name[kind]}
    definitions = {name: _definition(name) for name in kinds}
    if kind is not None:
        return {"$schema": _DIALECT, **definitions[kind]}
    return {
        "$schema": _DIALECT,
        "title": f"A line of a run file, {SCHEMA}",
        "type": "object",
        "required": ["kind", "schema"],
        "oneOf": [{"$ref": f"#/$defs/{name}"} for name in kinds],
        "$defs": definitions,
    }


def routing_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a routing file as it is written."""
    made = TypeAdapter(RoutingFile).json_schema(by_alias=True, mode="validation")
    return {"$schema": _DIALECT, **made, "required": ["schema", *made["required"]]}


def _definition(kind: str) -> dict[str, Any]:
    """Return the schema of one kind. `kind` and `schema` are required in a file, though Python sets defaults."""
    made = TypeAdapter(Kinds.by_name[kind]).json_schema(by_alias=True, mode="validation")
    required = ["kind", "schema", *(name for name in made.get("required", ()) if name not in {"kind", "schema"})]
    return {**made, "required": required}
