"""A model with eyes: it decodes a PNG with Pillow, and answers the questions of vision from its pixels alone."""

import re
from collections import Counter
from collections.abc import Iterator
from io import BytesIO
from itertools import pairwise
from typing import Any

from PIL import Image

from suites.offload.vision.canvas import GLYPHS, PALETTE

_NAMES = {rgb: name for name, rgb in PALETTE.items()}
_READ = {tuple(bits >> row & 1 for row in range(7) for bits in columns): glyph for glyph, columns in GLYPHS.items()}
Figure = tuple[str, str, float, float, int]
"""Colour, shape, its middle, and how high it is."""


def answer(png: bytes, question: str) -> str:
    """Return what a model that sees answers."""
    image = Image.open(BytesIO(png)).convert("RGB")
    figures = list(_figures(image))
    if "Which shape" in question:
        return figures[0][1]
    if found := re.search(r"at the (top|bottom) (left|right)", question):
        return next(
            colour
            for colour, _, x, y, _ in figures
            if (y < image.height / 2, x < image.width / 2) == (found[1] == "top", found[2] == "left")
        )
    if "Which colour" in question:
        return figures[0][0]
    return _counted(figures, question) or _from_bars(figures, question) or _from_text(image, question)


def _counted(figures: list[Figure], question: str) -> str:
    if found := re.search(r"How many (?:(\w+) )?(?:shape|(\w+?))s are", question):
        return str(sum(found[1] in (None, each[0]) and found[2] in (None, each[1]) for each in figures))
    return ""


def _from_bars(figures: list[Figure], question: str) -> str:
    if "highest" in question:
        heights = [each[4] for each in sorted(figures, key=lambda each: each[2])]
        return "ABCD"[heights.index(max(heights))]
    if found := re.search(r"How high is bar (\w)", question):
        return str(round(sorted(figures, key=lambda each: each[2])["ABCD".index(found[1])][4] / 14))
    return ""


def _from_text(image: Image.Image, question: str) -> str:
    if found := re.search(r"row (\w+) and the column (\w)", question):
        lines = _lines(image, 2)
        column = next(x for x, words in lines[0] if words == found[2])
        row = next(line for line in lines if line[0][1] == found[1])
        return next(words for x, words in row if x == column)
    lines = _lines(image, 4)
    return lines[1 if "second" in question else 0][0][1]


def _lines(image: Image.Image, scale: int) -> list[list[tuple[int, str]]]:
    """Return the words of each line with the places where they begin."""
    width, height = image.width // scale, image.height // scale
    pixel: Any = image.load()
    dark = [[pixel[x * scale, y * scale] == (0, 0, 0) for x in range(width)] for y in range(height)]
    lines = []
    for top in range(height - 6):
        glyphs = []
        for left in range(width - 4):
            window = tuple(int(dark[top + row][left + column]) for row in range(7) for column in range(5))
            if window in _READ:
                glyphs.append((left, _READ[window]))
        if glyphs:
            words = [[glyphs[0]]]
            for before, after in pairwise(glyphs):
                words.append([after]) if after[0] - before[0] > 6 else words[-1].append(after)
            lines.append([(word[0][0], "".join(glyph for _, glyph in word)) for word in words])
    return lines


def _figures(image: Image.Image) -> Iterator[Figure]:
    """Yield each patch of one colour."""
    pixel: Any = image.load()
    left = {
        (x, y): _NAMES[pixel[x, y]]
        for x in range(image.width)
        for y in range(image.height)
        if pixel[x, y] not in ((255, 255, 255), (0, 0, 0))
    }
    while left:
        start, colour = next(iter(left.items()))
        edge, patch = [start], {start}
        del left[start]
        while edge:
            x, y = edge.pop()
            for near in ((x + 1, y), (x - 1, y), (x, y + 1), (x, y - 1)):
                if left.get(near) == colour:
                    del left[near]
                    patch.add(near)
                    edge.append(near)
        yield _figure(colour, patch)


def _figure(colour: str, patch: set[tuple[int, int]]) -> Figure:
    xs, ys = [x for x, _ in patch], [y for _, y in patch]
    width, height = max(xs) - min(xs) + 1, max(ys) - min(ys) + 1
    middle = ((min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2)
    share = len(patch) / (width * height)
    rows = Counter(ys)
    if (int(middle[0]), int(middle[1])) not in patch:
        kind = "ring"
    elif share > 0.95:
        kind = "square"
    else:
        kind = "triangle" if rows[max(ys)] > 1.5 * rows[int(middle[1])] else "circle"
    return colour, kind, *middle, height
