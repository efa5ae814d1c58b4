"""How many tokens a text has, counted in pieces: llama.cpp took 2.7 GB to count those of 30 MiB at once (2026-11)."""

import json
from collections.abc import AsyncIterator, Iterable
from typing import Any

from harness.embedded.instance import LoadedInstance
from harness.serving.refusal import context_exceeded

_PIECE_CHARACTERS = 64 * 1024
_SLACK_TOKENS = 16
"""What the count of a piece may be off at its ends, where a word can be cut in two."""


async def refuse_if_too_long(instance: LoadedInstance, texts: Iterable[str], *, is_openai: bool = False) -> None:
    """Refuse a prompt that cannot fit into the context; what is short or nearly fits is left to llama.cpp to judge.

    Raises:
        Refusal: the context length is exceeded.
    """
    text = "\n".join(texts)
    if len(text) <= _PIECE_CHARACTERS:
        return
    tokens = 0
    async for piece in _tokens(instance, text):
        tokens += len(piece) - _SLACK_TOKENS
        if tokens > (instance.config.context_length or 0):
            raise context_exceeded(is_openai=is_openai)


async def first_tokens(instance: LoadedInstance, text: str, *, most: int) -> list[int]:
    """Return the first `most` tokens of a text."""
    tokens: list[int] = []
    async for piece in _tokens(instance, text):
        tokens.extend(piece)
        if len(tokens) >= most:
            break
    return tokens[:most]


async def _tokens(instance: LoadedInstance, text: str) -> AsyncIterator[list[int]]:
    for start in range(0, len(text), _PIECE_CHARACTERS):
        body: dict[str, Any] = {"content": text[start : start + _PIECE_CHARACTERS]}
        async with instance.post("/tokenize", body) as response:
            raw = await response.aread()
        yield json.loads(raw)["tokens"]
