"""Images as input. Their type is read from the first bytes, not from the file's name."""

from base64 import b64encode
from hashlib import sha256
from pathlib import Path

from harness.domain.generation import Image
from harness.domain.sample import DrawnImage, ImageFile
from harness.errors import TaskError

MAX_IMAGE_BYTES = 20 * 1024 * 1024
"""A larger file is refused: as a data URL it would almost fill a request."""

_LONGEST_MAGIC = 12


def read_image(path: Path) -> Image:
    """Return a PNG, JPEG, WebP or GIF file as a data URL.

    Raises:
        TaskError: it cannot be read, has another format, or is larger than 20 MiB.
    """
    return _as_url(_content(path))


def image_of(image: ImageFile | DrawnImage) -> Image:
    """Return an image of a sample as a data URL.

    Raises:
        TaskError: as `read_image`; or the file is another one by now, of which the records would have the wrong hash.
    """
    if not isinstance(image, ImageFile):
        return _as_url(image.draw())
    data = _content(image.path)
    if sha256(data).hexdigest() != image.sha256:
        raise TaskError(
            f"the image {image.path} has changed since the task was read",
            hint="Run again: an image that changes is another sample.",
        )
    return _as_url(data)


def _as_url(data: bytes) -> Image:
    return Image(data_url=f"data:{media_type(data)};base64,{b64encode(data).decode('ascii')}")


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_IMAGE_BYTES + 1)
    except (OSError, ValueError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else str(exc)
        raise TaskError(f"cannot read the image {path}: {reason}", hint="Expected a file.") from exc
    kind = media_type(data)
    if kind is None:
        found = "an empty file" if not data else f"bytes that begin with {data[:8].hex(' ')}"
        raise TaskError(f"{path} is not an image", hint=f"Expected PNG, JPEG, WebP or GIF, got {found}.")
    if len(data) > MAX_IMAGE_BYTES:
        raise TaskError(
            f"the image {path} is larger than {MAX_IMAGE_BYTES // 2**20} MiB",
            hint="Scale it down: models use a few megapixels at most.",
        )
    return data


def image_file(path: Path) -> ImageFile:
    """Return a PNG, JPEG, WebP or GIF file as a part of a sample, without its content.

    Raises:
        TaskError: as `read_image`.
    """
    data = _content(path)
    return ImageFile(path=path, sha256=sha256(data).hexdigest(), size_bytes=len(data))


def media_type(data: bytes) -> str | None:
    """Return the media type by the first bytes, such as `image/png`; None for anything but PNG, JPEG, WebP and GIF."""
    head = data[:_LONGEST_MAGIC]
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    return "image/webp" if head.startswith(b"RIFF") and head[8:] == b"WEBP" else None
