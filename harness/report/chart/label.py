"""Labels that stand at what they name: how wide text is, how names are cut, and places where nothing overlaps."""

import math
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.report.text import one_line

TEXT_HEIGHT = 15
_NARROW, _WIDE, _CAPITAL, _USUAL, _FULL = 0.36, 0.95, 0.7, 0.6, 1.05
_BOLD = 1.1
_STEPS_AWAY = 14
_COVERING = 12
"""Places further down the list of wishes that are better than one that covers a line."""
_LONGEST_NAME, _SHORTEST_NAME = 40, 10


@dataclass(frozen=True, slots=True)
class Box:
    """An upright rectangle."""

    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: "Box") -> bool:
        """Whether the two share more than an edge."""
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )

    def nearest(self, x: float, y: float) -> tuple[float, float]:
        """Return the point in it that is nearest to another one."""
        return min(max(x, self.left), self.right), min(max(y, self.top), self.bottom)

    def is_within(self, other: "Box") -> bool:
        """Whether no part of it is outside the other."""
        return (
            self.left >= other.left
            and self.right <= other.right
            and self.top >= other.top
            and self.bottom <= other.bottom
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A label that wants to stand near a point."""

    x: float
    y: float
    width: float
    height: float

    def distance(self, box: Box) -> float:
        """Return how far the point is from a box."""
        x, y = box.nearest(self.x, self.y)
        return math.hypot(x - self.x, y - self.y)


def text_width(text: str, size: float = 12.5, *, is_bold: bool = False) -> float:
    """Return about how wide a text is in the usual sans-serif fonts; rather too wide than too narrow."""
    return size * sum(map(_advance, text)) * (_BOLD if is_bold else 1)


def names(keys: Sequence[str], width: float, *, is_bold: bool = False) -> dict[str, str]:
    """Return a name for each key that is not wider than this; all are different.

    Without the publisher if that leaves them distinct; cut in the middle, as both ends tell models apart.
    """
    whole = {key: one_line(key, limit=300) for key in keys}
    bare = {key: name.rpartition("/")[2] or name for key, name in whole.items()}
    if len({*bare.values()}) < len(bare):
        bare = whole
    for limit in range(_LONGEST_NAME, _SHORTEST_NAME, -1):
        short = _distinct(bare, limit)
        if all(text_width(name, is_bold=is_bold) <= width for name in short.values()):
            return short
    return _distinct(bare, _SHORTEST_NAME)


def _distinct(bare: Mapping[str, str], limit: int) -> dict[str, str]:
    """Return names of at most `limit` characters, numbered where no way to cut them keeps them different."""
    for head in (limit // 2, 2 * limit // 3, limit // 3, limit - 2, 2):
        short = {key: cut(name, limit, head=head) for key, name in bare.items()}
        if len({*short.values()}) == len(short):
            return short
    return {key: f"{cut(name, limit - 4)} #{place}" for place, (key, name) in enumerate(bare.items(), start=1)}


def cut(text: str, limit: int, *, head: int | None = None) -> str:
    """Return text of at most `limit` characters; what is cut out of its middle is marked with an ellipsis."""
    text = one_line(text, limit=1000)
    head = limit // 2 if head is None else head
    return text if len(text) <= limit else f"{text[: head - 1]}…{text[len(text) - limit + head :]}"


def wrapped(text: str, width: float, *, most_lines: int, size: float = 11.5) -> list[str]:
    """Return text in lines that are not wider than this; what needs more lines is cut off with an ellipsis."""
    lines = [""]
    for word in one_line(text, limit=1000).split():
        longer = f"{lines[-1]} {word}".lstrip()
        if text_width(longer, size) <= width or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    if len(lines) > most_lines:
        lines[most_lines - 1 :] = [f"{lines[most_lines - 1]} …"]
    return [_shortened(line, width, size) for line in lines]


def _shortened(line: str, width: float, size: float) -> str:
    while len(line) > 1 and text_width(line, size) > width:
        line = f"{line.rstrip('…')[:-1].rstrip()}…"
    return line


def placed(wishes: Sequence[Wish], *, taken: Sequence[Box], avoided: Sequence[Box], within: Box) -> list[Box | None]:
    """Return a place for each label, in their order; None for one that finds no place.

    Args:
        wishes: the labels, the most important first.
        taken: where no label may stand.
        avoided: where a label should not stand if there is another place nearby.
        within: the sheet.
    """
    blocked = list(taken)
    found: list[Box | None] = []

    def cheapest(places: Iterable[tuple[float, Box]]) -> Box | None:
        free = [place for place in places if not any(place[1].overlaps(box) for box in blocked)]
        return min(free, key=_cost(avoided), default=(0.0, None))[1]

    for wish in wishes:
        near = ((float(rank), box) for rank, box in enumerate(_places(wish)) if box.is_within(within))
        anywhere = ((wish.distance(box), box) for box in _grid(wish, within))
        best = next((place for place in map(cheapest, (near, anywhere)) if place is not None), None)
        found.append(best)
        if best is not None:
            blocked.append(best)
    return found


def spread(wished: Sequence[float], *, gap: float, low: float, high: float) -> list[float]:
    """Return coordinates in the order of `wished`, as near to them as a gap between neighbours allows."""
    order = sorted(range(len(wished)), key=lambda place: wished[place])
    gap = min(gap, (high - low) / max(1, len(order) - 1))
    found = [0.0] * len(wished)
    least = low
    for place in order:
        found[place] = max(wished[place], least)
        least = found[place] + gap
    most = high
    for place in reversed(order):
        found[place] = min(found[place], most)
        most = found[place] - gap
    return found


def _cost(avoided: Sequence[Box]) -> Callable[[tuple[float, Box]], float]:
    """Return what a place costs: how far down the list of wishes it stands, or how far away, and what it covers."""
    return lambda place: place[0] + _COVERING * sum(place[1].overlaps(box) for box in avoided)


def _places(wish: Wish) -> Iterator[Box]:
    """Yield places for a label, the best first: beside its point, then above, below, and further away."""
    gap = 9
    half = wish.height / 2
    for away in range(_STEPS_AWAY):
        for rise in (0.0,) if away == 0 else (-away * TEXT_HEIGHT * 0.75, away * TEXT_HEIGHT * 0.75):
            top = wish.y + rise - half
            for left in (wish.x + gap, wish.x - gap - wish.width):
                yield Box(left, top, left + wish.width, top + wish.height)
            if abs(rise) > half + gap:
                for left in (wish.x - wish.width / 2, wish.x - wish.width / 4, wish.x - wish.width * 3 / 4):
                    yield Box(left, top, left + wish.width, top + wish.height)


def _grid(wish: Wish, within: Box) -> Iterator[Box]:
    """Yield places all over the sheet."""
    for top in range(math.ceil(within.top), int(within.bottom - wish.height), TEXT_HEIGHT // 3):
        for left in range(math.ceil(within.left), int(within.right - wish.width), 12):
            yield Box(left, top, left + wish.width, top + wish.height)


def _advance(character: str) -> float:
    if character in "iljtf.,:;|!'()[]I ":
        return _NARROW
    if character in "mwMW@%":
        return _WIDE
    if unicodedata.east_asian_width(character) in {"W", "F"} or character > "\u2fff":
        return _FULL
    return _CAPITAL if character.isupper() else _USUAL
