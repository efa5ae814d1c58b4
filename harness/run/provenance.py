"""What a later reader needs to know about the machine and the code that a run used."""

import os
import platform
import re
import subprocess
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

_PACKAGES = ("httpx", "pydantic", "pytest", "pytest-benchmark", "scipy", "xllamacpp")
_GIT_DEADLINE_S = 5


def versions() -> dict[str, str]:
    """Return the versions of Python and of the installed packages that the figures depend on."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def harness_version() -> str:
    """Return the version of this package; "unknown" in a clone that was never installed."""
    try:
        return metadata.version("lmstudio-harness")
    except metadata.PackageNotFoundError:
        return "unknown"


def cpu_name() -> str | None:
    """Return the processor's name; None where the system does not report it."""
    try:
        info = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor() or None
    match = re.search(r"^model name\s*:\s*(.+)$", info, re.MULTILINE)
    return match[1].strip() if match else platform.processor() or None


def memory_bytes() -> int | None:
    """Return the size of the main memory; None where the system does not report it."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return None


def git_state(folder: Path) -> tuple[str | None, bool | None]:
    """Return the commit of the checkout around `folder`, and whether files differ from it; (None, None) without git."""
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None:
        return None, None
    status = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return commit, None if status is None else bool(status)


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(  # noqa: S603  (fixed arguments)
            ["git", "-C", str(folder), *arguments],  # noqa: S607  (whichever git the user has)
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_GIT_DEADLINE_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def redacted(argv: Sequence[str], *secrets: str) -> list[str]:
    """Return the command line without secrets: values of token options, the given ones, and passwords in URLs."""
    shown: list[str] = []
    blank_next = False
    for word in argv:
        if blank_next:
            shown.append("…")
            blank_next = False
            continue
        blank_next = word in {"--token", "--lms-token"}
        clean = re.sub(r"^(--(?:lms-)?token=).*", r"\1…", word)
        clean = re.sub(r"(https?://)[^/@\s]+@", r"\1…@", clean)
        for secret in secrets:
            clean = clean.replace(secret, "…") if secret else clean
        shown.append(clean)
    return shown
