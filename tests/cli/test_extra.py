"""A command that needs an extra says which command installs it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

WITHOUT = "import sys; sys.modules['xllamacpp'] = None; from harness.cli import main; main()"


@pytest.mark.parametrize("words", [("serve", "--port=0"), ("run", "--url=embedded", "--limit=1", "--task=classify")])
def test_a_missing_package_is_a_usage_error_with_the_line_that_installs_it(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, *words],
        capture_output=True,
        text=True,
        timeout=100,
        cwd=tmp_path,
        check=False,
        env={**os.environ, "LMS_HARNESS_STATE": str(tmp_path / "state")},
    )
    output = done.stdout + done.stderr
    assert done.returncode == 2, output
    assert "packages that are not installed: xllamacpp" in output
    assert "pip install 'lmstudio-harness[embedded]'" in output
    assert "Traceback" not in output
