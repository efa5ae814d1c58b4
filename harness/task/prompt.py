"""A prompt that a user gives in a file or on standard input, in UTF-8."""

from pathlib import Path
from typing import BinaryIO

from harness.domain.encoding import CONVERT_HINT, not_utf8
from harness.errors import TaskError

MAX_PROMPT_BYTES = 32 * 1024 * 1024
"""A longer prompt is not sent: no request body may be longer."""

_HINT = f"{CONVERT_HINT} An image has an option of its own."


def read_prompt(source: BinaryIO | Path, *, name: str) -> str:
    """Return the text of a file or a stream.

    Args:
        source: is read to its end, or to the limit.
        name: of the source, in messages.

    Raises:
        TaskError: it cannot be read, or is empty, too long or binary.
    """
    try:
        if isinstance(source, Path):
            with source.open("rb") as file:
                data = file.read(MAX_PROMPT_BYTES + 1)
        else:
            data = source.read(MAX_PROMPT_BYTES + 1)
    except (OSError, ValueError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else str(exc)
        raise TaskError(f"cannot read {name}: {reason}", hint="Expected a file with text in UTF-8.") from exc
    return prompt_of(data, name=name)


def prompt_of(data: bytes, *, name: str) -> str:
    """Return bytes as text.

    Raises:
        TaskError: they are empty, too long, binary or not UTF-8; then the message names the first place.
    """
    if len(data) > MAX_PROMPT_BYTES:
        raise TaskError(
            f"{name} is longer than {MAX_PROMPT_BYTES // 2**20} MiB, the most that a request can carry",
            hint="Send only part of it.",
        )
    text = text_of(data, name=name)
    if not text.strip():
        raise TaskError(f"{name} is empty", hint="Expected some text.")
    return text


def text_of(data: bytes, *, name: str) -> str:
    """Return bytes as text, which may be empty.

    Raises:
        TaskError: they are binary or not UTF-8.
    """
    if b"\0" in data:
        raise TaskError(f"{name} is binary: it contains NUL bytes", hint=_HINT)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise TaskError(f"cannot read {name}: {not_utf8(data, exc)}", hint=_HINT) from exc
