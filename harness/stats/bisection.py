"""Where a condition changes, by halving."""

from collections.abc import Callable

_HALVINGS = 60  # more than a float has bits


def boundary(is_outside: Callable[[float], bool], *, outside: float, inside: float) -> float:
    """Return where `is_outside` turns from true to false between the two, to the last bits: the point still outside.

    Args:
        is_outside: true from `outside` up to one point, false from there to `inside`; asked only strictly between them.
        outside: where it is true; may lie on either side of `inside`.
        inside: where it is false.
    """
    for _ in range(_HALVINGS):
        middle = (outside + inside) / 2
        if is_outside(middle):
            outside = middle
        else:
            inside = middle
    return outside
