"""Judges whether JSON in an answer is valid by a JSON Schema, and then how many of its fields are right.

Target: `{"schema": {…}}` or `{"schema": {…}, "fields": {…}}`, where `fields` is a target of `harness.scoring.fields`.
"""

from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, best_match

from harness.domain.sample import Json
from harness.domain.score import Score
from harness.scoring.fields import check_fields, score_fields
from harness.scoring.json_answer import find_json, find_object
from harness.scoring.verdict import malformed, right_or_wrong, unparsed


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """0 when the answer's JSON is invalid by the schema (draft 2020-12); else 1, or the F1 of its fields.

    Passed when it is valid and every field is right. `$ref` may only lead into the schema itself.
    """

    name: str = "json_schema"
    version: str = "2"

    def __call__(self, output: str, target: Json) -> Score:
        """Return the score; details tell whether the JSON is valid.

        Raises:
            TaskError: the target has no valid schema, or its fields are malformed.
        """
        schema = _target(self.name, target)
        answer = find_object(output) if schema.get("type") == "object" else find_json(output)
        if answer is None:
            return unparsed("no JSON", is_valid=False)
        fault = best_match(Draft202012Validator(schema).iter_errors(answer))
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


def _target(scorer: str, target: Json) -> dict[str, Any]:
    schema = target.get("schema") if isinstance(target, dict) else None
    if not isinstance(schema, dict) or not set(target) <= {"schema", "fields"}:
        raise malformed(scorer, "schema, a JSON Schema, and perhaps fields", target)
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as exc:
        raise malformed(scorer, f"a valid schema ({exc.message[:100]})", schema) from exc
    if any(not ref.startswith("#") for ref in _references(schema)):
        raise malformed(scorer, "a schema that refers to nothing outside itself", schema)
    if "fields" in target:
        check_fields(scorer, target["fields"])
    return schema


def _references(value: Any) -> list[str]:
    if isinstance(value, list):
        return [ref for one in value for ref in _references(one)]
    if not isinstance(value, dict):
        return []
    own = [one for key, one in value.items() if key in {"$ref", "$dynamicRef"} and isinstance(one, str)]
    return own + [ref for one in value.values() for ref in _references(one)]
