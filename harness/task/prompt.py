"""A prompt from outside: an argument, a file or standard input, in whatever bytes it comes."""

from pathlib import Path
from typing import BinaryIO

from harness.errors import TaskError

MAX_PROMPT_BYTES = 32 * 1024 * 1024
"""A longer prompt cannot be sent: the server refuses request bodies above this."""

_MAX_UNREADABLE = 0.3
"""Above this share of undecodable characters, bytes are no UTF-8 text with a few slips but something else."""


def read_prompt(source: BinaryIO | Path, *, name: str) -> str:
    """Return the text in a file or a stream.

    Args:
        source: read to its end, or to the limit.
        name: what messages call it.

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
    """Return bytes as text; a few that are no UTF-8 become U+FFFD.

    Raises:
        TaskError: they are empty, too long or binary.
    """
    if len(data) > MAX_PROMPT_BYTES:
        raise TaskError(
            f"{name} is longer than {MAX_PROMPT_BYTES // 2**20} MiB, which no request can hold",
            hint="Give the model a part of it.",
        )
    text = data.decode("utf-8-sig", "replace")
    if not text.strip():
        raise TaskError(f"{name} is empty", hint="Expected some text.")
    unreadable = text.count("\N{REPLACEMENT CHARACTER}") - data.count("\N{REPLACEMENT CHARACTER}".encode())
    if b"\0" in data or unreadable > _MAX_UNREADABLE * len(text):
        what = "holds NUL bytes" if b"\0" in data else f"is no UTF-8 ({unreadable} of {len(text)} characters)"
        raise TaskError(
            f"{name} is binary: it {what}",
            hint="Expected text in UTF-8; images go with --image, other encodings through iconv first.",
        )
    return text
