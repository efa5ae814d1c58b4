"""The folder for temporary files: full, gone, open to all; and what a killed server leaves in it."""

import os
import shutil
import signal
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from .conftest import load

if TYPE_CHECKING:
    from harness.embedded.process import EmbeddedServer

pytestmark = pytest.mark.embedded


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for the temporary files of a server that is started now."""
    folder = tmp_path / "t"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


def test_a_load_without_a_temporary_folder_fails_alone(embedded_server: "EmbeddedServer", temporary: Path) -> None:
    from harness.embedded.process import EmbeddedServer

    with (
        EmbeddedServer.start() as server,
        httpx.Client(base_url=server.url, timeout=60, trust_env=False) as http,
    ):
        load(http)
        shutil.rmtree(temporary)
        answer = http.post("/api/v1/models/load", json={"model": "smollm2-135m-instruct-q4_1"})
        assert (answer.status_code, answer.json()["error"]["type"]) == (500, "model_load_failed")
        assert "could not be started: No such file or directory" in answer.json()["error"]["message"]
        temporary.mkdir()
        load(http)


def test_a_killed_server_leaves_no_sockets_and_umask_opens_none(
    embedded_server: "EmbeddedServer", temporary: Path
) -> None:
    from harness.embedded.process import EmbeddedServer

    before = os.umask(0)
    try:
        server = EmbeddedServer.start()
    finally:
        os.umask(before)
    try:
        with httpx.Client(base_url=server.url, timeout=60, trust_env=False) as http:
            load(http)
        (folder,) = temporary.iterdir()
        (path,) = folder.iterdir()
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
        os.kill(server.pid, signal.SIGKILL)
        end = time.monotonic() + 60
        while list(temporary.iterdir()):
            assert time.monotonic() < end, "its folder is still there"
            time.sleep(0.05)
    finally:
        server.close()


def test_a_path_too_long_for_a_socket_is_replaced_by_a_short_one(
    embedded_server: "EmbeddedServer", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from harness.embedded.process import EmbeddedServer

    deep = tmp_path / ("x" * 100)
    deep.mkdir()
    monkeypatch.setenv("TMPDIR", str(deep))
    with (
        EmbeddedServer.start() as server,
        httpx.Client(base_url=server.url, timeout=60, trust_env=False) as http,
    ):
        load(http)
        assert list(deep.iterdir()) == []
