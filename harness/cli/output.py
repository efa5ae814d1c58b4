"""How commands print: text of a server, a model or a run file has no effect on the terminal or on CI."""

import json
import os
import sys
from contextlib import AbstractContextManager
from typing import Any

import click

from harness.report.text import disarmed_json, printable, skipped
from harness.settings import Surface

_LONGEST_LINE = 4000
"""Longer lines are cut: nobody reads them, and a key of 10 MB would bury everything else."""


def print_json(value: dict[str, Any]) -> None:
    """Print one JSON object on one line, in ASCII."""
    click.echo(disarmed_json(json.dumps(value, ensure_ascii=True)))


def complain_json(value: dict[str, Any]) -> None:
    """Print one JSON object on one line of standard error."""
    click.echo(disarmed_json(json.dumps(value, ensure_ascii=True)), err=True)


def print_text(text: str) -> None:
    """Print text that a person reads, made safe; lines of more than 4,000 characters are cut."""
    click.echo(_shown(text))


def page_text(text: str) -> None:
    """Print text that a person reads, made safe, through the user's pager if standard output is a terminal."""
    if not sys.stdout.isatty():
        print_text(text)
        return
    os.environ.setdefault("LESS", "FRX")  # As git does: less ends at once where all fits on the screen.
    click.echo_via_pager(_shown(text))


def print_answer(text: str) -> None:
    """Print a model's answer, made safe, however long it is."""
    click.echo(printable(text))


def print_piece(piece: str) -> None:
    """Print a piece of an answer that `PrintablePieces` has made safe."""
    click.echo(piece, nl=False)


def note(text: str) -> None:
    """Print text for the person at the terminal on standard error, apart from the output."""
    click.echo(rendered(text), err=True)


def note_skipped(path: str, why: str) -> None:
    """Print that a run file was left out, on standard error."""
    note(skipped(path, why))


def command_workflow(line: str) -> None:
    """Print a workflow command for GitHub on standard error; `report.workflow` has made its texts safe."""
    click.echo(line, err=True)


def rendered(text: str) -> str:
    """Return a message that is safe to print and names settings by the options of this command line."""
    return _shown(Surface.COMMAND_LINE.render(text))


def spinning(line: str) -> AbstractContextManager[None]:
    """Return a context that shows `line` and the seconds on standard error, if that is a terminal."""
    from harness.report.wait import waiting

    return waiting(line, sys.stderr)


def _shown(text: str) -> str:
    return printable(text, longest_line=_LONGEST_LINE)
