import subprocess
from pathlib import Path

import pytest

from harness.run.provenance import git_state, redacted, versions


@pytest.mark.parametrize(
    ("argv", "shown"),
    [
        (["pytest", "--lms-token", "abc", "x"], ["pytest", "--lms-token", "…", "x"]),
        (["run", "--token=abc"], ["run", "--token=…"]),
        (["run", "--url", "http://me:pw@host:1/v1"], ["run", "--url", "http://…@host:1/v1"]),
        (["run", "-k", "canary"], ["run", "-k", "…"]),
    ],
)
def test_secrets_on_the_command_line_are_blanked(argv: list[str], shown: list[str]) -> None:
    assert redacted(argv, "canary", "") == shown


def test_python_and_the_packages_are_named() -> None:
    assert {"python", "pytest", "httpx"} <= set(versions())


def test_a_checkout_tells_its_commit_and_whether_files_differ(tmp_path: Path) -> None:
    assert git_state(tmp_path) == (None, None)

    def git(*words: str) -> None:
        config = ("-c", "user.name=t", "-c", "user.email=t@example.org")
        subprocess.run(["git", *config, *words], cwd=tmp_path, check=True, capture_output=True, timeout=30)

    git("init")
    (tmp_path / "file").write_text("one")
    git("add", ".")
    git("commit", "-m", "one")
    commit, dirty = git_state(tmp_path)
    assert commit is not None
    assert len(commit) == 40
    assert dirty is False
    (tmp_path / "file").write_text("two")
    assert git_state(tmp_path) == (commit, True)
