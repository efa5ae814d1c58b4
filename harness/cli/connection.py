"""A client of a preflighted server, and leases on its instances, for the length of one command."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from harness.cli.output import note
from harness.settings import EMBEDDED

if TYPE_CHECKING:
    from harness.client.http import Client
    from harness.lifecycle.leases import Leases


@contextmanager
def connected(url: str, token: str) -> "Iterator[Client]":
    """Yield a client of a preflighted server. A fault that may pass is waited for; a server that is not there is not.

    Raises:
        HarnessError: the server cannot be used.
    """
    if url == EMBEDDED:
        raise click.UsageError(
            f"'{EMBEDDED}' is for `run` only: start a server with `lms-harness serve`, and name its address here"
        )
    from harness.client.http import Client
    from harness.client.retry import may_connect_soon, retried
    from harness.clock import SystemClock

    with Client(url, token=token) as client:
        client.on_oddity = note
        retried(lambda _: client.preflight(), clock=SystemClock(), may_repeat=may_connect_soon)
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
    for swept in sweep(state_dir() / "journals", url=client.url, token=token, clock=clock, on_complaint=note):
        note(str(swept))
    journal = Journal(f"{clock.now():%Y%m%dT%H%M%SZ}-cli-{os.getpid()}", url=client.url, clock=clock)
    leases = Leases(client, journal, say=note, clock=clock)
    with interruptible(on_second=leases.abandon):
        try:
            yield leases
        finally:
            try:
                leases.release_all()
            finally:
                for key in leases.left_to_reaper:
                    note(f"{key}: left to the reaper, which unloads it in the background (see lms-harness doctor)")
                leases.close()
