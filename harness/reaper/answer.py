"""What a server answers the reaper: values of their own, as a run needs them without the HTTP client of `server`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


class ServerTrouble(Exception):
    """There is no usable answer.

    Attributes:
        is_refused: nothing was sent, because nothing listens there.
        is_late: a deadline passed.
    """

    def __init__(self, message: str, *, is_refused: bool = False, is_late: bool = False) -> None:
        super().__init__(message)
        self.is_refused = is_refused
        self.is_late = is_late


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A loaded instance, as the listing shows it."""

    id: str
    model_key: str
    config: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RawAnswer:
    """An answer as it came."""

    status: int
    body: bytes = field(repr=False)

    @property
    def value(self) -> dict[str, Any]:
        """The JSON object that it holds; {} where it holds none."""
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}
