"""An environment of its own for each peer, below build/bench; made once, and made anew unless it is whole.

A whole environment has a mark that says what was installed. It cannot be built beside and renamed, because its scripts
name its folder: so the mark is removed first and written last. One race at a time holds the lock on all of them.
"""

import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.peer import Peer
from tests.bench.process import telling_line

CLONE = Path(__file__).parents[2]
FOLDER = CLONE / "build" / "bench"

_LOCK = ".lock"
_MARK = ".installed"
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


class BusyError(Exception):
    """Another race, or an installation that outlived its race, uses the environments; its text says which process."""


@contextlib.contextmanager
def locked(folder: Path = FOLDER) -> Iterator[int]:
    """Hold the lock on all environments, as a descriptor that installers inherit; raise BusyError if it is held.

    An installer goes on when a race is killed. As it has inherited the lock, nothing is built in its way.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(lock, 20, 0).decode(errors="replace").strip()
            raise BusyError(
                f"expected to be the only race in {folder}; process {holder or 'unknown'}, or an installation that it "
                "began, still uses it. Wait until it has ended"
            ) from None
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
        yield lock
    finally:
        os.close(lock)


def install(peer: Peer, on_progress: Callable[[str], None], lock: int, folder: Path = FOLDER) -> NotInstalled | None:
    """Make the peer's environment unless it is whole; return why that failed, or None.

    Args:
        lock: what `locked` gave.
    """
    own = folder / peer.folder
    mark = own / _MARK
    wanted = json.dumps({"packages": peer.packages, "installer": peer.installer, "python": sys.version})
    try:
        is_whole = mark.exists() and mark.read_text() == wanted
        if is_whole and peer.installer != "wheel":
            return None
        mark.unlink(missing_ok=True)
        if not is_whole:
            what = "its dependencies" if peer.installer == "wheel" else " ".join(peer.packages)
            on_progress(f"{peer.name}: installing {what} into {own} ...")
            if own.exists():
                shutil.rmtree(own)
            (_install_node if peer.installer == "npm" else _install_python)(peer, own, lock)
        if peer.installer == "wheel":
            _install_wheel(own, on_progress, lock)
        mark.write_text(wanted)
    except OSError as exc:
        return NotInstalled(name=peer.name, reason=f"{exc.strerror}: {exc.filename}")
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


def _install_python(peer: Peer, folder: Path, lock: int) -> None:
    _run([sys.executable, "-m", "venv", str(folder)], _BUILD_S, lock)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run([*pip, *peer.packages], _INSTALL_S, lock)


def _install_node(peer: Peer, folder: Path, lock: int) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise _FailedError("npm is not on the path, so there is no Node.js here")
    folder.mkdir(parents=True)
    command = [npm, "install", "--prefix", str(folder), "--no-audit", "--no-fund", "--silent", *peer.packages]
    _run(command, _INSTALL_S, lock)


def _install_wheel(folder: Path, on_progress: Callable[[str], None], lock: int) -> None:
    """Build the wheel of this clone and put it into the environment, where its dependencies are already."""
    on_progress(f"{folder.name}: building the wheel of this clone ...")
    wheels = folder.with_name("wheel")
    shutil.rmtree(wheels, ignore_errors=True)
    _run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(wheels)], _BUILD_S, lock)
    (wheel,) = wheels.glob("*.whl")
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run([*pip, "--no-deps", "--no-index", "--force-reinstall", str(wheel)], _BUILD_S, lock)


def _run(command: Sequence[str], limit_s: float, lock: int) -> None:
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=limit_s,
            cwd=CLONE,
            stdin=subprocess.DEVNULL,
            pass_fds=(lock,),
        )
    except OSError as exc:
        raise _FailedError(f"{Path(command[0]).name}: {exc.strerror}") from exc
    except subprocess.TimeoutExpired as exc:
        raise _FailedError(f"not installed within {limit_s:.0f} s") from exc
    if done.returncode:
        raise _FailedError(telling_line(done.stderr or done.stdout))
