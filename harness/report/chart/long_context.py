"""What a model finds in a long text, by the length of the text and by how deep in it the fact stands."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from harness.report.chart.chart import Chart, Drawing, assembled, finite
from harness.report.chart.label import cut, names, text_width, wrapped
from harness.report.chart.svg import Markup, element, group, text

_ROW, _WIDEST_CELL, _COMFORTABLE_CELL = 26, 66, 46
_HEAD, _FOOT, _SIDE, _GAP = 24, 34, 78, 18
_MOST_LENGTHS, _MOST_DEPTHS = 8, 11
_STEPS = 5
_TOLD = 6
_FEW = 5
"""The interval of a mean of fewer samples is at least half of the scale wide (Wilson, 95 %)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DepthCell:
    """One model on the samples of one length and depth.

    Attributes:
        model: its key.
        tokens: length of the prompt.
        depth: where the fact stands, from 0 (its beginning) to 1 (its end).
        score: the mean; None: all of its answers are unscored.
        n: how many samples.
    """

    model: str
    tokens: int
    depth: float
    score: float | None
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Grid:
    """The cells of all models, by model, length and depth."""

    models: Sequence[str]
    lengths: Sequence[str]
    depths: Sequence[float]
    cells: Mapping[tuple[str, str, float], Sequence[DepthCell]]

    def score(self, model: str, length: str, depth: float) -> float | None:
        """Return the mean over the scored samples; None: there are none."""
        scored = self._scored(model, length, depth)
        return fmean([cell.score or 0.0 for cell in scored], [cell.n for cell in scored]) if scored else None

    def n(self, model: str, length: str, depth: float) -> int:
        """Return the number of scored samples."""
        return sum(cell.n for cell in self._scored(model, length, depth))

    def _scored(self, model: str, length: str, depth: float) -> list[DepthCell]:
        found = self.cells.get((model, length, depth), ())
        return [cell for cell in found if finite(cell.score) is not None and cell.n > 0]


def long_context(
    cells: Sequence[DepthCell], *, chart_id: str = "long-context", title: str = "Long context, by length and depth"
) -> Chart:
    """Return a map for each model: longer texts to the right, facts that stand deeper further down.

    Args:
        cells: in the order in which models are shown; those of one model, length and depth are averaged.
        chart_id: unique in the page.
        title: its heading.
    """
    grid = _grid(cells)
    return assembled(
        chart_id=chart_id,
        title=title,
        description=_description(grid),
        header=("model", "length in tokens", "depth", "score", "n"),
        rows=[
            (model, length, _depth(depth), _score(grid.score(model, length, depth)), str(grid.n(model, length, depth)))
            for model in grid.models
            for length in grid.lengths
            for depth in grid.depths
            if (model, length, depth) in grid.cells
        ],
        draw=lambda width: _drawn(grid, width),
    )


def _grid(cells: Sequence[DepthCell]) -> _Grid:
    """Return the cells with at most eight lengths and eleven depths: neighbours share one where there are more."""
    tokens = sorted({cell.tokens for cell in cells})
    share = -(-len(tokens) // _MOST_LENGTHS) or 1
    length_of = {}
    for start in range(0, len(tokens), share):
        together = tokens[start : start + share]
        label = f"{together[-1]:,}" if len(together) == 1 else f"to {together[-1]:,}"
        length_of.update(dict.fromkeys(together, label))
    is_fine = len({cell.depth for cell in cells}) > _MOST_DEPTHS
    found: dict[tuple[str, str, float], list[DepthCell]] = defaultdict(list)
    for cell in cells:
        depth = min(1.0, max(0.0, round(cell.depth, 1) if is_fine else cell.depth))
        found[cell.model, length_of[cell.tokens], depth].append(cell)
    return _Grid(
        models=[*dict.fromkeys(cell.model for cell in cells)],
        lengths=[*dict.fromkeys(length_of.values())],
        depths=sorted({depth for _, _, depth in found}),
        cells=found,
    )


def _description(grid: _Grid) -> str:
    if not grid.models:
        return "Nothing to draw: no sample says its length and depth."
    told = []
    for model in grid.models[:_TOLD]:
        scores = [(grid.score(model, length, depth), length, depth) for _, length, depth in _places(grid, model)]
        known = [(score, length, depth) for score, length, depth in scores if score is not None]
        if not known:
            told.append(f"{cut(model, 40)}: no answer is scored")
            continue
        low, length, depth = min(known)
        worst = f"lowest {low:.2f} at {length} tokens, {_depth(depth)}"
        told.append(f"{cut(model, 40)}: {worst}; highest {max(known)[0]:.2f}")
    rest = f"; and {len(grid.models) - _TOLD} more" * (len(grid.models) > _TOLD)
    return f"Scores by length of the text and depth of the fact. {'; '.join(told)}{rest}."


def _places(grid: _Grid, model: str) -> list[tuple[str, str, float]]:
    return [place for place in grid.cells if place[0] == model]


def _drawn(grid: _Grid, width: int) -> Drawing:
    if not grid.models:
        none = text(width / 2, 34, "no sample says its length and depth", css="note", anchor="middle")
        return Drawing(height=60, content=[none])
    columns = len(grid.lengths)
    across = max(1, int((width - _SIDE + _GAP) // (columns * _COMFORTABLE_CELL + _GAP)))
    across = min(across, len(grid.models))
    cell_width = min(_WIDEST_CELL, ((width - _SIDE + _GAP) / across - _GAP) / columns)
    panel_width, panel_height = columns * cell_width, _HEAD + len(grid.depths) * _ROW + _FOOT
    name = names(grid.models, max(90, panel_width), is_bold=True)
    content: list[Markup] = []
    for place, model in enumerate(grid.models):
        left, top = _SIDE + place % across * (panel_width + _GAP), place // across * panel_height
        content.append(group(text(left, top + 14, name[model], css="name"), title=model))
        if place % across == 0:
            content += [
                text(_SIDE - 8, _row(top, row) + 17, _depth(depth), css="tick", anchor="end")
                for row, depth in enumerate(grid.depths)
            ]
        content += _map(grid, model, left=left, top=top, cell_width=cell_width)
    bottom = -(-len(grid.models) // across) * panel_height
    notes = wrapped(f"Across: tokens of the prompt. {_samples(grid)}", width - 4, most_lines=3)
    content += [text(2, bottom + 6 + 15 * row, note, css="note") for row, note in enumerate(notes)]
    return Drawing(height=bottom + 15 * len(notes), content=content)


def _map(grid: _Grid, model: str, *, left: float, top: float, cell_width: float) -> list[Markup]:
    every = math.ceil((max(text_width(length, 12) for length in grid.lengths) + 4) / cell_width)
    content = [
        text(left + (column + 0.5) * cell_width, _row(top, len(grid.depths)) + 15, length, css="tick", anchor="middle")
        for column, length in enumerate(grid.lengths)
        if (len(grid.lengths) - 1 - column) % every == 0  # The longest is always named.
    ]
    for column, length in enumerate(grid.lengths):
        for row, depth in enumerate(grid.depths):
            score, n = grid.score(model, length, depth), grid.n(model, length, depth)
            x, y = left + column * cell_width, _row(top, row)
            shape = element("rect", x=x + 1, y=y + 1, width=cell_width - 2, height=_ROW - 2, rx=2)
            value = text(x + cell_width / 2, y + 17, _score(score), css="value", anchor="middle")
            told = f"{model}, {length} tokens, {_depth(depth)}: {_score(score)} (n {n})"
            content.append(group(shape, value, title=told, css=_heat(score)))
    return content


def _row(top: float, row: int) -> float:
    return top + _HEAD + row * _ROW


def _heat(score: float | None) -> str:
    """Return the class of a cell: one of five steps, as a value stands in each and needs a background to be read on."""
    return "unknown" if score is None else f"heat-{min(_STEPS - 1, max(0, int(score * _STEPS)))}"


def _samples(grid: _Grid) -> str:
    found = {grid.n(*place) for place in grid.cells} - {0}
    if not found:
        return "No answer is scored."
    least, most = min(found), max(found)
    text = f"Each value: the mean of {most if least == most else f'{least} to {most}'} sample{'s' * (most != 1)}"
    return f"{text}: so few that only the pattern counts." if most < _FEW else f"{text}."


def _score(score: float | None) -> str:
    return "\N{EN DASH}" if score is None else f"{score:.2f}"


def _depth(depth: float) -> str:
    return {0.0: "beginning", 0.5: "middle", 1.0: "end"}.get(depth, f"{100 * depth:.0f} % deep")
