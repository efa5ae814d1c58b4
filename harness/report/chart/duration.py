"""How long a model takes to load, to its first word and to its whole answer, and when a slow load pays."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.report.chart.chart import NARROW, Chart, Drawing, assembled, finite
from harness.report.chart.label import cut, names, wrapped
from harness.report.chart.scale import Scale, duration_scale, seconds_tick
from harness.report.chart.svg import Markup, element, group, line, text
from harness.report.figure import seconds

_BAR, _ROW, _NOTE, _HEAD, _FOOT = 13, 26, 15, 30, 26
_GAP = 18
_NAMES_WIDTH, _NARROW_NAMES_WIDTH = 168, 112
_VALUE_WIDTH, _TICK_WIDTH = 54, 44
_TOLD = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A duration with its interval; without one, `low` and `high` are None."""

    seconds: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeedBar:
    """One model.

    Attributes:
        model: its key.
        load, first_word, answer: None: not measured.
        break_even: when its load pays, in a few words; None: there is no such number.
    """

    model: str
    load: Span | None
    first_word: Span | None
    answer: Span | None
    break_even: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Panel:
    """One of the three durations, with its own scale."""

    title: str
    spans: Sequence[Span | None]
    left: float
    width: float

    def scale(self) -> Scale:
        """Return the scale from 0 to the longest; right of it is room for the figures."""
        most = max((_end(span) for span in self.spans if span is not None), default=0.0)
        most_ticks = int((self.width - _VALUE_WIDTH) // _TICK_WIDTH)
        return duration_scale(most, start=self.left, end=self.left + self.width - _VALUE_WIDTH, most_ticks=most_ticks)


_DURATIONS: tuple[tuple[str, Callable[[SpeedBar], Span | None]], ...] = (
    ("load, once", lambda bar: bar.load),
    ("to the first word", lambda bar: bar.first_word),
    ("whole answer", lambda bar: bar.answer),
)


def durations(
    bars: Sequence[SpeedBar], *, chart_id: str = "durations", title: str = "Load, first word, whole answer"
) -> Chart:
    """Return the three durations of each model side by side, each on a scale of its own from 0.

    Args:
        bars: one for each model, in the order in which they are shown.
        chart_id: unique in the page.
        title: its heading.
    """
    bars = [_measured(bar) for bar in bars]
    return assembled(
        chart_id=chart_id,
        title=title,
        description=_description(bars),
        header=("model", *(f"{name} [95 %]" for name, _ in _DURATIONS), "break-even"),
        rows=[(bar.model, *(_span_text(of(bar)) for _, of in _DURATIONS), bar.break_even or "-") for bar in bars],
        draw=lambda width: _drawn(bars, width),
    )


def _measured(bar: SpeedBar) -> SpeedBar:
    """Return the bar without what cannot be drawn: infinite, negative or no numbers."""
    load, first_word, answer = (_sound(span) for span in (bar.load, bar.first_word, bar.answer))
    return SpeedBar(model=bar.model, load=load, first_word=first_word, answer=answer, break_even=bar.break_even)


def _sound(span: Span | None) -> Span | None:
    if span is None or finite(span.seconds) is None or span.seconds < 0:
        return None
    return Span(seconds=span.seconds, low=finite(span.low), high=finite(span.high))


def _description(bars: Sequence[SpeedBar]) -> str:
    if not bars:
        return "Nothing to draw: no model was timed."
    told = "; ".join(
        f"{cut(bar.model, 40)}: {', '.join(f'{name} {_short(of(bar))}' for name, of in _DURATIONS)}"
        for bar in bars[:_TOLD]
    )
    return f"Medians. {told}{f'; and {len(bars) - _TOLD} more' * (len(bars) > _TOLD)}."


def _drawn(bars: Sequence[SpeedBar], width: int) -> Drawing:
    if not bars:
        return Drawing(height=60, content=[text(width / 2, 34, "no model was timed", css="note", anchor="middle")])
    return _stacked(bars, width) if width <= NARROW else _side_by_side(bars, width)


def _side_by_side(bars: Sequence[SpeedBar], width: int) -> Drawing:
    """Draw a row for each model, with its three bars beside each other and its break-even below them."""
    name = names([bar.model for bar in bars], _NAMES_WIDTH)
    panel_width = (width - _NAMES_WIDTH - _GAP - 2 * _GAP) / len(_DURATIONS)
    tops = [_HEAD]
    for bar in bars:
        tops.append(tops[-1] + _ROW + _NOTE * bool(bar.break_even) + 2)
    content = []
    for bar, top in zip(bars, tops, strict=False):
        content.append(group(text(2, top + 15, name[bar.model], css="row"), title=bar.model))
        if bar.break_even:
            (note,) = wrapped(bar.break_even, width - 4, most_lines=1)
            content.append(group(text(2, top + 15 + _NOTE, note, css="note"), title=bar.break_even))
    for place, (title, of) in enumerate(_DURATIONS):
        left = _NAMES_WIDTH + _GAP + place * (panel_width + _GAP)
        panel = _Panel(title=title, spans=[of(bar) for bar in bars], left=left, width=panel_width)
        content = [*_axes(panel, top=_HEAD - 4, bottom=tops[-1]), *content, *_bars(panel, bars, tops)]
    return Drawing(height=tops[-1] + _FOOT, content=content)


def _stacked(bars: Sequence[SpeedBar], width: int) -> Drawing:
    """Draw the three durations below each other, then the break-evens."""
    name = names([bar.model for bar in bars], _NARROW_NAMES_WIDTH)
    left = _NARROW_NAMES_WIDTH + 12
    content: list[Markup] = []
    top = 0.0
    for title, of in _DURATIONS:
        tops = [top + _HEAD + number * _ROW for number in range(len(bars) + 1)]
        panel = _Panel(title=title, spans=[of(bar) for bar in bars], left=left, width=width - left)
        content += _axes(panel, top=top + _HEAD - 4, bottom=tops[-1])
        content += [
            group(text(2, top + 15, name[bar.model], css="row"), title=bar.model)
            for bar, top in zip(bars, tops, strict=False)
        ]
        content += _bars(panel, bars, tops)
        top = tops[-1] + _FOOT + 8
    for bar in bars:
        if bar.break_even:
            lines = wrapped(bar.break_even, width - 4, most_lines=3)
            shown = [text(2, top + 12 + _NOTE * row, note, css="note") for row, note in enumerate(lines, start=1)]
            content += [text(2, top + 12, name[bar.model], css="row"), group(*shown, title=bar.break_even)]
            top += _NOTE * (1 + len(lines)) + 8
    return Drawing(height=top, content=content)


def _axes(panel: _Panel, *, top: float, bottom: float) -> list[Markup]:
    scale = panel.scale()
    content = [text(panel.left, top - 8, panel.title, css="axis")]
    for tick in scale.ticks:
        x = scale(tick)
        content.append(line(x, top, x, bottom, css="rule" if tick == 0 else "grid"))
        content.append(text(x, bottom + 16, seconds_tick(tick, most=scale.high), css="tick", anchor="middle"))
    return content


def _bars(panel: _Panel, bars: Sequence[SpeedBar], tops: Sequence[float]) -> list[Markup]:
    scale = panel.scale()
    drawn = []
    for bar, span, top in zip(bars, panel.spans, tops, strict=False):
        middle = top + 11
        if span is None:
            drawn.append(text(panel.left + 5, middle + 4, "not measured", css="note"))
            continue
        width = max(scale(span.seconds) - panel.left, 1.0)
        shape = [
            element("rect", x=panel.left, y=middle - _BAR / 2, width=width, height=_BAR, css="bar"),
            *_interval(span, scale, middle),
            text(scale(_end(span)) + 6, middle + 4, seconds(span.seconds), css="value"),
        ]
        drawn.append(group(*shape, title=f"{bar.model}: {panel.title} {_span_text(span)}"))
    return drawn


def _interval(span: Span, scale: Scale, middle: float) -> list[Markup]:
    if span.low is None or span.high is None or scale(span.high) - scale(span.low) < 1:
        return []
    low, high = scale(span.low), scale(span.high)
    caps = [line(end, middle - 3.5, end, middle + 3.5, css="whisker") for end in (low, high)]
    return [line(low, middle, high, middle, css="whisker"), *caps]


def _end(span: Span) -> float:
    return max(span.seconds, span.high or 0.0)


def _short(span: Span | None) -> str:
    return "not measured" if span is None else seconds(span.seconds)


def _span_text(span: Span | None) -> str:
    if span is None or span.low is None or span.high is None:
        return _short(span)
    return f"{seconds(span.seconds)} [{seconds(span.low)}, {seconds(span.high)}]"
