"""Fixtures for the whole tree. Nothing heavy is imported before a test asks for it."""

import importlib.util
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from harness.embedded.process import EmbeddedServer


@pytest.fixture(scope="session")
def embedded_server() -> "Iterator[EmbeddedServer]":
    """A running embedded server with its default models, one for the whole session."""
    missing = [name for name in ("xllamacpp", "gguf", "starlette", "uvicorn") if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}: pip install 'lmstudio-harness[embedded]'")
    from harness.embedded.process import EmbeddedServer

    with EmbeddedServer.start() as server:
        yield server
