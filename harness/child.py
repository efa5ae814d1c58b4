"""Starts a Python process of our own without running code that happens to lie in the current folder.

`python -m MODULE` puts the current folder first on the path: a `json.py` there would be imported instead of Python's.
So a child is started as `python -P child.py MODULE`. This file then makes exactly the package that it belongs to
importable, installed or not, and appends what else the parent's path had, behind Python's own modules and its packages.
"""

import importlib.util
import os
import runpy
import sys
from pathlib import Path

_PATH = "LMS_HARNESS_CHILD_PATH"
_SECRET = "LM_API_TOKEN"  # noqa: S105  (the variable's name)
_FOLDERS = ("LMS_HARNESS_CACHE", "LMS_HARNESS_STATE")

FOLDER = os.path.abspath(os.sep)  # noqa: PTH100  (there is no path to resolve)
"""A working directory that is always there and contains no code: the root of the file system."""


def command(module: str, *arguments: str) -> list[str]:
    """Return the command line that runs a module of this package; start it with `environment` and in `FOLDER`."""
    return [sys.executable, "-P", str(Path(__file__).resolve()), module, *arguments]


def environment() -> dict[str, str]:
    """Return the environment of a child: without the token, and independent of the working directory."""
    environ = {name: value for name, value in os.environ.items() if name not in {_SECRET, "PYTHONPATH"}}
    # Relative folders are meant from where the user is.
    environ |= {name: str(Path(environ[name]).absolute()) for name in _FOLDERS if environ.get(name)}
    here = str(Path.cwd())
    entries = [entry for entry in sys.path if Path(entry).is_absolute() and entry != here]
    return environ | {_PATH: os.pathsep.join(entries)}


def _main() -> None:
    sys.path.extend(entry for entry in os.environ.pop(_PATH, "").split(os.pathsep) if entry and entry not in sys.path)
    package = Path(__file__).resolve().parent
    spec = importlib.util.spec_from_file_location(
        package.name, package / "__init__.py", submodule_search_locations=[str(package)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"{package} is not a package")
    # By its place, not by its name: another version may be installed beside the one that is run from a clone.
    module = sys.modules[package.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _main()
