"""The standard streams: printing never ends a command with a traceback, and never writes into the wrong file."""

import errno
import os
import sys
from io import TextIOWrapper

import click

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG})


def prepare() -> None:
    """Make sure that every standard stream is open and takes any text: what its encoding lacks becomes an escape.

    The next file that is opened, such as the run file, would get the number of a closed descriptor, and whatever is
    printed would be written into that file.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # It gets the lowest free number: this one.
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def complain(text: str) -> None:
    """Print an error on standard error, in red if that is a terminal and NO_COLOR is not set."""
    click.secho(text, err=True, fg=None if os.environ.get("NO_COLOR") else "red")


def discard_stdout() -> None:
    """Discard further output: Python would fail again when it flushes standard output at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def explain(error: OSError) -> None:
    """Report that standard output cannot be written; raise any other error again.

    Raises:
        OSError: it is about something else.
    """
    if error.errno not in _NO_ROOM:
        raise error
    discard_stdout()
    complain(f"cannot write the output: {error.strerror}")
