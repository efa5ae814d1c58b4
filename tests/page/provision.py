"""What the tests of the page need beyond the extra [dev]: Debian's Chromium, and axe-core from npm.

`make test` runs `python -m tests.page.provision` first. It says what it installs and what is missing; a test that needs
something missing is skipped, and says how to get it.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

CHROMIUM_NEEDED = "needs Chromium: apt-get install chromium (make test does it where CI=true and the user is root)"
AXE_NEEDED = "needs axe-core, which make test fetches with npm (Debian: apt-get install npm)"

_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
_AXE = "axe-core@4.14.1"
_AXE_SHA256 = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"
_AXE_MEMBER = "package/axe.min.js"
_UPDATE_S, _INSTALL_S, _FETCH_S = 180, 900, 60


class Unavailable(Exception):
    """A step failed; the text says which, and how."""


def chromium() -> Path | None:
    """Return the browser; None: there is none."""
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    return Path(found) if found else None


def axe() -> Path | None:
    """Return axe-core's script; None: it was not fetched."""
    path = _axe_path()
    return path if path.exists() else None


def main() -> None:
    """Install and fetch what is missing, within fixed times. Never fails: what stays missing is said."""
    for has, provide, needed in ((chromium, _install_chromium, CHROMIUM_NEEDED), (axe, _fetch_axe, AXE_NEEDED)):
        if has():
            continue
        try:
            provide()
        except (Unavailable, OSError) as exc:
            _say(f"Tests of the page will be skipped: {exc} ({needed})")


def _install_chromium() -> None:
    if os.environ.get("CI") != "true" or not hasattr(os, "geteuid") or os.geteuid() != 0:
        raise Unavailable("there is no Chromium here")
    if shutil.which("apt-get") is None:
        raise Unavailable("there is no apt-get to install Chromium with")
    _say("Installing Debian's chromium for the tests of the page (a minute or two) ...")
    lock = ("-o", "DPkg::Lock::Timeout=120")
    _run(("apt-get", "-qq", *lock, "update"), timeout_s=_UPDATE_S)
    _run(("apt-get", "-qq", "-y", *lock, "install", "--no-install-recommends", "chromium"), timeout_s=_INSTALL_S)


def _fetch_axe() -> None:
    if shutil.which("npm") is None:
        raise Unavailable("there is no npm to fetch axe-core with")
    with tempfile.TemporaryDirectory() as folder:
        _run(("npm", "pack", "--silent", "--ignore-scripts", "--pack-destination", folder, _AXE), timeout_s=_FETCH_S)
        (archive,) = Path(folder).glob("*.tgz")
        with tarfile.open(archive) as members:
            member = members.extractfile(_AXE_MEMBER)
            script = b"" if member is None else member.read()
    if (found := hashlib.sha256(script).hexdigest()) != _AXE_SHA256:
        raise Unavailable(f"{_AXE} has the checksum {found} in place of {_AXE_SHA256}")
    path = _axe_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(f".{os.getpid()}")
    beside.write_bytes(script)
    beside.replace(path)


def _axe_path() -> Path:
    """Return where axe-core's script is kept: in the virtual environment, so that `make clean` removes it."""
    return Path(sys.prefix) / "share" / _AXE.replace("@", "-") / "axe.min.js"


def _run(command: Sequence[str], *, timeout_s: float) -> None:
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=env, timeout=timeout_s, check=False
        )
    except subprocess.TimeoutExpired:
        raise Unavailable(f"{' '.join(command)} did not end within {timeout_s:.0f} s") from None
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or "no output").splitlines()[-1]
        raise Unavailable(f"{' '.join(command)} ended with {done.returncode}: {last}")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201  (its output)


if __name__ == "__main__":
    main()
