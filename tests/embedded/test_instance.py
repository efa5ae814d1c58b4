"""How many cores an instance computes on, and what is said of one that cannot start."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.domain.model import InstanceId, LoadConfig
from harness.embedded import instance
from harness.embedded.catalogue import model_files
from harness.embedded.default_models import cache_dir
from harness.embedded.instance import _cores, start_instance
from harness.serving.refusal import Refusal

if TYPE_CHECKING:
    from harness.embedded.process import EmbeddedServer

KEY = "smollm2-135m-instruct-q4_0"


@pytest.mark.parametrize(("chosen", "cores"), [("3", 3), ("1", 1)])
def test_the_variable_says_how_many_cores(monkeypatch: pytest.MonkeyPatch, chosen: str, cores: int) -> None:
    monkeypatch.setenv("LMS_HARNESS_THREADS", chosen)
    assert _cores() == cores


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs Linux's sched_setaffinity")
@pytest.mark.parametrize("chosen", ["", "0", "all"])
def test_otherwise_it_is_those_that_the_process_may_use(chosen: str) -> None:
    code = "import os; os.sched_setaffinity(0, {0}); from harness.embedded.instance import _cores; print(_cores())"
    environ = {**os.environ, "LMS_HARNESS_THREADS": chosen}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environ)
    assert done.stdout.strip() == "1"


def reason_of(path: Path) -> str:
    """Return why a model cannot be loaded."""
    (file,) = model_files(path.parent)
    config = LoadConfig(context_length=512, parallel=1, eval_batch_size=512)
    with pytest.raises(Refusal) as caught:
        asyncio.run(start_instance(file, InstanceId("it"), config, is_jit=False))
    return json.dumps(caught.value.body)


@pytest.mark.embedded
@pytest.mark.parametrize("log_bytes", [4096, 0], ids=["log", "no log"])
def test_a_torn_file_is_named_as_such_even_where_the_log_says_nothing(
    embedded_server: "EmbeddedServer", tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log_bytes: int
) -> None:
    with (cache_dir() / f"{KEY}.gguf").open("rb") as file:
        (tmp_path / "torn.gguf").write_bytes(file.read(20_000_000))
    monkeypatch.setattr(instance, "_LOG_TAIL_BYTES", log_bytes)
    assert "corrupted or incomplete" in reason_of(tmp_path / "torn.gguf")


@pytest.mark.embedded
def test_what_the_worker_said_is_the_reason_where_its_log_has_none(
    embedded_server: "EmbeddedServer", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = (cache_dir() / f"{KEY}.gguf").read_bytes()
    path = tmp_path / "unknown.gguf"
    path.write_bytes(whole.replace(b"\x05\0\0\0\0\0\0\0llama", b"\x05\0\0\0\0\0\0\0lhama", 1))
    assert "unknown model architecture" in reason_of(path)
    monkeypatch.setattr(instance, "_LOG_TAIL_BYTES", 0)
    assert "Failed to init server" in reason_of(path)
