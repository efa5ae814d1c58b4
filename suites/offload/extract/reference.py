"""The right answer to an item of extract, and answers that only look like one."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from harness import Sample


def reference(sample: Sample) -> str:
    """Return the right JSON."""
    return json.dumps(_plain(sample.target["fields"]), ensure_ascii=False)


def _plain(value: Any) -> Any:
    """Return the value, with the first form wherever several are accepted."""
    if isinstance(value, dict):
        return value["$any"][0] if "$any" in value else {name: _plain(inner) for name, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


def _blank(value: Any, filler: Any) -> Any:
    if isinstance(value, dict) and "$any" not in value:
        return {name: _blank(inner, filler) for name, inner in value.items()}
    if isinstance(value, list):
        return [_blank(inner, filler) for inner in value]
    return filler


def _all_null(sample: Sample) -> str:
    return json.dumps(_blank(sample.target["fields"], None))


def _names_as_values(sample: Sample) -> str:
    return json.dumps({name: name for name in sample.target["fields"]})


def _everything_in_each(sample: Sample) -> str:
    """The whole text as the value of every field."""
    text = sample.prompt.partition("Text:")[2].rpartition("JSON:")[0].strip()
    return json.dumps(_blank(sample.target["fields"], text))


def _as_text(sample: Sample) -> str:
    return json.dumps([reference(sample)])


adversaries: Mapping[str, Callable[[Sample], str]] = {
    "all null": _all_null,
    "names as values": _names_as_values,
    "the text in each field": _everything_in_each,
    "JSON as a text": _as_text,
    "empty object": lambda _: "{}",
}
