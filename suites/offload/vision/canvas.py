"""A small image and how it becomes a PNG: the same bytes everywhere.

Drawn without a library, because the pixels of a font or a circle change with its version, and stored without
compression, because what zlib writes does too.
"""

import struct
import zlib
from dataclasses import dataclass, field

WIDTH, HEIGHT = 256, 192
PALETTE = {
    "white": (255, 255, 255),
    "black": (0, 0, 0),
    "red": (220, 30, 30),
    "green": (20, 150, 50),
    "blue": (30, 70, 220),
    "yellow": (245, 205, 0),
    "purple": (140, 40, 170),
    "orange": (250, 130, 10),
}
COLOURS = tuple(PALETTE)[2:]
SHAPES = ("square", "circle", "triangle", "ring")

_INDEX = {name: place for place, name in enumerate(PALETTE)}
_BLOCK = 65_535
"""The most that one stored block of deflate holds (RFC 1951, 3.2.4)."""

# Five columns each, the top pixel in the lowest bit.
GLYPHS = {
    glyph: bytes.fromhex(columns)
    for glyph, columns in zip(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (
            "3E5149453E 00427F4000 7249494946 2141494D33 1814127F10 2745454539 3C4A494931 4121110907 3649494936 "
            "464949291E 7C1211127C 7F49494936 3E41414122 7F4141413E 7F49494941 7F09090901 3E41415173 7F0808087F "
            "00417F4100 2040413F01 7F08142241 7F40404040 7F021C027F 7F0408107F 3E4141413E 7F09090906 3E4151215E "
            "7F09192946 2649494932 03017F0103 3F4040403F 1F2040201F 3F4038403F 6314081463 0304780403 6159494D43"
        ).split(),
        strict=True,
    )
}
GLYPH_WIDTH, GLYPH_HEIGHT = 5, 7


@dataclass(slots=True)
class Canvas:
    """Pixels, each an index into the palette; white at first."""

    pixels: bytearray = field(default_factory=lambda: bytearray(WIDTH * HEIGHT))

    def box(self, x: int, y: int, width: int, height: int, colour: str) -> None:
        """Fill a rectangle."""
        for row in range(y, y + height):
            start = row * WIDTH + x
            self.pixels[start : start + width] = bytes([_INDEX[colour]]) * width

    def shape(self, name: str, x: int, y: int, size: int, colour: str) -> None:
        """Draw a filled shape, or a ring, into a square of this size."""
        for row in range(size):
            half = _half_width(name, row, size)
            self.box(x + size // 2 - half, y + row, 2 * half, 1, colour)
        if name == "ring":
            rim = size // 5
            self.shape("circle", x + rim, y + rim, size - 2 * rim, "white")

    def text(self, words: str, x: int, y: int, scale: int) -> None:
        """Write capitals, digits and spaces in black; a letter takes 6 by 7 times the scale."""
        for place, glyph in enumerate(words):
            left = x + place * (GLYPH_WIDTH + 1) * scale
            for column, bits in enumerate(GLYPHS.get(glyph, b"")):
                for row in range(GLYPH_HEIGHT):
                    if bits >> row & 1:
                        self.box(left + column * scale, y + row * scale, scale, scale, "black")

    def png(self) -> bytes:
        """Return the image as a PNG file with a palette."""
        rows = b"".join(b"\0" + self.pixels[start : start + WIDTH] for start in range(0, WIDTH * HEIGHT, WIDTH))
        header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 3, 0, 0, 0)
        palette = b"".join(map(bytes, PALETTE.values()))
        parts = ((b"IHDR", header), (b"PLTE", palette), (b"IDAT", _stored(rows)), (b"IEND", b""))
        return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts)


def _half_width(name: str, row: int, size: int) -> int:
    if name == "square":
        return size // 2
    if name == "triangle":
        return (row + 1) // 2
    # In whole numbers: a circle by its square root would depend on the machine's rounding.
    from_middle = 2 * row + 1 - size
    half = 0
    while (2 * half + 2) ** 2 + from_middle**2 <= size**2:
        half += 1
    return half


def _stored(data: bytes) -> bytes:
    """Return data as a zlib stream of stored blocks (RFC 1950)."""
    blocks = [data[start : start + _BLOCK] for start in range(0, len(data), _BLOCK)]
    framed = [
        struct.pack("<BHH", place == len(blocks) - 1, len(block), len(block) ^ 0xFFFF) + block
        for place, block in enumerate(blocks)
    ]
    return b"\x78\x01" + b"".join(framed) + struct.pack(">I", zlib.adler32(data))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
