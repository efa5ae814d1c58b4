"""The one place that decides how a setting is written where its user types it."""

import re
from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType

from harness.settings.name import REFERENCE
from harness.settings.option import OPTIONS

INI_ORIGIN = "ini "
"""How the source of a value begins that came from an ini file."""
_FLAGS: Mapping[str, str] = {option.name: option.flag for option in OPTIONS}
_NO_SOURCE: Mapping[str, str] = MappingProxyType({})


class Surface(Enum):
    """Where a user types settings: `lms-harness`, pytest's command line, or pytest's ini file."""

    COMMAND_LINE = "--"
    PYTEST = "--lms-"
    INI = "lms_"

    def spell(self, name: str, value: str | None = None) -> str:
        """Return the name of a setting as it is written here, such as `--max-size` or `lms_max_size_bytes`."""
        if self is Surface.INI:
            return f"{self.value}{name}" if value is None else f"{self.value}{name} = {value}"
        written = f"{self.value}{_FLAGS[name]}"
        return written if value is None else f"{written} {value}"

    def render(self, text: str, source: Mapping[str, str] = _NO_SOURCE) -> str:
        """Return `text` with each reference to a setting written as its user writes it.

        Args:
            text: may hold references made by `setting`; a name that is not a setting stays as it is.
            source: where each value came from; what came from an ini file is written as there.
        """

        def spelled(match: re.Match[str]) -> str:
            name, value = match["name"], match["value"]
            if name not in _FLAGS:
                return match[0]
            surface = Surface.INI if source.get(name, "").startswith(INI_ORIGIN) else self
            return surface.spell(name, value)

        return REFERENCE.sub(spelled, text)
