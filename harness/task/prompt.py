"""A prompt that a user gives in a file or on standard input, whatever bytes that may be."""

from pathlib import Path
from typing import BinaryIO

from harness.errors import TaskError

MAX_PROMPT_BYTES = 32 * 1024 * 1024
"""A longer prompt is not sent: no request body may be longer."""

_MAX_UNREADABLE = 0.3
"""Bytes with a larger share of undecodable characters are not UTF-8 with a few slips, but something else."""


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
    """Return bytes as text; a few invalid ones become U+FFFD.

    Raises:
        TaskError: they are empty, too long or binary.
    """
    if len(data) > MAX_PROMPT_BYTES:
        raise TaskError(
            f"{name} is longer than {MAX_PROMPT_BYTES // 2**20} MiB, the most that a request can carry",
            hint="Send a part of it.",
        )
    text = data.decode("utf-8-sig", "replace")
    if not text.strip():
        raise TaskError(f"{name} is empty", hint="Expected some text.")
    unreadable = text.count("\N{REPLACEMENT CHARACTER}") - data.count("\N{REPLACEMENT CHARACTER}".encode())
    if b"\0" in data or unreadable > _MAX_UNREADABLE * len(text):
        why = "contains NUL bytes" if b"\0" in data else f"is not UTF-8 ({unreadable} of {len(text)} characters)"
        raise TaskError(
            f"{name} is binary: it {why}",
            hint="Expected text in UTF-8: convert other encodings with iconv; an image has an option of its own.",
        )
    return text
