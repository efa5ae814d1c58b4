"""The public names, what importing costs, and that the layers' promises hold at run time."""

import subprocess
import sys
from pathlib import Path

import pytest

import harness

ROOT = Path(__file__).resolve().parents[1]


def test_every_public_name_exists_and_is_documented() -> None:
    assert {"Client", "Run", "Settings", "Task", "add_scorer"} <= set(dir(harness))
    undocumented = [name for name in dir(harness) if name != "RunTask" and not getattr(harness, name).__doc__]
    assert undocumented == []


def test_every_line_of_the_list_of_public_names_is_read() -> None:
    """The list is read by a pattern: a line in another form would be a name for type checkers only."""
    lines = (ROOT / "harness/__init__.pyi").read_text(encoding="utf-8").splitlines()
    imports = [line for line in lines if line and not line.startswith("#")]
    assert len(imports) == len(dir(harness))


def test_a_star_import_brings_all_public_names() -> None:
    space: dict[str, object] = {}
    exec("from harness import *", space)
    assert set(dir(harness)) <= set(space)


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        harness.Nothing  # type: ignore[attr-defined]  # noqa: B018


@pytest.mark.parametrize(
    "module",
    [
        "harness",
        "lms_harness_plugin",
        "harness.pytest_plugin",
        "harness.cli",
        "harness.cli.reference",
        "harness.settings",
    ],
)
def test_importing_costs_neither_httpx_nor_pydantic_nor_scipy(module: str) -> None:
    code = (
        f"import {module}, sys; print([name for name in ('httpx', 'pydantic', 'scipy', 'rich') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "[]"


def test_a_command_does_not_wait_for_what_another_one_needs() -> None:
    code = "import sys, harness.cli; print([name for name in sys.modules if name.startswith('harness.lifecycle')])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "[]"


def test_suites_import_only_public_names() -> None:
    foreign = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in (ROOT / "suites").rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.startswith(("from harness.", "import harness."))
    ]
    assert foreign == []


def test_the_wheel_carries_the_suites_and_nothing_of_the_tests(tmp_path: Path) -> None:
    import zipfile

    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-w", str(tmp_path), str(ROOT)],
        capture_output=True,
        timeout=120,
        check=True,
    )
    (wheel,) = tmp_path.glob("lmstudio_harness-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    for suite in ("smoke/test_smoke.py", "offload/extract/test_extract.py", "latency/test_load.py"):
        assert f"harness/suites/{suite}" in names
    assert {"harness/py.typed", "harness/__init__.pyi"} <= set(names)
    assert not [name for name in names if name.startswith(("tests/", "results/"))]
