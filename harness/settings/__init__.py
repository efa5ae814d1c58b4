"""What a run is asked to do: every option, its default and its checks, and how each surface writes its name.

`option` is the one table of options, which `lms-harness run`, `pytest` and ini files all offer; `parser` turns their
text into values, `settings` collects them into one frozen `Settings`. Code below the edges refers to a setting by
`setting("url")`; the edge renders that with its `Surface`. Nothing here knows click or pytest. Start with `settings`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from harness.settings.handover import Handover
from harness.settings.name import SettingName, setting
from harness.settings.option import OPTIONS, RETIRED, Option
from harness.settings.parser import DEFAULT_URL, EMBEDDED
from harness.settings.surface import Surface

if TYPE_CHECKING:
    from harness.settings.settings import DEFAULT_TOKEN, Settings, build_settings, retired, unknown_ini

__all__ = [
    "DEFAULT_TOKEN",
    "DEFAULT_URL",
    "EMBEDDED",
    "OPTIONS",
    "RETIRED",
    "Handover",
    "Option",
    "SettingName",
    "Settings",
    "Surface",
    "build_settings",
    "retired",
    "setting",
    "unknown_ini",
]


def __getattr__(name: str) -> Any:
    """Import `settings` when one of its names is first used: every pytest run on the machine imports this package."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.settings"), name)
