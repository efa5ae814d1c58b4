"""How long prompts are for a real model's tokeniser."""

import asyncio
import importlib.util
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from harness.domain.model import InstanceId, LoadConfig

Tokens = Callable[[Sequence[tuple[str, str]]], int]


@pytest.fixture(scope="session")
def tokens() -> Iterator[Tokens]:
    """Count the tokens of a conversation of (role, text) as the model gets it; nothing is computed from them."""
    if importlib.util.find_spec("xllamacpp") is None:
        pytest.skip("needs xllamacpp: pip install 'lmstudio-harness[embedded]'")
    from harness.embedded.default_models import prepare
    from harness.embedded.instance import start_instance

    (file,) = (file for file in prepare(lambda _: None) if file.model.key == "smollm2-135m-instruct-q4_0")
    config = LoadConfig(context_length=512, parallel=1, eval_batch_size=512)
    with asyncio.Runner() as runner:
        instance = runner.run(start_instance(file, InstanceId(file.model.key), config, is_jit=False))

        async def ask(path: str, body: dict[str, Any]) -> Any:
            async with instance.post(path, body) as response:
                await response.aread()
            assert response.status_code == 200, response.text
            return response.json()

        def count(said: Sequence[tuple[str, str]]) -> int:
            messages = [{"role": role, "content": text} for role, text in said]
            prompt = runner.run(ask("/apply-template", {"messages": messages}))["prompt"]
            return len(runner.run(ask("/tokenize", {"content": prompt, "add_special": True}))["tokens"])

        yield count
        runner.run(instance.stop())
