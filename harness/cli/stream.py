"""The standard streams, so that nothing that is printed can end a command in a traceback or in the wrong file."""

import errno
import os
import sys
from io import TextIOWrapper

import click

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG})


def prepare() -> None:
    """Let every standard stream be open, and take any text: what its encoding lacks is written as an escape.

    A closed descriptor would be given to the next file that is opened, such as the run file, and whoever prints would
    write into that.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # It takes the lowest number that is free: this one.
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def complain(text: str) -> None:
    """Print an error on stderr, in red where that is a terminal and NO_COLOR does not forbid it."""
    click.secho(text, err=True, fg=None if os.environ.get("NO_COLOR") else "red")


def give_up_stdout() -> None:
    """Let nothing more be written: Python would fail once more when it flushes stdout at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def explain(error: OSError) -> None:
    """Say that stdout cannot be written; any other error is raised again.

    Raises:
        OSError: it is about something else.
    """
    if error.errno not in _NO_ROOM:
        raise error
    give_up_stdout()
    complain(f"cannot write the output: {error.strerror}")
