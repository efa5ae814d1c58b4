"""Judges whether JSON in an answer is valid by a JSON Schema, and then how many of its fields are right.

Target: `{"schema": {…}}` or `{"schema": {…}, "fields": {…}}`, where `fields` is a target of `harness.scoring.fields`.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from harness.domain.sample import Json
from harness.domain.score import Score
from harness.errors import TaskError
from harness.scoring.fields import check_fields, score_fields
from harness.scoring.json_answer import find_json, find_object, find_scalar, is_nested_deeper
from harness.scoring.verdict import malformed, right_or_wrong, unparsed

_SCALARS = frozenset({"string", "number", "integer", "boolean", "null"})
_DEEP = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """0 when the answer's JSON is invalid by the schema (draft 2020-12); else 1, or the F1 of its fields.

    Passed when it is valid and every field is right. Where the schema's `type` allows texts, numbers, booleans or null,
    the answer may be one. `format` is checked. `$ref` may only refer to the schema itself.
    """

    name: str = "json_schema"
    version: str = "2"

    def __call__(self, output: str, target: Json) -> Score:
        """Return the score; details say whether the JSON is valid.

        Raises:
            TaskError: the target has no valid schema, its fields are malformed, or validation takes too long.
        """
        from harness.scoring.schema_check import first_fault  # 80 ms: jsonschema

        schema = _target(self.name, target)
        found = _found(output, schema)
        if found is None:
            return unparsed("no JSON", is_valid=False)
        (answer,) = found
        try:
            fault = first_fault(schema, answer)
        except RecursionError:
            if is_nested_deeper(answer, _DEEP):
                return right_or_wrong(is_right=False, reason="nested too deeply to be validated", is_valid=False)
            raise TaskError(
                f"{self.name}: the schema refers to itself without end",
                hint="Make sure that each $ref leads into a part of the value, not back to the same place.",
            ) from None
        if fault is not None:
            return right_or_wrong(
                is_right=False, reason=f"invalid at {fault.json_path[:100]}: {fault.message[:150]}", is_valid=False
            )
        if "fields" not in target:
            return right_or_wrong(is_right=True, reason="", is_valid=True)
        score = score_fields(answer, target["fields"])
        return Score(
            value=score.value, passed=score.passed, reason=score.reason, details={**score.details, "is_valid": True}
        )


def _found(output: str, schema: dict[str, Any]) -> tuple[Any] | None:
    """Return the answer's JSON in a tuple, as it may be null."""
    kinds = schema.get("type")
    kinds = frozenset(kinds) if isinstance(kinds, list) else frozenset({kinds})
    if kinds & _SCALARS and (scalar := find_scalar(output)) is not None:
        return scalar
    value = find_object(output) if kinds == {"object"} else find_json(output)
    return None if value is None else (value,)


def _target(scorer: str, target: Json) -> dict[str, Any]:
    schema = target.get("schema") if isinstance(target, dict) else None
    if not isinstance(schema, dict) or not set(target) <= {"schema", "fields"}:
        raise malformed(scorer, "schema, a JSON Schema, and perhaps fields", target)
    try:
        fault = _fault_of(json.dumps(schema))
    except RecursionError:
        raise malformed(scorer, "a schema that is not nested too deeply", "a deeper one") from None
    except (TypeError, ValueError) as exc:
        raise malformed(scorer, f"a schema in JSON ({exc})", sorted(schema, key=str)) from exc
    if fault:
        raise malformed(scorer, f"a valid schema ({fault})", schema)
    parts = list(_subschemas(schema))
    references = (part[key] for part in parts for key in ("$ref", "$dynamicRef") if isinstance(part.get(key), str))
    if not all(reference.startswith("#") for reference in references):
        raise malformed(scorer, "a schema that refers to nothing outside itself", schema)
    if any("unevaluatedProperties" in part for part in parts) and any("patternProperties" in part for part in parts):
        # jsonschema itself searches for these patterns, without a bound on the time.
        raise malformed(scorer, "a schema without both unevaluatedProperties and patternProperties", schema)
    if "fields" in target:
        check_fields(scorer, target["fields"])
    return schema


@lru_cache(maxsize=64)  # A task has few schemas, and checking one takes longer than checking an answer by it.
def _fault_of(schema: str) -> str:
    """Return what makes this JSON an invalid schema, or ""."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    try:
        Draft202012Validator.check_schema(json.loads(schema))
    except SchemaError as exc:
        return str(exc.message)[:100]
    return ""


def _subschemas(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every object in a schema."""
    todo = [value]
    while todo:
        inner = todo.pop()
        if isinstance(inner, dict):
            yield inner
            todo += inner.values()
        elif isinstance(inner, list):
            todo += inner
