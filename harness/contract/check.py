"""One documented behaviour of LM Studio: what is documented, how to look, and what was found.

A check is a function from a `Bench` to what was observed. Its docstring is what is documented, in our own words.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from harness.contract.bench import Bench
from harness.errors import Cancelled, HarnessError, LoadFailed, TransportError

State: TypeAlias = Literal["held", "did not hold", "could not be checked"]
Check: TypeAlias = Callable[[Bench], str]
"""Returns what was observed; raises `Deviation` or `Unchecked`."""


class Deviation(Exception):
    """The server behaves in another way than is documented; says what was observed."""


class Unchecked(Exception):
    """It cannot be told on this server or without touching what is others'; says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was found out about one behaviour."""

    name: str
    documented: str
    state: State
    observed: str


def expect(holds: object, observed: str) -> None:
    """Make sure that it holds.

    Raises:
        Deviation: it does not; `observed` says what is there instead.
    """
    if not holds:
        raise Deviation(observed)


def documented(check: Check) -> str:
    """Return what the check is about, on one line."""
    return " ".join((check.__doc__ or "").split())


def look(check: Check, bench: Bench) -> Finding:
    """Return what the check finds on this server, whatever goes wrong.

    An error that the server answers with is a deviation; a model that does not fit, or a lost connection, tells nothing
    about the behaviour.

    Raises:
        Cancelled: the whole was broken off.
    """
    try:
        state: State = "held"
        observed = check(bench)
    except Deviation as exc:
        state, observed = "did not hold", str(exc)
    except Unchecked as exc:
        state, observed = "could not be checked", str(exc)
    except Cancelled:
        raise
    except (LoadFailed, TransportError) as exc:
        state, observed = "could not be checked", exc.message
    except HarnessError as exc:
        state, observed = "did not hold", f"{type(exc).__name__}: {exc.message}"
    shown = "".join(one if one.isprintable() else ascii(one)[1:-1] for one in observed)
    return Finding(name=check.__name__, documented=documented(check), state=state, observed=shown)
