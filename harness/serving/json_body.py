"""JSON as it comes from strangers: parsed strictly, and only if its parts are few enough to be cheap."""

import json
import math
import re
from typing import Any

from harness.serving.refusal import Refusal

MAX_PARTS = 400_000
"""Strings, values and keys of one body. As Python objects they take up to some 100 bytes each: 40 MB."""

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def parse_json(raw: bytes) -> Any:
    """Return the JSON value of a body: UTF-8, finite numbers, each key once, text without half surrogates.

    Raises:
        Refusal: 400 invalid_json, or 413 where it has more than `MAX_PARTS` parts.
    """
    if _has_too_many_parts(raw):
        message = f"The request body has more than {MAX_PARTS:,} values"
        raise Refusal(413, message, code="body_too_large")
    try:
        value = json.loads(
            raw.decode(), object_pairs_hook=_unique_keys, parse_constant=_refuse_constant, parse_float=_finite
        )
        # json takes "\ud800", which cannot be encoded again: not passed on, not stored, not answered.
        if b"\\u" in raw:
            _refuse_lone_surrogates(value)
    except (ValueError, RecursionError) as exc:
        raise Refusal(400, "Request body is not valid JSON", code="invalid_json") from exc
    return value


def parse_object(raw: bytes) -> dict[str, Any]:
    """Return the JSON object of a body.

    Raises:
        Refusal: as `parse_json`, or 400 invalid_type: it is another value.
    """
    value = parse_json(raw)
    if not isinstance(value, dict):
        raise Refusal(400, f"Expected object, received {json_type(value)}", code="invalid_type")
    return value


def json_type(value: object) -> str:
    """Return what JSON calls the type of a parsed value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    names: dict[type, str] = {str: "string", list: "array", dict: "object"}
    return names.get(type(value), "number")


def _has_too_many_parts(raw: bytes) -> bool:
    if sum(map(raw.count, (b'"', b",", b"[", b"{"))) <= MAX_PARTS:
        return False
    # There may be only a few long texts that contain all of these. Each step is one quick pass in C: a regular
    # expression took 0.9 s for 16 MiB of escaped quotes, all of it with the interpreter's lock held.
    unescaped = raw.replace(b"\\\\", b"").replace(b'\\"', b"")
    if unescaped.count(b'"') > MAX_PARTS:
        return True
    outside_of_strings = b"".join(unescaped.split(b'"')[::2])
    return sum(map(outside_of_strings.count, (b",", b"[", b"{"))) > MAX_PARTS


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key occurs twice")
    return value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is out of range")
    return number


def _refuse_lone_surrogates(value: Any) -> None:
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, str):
            if _LONE_SURROGATE.search(part):
                raise ValueError("half of a surrogate pair")
        elif isinstance(part, list):
            waiting.extend(part)
        elif isinstance(part, dict):
            waiting.extend(part)
            waiting.extend(part.values())
