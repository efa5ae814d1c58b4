"""What the plugin costs a pytest run that has nothing to do with models: it is installed in people's environments."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = """
import json, sys, pytest
opened = []
sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)
code = pytest.main(["-q", "-p", "no:cacheprovider", *sys.argv[1:]])
metadata = sum(path.endswith("entry_points.txt") for path in opened)
print(json.dumps({"code": code, "modules": list(sys.modules), "metadata": metadata}))
"""
# Besides the plugin's own parts, whatever they are.
ALLOWED = {
    "harness",
    "harness.errors",
    "harness.pytest_plugin",
    "harness.report",
    "harness.report.text",
    "harness.settings",
    "harness.settings.handover",
    "harness.settings.name",
    "harness.settings.option",
    "harness.settings.parser",
    "harness.settings.rounds",
    "harness.settings.surface",
    "lms_harness_plugin",
}


def _seen(folder: Path, *words: str) -> Mapping[str, Any]:
    """Run pytest with only the named plugins in a fresh interpreter, and return what it imported and read."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", PROGRAM, *words],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=folder,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""},
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize(("test", "code"), [("", 5), ("def test_plain():\n    assert True\n", 0)], ids=["empty", "one"])
def test_it_imports_these_modules_and_reads_no_packages_metadata(tmp_path: Path, test: str, code: int) -> None:
    (tmp_path / "test_plain.py").write_text(test)
    # Any module can be named as a plugin; for each that is named so, pytest reads the metadata once.
    without, with_it = _seen(tmp_path, "-p", "colorsys"), _seen(tmp_path, "-p", "lms_harness_plugin")
    assert (without["code"], with_it["code"]) == (code, code)
    more = set(with_it["modules"]) - set(without["modules"])
    foreign = {name for name in more if name.partition(".")[0] not in sys.stdlib_module_names}
    assert {name for name in foreign if not name.startswith("harness.pytest_plugin.")} == ALLOWED
    # It reads that of all installed packages for each name in a list `pytest_plugins` too: 2 ms each with 80 packages.
    assert with_it["metadata"] == without["metadata"] > 0
