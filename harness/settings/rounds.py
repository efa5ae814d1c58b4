"""In which rounds a run asks that goes on until its tasks are decided."""

FIRST_ROUND = 15
"""Samples of each task in the first round; each round asks up to twice as many as the last one."""

LAST_ROUND = 120
"""Samples of each task in the last round, unless the user sets a limit."""


def rounds_up_to(limit: int) -> tuple[int, ...]:
    """Return how many samples of a task each round asks in all, if it is still open: 15, 30, 60, 120 up to 120."""
    sizes = []
    size = FIRST_ROUND
    while size < limit:
        sizes.append(size)
        size *= 2
    return (*sizes, limit)
