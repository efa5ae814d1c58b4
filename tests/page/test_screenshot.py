"""The picture in the README is small, and sharp on fine screens."""

from io import BytesIO
from pathlib import Path
from random import Random

from PIL import Image

from tests.page.screenshot import MOST_BYTES, SCALE, WIDTH, shrunk

PICTURE = Path(__file__).parents[2] / "docs" / "report.png"


def test_the_picture_is_at_most_200_kb() -> None:
    assert PICTURE.stat().st_size <= MOST_BYTES
    with Image.open(PICTURE) as image:
        assert (image.format, image.width) == ("PNG", SCALE * WIDTH)


def test_a_picture_of_many_colours_loses_colours_until_it_fits() -> None:
    image = Image.frombytes("RGB", (64, 64), Random(1).randbytes(3 * 64 * 64))
    written = BytesIO()
    image.save(written, format="png")
    small = shrunk(written.getvalue(), most_bytes=3000)
    assert len(small) <= 3000
    colours = Image.open(BytesIO(small)).getcolors()
    assert colours is not None
    assert 16 <= len(colours) <= 64
