"""`POST /v1/embeddings`: texts in small batches, so that a client that hangs up ends its work and others get a turn."""

import json
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

from harness.embedded.instance import LoadedInstance
from harness.embedded.length import first_tokens
from harness.serving.refusal import Refusal

Text: TypeAlias = str | list[int]

_BATCH_TEXTS = 16
_BATCH_LENGTH = 8192
"""Characters or tokens. llama.cpp finishes what it was given, whether or not its client is still there."""


async def embed(instance: LoadedInstance, texts: Sequence[Text], *, encoding_format: str | None) -> bytes:
    """Return the JSON body of the answer; each text is embedded by the tokens that fit, as LM Studio does silently.

    The body is put together from encoded batches: the numbers of 2,048 texts, as Python objects, take 60 MB, and
    encoding them at once would hold up everyone else for a second.

    Raises:
        Refusal: the worker crashed, or could not embed a text.
    """
    # The worker adds a token at the beginning and at the end.
    longest = (instance.config.context_length or 0) - 2
    encoded: list[bytes] = []
    prompt_tokens = 0
    for batch in _batches([await _cut(instance, text, longest) for text in texts]):
        body: dict[str, Any] = {"input": batch}
        if encoding_format is not None:
            body["encoding_format"] = encoding_format
        async with instance.post("/v1/embeddings", body) as response:
            raw = await response.aread()
        answer = json.loads(raw)
        if response.is_error:
            message = str(answer.get("error", {}).get("message", "the texts could not be embedded"))
            raise Refusal(response.status_code, message, type="invalid_request_error")
        prompt_tokens += answer.get("usage", {}).get("prompt_tokens", 0)
        for vector in sorted(answer["data"], key=lambda vector: vector["index"]):
            encoded.append(json.dumps({**vector, "index": len(encoded)}).encode())
    usage = {"prompt_tokens": prompt_tokens, "total_tokens": prompt_tokens}
    tail = json.dumps({"model": instance.id, "usage": usage}, ensure_ascii=False).encode()
    return b'{"object": "list", "data": [' + b",\n".join(encoded) + b"], " + tail[1:]


async def _cut(instance: LoadedInstance, text: Text, longest: int) -> Text:
    if isinstance(text, list):
        return text[:longest]
    # A token is at least one byte, so most texts need no count.
    if len(text) <= longest and len(text.encode()) <= longest:
        return text
    return await first_tokens(instance, text, most=longest)


def _batches(texts: Sequence[Text]) -> Iterator[list[Text]]:
    batch: list[Text] = []
    length = 0
    for text in texts:
        if batch and (len(batch) == _BATCH_TEXTS or length + len(text) > _BATCH_LENGTH):
            yield batch
            batch, length = [], 0
        batch.append(text)
        length += len(text)
    yield batch
