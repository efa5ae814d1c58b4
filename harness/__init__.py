"""Decide, with evidence, which tasks can be handed to which local model.

The public names are listed once, in `__init__.pyi` beside this file: type checkers and editors read it, and so does the
code below, when a name is used for the first time (PEP 562). So `import harness` costs next to nothing, and a name
costs only the module that it lives in. For the layout of the package see docs/design.md.
"""

from functools import cache
from importlib import import_module
from typing import Any


@cache
def _modules() -> dict[str, str]:
    """Return the module of each public name."""
    import re
    from pkgutil import get_data

    line = re.compile(r"^from (?P<module>[\w.]+) import (?P<name>\w+) as (?P=name)\r?$", re.MULTILINE)
    listed = get_data(__name__, "__init__.pyi") or b""
    return {found["name"]: found["module"] for found in line.finditer(listed.decode())}


def __getattr__(name: str) -> Any:
    """Import the module that a public name lives in."""
    if name == "__all__":
        return sorted(_modules())
    # Python and pytest ask packages for many dunder names: none of them is public, so the list is not read for them.
    if name.startswith("_") or name not in _modules():
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_modules()[name]), name)


def __dir__() -> list[str]:
    """Return the public names."""
    return sorted(_modules())
