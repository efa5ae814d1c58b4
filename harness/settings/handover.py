"""How `lms-harness run` gives its settings to the pytest run that it starts."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.settings.surface import Surface

if TYPE_CHECKING:
    from harness.settings.settings import Settings


@dataclass(frozen=True, eq=False, kw_only=True)
class Handover:
    """Settings that a program hands to the pytest plugin, as an element of `pytest.main(..., plugins=[...])`.

    Attributes:
        settings: what an option on pytest's own command line does not override.
        surface: how the program's user writes settings, for messages.
    """

    settings: "Settings"
    surface: Surface
