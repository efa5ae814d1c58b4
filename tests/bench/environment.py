"""An environment of its own for each peer, below build/bench; made once, and made anew when its packages change."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.peer import Peer
from tests.bench.process import telling_line

CLONE = Path(__file__).parents[2]
FOLDER = CLONE / "build" / "bench"

_STAMP = ".installed"
_INSTALL_S = 900.0
_BUILD_S = 120.0
_KEPT = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR")
_QUIET = {
    # Peers that report home, or look for newer versions, are asked not to.
    "DEEPEVAL_TELEMETRY_OPT_OUT": "1",
    "DEEPEVAL_DISABLE_DOTENV": "1",
    "DO_NOT_TRACK": "1",
    "HF_DATASETS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
    "PROMPTFOO_DISABLE_TELEMETRY": "1",
    "PROMPTFOO_DISABLE_UPDATE": "1",
    "PYTHONUNBUFFERED": "",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NotInstalled:
    """A peer that cannot take part, and why."""

    name: str
    reason: str


def install(peer: Peer, on_progress: Callable[[str], None]) -> NotInstalled | None:
    """Make the peer's environment if it is not there; return why that failed, or None."""
    folder = FOLDER / peer.folder
    stamp = folder / _STAMP
    wanted = "\n".join(peer.packages)
    try:
        if not stamp.exists() or stamp.read_text() != wanted:
            what = "its dependencies" if peer.installer == "wheel" else " ".join(peer.packages)
            on_progress(f"{peer.name}: installing {what} into {folder.relative_to(CLONE)} ...")
            shutil.rmtree(folder, ignore_errors=True)
            (_install_node if peer.installer == "npm" else _install_python)(peer, folder)
            stamp.write_text(wanted)
        if peer.installer == "wheel":
            _install_wheel(folder, on_progress)
    except _FailedError as failed:
        return NotInstalled(name=peer.name, reason=str(failed))
    return None


def variables(peer: Peer, job: Mapping[str, str], home: Path) -> dict[str, str]:
    """Return the environment variables of a job: few of ours, a home of its own, nothing that reports home."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return kept | {"HOME": str(home), "NO_PROXY": "127.0.0.1"} | _QUIET | dict(peer.environ) | dict(job)


def version(peer: Peer) -> str:
    """Return which version of the peer is installed, and of this project also which commit."""
    if peer.installer == "npm":
        return peer.packages[0].rpartition("@")[2]
    is_ours = peer.installer == "wheel"
    name = "lmstudio-harness" if is_ours else peer.packages[0].partition("[")[0].partition("==")[0]
    code = f"import importlib.metadata as m; print(m.version({name!r}))"
    installed = _printed([str(FOLDER / peer.folder / "bin" / "python"), "-c", code])
    commit = _printed(["git", "describe", "--always", "--dirty", "--exclude=*"]) if is_ours else ""
    return f"{installed} ({commit})" if commit else installed


def _printed(command: Sequence[str]) -> str:
    """Return what a command prints, in the clone; "" if there is no such command, or it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_BUILD_S, cwd=CLONE)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


class _FailedError(Exception):
    """An installation that failed; its text is the reason."""


def _install_python(peer: Peer, folder: Path) -> None:
    _run([sys.executable, "-m", "venv", str(folder)], _BUILD_S)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run([*pip, *peer.packages], _INSTALL_S)


def _install_node(peer: Peer, folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise _FailedError("npm is not on the path, so there is no Node.js here")
    folder.mkdir(parents=True)
    _run([npm, "install", "--prefix", str(folder), "--no-audit", "--no-fund", "--silent", *peer.packages], _INSTALL_S)


def _install_wheel(folder: Path, on_progress: Callable[[str], None]) -> None:
    """Build the wheel of this clone and put it into the environment, where its dependencies are already."""
    on_progress(f"{folder.name}: building the wheel of this clone ...")
    wheels = FOLDER / "wheel"
    shutil.rmtree(wheels, ignore_errors=True)
    _run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(wheels)], _BUILD_S)
    (wheel,) = wheels.glob("*.whl")
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run([*pip, "--no-deps", "--no-index", "--force-reinstall", str(wheel)], _BUILD_S)


def _run(command: Sequence[str], limit_s: float) -> None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=limit_s, cwd=CLONE, stdin=subprocess.DEVNULL
        )
    except OSError as exc:
        raise _FailedError(f"{Path(command[0]).name}: {exc.strerror}") from exc
    except subprocess.TimeoutExpired as exc:
        raise _FailedError(f"not installed within {limit_s:.0f} s") from exc
    if done.returncode:
        raise _FailedError(telling_line(done.stderr or done.stdout))
