"""Score against time: which models are worth their time, and which another one beats in both."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from harness.report.chart.chart import NARROW, Chart, Drawing, assembled, finite, score_text
from harness.report.chart.label import TEXT_HEIGHT, Box, Wish, cut, names, placed, text_width, wrapped
from harness.report.chart.scale import Scale, score_scale, seconds_tick, time_scale
from harness.report.chart.svg import Markup, element, group, line, path, text
from harness.report.figure import seconds
from harness.report.text import one_line

_LEFT, _RIGHT, _TOP, _BOTTOM = 38, 14, 34, 40
_NOTE_SIZE, _NARROWEST_NOTE = 11.5, 80
_TOLD = 6
_LEADER_FROM = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class ParetoPoint:
    """One model, on one task or over several.

    Attributes:
        model: its key.
        score: 0 to 1; None: none, so that it is not drawn.
        low, high: the interval of the score.
        seconds: the median time of a whole answer; None: not measured, so that it is not drawn.
        dominated_by: a model that is as good and as quick; None: none.
        reason: why it is muted, in a few words: dominated, or not in the choice for another reason.
    """

    model: str
    score: float | None
    low: float | None = None
    high: float | None = None
    seconds: float | None = None
    dominated_by: str | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Dot:
    """A point that can be drawn, with its coordinates."""

    point: ParetoPoint
    name: str
    reason: str
    x: float
    y: float
    top: float
    bottom: float

    @property
    def is_muted(self) -> bool:
        return not _is_ahead(self.point)


def pareto(
    points: Sequence[ParetoPoint],
    *,
    chart_id: str = "pareto",
    title: str = "Score against time",
    yardstick: float | None = None,
) -> Chart:
    """Return score against time: dominated models are muted, and the others are joined to the frontier.

    Args:
        points: one for each model.
        chart_id: unique in the page.
        title: its heading.
        yardstick: the score that a model has to reach; None: draw none.
    """
    return assembled(
        chart_id=chart_id,
        title=title,
        description=_description(points),
        header=("model", "score [95 %]", "time of an answer", "standing"),
        rows=[
            (
                point.model,
                score_text(finite(point.score), point.low, point.high),
                seconds(finite(point.seconds)),
                _standing(point),
            )
            for point in points
        ],
        draw=lambda width: _drawn(points, width, finite(yardstick)),
    )


def _standing(point: ParetoPoint) -> str:
    if not _is_drawn(point):
        return "not drawn: no score" if finite(point.score) is None else "not drawn: no time was measured"
    if point.dominated_by is None:
        return point.reason or "not dominated"
    if point.dominated_by in point.reason:
        return f"dominated: {point.reason}"
    return f"dominated by {point.dominated_by}{': ' * bool(point.reason)}{point.reason}"


def _is_ahead(point: ParetoPoint) -> bool:
    return point.dominated_by is None and not point.reason


def _description(points: Sequence[ParetoPoint]) -> str:
    drawn = [point for point in points if _is_drawn(point)]
    if not drawn:
        return "Nothing to draw: no model has both a score and a time."
    ahead = sorted((point for point in drawn if _is_ahead(point)), key=lambda point: point.seconds or 0.0)
    behind = [point for point in drawn if point.dominated_by is not None]
    told = "; ".join(
        f"{cut(point.model, 40)} scores {score_text(point.score, point.low, point.high)} in {seconds(point.seconds)}"
        for point in ahead[:_TOLD]
    )
    rest = f" and {len(ahead) - _TOLD} more" * (len(ahead) > _TOLD)
    parts = [f"Models that no other one beats in both score and time, the quickest first: {told}{rest}."] * bool(ahead)
    if behind:
        told = ", ".join(f"{cut(point.model, 40)} by {cut(point.dominated_by or '', 40)}" for point in behind[:_TOLD])
        parts.append(f"Dominated: {told}{f' and {len(behind) - _TOLD} more' * (len(behind) > _TOLD)}.")
    return " ".join(parts)


def _is_drawn(point: ParetoPoint) -> bool:
    return finite(point.score) is not None and finite(point.seconds) is not None and (point.seconds or 0.0) >= 0


def _drawn(points: Sequence[ParetoPoint], width: int, yardstick: float | None) -> Drawing:
    is_narrow = width <= NARROW
    bottom = _TOP + (260 if is_narrow else 330)
    drawn = [point for point in points if _is_drawn(point)]
    ends = [end for point in drawn for end in (point.score, finite(point.low), finite(point.high)) if end is not None]
    y_scale = score_scale([*ends, *([] if yardstick is None else [yardstick])], start=bottom, end=_TOP)
    x_scale = time_scale(
        [point.seconds or 0.0 for point in drawn], start=_LEFT, end=width - _RIGHT, most_ticks=4 if is_narrow else 8
    )
    name = names([point.model for point in drawn], 125 if is_narrow else 200)
    dots = sorted((_dot(point, name, x_scale, y_scale) for point in drawn), key=lambda dot: (dot.is_muted, dot.x))
    stairs = _stairs(dots, width)
    content = [*_axes(x_scale, y_scale, width), *_yardstick(yardstick, y_scale, width)]
    content += [path(stairs, css="frontier")] if stairs else []
    content += [_mark(dot) for dot in reversed(dots)]
    kept = [] if yardstick is None else [_yardstick_label(yardstick, y_scale)]
    content += _labels(dots, kept, stairs, Box(_LEFT + 2, _TOP - 12, width - 2, bottom - 2))
    left_out = len(points) - len(drawn)
    if not drawn:
        content.append(
            text(width / 2, (_TOP + bottom) / 2, "no model has both a score and a time", css="note", anchor="middle")
        )
    elif left_out:
        content.append(text(_LEFT, bottom + 52, f"not drawn, without score or time: {left_out}", css="note"))
    return Drawing(height=bottom + _BOTTOM + 18 * bool(left_out and drawn), content=content)


def _dot(point: ParetoPoint, name: Mapping[str, str], x_scale: Scale, y_scale: Scale) -> _Dot:
    score = point.score or 0.0
    low, high = (score if end is None else end for end in (finite(point.low), finite(point.high)))
    return _Dot(
        point=point,
        name=name[point.model],
        reason=_reason(point, name),
        x=x_scale(point.seconds or 0.0),
        y=y_scale(score),
        top=y_scale(max(score, high)),
        bottom=y_scale(min(score, low)),
    )


def _reason(point: ParetoPoint, name: Mapping[str, str]) -> str:
    """Return why a model is muted, with the other one's name as it stands in the chart."""
    if point.dominated_by is None:
        return point.reason
    rival = name.get(point.dominated_by, point.dominated_by)
    return point.reason.replace(point.dominated_by, rival) if point.reason else f"dominated by {rival}"


def _axes(x_scale: Scale, y_scale: Scale, width: int) -> list[Markup]:
    bottom, right = y_scale.start, width - _RIGHT
    content = [text(2, 14, "score (up is better)", css="axis")]
    for tick in y_scale.ticks:
        y = y_scale(tick)
        content += [
            line(_LEFT, y, right, y, css="grid"),
            text(_LEFT - 8, y + 4, f"{tick:.1f}", css="tick", anchor="end"),
        ]
    for tick in x_scale.ticks:
        x = x_scale(tick)
        content += [
            line(x, bottom, x, bottom + 4, css="rule"),
            text(x, bottom + 18, seconds_tick(tick, most=x_scale.high), css="tick", anchor="middle"),
        ]
    return [
        *content,
        line(_LEFT, bottom, right, bottom, css="rule"),
        text(right, bottom + 35, "median time of an answer (left is quicker)", css="axis", anchor="end"),
    ]


def _yardstick(value: float | None, y_scale: Scale, width: int) -> list[Markup]:
    if value is None:
        return []
    y = y_scale(value)
    return [line(_LEFT, y, width - _RIGHT, y, css="yardstick"), text(_LEFT + 4, y - 4, _suffices(value), css="note")]


def _suffices(value: float) -> str:
    return f"suffices from {value:.2f}"


def _yardstick_label(value: float, y_scale: Scale) -> Box:
    y = y_scale(value)
    return Box(_LEFT, y - TEXT_HEIGHT, _LEFT + 8 + text_width(_suffices(value), _NOTE_SIZE), y)


def _stairs(dots: Sequence[_Dot], width: int) -> list[tuple[float, float]]:
    """Return the line through the models that are not dominated: below and right of it, another one is better."""
    steps: list[tuple[float, float]] = []
    for dot in dots:
        if dot.is_muted or (steps and dot.y >= steps[-1][1]):
            continue
        if steps:
            steps.append((dot.x, steps[-1][1]))
        steps.append((dot.x, dot.y))
    return [*steps, (width - _RIGHT, steps[-1][1])] if steps else []


def _mark(dot: _Dot) -> Markup:
    point = dot.point
    shown = f"{point.model}: {score_text(point.score, point.low, point.high)}, {seconds(point.seconds)}"
    interval = [line(dot.x, dot.top, dot.x, dot.bottom, css="interval")]
    interval += [line(dot.x - 3.5, end, dot.x + 3.5, end, css="interval") for end in (dot.top, dot.bottom)]
    return group(
        *(interval if dot.bottom - dot.top > 1 else []),
        element("circle", cx=dot.x, cy=dot.y, r=4.5 if dot.is_muted else 6, css="dot"),
        title=shown + f"; {point.reason or dot.reason}" * dot.is_muted,
        css="muted" if dot.is_muted else "ahead",
    )


def _labels(
    dots: Sequence[_Dot], kept: Sequence[Box], stairs: Sequence[tuple[float, float]], within: Box
) -> list[Markup]:
    taken = [*kept, *(Box(dot.x - 7, dot.y - 7, dot.x + 7, dot.y + 7) for dot in dots)]
    avoided = [Box(dot.x - 3, dot.top, dot.x + 3, dot.bottom) for dot in dots]
    avoided += [
        Box(min(x, to_x), min(y, to_y) - 1, max(x, to_x) + 1, max(y, to_y)) for (x, y), (to_x, to_y) in pairwise(stairs)
    ]
    notes = [_note(dot, within) for dot in dots]
    places = _places(dots, notes, taken, avoided, within)
    if not all(places):  # Where not every reason finds a place, names go first.
        notes = [[] for _ in dots]
        places = _places(dots, notes, taken, avoided, within)
    return [_label(dot, place, note) for dot, place, note in zip(dots, places, notes, strict=True) if place is not None]


def _places(
    dots: Sequence[_Dot], notes: Sequence[Sequence[str]], taken: Sequence[Box], avoided: Sequence[Box], within: Box
) -> list[Box | None]:
    wishes = []
    for dot, note in zip(dots, notes, strict=True):
        widths = [text_width(row, _NOTE_SIZE) for row in note]
        width = max(text_width(dot.name, is_bold=not dot.is_muted), *widths, 0.0)
        wishes.append(Wish(x=dot.x, y=dot.y, width=width, height=TEXT_HEIGHT * (1 + len(note))))
    return placed(wishes, taken=taken, avoided=avoided, within=within)


def _note(dot: _Dot, within: Box) -> list[str]:
    """Return the reason in two lines that are about equally long; what is longer than they may be is cut."""
    widest = 160 if within.right <= NARROW else 210
    lines: list[str] = []
    for width in range(_NARROWEST_NOTE, widest + 1, 10):
        lines = wrapped(dot.reason, width, most_lines=2, size=_NOTE_SIZE) if dot.reason else []
        if " ".join(lines) == one_line(dot.reason, limit=len(dot.reason) + 1):
            break
    return lines


def _label(dot: _Dot, place: Box, note: Sequence[str]) -> Markup:
    is_left = place.right < dot.x
    x, anchor = (place.right, "end") if is_left else (place.left, "start")
    shown = [text(x, place.top + 11.5, dot.name, css="name", anchor=anchor)]
    shown += [
        text(x, place.top + 11.5 + TEXT_HEIGHT * row, told, css="note", anchor=anchor)
        for row, told in enumerate(note, start=1)
    ]
    to_x, to_y = place.nearest(dot.x, dot.y)
    is_away = math.hypot(to_x - dot.x, to_y - dot.y) > _LEADER_FROM
    leader = [line(dot.x, dot.y, to_x, to_y, css="leader")] if is_away else []
    return group(*leader, *shown, title=dot.point.model, css="muted" if dot.is_muted else "ahead")
