"""Compares the value of an argument in a call with an allowed one."""

import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

from harness.domain.sample import Json

Comparison: TypeAlias = Callable[[Json, Json], bool]
"""Whether a value that was found is the allowed one."""

_BFCL_IGNORED = re.compile(r"[\s,./\-_*^]+")


def kind_of(value: Json) -> type:
    """Return the type of a JSON value; all numbers have one."""
    return float if type(value) is int else type(value)


def is_same(got: Json, right: Json) -> bool:
    """Return whether values are the same: texts without regard to case and spaces, `5` as `5.0`, `true` not as `1`."""
    if kind_of(got) != kind_of(right):
        return False
    if isinstance(right, str):
        return "".join(got.split()).casefold() == "".join(right.split()).casefold()
    if isinstance(right, list):
        return len(got) == len(right) and all(map(is_same, got, right))
    if isinstance(right, dict):
        return got.keys() == right.keys() and all(is_same(got[key], value) for key, value in right.items())
    return bool(got == right)


def is_same_in_bfcl(got: Json, right: Json) -> bool:
    r"""Return whether a value is an allowed one as the Berkeley Function-Calling Leaderboard compares them.

    Texts are compared without spaces, case and `,./-_*^`, and with `'` as `"`. An allowed object has a list of allowed
    values for each key; "" among them says that the key may be left out.
    """
    if kind_of(got) != kind_of(right):
        return False
    if isinstance(right, str):
        return _standardised(got) == _standardised(right)
    if isinstance(right, list):
        return len(got) == len(right) and all(map(is_same_in_bfcl, got, right))
    if isinstance(right, dict):
        missing = right.keys() - got.keys()
        return all("" in _allowed(right[key]) for key in missing) and all(
            key in right and any(is_same_in_bfcl(value, allowed) for allowed in _allowed(right[key]))
            for key, value in got.items()
        )
    return bool(got == right)


def ideal_in_bfcl(right: Json) -> Json:
    """Return an allowed value as an answer has it: the first one for each key of an object."""
    if isinstance(right, list):
        return [ideal_in_bfcl(inner) for inner in right]
    if isinstance(right, dict):
        return {key: ideal_in_bfcl(next(iter(_allowed(inner)), "")) for key, inner in right.items() if inner != [""]}
    return right


COMPARISONS: Mapping[str, Comparison] = {"plain": is_same, "bfcl": is_same_in_bfcl}
"""By the name that a target gives in `form`."""


def _standardised(text: str) -> str:
    return _BFCL_IGNORED.sub("", text).lower().replace("'", '"')


def _allowed(values: Json) -> list[Json]:
    return values if isinstance(values, list) else [values]
