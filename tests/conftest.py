"""Fixtures for the whole tree. Nothing heavy is imported before a test asks for it."""

import importlib.util
import os
import signal
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from harness.embedded.process import EmbeddedServer

# Under nohup and in a shell's background jobs SIGINT and SIGHUP are ignored, and children inherit that: tests that send
# them would wait for ever.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

# Some hundred tests start a pytest of their own. Plugins that none of them uses would cost each a second of CPU.
os.environ["PYTEST_ADDOPTS"] = "-p no:hypothesispytest -p no:anyio"

# Where it is set, each of a thousand child processes compiles everything anew, which takes longer than all else.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# Several tests at a time, each with a server that computes on all cores, spin against each other.
os.environ.setdefault("LMS_HARNESS_THREADS", "1")

# A deadline an example would test the machine, which may be busy. Half of Hypothesis's own number of examples, as the
# tests run often and each time with others.
settings.register_profile("harness", settings(), deadline=None, max_examples=50)
settings.load_profile("harness")


@pytest.fixture(scope="session")
def embedded_server() -> "Iterator[EmbeddedServer]":
    """A running embedded server with its default models, one for the whole session."""
    missing = [name for name in ("xllamacpp", "gguf", "starlette", "uvicorn") if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}: pip install 'lmstudio-harness[embedded]'")
    from harness.embedded.process import EmbeddedServer

    with EmbeddedServer.start() as server:
        yield server
