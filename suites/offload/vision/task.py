"""The items of vision: images that are drawn from the seed, each with a question that has one right answer."""

from collections.abc import Callable, Sequence
from typing import Any

from harness import ByKind, Dice, Draft, DrawnImage, Needs, Task, Tiers

from .canvas import COLOURS, HEIGHT, SHAPES, WIDTH, Canvas

_CELL = 48
_PLACES = [(x, y) for y in range(24, HEIGHT - _CELL, _CELL) for x in range(8, WIDTH - _CELL, _CELL)]
# Without I, J, O and Q, which look like others; and without A, which alone is an article that the scorer drops.
_LETTERS = "BCDEFGHKLMNPRSTUVWXYZ"
_CORNERS = {"top left": (16, 16), "top right": (184, 16), "bottom left": (16, 120), "bottom right": (184, 120)}
_TOWNS = ("OSLO", "PARIS", "TURIN", "CORK", "GRAZ", "BASEL", "LYON", "LEEDS")
_BARS = ("A", "B", "C", "D")
_STEP = 14
"""Pixels for each unit of a bar."""

Paint = Callable[[Canvas], None]


def _draft(paint: Paint, question: str, wanted: str, target: Any, shown: str) -> Draft:
    def draw() -> bytes:
        canvas = Canvas()
        paint(canvas)
        return canvas.png()

    return Draft(
        prompt=f"{question}\nAnswer with the {wanted} only.",
        target=target,
        images=(DrawnImage.of(draw),),
        tags={"image": shown},
    )


def _of(labels: Sequence[str], label: str) -> dict[str, Any]:
    return {"kind": "choice", "target": {"label": label, "labels": list(labels)}}


def _number(right: int) -> dict[str, Any]:
    return {"kind": "number", "target": right}


def _text(right: str) -> dict[str, Any]:
    """Return the target of characters that are read: many models write them with spaces between."""
    return {"kind": "normalised", "target": [right, " ".join(right)]}


def _listed(labels: Sequence[str]) -> str:
    return f"{', '.join(labels[:-1])} or {labels[-1]}"


Figure = tuple[str, str]
"""A shape and its colour."""


def _scattered(dice: Dice, figures: Sequence[Figure]) -> tuple[Paint, str]:
    """Return figures at random places of a grid, and what they are in words."""
    placed = list(zip(dice.some(_PLACES, len(figures)), figures, strict=True))

    def paint(canvas: Canvas) -> None:
        for (x, y), (shape, colour) in placed:
            canvas.shape(shape, x, y, 40, colour)

    return paint, ", ".join(f"{colour} {shape} at {x} {y}" for (x, y), (shape, colour) in placed)


def _alone(dice: Dice, turn: int, labels: Sequence[str]) -> tuple[Figure, Paint, str]:
    is_shape = labels is SHAPES
    shape = labels[turn % len(labels)] if is_shape else dice.pick(SHAPES)
    colour = dice.pick(COLOURS) if is_shape else labels[turn % len(labels)]
    x, y, size = dice.whole(8, 100), dice.whole(8, 60), dice.whole(24, 60) * 2
    return (shape, colour), lambda canvas: canvas.shape(shape, x, y, size, colour), f"{colour} {shape} at {x} {y}"


def colour(dice: Dice, turn: int) -> Draft:
    """The colour of one shape."""
    (_, right), paint, shown = _alone(dice, turn, COLOURS)
    question = f"Which colour does the shape have: {_listed(COLOURS)}?"
    return _draft(paint, question, "colour", _of(COLOURS, right), shown)


def shape(dice: Dice, turn: int) -> Draft:
    """The kind of one shape."""
    (right, _), paint, shown = _alone(dice, turn, SHAPES)
    return _draft(paint, f"Which shape is it: {_listed(SHAPES)}?", "shape", _of(SHAPES, right), shown)


def count(dice: Dice, turn: int) -> Draft:
    """One to six alike."""
    right = turn % 6 + 1
    paint, shown = _scattered(dice, [(dice.pick(SHAPES), dice.pick(COLOURS))] * right)
    return _draft(paint, "How many shapes are there?", "number", _number(right), shown)


def number(dice: Dice, _turn: int) -> Draft:
    """A number of three digits."""
    right = dice.whole(100, 999)
    x, y = dice.whole(4, 36) * 4, dice.whole(2, 38) * 4
    return _draft(
        lambda canvas: canvas.text(str(right), x, y, 4), "Which number is it?", "number", _number(right), str(right)
    )


def place(dice: Dice, turn: int) -> Draft:
    """Which of four colours is in a corner."""
    colours = dice.some(COLOURS, len(_CORNERS))
    kind, corner = dice.pick(SHAPES), list(_CORNERS)[turn % len(_CORNERS)]
    right = colours[list(_CORNERS).index(corner)]

    def paint(canvas: Canvas) -> None:
        for (x, y), each in zip(_CORNERS.values(), colours, strict=True):
            canvas.shape(kind, x, y, 56, each)

    question = f"Which colour does the shape at the {corner} have: {_listed(COLOURS)}?"
    shown = ", ".join(f"{each} {kind} at the {where}" for where, each in zip(_CORNERS, colours, strict=True))
    return _draft(paint, question, "colour", _of(COLOURS, right), shown)


def count_colour(dice: Dice, turn: int) -> Draft:
    """One to six of a colour, among three to five of others."""
    right, kind, asked = turn % 6 + 1, dice.pick(SHAPES), dice.pick(COLOURS)
    others = [each for each in COLOURS if each != asked]
    figures = [(kind, asked)] * right + [(kind, dice.pick(others)) for _ in range(dice.whole(3, 5))]
    paint, shown = _scattered(dice, figures)
    return _draft(paint, f"How many {asked} shapes are there?", "number", _number(right), shown)


def word(dice: Dice, _turn: int) -> Draft:
    """Six letters that are not a word."""
    right = "".join(dice.some(_LETTERS, 6))
    y = dice.whole(2, 38) * 4
    paint: Paint = lambda canvas: canvas.text(right, 32, y, 4)  # noqa: E731  (as short as what it draws)
    return _draft(paint, "Which six letters are written there?", "letters", _text(right), right)


def _barred(heights: Sequence[int], *, has_scale: bool) -> Paint:
    def paint(canvas: Canvas) -> None:
        for value in range(1, 11) if has_scale else ():
            canvas.box(36, 164 - value * _STEP, 200, 1, "black")
            if value % 2 == 0:  # Digits on each line would touch those below.
                canvas.text(str(value), 4, 158 - value * _STEP, 2)
        for at, (label, height) in enumerate(zip(_BARS, heights, strict=True)):
            canvas.box(48 + at * 48, 164 - height * _STEP, 32, height * _STEP, "blue")
            canvas.text(label, 58 + at * 48, 172, 2)

    return paint


def _bars_in_words(heights: Sequence[int]) -> str:
    return ", ".join(f"bar {label} of {height}" for label, height in zip(_BARS, heights, strict=True))


def highest(dice: Dice, turn: int) -> Draft:
    """The highest of four bars."""
    heights = dice.some(range(1, 11), len(_BARS))
    right = turn % len(_BARS)
    at = heights.index(max(heights))
    heights[at], heights[right] = heights[right], heights[at]
    question = "Which bar is the highest: A, B, C or D?"
    paint = _barred(heights, has_scale=False)
    return _draft(paint, question, "letter", _of(_BARS, _BARS[right]), _bars_in_words(heights))


def height(dice: Dice, turn: int) -> Draft:
    """How high a bar is, on a scale of ten."""
    heights = dice.some(range(1, 11), len(_BARS))
    at, right = dice.whole(0, len(_BARS) - 1), turn % 10 + 1
    if right in heights:
        heights[heights.index(right)] = heights[at]
    heights[at] = right
    question = f"How high is bar {_BARS[at]}, by the scale on the left?"
    return _draft(_barred(heights, has_scale=True), question, "number", _number(right), _bars_in_words(heights))


def count_both(dice: Dice, turn: int) -> Draft:
    """One to six of a colour and a shape, among others that share one of them."""
    right, kind, asked = turn % 6 + 1, dice.pick(SHAPES), dice.pick(COLOURS)
    kinds, colours = ([each for each in all_ if each != one] for all_, one in ((SHAPES, kind), (COLOURS, asked)))
    near = [(kind, dice.pick(colours)) if dice.whole(0, 1) else (dice.pick(kinds), asked) for _ in range(5)]
    paint, shown = _scattered(dice, [(kind, asked)] * right + near)
    return _draft(paint, f"How many {asked} {kind}s are there?", "number", _number(right), shown)


def cell(dice: Dice, _turn: int) -> Draft:
    """A cell of a table of four rows and three columns."""
    towns, columns = dice.some(_TOWNS, 4), ("X", "Y", "Z")
    figures = [[dice.whole(10, 99) for _ in columns] for _ in towns]
    row, column = dice.whole(0, len(towns) - 1), dice.whole(0, len(columns) - 1)
    lines = [("", *columns), *((town, *map(str, values)) for town, values in zip(towns, figures, strict=True))]

    def paint(canvas: Canvas) -> None:
        for at, line in enumerate(lines):
            canvas.box(4, 30 + at * 32, 246, 1, "black")
            for place_, words in enumerate(line):
                canvas.text(words, 8 + (40 + place_ * 48 if place_ else 0), 8 + at * 32, 2)

    question = f"Which number stands in the row {towns[row]} and the column {columns[column]}?"
    shown = "; ".join(" ".join(line) for line in lines)
    return _draft(paint, question, "number", _number(figures[row][column]), shown)


def line(dice: Dice, _turn: int) -> Draft:
    """Eight letters and digits on the second of three lines."""
    lines = ["".join(dice.pick(_LETTERS + "2345679") for _ in range(8)) for _ in range(3)]

    def paint(canvas: Canvas) -> None:
        for at, words in enumerate(lines):
            canvas.text(words, 28, 16 + at * 56, 4)

    question = "Which eight letters and digits are written on the second of the three lines?"
    return _draft(paint, question, "letters and digits", _text(lines[1]), " / ".join(lines))


# Of four kinds in each tier, colours are six, shapes, bars and counts four, four and six, a height one of ten.
_CHANCE = (1 / 6 + 1 / 4 + 1 / 6 + 1 / 6 + 1 / 6 + 1 / 4 + 1 / 10 + 1 / 6) / 12

TASK = Task(
    name="vision",
    task_class="vision",
    generate=Tiers(
        name="vision",
        easy=[colour, shape, count, number],
        medium=[place, count_colour, word, highest],
        hard=[count_both, cell, height, line],
    ),
    scorer=ByKind(kinds=("number", "choice", "normalised")),
    max_output_tokens=48,
    # What an image takes differs by model: up to about 2,000 tokens.
    prompt_tokens=2200,
    chance=_CHANCE,
    needs=Needs(vision=True),
    description="colours, counts, places, letters, a table and bars in images; for models with vision",
)
