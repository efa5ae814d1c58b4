"""What goes wrong in a story: faults that meet loads, listings and unloads, and clients that act meanwhile."""

from collections.abc import Callable

from hypothesis import strategies as st

from harness.testing.fault import Call, Drop, Fault, Hang, Ignore, Lag, Reset, Status

lost_loads = st.sampled_from(
    [
        Drop(),
        Drop(after_effect=True),
        Reset(),
        Reset(after_effect=True),
        Hang(after_effect=True),
        Status(500, {"error": {"message": "no"}}),
        Status(502, "<html>", "text/html"),
        Ignore(),
    ]
)
bad_lists = st.sampled_from([Drop(), Reset(), Status(500, {"error": "no"}), Status(200, "{}"), Lag()])
bad_unloads = st.sampled_from([Drop(), Drop(after_effect=True), Status(500, {"error": "no"}), Ignore()])


class Meanwhile:
    """Somebody else does something while our request is under way."""

    def __init__(self, act: Callable[[], object], then: Fault) -> None:
        self._act, self._then = act, then

    def apply(self, call: Call) -> None:
        """Let them act, then let our request go on."""
        self._act()
        self._then.apply(call)
