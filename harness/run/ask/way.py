"""Which samples are asked with their functions as `tools`, and the form in which these are sent.

Source: OpenAI's `POST /v1/chat/completions`, which allows a name letters, digits, `_` and `-`, 64 in all. Names of
other languages' modules (`math.factorial`) are sent as one of those, and are mapped back in the answer.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import count

from harness.domain.model import Model
from harness.domain.sample import Json, Sample

Tools = tuple[Mapping[str, Json], ...]
"""Functions: name, description, parameters."""

_ALLOWED = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_OTHER = re.compile(r"[^a-zA-Z0-9_-]")
_MOST_LETTERS = 64


def takes_tools(model: Model, reasoning: str | None) -> bool:
    """Tell whether a model is sent functions as `tools`: it is trained for that, by the listing.

    Args:
        model: the model.
        reasoning: what it is asked with. The route knows levels and "none", but no "on", which is sent by leaving it
            out: so a model that does not think unless it is told to is asked in the prompt.
    """
    can = model.capabilities
    return can is not None and can.trained_for_tool_use and (reasoning != "on" or can.reasoning_default == "on")


def tools_of(sample: Sample) -> Tools:
    """Return the functions of a sample as they are sent: none where it has turns or images, which go another way."""
    return () if sample.turns or sample.images else sendable(sample.tools)


def sendable(tools: Sequence[Mapping[str, Json]]) -> Tools:
    """Return the functions in their order, each under a name of its own that may be sent."""
    taken = {str(tool["name"]) for tool in tools if _ALLOWED.fullmatch(tool["name"])}
    seen: set[str] = set()
    found = []
    for tool in tools:
        name = tool["name"]
        if name in seen or name not in taken:
            name = next(free for free in _names_like(name) if free not in taken)
            taken.add(name)
        seen.add(name)
        found.append(tool if name == tool["name"] else {**tool, "name": name})
    return tuple(found)


def _names_like(name: str) -> Iterator[str]:
    plain = _OTHER.sub("_", name) or "function"
    yield plain[:_MOST_LETTERS]
    for number in count(2):
        end = f"_{number}"
        yield plain[: _MOST_LETTERS - len(end)] + end
