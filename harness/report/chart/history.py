"""How scores went from run to run, and what changed between the runs."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from harness.report.chart.chart import NARROW, Chart, Drawing, assembled, finite, score_text
from harness.report.chart.label import TEXT_HEIGHT, cut, names, spread, text_width, wrapped
from harness.report.chart.scale import Scale, score_scale
from harness.report.chart.story import HistoryPoint, Story, story_of
from harness.report.chart.svg import Markup, element, group, line, path, text

_HEAD, _FOOT, _LEFT, _LABELS, _GAP = 40, 32, 30, 150, 26
_PLOT_HEIGHT = 120
_MOST_BANDS = 4
_COLOURS = 8
_CROWDED = 11
_TOLD = 6
_MOST_NOTE_LINES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class _Panel:
    """Where the panel of a task stands."""

    story: Story
    left: float
    top: float
    width: float
    height: float

    @property
    def bottom(self) -> float:
        return self.top + _HEAD + self.height

    @property
    def right(self) -> float:
        """Where the plot ends and the names begin."""
        return self.left + self.width - _LABELS

    def y(self) -> Scale:
        return score_scale(self.story.ends, start=self.bottom, end=self.top + _HEAD)

    def x(self, run: str) -> float:
        """Return where a run stands: they are equally far apart."""
        runs, start, end = list(self.story.runs), self.left + _LEFT + 10, self.right - 6
        share = runs.index(run) / (len(runs) - 1) if len(runs) > 1 else 1.0
        return start + (end - start) * share

    @property
    def step(self) -> float:
        """How far apart runs are."""
        return (self.right - self.left - _LEFT) / max(1, len(self.story.runs) - 1)


def history(
    points: Sequence[HistoryPoint], *, chart_id: str = "history", title: str = "Scores from run to run"
) -> Chart:
    """Return a panel for each task with a line for each model; what changed is marked, and told below.

    Of more than 60 runs, the newest are shown.

    Args:
        points: in any order of runs; tasks and models are shown in the order of their first point.
        chart_id: unique in the page.
        title: its heading.
    """
    story = story_of(points)
    return assembled(
        chart_id=chart_id,
        title=title,
        description=_description(story),
        header=("run", "began", "task", "model", "score [95 %]", "changed"),
        rows=[
            (
                point.run,
                point.began,
                point.task,
                point.model,
                score_text(finite(point.score), point.low, point.high),
                "; ".join(point.changed) or "-",
            )
            for point in story.points
        ],
        draw=lambda width: _drawn(story, width),
    )


def _description(story: Story) -> str:
    if not story.points:
        return "Nothing to draw: no run has a score."
    told = []
    for task in story.tasks[:_TOLD]:
        for model in story.models[:_TOLD]:
            scores = [point.score for point in story.line(task, model) if finite(point.score) is not None]
            if scores:
                ends = f"{scores[0]:.2f}" if len(scores) == 1 else f"{scores[0]:.2f} to {scores[-1]:.2f}"
                told.append(f"{cut(task, 30)}, {cut(model, 30)}: {ends}")
    dates = list(story.runs.values())
    span = f"{len(dates)} runs, {dates[0]} to {dates[-1]}" if len(dates) > 1 else f"One run, {dates[0]}"
    span = f"The newest {span}" if story.left_out else span
    return f"{span}. {'; '.join(told)}. Runs with changes: {story.changed_runs}."


def _drawn(story: Story, width: int) -> Drawing:
    if not story.points:
        return Drawing(height=60, content=[text(width / 2, 34, "no run has a score", css="note", anchor="middle")])
    across = 1 if width <= NARROW or len(story.tasks) == 1 else 2
    panel_width = (width - (across - 1) * _GAP) / across
    most_lines = max(sum(bool(story.line(task, model)) for model in story.models) for task in story.tasks)
    plot_height = max(_PLOT_HEIGHT, TEXT_HEIGHT * (most_lines + 1))
    name = names(story.models, _LABELS - 14 - text_width(" 0.00"))
    content: list[Markup] = []
    for place, task in enumerate(story.tasks):
        panel = _Panel(
            story=story,
            left=place % across * (panel_width + _GAP),
            top=place // across * (_HEAD + plot_height + _FOOT),
            width=panel_width,
            height=plot_height,
        )
        content += [*_frame(panel, task), *_marks(panel, task), *_lines(panel, task, name)]
    height = -(-len(story.tasks) // across) * (_HEAD + plot_height + _FOOT)
    notes = _notes(story, width, height + 8, has_bands=most_lines <= _MOST_BANDS)
    return Drawing(height=height + 8 + 15 * len(notes), content=[*content, *notes])


def _frame(panel: _Panel, task: str) -> list[Markup]:
    scale = panel.y()
    content = [group(text(panel.left + 2, panel.top + 13, cut(task, 40), css="name"), title=task)]
    few = [0.0, 0.5, 1.0] if len(scale.ticks) > 5 else scale.ticks[::2]  # noqa: PLR2004  (from 0 to 1)
    for tick in few:
        y = scale(tick)
        content += [
            line(panel.left + _LEFT, y, panel.right, y, css="grid"),
            text(panel.left + _LEFT - 6, y + 4, f"{tick:.1f}", css="tick", anchor="end"),
        ]
    taken = -math.inf
    dates = list(panel.story.runs.items())
    last = panel.x(dates[-1][0]) - text_width(dates[-1][1], 12) / 2
    for run, date in dates:
        x, half = panel.x(run), text_width(date, 12) / 2
        content.append(line(x, panel.bottom, x, panel.bottom + 4, css="rule"))
        if x - half > taken and (x + half < last - 8 or run == dates[-1][0]):
            content.append(text(max(x, panel.left + half), panel.bottom + 20, date, css="tick", anchor="middle"))
            taken = x + half + 8
    return content


def _marks(panel: _Panel, task: str) -> list[Markup]:
    content = []
    taken = -math.inf
    for run, change in panel.story.changes.items():
        if not any(point.run == run and point.task == task for point in panel.story.points):
            continue
        x = panel.x(run)
        shown = [line(x, panel.top + _HEAD - 6, x, panel.bottom, css="change")]
        if x - taken > _CROWDED:
            shown.append(text(x, panel.top + _HEAD - 9, change.mark, css="mark", anchor="middle"))
            taken = x
        content.append(group(*shown, title=change.note))
    return content


def _lines(panel: _Panel, task: str, name: Mapping[str, str]) -> list[Markup]:
    scale = panel.y()
    found = [(place, panel.story.line(task, model)) for place, model in enumerate(panel.story.models)]
    drawn = [(place, points) for place, points in found if any(finite(point.score) is not None for point in points)]
    bands, strokes, ends = [], [], []
    for place, points in drawn:
        css = f"series-{place % _COLOURS}{' dashed' * (place >= _COLOURS)}"
        for segment in _segments(points):
            if len(drawn) <= _MOST_BANDS:
                bands += [group(*_band(panel, scale, segment), css=css)]
            strokes.append(group(*_stroke(panel, scale, segment), css=css))
        last = [point for point in points if finite(point.score) is not None][-1]
        ends.append((css, last, panel.x(last.run), scale(last.score or 0.0)))
    low, high = panel.top + _HEAD, panel.bottom - TEXT_HEIGHT / 2  # Above the dates.
    labels = spread([y for *_, y in ends], gap=TEXT_HEIGHT, low=low, high=high)
    for (css, last, x, y), label_y in zip(ends, labels, strict=True):
        bend = panel.right + 2
        shown = text(panel.right + 12, label_y + 4, f"{name[last.model]} {last.score:.2f}", css="row")
        leader = path([(x, y), (bend, y), (panel.right + 9, label_y)], css="lead")
        strokes.append(group(leader, shown, title=last.model, css=css))
    return [*bands, *strokes]


def _segments(points: Sequence[HistoryPoint]) -> list[list[HistoryPoint]]:
    """Return the stretches of points that have a score; a line does not run through what is missing."""
    parts = groupby(points, key=lambda point: finite(point.score) is not None)
    return [list(part) for has_score, part in parts if has_score]


def _band(panel: _Panel, scale: Scale, segment: Sequence[HistoryPoint]) -> list[Markup]:
    upper = [(panel.x(point.run), scale(_end(point, point.high))) for point in segment]
    lower = [(panel.x(point.run), scale(_end(point, point.low))) for point in segment]
    if len(segment) == 1:
        ((x, top),), ((_, bottom),) = upper, lower
        return [line(x, top, x, bottom, css="interval")]
    return [path([*upper, *reversed(lower)], css="band", is_closed=True)]


def _stroke(panel: _Panel, scale: Scale, segment: Sequence[HistoryPoint]) -> list[Markup]:
    at = [(panel.x(point.run), scale(point.score or 0.0)) for point in segment]
    has_dots = panel.step > _CROWDED or len(segment) == 1
    dots = [
        group(
            element("circle", cx=x, cy=y, r=3 if panel.step > _CROWDED else 1.5, css="dot"),
            title=f"{point.model}, {point.began}: {score_text(point.score, point.low, point.high)}",
        )
        for point, (x, y) in zip(segment, at, strict=True)
        if has_dots
    ]
    return [*([path(at, css="stroke")] if len(at) > 1 else []), *dots]


def _end(point: HistoryPoint, end: float | None) -> float:
    found = finite(end)
    return (point.score or 0.0) if found is None else found


def _notes(story: Story, width: int, top: float, *, has_bands: bool) -> list[Markup]:
    """Return the lines below the panels: what changed, by its mark, and how to read them."""
    content: list[Markup] = []
    for run, change in story.changes.items():
        told = wrapped(f"{change.mark}  {story.runs[run]}: {change.note}", width - 4, most_lines=_MOST_NOTE_LINES)
        for note in told:
            content.append(group(text(2, top + 15 * len(content) + 6, note, css="note"), title=change.note))
    reading = "Runs in order, not to scale. " + (
        "Bands: 95 % intervals." if has_bands else "The 95 % intervals are in the table."
    )
    if story.left_out:
        reading += f" The newest {len(story.runs)} of {len(story.runs) + story.left_out} runs."
    if rest := story.changed_runs - len(story.changes):
        reading += f" {rest} earlier changes are in the table."
    for note in wrapped(reading, width - 4, most_lines=_MOST_NOTE_LINES):
        content.append(text(2, top + 15 * len(content) + 6, note, css="note"))
    return content
