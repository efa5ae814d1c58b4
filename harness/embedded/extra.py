"""Whether the packages of the extra [embedded] are installed."""

from importlib.util import find_spec

from harness.errors import ExtraMissing

_PACKAGES = ("gguf", "starlette", "uvicorn", "xllamacpp")


def require_extra() -> None:
    """Make sure that the embedded server can start.

    Raises:
        ExtraMissing: a package is not installed.
    """
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if missing:
        raise ExtraMissing(
            f"the embedded server needs packages that are not installed: {', '.join(missing)}",
            hint="Install the extra: pip install 'lmstudio-harness[embedded]'",
        )
