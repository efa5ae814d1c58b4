"""`doctor`: shows and unloads what dead runs have left loaded."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from harness.cli.option import server_options
from harness.cli.output import note, print_json, print_text

if TYPE_CHECKING:
    from harness.reaper.sweep import Left, Swept

_PATIENCE_S = 900.0
"""As long as a load may take: a dead run's load can still be going on at the server."""


@click.command()
@server_options
@click.option("--fix", is_flag=True, help="Unload what a dead run certainly left, and verify it.")
@click.option(
    "--forget",
    metavar="RUN",
    help="Close the leases of this dead run (or of all of them: `all`) without touching any instance: for servers that "
    "are gone, or after you have unloaded the instances yourself.",
)
def doctor(url: str, token: str, *, as_json: bool, fix: bool, forget: str | None) -> None:
    """Show what dead runs have left loaded, on any server; with --fix, unload it on this one.

    When a run is killed, its reaper unloads everything within seconds. This command is for what the reaper could not
    do: it was killed too, the machine went down, or it is unclear whether the run loaded an instance. An instance that
    may belong to another program is never unloaded; it is named, with the command to unload it.

    Exit codes: 0 nothing is left; 1 something is left, or a reaper is still at work.

    \b
    Examples:
      lms-harness doctor
      lms-harness doctor --fix
      lms-harness doctor --forget 20261125T160000Z-1a2b3c4d
    """
    from harness.clock import SystemClock
    from harness.reaper.journal import state_dir
    from harness.reaper.sweep import forget as close_leases
    from harness.reaper.sweep import left_journals

    folder = state_dir() / "journals"
    if forget is not None:
        named = [left for left in left_journals(folder) if left.keeper == "nobody" and forget in {left.run_id, "all"}]
        if not named and forget != "all":
            raise click.UsageError(f"--forget: expected a dead run that left something, got {forget!r}")
        for journal in named:
            close_leases(journal, SystemClock())
    done = _fixed(url, token) if fix else []
    left = list(left_journals(folder))
    if as_json:
        print_json(
            {"done": [_swept_as_dict(swept) for swept in done], "left": [_left_as_dict(journal) for journal in left]}
        )
    else:
        for swept in done:
            print_text(str(swept))
        for line in _lines(left):
            print_text(line)
        if not left and not done:
            print_text("No run has left anything.")
    sys.exit(1 if any(journal.keeper != "run" for journal in left) else 0)


def _fixed(url: str, token: str) -> "list[Swept]":
    from harness.cli.connection import connected
    from harness.clock import SystemClock
    from harness.reaper.journal import state_dir
    from harness.reaper.sweep import sweep

    with connected(url, token) as client:
        return list(
            sweep(
                state_dir() / "journals",
                url=client.url,
                token=token,
                clock=SystemClock(),
                patience_s=_PATIENCE_S,
                on_begin=lambda lease: note(f"Cleaning up {lease.instance_id or lease.model_key} ..."),
            )
        )


def _lines(left: "Sequence[Left]") -> list[str]:
    states = {
        "run": "is running",
        "reaper": "died; its reaper is cleaning up",
        "nobody": "died; nothing is cleaning up after it",
    }
    lines = []
    for journal in left:
        if journal.complaint:
            lines.append(f"{journal.complaint}.")
        if not journal.state.open_leases:
            continue
        lines.append(f"{journal.run_id} on {journal.state.url or 'an unknown server'}: {states[journal.keeper]}")
        for lease in journal.state.open_leases.values():
            since = f"since {lease.intent_at}"
            lines.append(f"  {lease.instance_id or f'a load of {lease.model_key}'} {since}")
            if lease.doubt:
                lines.append(f"    not touched: {lease.doubt}")
                lines.extend(
                    f"    if no program uses it: lms-harness unload --instance {i!r}" for i in lease.doubtful_ids
                )
    if any(journal.keeper == "nobody" for journal in left):
        lines.append("Clean up with: lms-harness doctor --fix (add --url for another server); or --forget RUN")
    return lines


def _left_as_dict(left: "Left") -> dict[str, Any]:
    return {
        "run_id": left.run_id,
        "url": left.state.url,
        "keeper": left.keeper,
        "flaws": list(left.state.flaws),
        "leases": [
            {
                "model_key": lease.model_key,
                "instance_id": lease.instance_id,
                "since": lease.intent_at,
                "doubt": lease.doubt or None,
                "doubtful_ids": list(lease.doubtful_ids),
            }
            for lease in left.state.open_leases.values()
        ],
    }


def _swept_as_dict(swept: "Swept") -> dict[str, Any]:
    return {
        "run_id": swept.run_id,
        "model_key": swept.lease.model_key,
        "how": swept.ending.how,
        "instances": list(swept.ending.instances),
        "why": swept.ending.why,
    }
