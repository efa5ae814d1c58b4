from base64 import b64decode
from pathlib import Path

import pytest

from harness.errors import TaskError
from harness.task.image import MAX_IMAGE_BYTES, image_file, image_of, read_image

PNG = b"\x89PNG\r\n\x1a\n" + b"rest"


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0rest", "image/jpeg"),
        (b"GIF87arest", "image/gif"),
        (b"GIF89arest", "image/gif"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "image/webp"),
    ],
)
def test_an_image_is_known_by_its_content_and_kept_byte_for_byte(tmp_path: Path, data: bytes, kind: str) -> None:
    path = tmp_path / "wrongly-named.txt"
    path.write_bytes(data)
    head, _, encoded = read_image(path).data_url.partition(",")
    assert head == f"data:{kind};base64"
    assert b64decode(encoded, validate=True) == data


@pytest.mark.parametrize("data", [b"", b"<svg/>", b"RIFF\x10\0\0\0WAVEfmt ", b"BM rest", b"%PDF-1.7", PNG[1:]])
def test_what_is_no_image_is_refused_whatever_its_name(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(data)
    with pytest.raises(TaskError, match=r"photo\.png is not an image") as refused:
        read_image(path)
    assert "Expected PNG, JPEG, WebP or GIF" in refused.value.hint


def test_an_image_that_is_too_large_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    with path.open("wb") as file:
        file.write(PNG)
        file.truncate(MAX_IMAGE_BYTES + 1)
    with pytest.raises(TaskError, match="larger than 20 MiB"):
        read_image(path)


def test_what_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="No such file"):
        read_image(tmp_path / "missing.png")
    with pytest.raises(TaskError, match="Is a directory"):
        read_image(tmp_path)


def test_an_image_of_a_sample_is_sent_as_it_was_read_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(PNG)
    image = image_file(path)
    assert image_of(image) == read_image(path)
    path.write_bytes(PNG + b"!")
    with pytest.raises(TaskError, match=r"photo\.png has changed since the task was read"):
        image_of(image)
