"""One documented behaviour of LM Studio: what is documented, how to look, and what was found.

A check is a function that takes a `Bench` and returns what it observed. Its docstring is what is documented, in our own
words, and stands in the report.
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
    """The server does not behave as documented; the message is what was observed."""


class Unchecked(Exception):
    """The behaviour cannot be checked on this server, or not without touching other programs' instances; says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractFinding:
    """What a check found out about one behaviour."""

    name: str
    documented: str
    state: State
    observed: str


def expect(holds: object, observed: str) -> None:
    """Return if it holds.

    Raises:
        Deviation: it does not hold; `observed` is what is there instead.
    """
    if not holds:
        raise Deviation(observed)


def documented(check: Check) -> str:
    """Return what is documented, on one line."""
    return " ".join((check.__doc__ or "").split())


def look(check: Check, bench: Bench) -> ContractFinding:
    """Return what the check finds on this server, whatever goes wrong.

    An error answer of the server is a deviation. After a lost connection, or with a model that does not fit, the
    behaviour could not be checked.

    Raises:
        Cancelled: the whole inspection was broken off.
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
    shown = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in observed)
    return ContractFinding(name=check.__name__, documented=documented(check), state=state, observed=shown)
