"""Targets in the form that scorers expect, from the columns of a row; and the ideal answer to a target."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from harness.domain.sample import Json
from harness.errors import TaskError
from harness.own_task.definition import LABEL_SCORERS, TEXT_SCORERS, Definition, TargetForm
from harness.own_task.template import Template, as_text, value_of
from harness.store.row import short

_MOST_LABELS = 500


def target_of(definition: Definition, row: Mapping[str, Any], labels: Sequence[str]) -> Json:
    """Return the target of a row.

    Raises:
        ValueError: it is empty, or not one of the labels.
    """
    if not isinstance(definition.target, str):
        return filled(definition.target, row)
    value = right_of(definition, row)
    if definition.scorer == "tool_calls" and isinstance(value, list):
        return {"calls": value}
    if definition.scorer not in LABEL_SCORERS:
        return value
    known = set(labels)
    for label in value if isinstance(value, list) else [value]:
        if label not in known:
            raise ValueError(f"expected one of the labels {short(', '.join(labels))}, got {short(as_text(label))!r}")
    if isinstance(value, list) or definition.scorer == "choices":
        return {"right": value if isinstance(value, list) else [value], "labels": list(labels)}
    return {"label": value, "labels": list(labels)}


def right_of(definition: Definition, row: Mapping[str, Any]) -> Json:
    """Return what a row's target column says is right: a value, or a list where the cell has several.

    Raises:
        ValueError: it is empty.
    """
    value = value_of(row, str(definition.target))
    is_text = isinstance(value, str)
    if value is None or (is_text and not value.strip()):
        raise ValueError("expected a target, but it is empty")
    if is_text and definition.target_separator is not None:
        return [part.strip() for part in value.split(definition.target_separator) if part.strip()]
    if definition.scorer not in LABEL_SCORERS:
        return value
    return [as_text(label).strip() for label in value] if isinstance(value, list) else as_text(value).strip()


def labels_of(definition: Definition, rights: Sequence[Json]) -> tuple[str, ...]:
    """Return all labels: those of the definition, else all that are right somewhere.

    Raises:
        ValueError: there are fewer than two, or so many that they can hardly be labels.
    """
    if definition.scorer not in LABEL_SCORERS or definition.labels:
        return definition.labels
    found = sorted({label for right in rights for label in (right if isinstance(right, list) else [right])})
    if not 1 < len(found) <= _MOST_LABELS:
        raise ValueError(f"expected 2 to {_MOST_LABELS} different labels in the data, got {len(found)}")
    return tuple(found)


def filled(form: TargetForm, row: Mapping[str, Any]) -> Json:
    """Return a target's form with the columns of a row filled in."""
    if isinstance(form, Template):
        return form.value(row)
    if isinstance(form, dict):
        return {name: filled(inner, row) for name, inner in form.items()}
    return [filled(inner, row) for inner in form] if isinstance(form, list) else form


def ideal_answer(scorer: str, target: Json) -> str | None:
    """Return an answer that is right by a target; None where a target does not say what an answer looks like."""
    spec = target if isinstance(target, dict) else {}
    if scorer in LABEL_SCORERS or scorer == "clinc150":
        return str(spec["label"]) if "label" in spec else ", ".join(map(str, spec.get("right", ()))) or "none"
    if scorer in TEXT_SCORERS:
        return as_text(target[0] if isinstance(target, list) and target else target)
    if scorer in {"gsm8k", "number", "tool_calls"}:
        return {"gsm8k": _solution, "number": _number, "tool_calls": _calls}[scorer](target)
    if scorer == "by_kind":
        kind = spec.get("kind")
        return ideal_answer(kind, spec.get("target")) if isinstance(kind, str) and kind != scorer else None
    fields = spec.get("fields") if scorer == "json_schema" else target if scorer.startswith("fields") else None
    try:
        return None if fields is None else json.dumps(_plain(fields), ensure_ascii=False)
    except RecursionError:  # The scorer refuses such a target, too, and says so.
        return None


def _number(target: Json) -> str:
    return as_text(target.get("value", target) if isinstance(target, dict) else target)


def _calls(target: Json) -> str | None:
    from harness.scoring.tool_calls import ideal_calls

    try:
        return ideal_calls(target)
    except RecursionError:  # As for the target of `fields`.
        return None


def _solution(target: Json) -> str | None:
    from harness.scoring.gsm8k import final_number

    try:
        return f"#### {final_number(target)}"
    except TaskError:
        return None


def _plain(value: Json) -> Json:
    """Return a target of `fields` as an answer would have it: one of several accepted values, dates as they stand."""
    if isinstance(value, dict):
        if len(value) == 1:
            (name, inner), *_ = value.items()
            if name in {"$date", "$amount", "$any"}:
                return inner[0] if name == "$any" and isinstance(inner, list) and inner else inner
        return {name: _plain(inner) for name, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value
