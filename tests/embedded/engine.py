"""The vectors of the embedded engine, without a server before it."""

import asyncio
import json
from collections.abc import Sequence

from harness.domain.model import InstanceId, LoadConfig
from harness.embedded.catalogue import ModelFile


def embedded(file: ModelFile, texts: Sequence[str]) -> list[list[float]]:
    """Return the vectors of these texts, one after the other."""
    from harness.embedded.embedding import embed
    from harness.embedded.instance import start_instance

    async def ask() -> bytes:
        length = file.model.max_context_length
        config = LoadConfig(context_length=length, parallel=1, eval_batch_size=length)
        instance = await start_instance(file, InstanceId(file.model.key), config, is_jit=False)
        try:
            return await embed(instance, texts, encoding_format=None)
        finally:
            await instance.stop()

    return [entry["embedding"] for entry in json.loads(asyncio.run(ask()))["data"]]
