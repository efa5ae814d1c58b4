"""`doctor`: what dead runs have left, and finishing it."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from harness.cli.option import note, print_json, print_text, server_options

if TYPE_CHECKING:
    from harness.reaper.sweep import Left, Swept

_LOOKS_LONG_S = 900.0


@click.command()
@server_options
@click.option("--fix", is_flag=True, help="Unload what certainly was left by a dead run, verified.")
@click.option(
    "--forget", metavar="RUN", help="Close the leases of a dead run (or `all`) without touching any instance: for "
    "servers that are gone, and after you have unloaded by hand what nobody uses.",
)  # fmt: skip
def doctor(url: str, token: str, *, as_json: bool, fix: bool, forget: str | None) -> None:
    """Show what runs that died have left loaded, on any server, and with --fix finish it on this one.

    A run that is killed is finished by its reaper within seconds. This command is for what the reaper could not do: it
    was killed too, the machine went down, or nobody can tell whether an instance is ours. What may be somebody else's
    is never unloaded: it is named, with the command for it.

    Exit codes: 0 nothing is left; 1 something is, or its reaper is still at work.

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
        named = [one for one in left_journals(folder) if one.keeper == "nobody" and forget in {one.run_id, "all"}]
        if not named and forget != "all":
            raise click.UsageError(f"--forget: expected a dead run that has left something, got {forget!r}")
        for journal in named:
            close_leases(journal, SystemClock())
    done = _fixed(url, token) if fix else []
    left = list(left_journals(folder))
    if as_json:
        print_json({"done": [_told(one) for one in done], "left": [_shown(one) for one in left]})
    else:
        for swept in done:
            print_text(str(swept))
        for line in _lines(left):
            print_text(line)
        if not left and not done:
            print_text("Nothing is left by any run.")
    sys.exit(1 if any(one.keeper != "run" for one in left) else 0)


def _fixed(url: str, token: str) -> "list[Swept]":
    from harness.cli.option import connected
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
                patience_s=_LOOKS_LONG_S,
                on_begin=lambda lease: note(f"Looking after {lease.instance_id or lease.model_key} ..."),
            )
        )


def _lines(left: "Sequence[Left]") -> list[str]:
    who = {"run": "is running", "reaper": "died; its reaper is finishing", "nobody": "died, and nobody is finishing"}
    lines = []
    for one in left:
        lines.append(f"{one.run_id} on {one.state.url}: {who[one.keeper]}")
        for lease in one.state.open_leases.values():
            since = f"since {lease.intent_at}"
            lines.append(f"  {lease.instance_id or f'a load of {lease.model_key}'} {since}")
            if lease.doubt:
                lines.append(f"    not touched: {lease.doubt}")
                lines.extend(f"    if nobody uses it: lms-harness unload --instance {i!r}" for i in lease.doubtful_ids)
    if any(one.keeper == "nobody" for one in left):
        lines.append("Finish with: lms-harness doctor --fix (add --url for another server); or --forget RUN")
    return lines


def _shown(one: "Left") -> dict[str, Any]:
    return {
        "run_id": one.run_id,
        "url": one.state.url,
        "keeper": one.keeper,
        "leases": [
            {
                "model_key": lease.model_key,
                "instance_id": lease.instance_id,
                "since": lease.intent_at,
                "doubt": lease.doubt or None,
                "doubtful_ids": list(lease.doubtful_ids),
            }
            for lease in one.state.open_leases.values()
        ],
    }


def _told(one: "Swept") -> dict[str, Any]:
    return {
        "run_id": one.run_id,
        "model_key": one.lease.model_key,
        "how": one.ending.how,
        "instances": list(one.ending.instances),
        "why": one.ending.why,
    }
