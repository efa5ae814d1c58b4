"""What `make test` installs for the tests of the page, with stand-ins for apt-get and npm on the PATH."""

import io
import os
import sys
import tarfile
from pathlib import Path

import pytest

from tests.page import provision

# Linux: the stand-ins are shell scripts, and the user's id decides.
pytestmark = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs a POSIX system")


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without Chromium, npm and CI: its folder of programs, where `log` says what was run."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "venv"))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return tmp_path


def program(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f'#!/bin/sh\necho "{name} $*" >> {folder}/log\n{script}\n', encoding="utf-8")
    path.chmod(0o755)


def said(capsys: pytest.CaptureFixture[str]) -> str:
    provision.main()
    return capsys.readouterr().err


def test_ci_as_root_updates_the_lists_and_installs_the_browser(
    machine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CI", "true")
    installs = f'case "$*" in *install*) echo > {machine}/chromium; /bin/chmod +x {machine}/chromium;; esac'
    program(machine, "apt-get", installs)
    assert "Installing Debian's chromium" in said(capsys)
    assert provision.chromium() == machine / "chromium"
    update, install = (machine / "log").read_text(encoding="utf-8").splitlines()
    assert update.endswith("update")
    assert install.endswith("install --no-install-recommends chromium")
    assert "hromium" not in said(capsys)


@pytest.mark.parametrize(("ci", "user"), [(None, 0), ("false", 0), ("true", 1000)])
def test_elsewhere_nothing_is_installed_and_the_way_is_named(
    ci: str | None, user: int, machine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if ci is not None:
        monkeypatch.setenv("CI", ci)
    monkeypatch.setattr(os, "geteuid", lambda: user)
    program(machine, "apt-get", "")
    assert "there is no Chromium here (needs Chromium: apt-get install chromium" in said(capsys)
    assert not (machine / "log").exists()


def test_a_failed_installation_is_told_with_its_last_line(
    machine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CI", "true")
    program(machine, "apt-get", "echo reading; echo 'E: no space left' >&2; exit 100")
    assert "update ended with 100: E: no space left" in said(capsys)
    assert provision.chromium() is None


def test_a_step_that_does_not_end_is_given_up(
    machine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(provision, "_FETCH_S", 0.2)
    program(machine, "npm", "exec /bin/sleep 60")
    assert "did not end within 0 s" in said(capsys)


def test_another_axe_core_than_the_known_one_is_refused(machine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    archive = machine / "axe-core-0.tgz"
    with tarfile.open(archive, "w:gz") as members:
        member = tarfile.TarInfo("package/axe.min.js")
        member.size = 4
        members.addfile(member, io.BytesIO(b"evil"))
    program(machine, "npm", f'for last; do :; done; /bin/cp {archive} "$5"')
    assert "has the checksum" in said(capsys)
    assert provision.axe() is None
