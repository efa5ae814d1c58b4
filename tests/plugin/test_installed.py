"""The plugin as it is installed, from a wheel and from a clone: beside other packages of its name, and anywhere."""

import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.testing.scripted import ScriptedServer

ROOT = Path(__file__).resolve().parents[2]
USES_THEIRS = "import harness\n\ndef test_theirs():\n    assert harness.ANSWER == 42\n"


@dataclass(frozen=True)
class Installation:
    """Where `lms_harness_plugin` and `harness` are imported from."""

    path: Path

    def pytest(self, folder: Path, *words: str, environ: dict[str, str] | None = None) -> tuple[int, str]:
        """Run pytest in a folder as its user does; the module form puts that folder on sys.path."""
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *words],
            capture_output=True,
            text=True,
            timeout=100,
            cwd=folder,
            check=False,
            env={**os.environ, "PYTHONPATH": str(self.path), **(environ or {})},
        )
        return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked wheel, as pip lays it out."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-w", str(folder), str(ROOT)],
        capture_output=True,
        timeout=100,
        check=True,
    )
    (built,) = folder.glob("lmstudio_harness-*.whl")
    zipfile.ZipFile(built).extractall(folder / "site")
    return folder / "site"


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as scripted:
        yield scripted


@pytest.fixture(params=["wheel", "clone"])
def installed(request: pytest.FixtureRequest, wheel: Path) -> Installation:
    return Installation(wheel if request.param == "wheel" else ROOT)


def write_project(folder: Path, package: str, test: str) -> Path:
    """Write a package of that name and a test of it, and return where the package is."""
    for name, text in ((package, "ANSWER = 42\n"), (test, USES_THEIRS)):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder / package.removesuffix("/__init__.py").removesuffix(".py")


def told(out: str) -> list[str]:
    return [line for line in out.splitlines() if "lmstudio-harness" in line and "plugins:" not in line]


def test_a_project_with_a_package_of_that_name_runs_its_tests_and_has_no_options_of_ours(
    installed: Installation, tmp_path: Path
) -> None:
    place = write_project(tmp_path, "harness/__init__.py", "test_it.py")
    code, out = installed.pytest(tmp_path)
    assert code == 0, out
    assert "1 passed" in out
    assert told(out) == [f"lmstudio-harness: not active, because `harness` is another package here: {place}"]
    code, out = installed.pytest(tmp_path, "--lms-limit=3")
    assert (code, "not active, because" in out) == (4, True)


@pytest.mark.parametrize(
    ("package", "test", "words"),
    [
        ("harness.py", "test_it.py", ()),
        ("src/harness/__init__.py", "tests/test_it.py", ("-o", "pythonpath=src")),
        ("tests/harness/__init__.py", "tests/test_it.py", ()),
        ("part/tests/harness/__init__.py", "part/tests/test_it.py", ("part/tests",)),
    ],
)
def test_a_package_of_that_name_is_found_wherever_it_is(
    wheel: Path, tmp_path: Path, package: str, test: str, words: tuple[str, ...]
) -> None:
    place = write_project(tmp_path, package, test)
    code, out = Installation(wheel).pytest(tmp_path, *words)
    assert code == 0, out
    assert "1 passed" in out
    assert told(out) == [f"lmstudio-harness: not active, because `harness` is another package here: {place}"]


def test_loading_the_entry_point_imports_nothing(installed: Installation) -> None:
    code = "import sys; before = set(sys.modules); import lms_harness_plugin; print(sorted(set(sys.modules) - before))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={**os.environ, "PYTHONPATH": str(installed.path)},
    )
    assert done.stdout.strip() == "['lms_harness_plugin']"


def test_the_shipped_suites_run_from_an_empty_folder(wheel: Path, server: ScriptedServer, tmp_path: Path) -> None:
    # Without the plugins of the extra [dev], which a plain installation lacks.
    plain = ("-p", "no:timeout", "-p", "no:xdist", "-p", "no:hypothesispytest")
    code, out = Installation(wheel).pytest(
        tmp_path,
        *plain,
        "--pyargs",
        "harness.suites",
        f"--lms-url={server.url}",
        "--lms-limit=2",
        "--lms-task=classify",
        "-k",
        "classify",
        environ={"LMS_HARNESS_STATE": str(tmp_path / "state")},
    )
    assert code == 0, out
    assert "1 passed" in out
    assert server.loaded == []
    assert [path.suffix for path in (tmp_path / "results").iterdir()] == [".jsonl"]


def test_the_clones_configuration_needs_no_extra(server: ScriptedServer, tmp_path: Path) -> None:
    code, out = Installation(ROOT).pytest(
        ROOT, "-p", "no:timeout", "-p", "no:xdist", "--collect-only", "-q", "suites", f"--lms-url={server.url}"
    )
    assert code == 0, out
    assert "Plan: 1 model" in out
