"""How long a run still takes: from what it measured so far, and what earlier runs did. Without either, nothing."""

from collections.abc import Iterator

from harness.report.live.standing import CellStanding, ModelStanding, Stage, Standing

_LEAST_ANSWERS = 5
"""Fewer answers than these say nothing about the next ones."""
_MINUTE_S, _HOUR_S = 60, 3600


def left_s(standing: Standing, now: float) -> float | None:
    """Return how long the run still takes, in seconds; None while that could only be made up.

    A cell takes as long as its own answers did, else as in earlier runs, else as guessed from the size of the model,
    scaled by how wrong these guesses were so far.
    """
    if not any(standing.cells()):  # Only tests of the user's own, of which nothing is known.
        return None
    scale = _scale(standing)
    total_s = 0.0
    for model in standing.models.values():
        if model.stage is Stage.OVER:
            continue
        total_s += max(0.0, model.plan.fixed_s - model.other_s)
        for cell in model.cells.values():
            if not cell.missing:
                continue
            each_s = _sample_s(cell, scale)
            if each_s is None:
                return None
            total_s += cell.missing * each_s
    return max(0.0, total_s - min(standing.since(now), _longest_wait_s(standing, scale)))


def roughly(duration_s: float) -> str:
    """Return a duration that is only an estimate: "under a minute", "about 12 min", "about 3 h 20 min"."""
    if duration_s < _MINUTE_S:
        return "under a minute"
    minutes = round(duration_s / _MINUTE_S)
    if duration_s < _HOUR_S:
        return f"about {minutes} min"
    fives = round(minutes / 5) * 5
    return f"about {fives // 60} h {fives % 60} min" if fives % 60 else f"about {fives // 60} h"


def _longest_wait_s(standing: Standing, scale: float | None) -> float:
    """Return how much of the time since the last answer counts as progress: at most one sample's time."""
    model: ModelStanding | None = standing.models.get(standing.current)
    cell = model.cells.get(standing.task) if model else None
    return (_sample_s(cell, scale) or 0.0) if cell else 0.0


def _sample_s(cell: CellStanding, scale: float | None) -> float | None:
    if cell.asked >= _LEAST_ANSWERS:
        return cell.took_s / cell.asked
    if cell.plan.measured_s is not None:
        return cell.plan.measured_s
    return None if scale is None or not cell.plan.guess_s else cell.plan.guess_s * scale


def _scale(standing: Standing) -> float | None:
    """Return how many times as long as guessed the answers of this run took; None: there are too few of them."""
    seen = list(_guessed(standing))
    guessed_s = sum(cell.plan.guess_s * cell.asked for cell in seen)
    return sum(cell.took_s for cell in seen) / guessed_s if guessed_s > 0 else None


def _guessed(standing: Standing) -> Iterator[CellStanding]:
    return (cell for cell in standing.cells() if cell.asked >= _LEAST_ANSWERS and cell.plan.guess_s > 0)
