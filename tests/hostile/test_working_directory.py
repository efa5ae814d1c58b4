"""A folder of traps: no process of ours imports the code that lies in the folder where it was started."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness import child
from harness.testing.scripted import ScriptedServer

if TYPE_CHECKING:
    from harness.embedded.process import EmbeddedServer

TRAPS = (
    "json",
    "socket",
    "httpx",
    "asyncio",
    "subprocess",
    "signal",
    "struct",
    "typing",
    "secrets",
    "tempfile",
    "runpy",
    "uvicorn",
    "starlette",
    "h11",
    "xllamacpp",
    "gguf",
    "numpy",
    "pydantic",
    "platformdirs",
    "sitecustomize",
    "harness",
)
KEY = "smollm2-135m-instruct-q4_0"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder in which each module notes that it was imported, and ends whoever did that."""
    folder = tmp_path / "traps"
    folder.mkdir()
    for name in TRAPS:
        code = f"import os\nopen({str(tmp_path / 'sprung')!r}, 'a').write({name!r} + '\\n')\nos._exit(99)\n"
        (folder / f"{name}.py").write_text(code)
    yield folder
    sprung = tmp_path / "sprung"
    assert not sprung.exists(), sprung.read_text()


def environ(tmp_path: Path, **more: str) -> dict[str, str]:
    return {**os.environ, "LMS_HARNESS_STATE": str(tmp_path / "state"), **more}


def run(words: Sequence[str], folder: Path, environ: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(words, cwd=folder, env=environ, capture_output=True, text=True, timeout=110, check=False)


def test_a_trap_springs_where_a_module_is_started_by_its_name(tmp_path: Path, folder: Path) -> None:
    done = run([sys.executable, "-m", "harness.reaper.process"], folder, environ(tmp_path))
    assert done.returncode == 99
    (tmp_path / "sprung").unlink()


def test_the_reaper_imports_nothing_from_there(tmp_path: Path, folder: Path) -> None:
    with ScriptedServer() as server:
        words = [sys.executable, "-P", "-m", "harness.cli", "load", "acme/tiny-1b", f"--url={server.url}", "--json"]
        done = run(words, folder, environ(tmp_path))
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["instance_id"] == "acme/tiny-1b"


@pytest.mark.embedded
def test_a_run_on_the_embedded_server_imports_nothing_from_there(
    embedded_server: "EmbeddedServer", tmp_path: Path, folder: Path
) -> None:
    words = [
        sys.executable,
        "-P",
        "-m",
        "harness.cli",
        "run",
        "--url=embedded",
        "--limit=1",
        "--suite=offload",
        "--task=classify",
        f"--model={KEY}",
        "--max-output-tokens=4",
        f"--results={tmp_path / 'results'}",
    ]
    done = run(words, folder, environ(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "classify" in done.stdout


@pytest.mark.embedded
def test_serve_and_its_workers_import_nothing_from_there(
    embedded_server: "EmbeddedServer", tmp_path: Path, folder: Path
) -> None:
    words = [sys.executable, "-P", "-m", "harness.cli", "serve", "--port=0"]
    with subprocess.Popen(words, cwd=folder, env=environ(tmp_path), stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stderr is not None
            url = next(line.split(" on ")[1].split()[0] for line in server.stderr if "Serving" in line)
            body = json.dumps({"model": KEY, "context_length": 512}).encode()
            request = urllib.request.Request(
                f"{url}/api/v1/models/load", body, {"content-type": "application/json"}, method="POST"
            )
            with urllib.request.urlopen(request, timeout=60) as answer:
                assert json.load(answer)["status"] == "loaded"
        finally:
            server.terminate()


@pytest.mark.embedded
def test_the_server_of_a_campaign_imports_nothing_from_there(
    embedded_server: "EmbeddedServer", tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.torture.campaign.server import ServeProcess

    monkeypatch.chdir(folder)
    monkeypatch.setenv("LMS_HARNESS_STATE", str(tmp_path / "state"))
    with ServeProcess() as served, urllib.request.urlopen(f"{served.url}/lmstudio-greeting", timeout=30) as answer:
        assert json.load(answer) == {"lmstudio": True}


def test_a_folder_on_the_path_is_searched_after_pythons_own(tmp_path: Path, folder: Path) -> None:
    """The parent's path is handed on, because an installation may depend on it; what is in it shadows nothing."""
    code = (
        "import subprocess\nfrom harness import child\n"
        "done = subprocess.run(child.command('harness.reaper.process'), cwd=child.FOLDER, env=child.environment(), "
        "input=b'', check=True)\n"
    )
    plain = tmp_path / "plain"
    plain.mkdir()
    # Appended by the parent itself: in PYTHONPATH the traps would end the parent.
    done = run(
        [sys.executable, "-P", "-c", f"import sys; sys.path.append({str(folder)!r})\n{code}"], plain, dict(os.environ)
    )
    assert done.returncode == 0, done.stderr


def test_a_child_runs_the_package_of_its_parent_wherever_that_lies(tmp_path: Path) -> None:
    """A clone run by `python -m pytest` is on the path by the current folder alone, beside an installed version."""
    package = tmp_path / "clone" / "harness"
    package.mkdir(parents=True)
    (package / "child.py").write_text(Path(child.__file__).read_text())
    (package / "__init__.py").write_text("")
    (package / "hello.py").write_text("import harness.child\nprint(harness.__file__)\n")
    code = (
        "import subprocess\nfrom harness import child\n"
        "subprocess.run(child.command('harness.hello'), cwd=child.FOLDER, env=child.environment(), check=True)\n"
    )
    done = run([sys.executable, "-c", code], package.parent, dict(os.environ))
    assert done.stdout.strip() == str(package / "__init__.py"), done.stderr


def test_a_child_does_not_inherit_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LM_API_TOKEN", "sk-canary")
    assert not [name for name, value in child.environment().items() if "sk-canary" in value]


def test_relative_folders_are_meant_from_where_the_parent_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LMS_HARNESS_CACHE", "cache")
    assert child.environment()["LMS_HARNESS_CACHE"] == str(tmp_path / "cache")
