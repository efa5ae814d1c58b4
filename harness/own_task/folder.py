"""The files of own tasks: definitions in a folder, and what they refer to, which lies beside or below them."""

from collections.abc import Iterable
from pathlib import Path, PurePath

from harness.errors import TaskError

_HINT = "Make one from your data: lms-harness tasks --new DIR --from DATA"


def definition_paths(path: Path) -> list[Path]:
    """Return the definitions in a folder, by name; a TOML file stands for itself.

    Raises:
        TaskError: there are none.
    """
    try:
        if path.is_file():
            if path.suffix != ".toml":
                raise TaskError(f"expected a folder with .toml files, or one .toml file, got {path}", hint=_HINT)
            return [path]
        found = sorted(file for file in path.iterdir() if file.suffix == ".toml" and not file.name.startswith("."))
    except OSError as exc:
        raise TaskError(f"cannot read the folder {path}: {exc.strerror}", hint=_HINT) from exc
    if not found:
        raise TaskError(f"there is no .toml file in {path}", hint=_HINT)
    return found


def file_below(folder: Path, name: str, *, may_be_folder: bool = False) -> Path:
    """Return the path of a file, or perhaps of a folder, in a folder or below it.

    Raises:
        ValueError: the name leads out of the folder, or there is no such file; says what was expected.
    """
    relative = PurePath(name)
    if not name.strip() or "\0" in name or relative.is_absolute() or ".." in relative.parts:
        raise ValueError(f"expected a file beside the definition or below it, without .., got {name!r}")
    path = folder / relative
    try:
        if not path.resolve().is_relative_to(folder.resolve()):
            raise ValueError(f"expected a file below {folder}, but {name} is a link that leads out of it")
        if not path.is_file() and not (may_be_folder and path.is_dir()):
            what = "is not a file" if path.exists() else "does not exist"
            raise ValueError(f"expected a file, but {path} {what}")
    except OSError as exc:
        raise ValueError(f"expected a file, but {path} cannot be read: {exc.strerror}") from exc
    return path


def check_below(folder: Path, files: Iterable[Path]) -> None:
    """Make sure that files which a format finds by itself lie in the folder of the definition, or below it.

    Raises:
        TaskError: one does not, by its place or by a link.
    """
    for file in files:
        if not file.resolve().is_relative_to(folder.resolve()):
            raise TaskError(
                f"expected all data in {folder}, the folder of the definition, or below it, but {file} is outside",
                hint="Move the definition to the folder that holds all its data, such as both dev and test.",
            )
