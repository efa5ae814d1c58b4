"""How far the figures of a thorough run are from themselves, and what the machine was like."""

import math
from collections.abc import Sequence

from harness.report.figure import milliseconds, seconds
from harness.report.layout import fitted, paragraph
from harness.report.text import one_line
from harness.store.run_file import RunFile
from harness.verdict.noise import LATE, median_in, noise_in

HEADERS = ("model", "time of", "rounds", "median", "in turn", "over time", "noise")
LEGEND = (
    "Noise: how far a figure is from itself when nothing is changed (A/A). in turn: odd rounds against even ones. over "
    "time: the first rounds against those after all other tests, where they were asked again; else the first half "
    "against the last, doubled. noise: the larger of both. Two models differ only by more than the noise of both, "
    "added up."
)
_FIGURES = {"ttft_s": "first token", "tpot_s": "time per token", "e2e_s": "answer", "load_time_s": "load"}
_NOT_READABLE = "not readable"


def render(seen: RunFile, *, width: int | None) -> list[str]:
    """Return the noise of each time that a thorough run measured twice, and what the machine was like."""
    keys = dict.fromkeys(measure.model_key for measure in seen.measures if measure.name.startswith(LATE))
    rows = [row for key in keys for row in _rows(seen, key)]
    if not rows:
        return []
    align = ("left", "left", *["right"] * 5)
    parts = [fitted(rows, headers=HEADERS, align=align, width=width), paragraph(LEGEND, width)]
    return [*parts, *([paragraph(conditions(seen), width)] if seen.header else [])]


def conditions(seen: RunFile) -> str:
    """Return what the machine was like when a run began."""
    known = seen.run.conditions
    load, cores = known.get("load_average"), seen.run.cpu_count
    shown = (one_line(str(known.get(name) or _NOT_READABLE), limit=60) for name in ("governor", "power"))
    of = "" if cores is None else f" on {cores} cores"
    average = f"{load:.2f}{of}" if isinstance(load, int | float) else _NOT_READABLE
    return "When the run began: load average {}, CPU governor {}, power source {}.".format(average, *shown)


def _rows(seen: RunFile, key: str) -> Sequence[tuple[str, ...]]:
    rows = []
    for name, what in _FIGURES.items():
        middle, noise = median_in(seen, key, name), noise_in(seen, key, name)
        if middle is None:
            continue
        parts = (noise.in_turn, noise.over_time, noise.value)
        shown = milliseconds(middle) if name == "tpot_s" else seconds(middle)
        percents = (f"{100 * math.expm1(part):.0f} %" if part is not None else "n/a" for part in parts)
        rows.append((one_line(key, limit=40), what, str(noise.n), shown, *percents))
    return rows
