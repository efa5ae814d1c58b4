"""How a model was given functions to call: answers obtained in different ways are never combined without saying so."""

from collections.abc import Collection
from typing import Literal, TypeAlias

Way: TypeAlias = Literal["prompt", "native"]
"""`prompt`: all that it was told stands in the prompt. `native`: functions were sent as `tools`, OpenAI's way."""

PROMPT: Way = "prompt"
NATIVE: Way = "native"
_WORDS = {NATIVE: "through the API's tools", PROMPT: "in the prompt"}


def way_text(ways: Collection[str]) -> str:
    """Return how a model got the functions: "in the prompt"; of a cell of both kinds of items, both."""
    return " and ".join(words for way, words in _WORDS.items() if way in ways)
