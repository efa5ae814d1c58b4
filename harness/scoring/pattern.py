"""Regular expressions that are compiled when they are first used.

Scorers have more than a hundred, and compiling them all takes a tenth of a second at every start; a run uses those of
its own tasks, once the first answer is there.
"""

import re
from typing import Any, cast


def lazy_pattern(text: str, flags: int = 0) -> re.Pattern[str]:
    """Return what can be used as the compiled pattern, except as an argument of the functions of `re`."""
    return cast("re.Pattern[str]", _Pattern(text, flags))


class _Pattern:
    """Stands for a compiled pattern, and takes each of its methods from it on the first use."""

    def __init__(self, text: str, flags: int) -> None:
        self.pattern = text
        self._flags = flags

    def __getattr__(self, name: str) -> Any:
        found = getattr(re.compile(self.pattern, self._flags), name)
        setattr(self, name, found)  # so that it is found without this method from now on
        return found
