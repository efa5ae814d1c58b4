"""What several commands share: options, the client, and how things are printed."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from harness.report.text import printable
from harness.settings import DEFAULT_TOKEN, DEFAULT_URL, EMBEDDED, OPTIONS, Surface

if TYPE_CHECKING:
    from harness.client.http import Client
    from harness.lifecycle.leases import Leases

Command = TypeVar("Command", bound=Callable[..., Any])


def parsed_as(setting: str) -> Callable[[click.Context, click.Parameter, str | None], Any]:
    """Return a callback that takes an option's text as the setting of this name does, such as a size or a duration."""
    parse = next(option.parse for option in OPTIONS if option.name == setting)

    def callback(_: click.Context, parameter: click.Parameter, text: str | None) -> Any:
        try:
            return None if text is None else parse(text)
        except ValueError as exc:
            raise click.BadParameter(f"expected {exc}, got {text!r}", param=parameter) from None

    return callback


def server_options(command: Command) -> Command:
    """Add `--url`, `--token` and `--json`."""
    url = click.option(
        "--url", envvar="LM_STUDIO_API_URL", default=DEFAULT_URL, show_default=True, show_envvar=True, metavar="URL",
        help="LM Studio's address.",
    )  # fmt: skip
    token = click.option(
        "--token", envvar="LM_API_TOKEN", default=DEFAULT_TOKEN, metavar="TOKEN",
        help="API token; better in the variable LM_API_TOKEN, as options are visible in the process list.",
    )  # fmt: skip
    as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
    return url(token(as_json(command)))


@contextmanager
def connected(url: str, token: str) -> "Iterator[Client]":
    """Yield a client of a preflighted server.

    Raises:
        HarnessError: the server cannot be used.
    """
    if url == EMBEDDED:
        raise click.UsageError(
            f"'{EMBEDDED}' is for `run` only: start a server with `lms-harness serve`, and name its address here"
        )
    from harness.client.http import Client

    with Client(url, token=token) as client:
        client.preflight()
        yield client


@contextmanager
def leasing(client: "Client", token: str) -> "Iterator[Leases]":
    """Yield leases with a journal of their own; what is still held at the end (an error, Ctrl-C) is released.

    What dead runs left on this server is finished first. A second Ctrl-C leaves everything to the reaper.
    """
    from harness.clock import SystemClock
    from harness.lifecycle.leases import Leases
    from harness.reaper.journal import Journal, state_dir
    from harness.reaper.sweep import sweep
    from harness.run.interrupt import interruptible

    clock = SystemClock()
    for swept in sweep(state_dir() / "journals", url=client.url, token=token, clock=clock):
        note(str(swept))
    journal = Journal(f"{clock.now():%Y%m%dT%H%M%SZ}-cli-{os.getpid()}", url=client.url, clock=clock)
    leases = Leases(client, journal, say=note, clock=clock)
    with interruptible(on_second=leases.abandon):
        try:
            yield leases
        finally:
            try:
                for lease in leases.held:
                    leases.release(lease)
                leases.release_strays()
            finally:
                for key in leases.left_to_reaper:
                    note(f"{key}: left to the reaper, which unloads it in the background (see lms-harness doctor)")
                leases.close()


def spinning(line: str) -> AbstractContextManager[None]:
    """Return a context that shows `line` and the seconds on standard error, where that is a terminal."""
    from harness.report.wait import waiting

    return waiting(line, sys.stderr)


def print_json(value: dict[str, Any]) -> None:
    """Print one JSON object on one line."""
    click.echo(json.dumps(value, ensure_ascii=True))


def print_text(text: str, *, end: str = "\n") -> None:
    """Print text that came from a server or a model, made safe."""
    click.echo(printable(text), nl=False)
    click.echo(end, nl=False)


def note(line: str) -> None:
    """Print a line for the person at the terminal, apart from the output."""
    click.echo(printable(Surface.COMMAND_LINE.render(line)), err=True)
