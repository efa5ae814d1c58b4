"""Decide, with evidence, which tasks can be handed to which local model.

The public names, loaded on first use (PEP 562): importing `harness` costs nothing but this file.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "harness.client.http": ("Client", "Deadlines"),
    "harness.domain.generation": ("ChatRequest", "Generation", "Image", "Outcome"),
    "harness.domain.model": ("Instance", "LoadConfig", "Model"),
    "harness.domain.sample": ("Sample",),
    "harness.domain.score": ("Score", "Scorer"),
    "harness.errors": ("HarnessError", "LeaseError", "LoadFailed"),
    "harness.lifecycle.lease": ("Lease", "Leases"),
    "harness.runner.plan": ("load_config",),
    "harness.runner.run": ("Run", "Target"),
    "harness.runner.slot": ("run_concurrently",),
    "harness.settings": ("Settings",),
    "harness.task.task": ("Needs", "Task"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME_OF)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    """Import the module that a public name lives in."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    """Return the public names."""
    return __all__
