"""The commands on real weights."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.client.http import Client
from harness.domain.model import LoadConfig
from harness.lifecycle.resident import resident_ids
from tests import forkserver

if TYPE_CHECKING:
    from harness.embedded.process import EmbeddedServer

KEY = "smollm2-135m-instruct-q4_0"
EMBEDDING = "text-embedding-smollm2-135m-instruct"

pytestmark = [pytest.mark.embedded, pytest.mark.timeout(300)]


@pytest.fixture
def client(embedded_server: "EmbeddedServer") -> Iterator[Client]:
    """The server as somebody else uses it; what is loaded at the end goes, so that other tests find it empty."""
    with Client(embedded_server.url) as client:
        yield client
        for instance_id in resident_ids(client.models()):
            client.unload(instance_id)


def run(client: Client, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if name not in {"MODEL", "LM_API_TOKEN"}}
    environ |= {"LM_STUDIO_API_URL": client.url, "LMS_HARNESS_STATE": str(folder)}
    done = forkserver.run("harness.cli", *words, cwd=folder, env=environ, timeout=200)
    assert "Traceback" not in done.stdout + done.stderr
    return done


def test_smoke_loads_asks_unloads_and_a_foreign_instance_survives(client: Client, tmp_path: Path) -> None:
    foreign = client.load(KEY, LoadConfig(context_length=2048)).instance_id
    done = run(client, tmp_path, "smoke", KEY, "--new-instance", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert told["instance_id"] == f"{KEY}:2"
    assert told["answer"].strip()
    assert [step["ok"] for step in told["steps"]] == [True] * 5
    assert resident_ids(client.models()) == (foreign,)


def test_smoke_without_a_name_leaves_the_server_as_it_was(client: Client, tmp_path: Path) -> None:
    done = run(client, tmp_path, "smoke")
    assert done.returncode == 0, done.stdout + done.stderr
    assert [line.split()[1] for line in done.stdout.splitlines()] == ["ok"] * 5
    assert KEY in done.stderr
    assert resident_ids(client.models()) == ()


def test_load_select_and_unload_go_together(client: Client, tmp_path: Path) -> None:
    assert run(client, tmp_path, "load", "smollm2-135m-instruct-q8_0", "--context-length", "2048").returncode == 0
    assert run(client, tmp_path, "select", "--task", "classify").stdout.strip() == "smollm2-135m-instruct-q8_0"
    assert run(client, tmp_path, "select", "--task", "embedding").stdout.strip() == EMBEDDING
    assert run(client, tmp_path, "select", "--task", "vision").returncode == 1
    told = json.loads(run(client, tmp_path, "load", EMBEDDING, "--context-length", "512", "--json").stdout)
    assert (told["type"], told["config"]["context_length"], told["warnings"]) == ("embedding", 512, [])
    assert run(client, tmp_path, "load", KEY, "--context-length", "999999").returncode == 2
    for key in ("smollm2-135m-instruct-q8_0", EMBEDDING):
        assert run(client, tmp_path, "unload", key).returncode == 0
    assert resident_ids(client.models()) == ()


def test_it_downloads_nothing_and_says_how_to_serve_other_models(client: Client, tmp_path: Path) -> None:
    refused = run(client, tmp_path, "download", "acme/other")
    assert refused.returncode == 1
    assert "serve --models-dir" in refused.stderr
    assert run(client, tmp_path, "download", KEY).stdout == f"{KEY} was downloaded already, and the server lists it\n"
