"""Where the shipped suites are, and which task classes they have."""

from pathlib import Path

from harness.errors import HarnessError


def suites_dir() -> Path:
    """Return the folder of the suites: inside the installed package, or beside it in a clone.

    Raises:
        HarnessError: there are none.
    """
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "suites", package.parent / "suites"):
        if (folder / "__init__.py").is_file():
            return folder
    raise HarnessError("the suites are missing from this installation", hint="Reinstall lmstudio-harness.")


def shipped_names() -> list[str]:
    """Return the names of the shipped task classes, from their folders: nothing is imported.

    A hyphen in a name is an underscore in its folder, which is a Python package.

    Raises:
        HarnessError: there are none.
    """
    return sorted(path.parent.name.replace("_", "-") for path in suites_dir().glob("offload/*/task.py"))
