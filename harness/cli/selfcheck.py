"""`selfcheck`: whether this machine and this client are the bottleneck of what is measured here."""

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from harness.cli.option import json_option
from harness.cli.output import print_json, print_text, spinning

if TYPE_CHECKING:
    from harness.command.selfcheck import Cost, SelfCheck

_NOT_READABLE = "not readable"


@click.command()
@json_option
def selfcheck(*, as_json: bool) -> None:
    """Check whether this machine and this client would be the bottleneck of what you measure. Takes a few seconds.

    No server and no model is needed: a process of our own answers at once, so what a request takes is what this client
    and this machine add to it. Times of answers that take a hundred times as long can be believed to 1 %.

    \b
    a request   wall time and CPU time of one, with 1 and with 16 at a time
    slot use    how busy 4 requests at a time keep 4 slots whose answers take 50 ms
    clock       the smallest step of the clock that durations are taken from
    machine     cores, what other processes use of them, load average of the
                last minute, CPU governor, power source

    How far the figures of a model's own times are from themselves is in each run: docs/latency.md, Noise.

    Exit codes: 0 fine; 1 the machine is busy, or it or the client is too slow: it says what to do.

    \b
    Examples:
      lms-harness selfcheck
      lms-harness selfcheck --json
      lms-harness selfcheck && lms-harness run --suite latency --thorough
    """
    from harness.command.selfcheck import self_check

    with spinning("Measuring what this client adds to a request"):
        found = self_check()
    if as_json:
        print_json(_as_dict(found))
    else:
        _print(found)
    sys.exit(1 if found.problems else 0)


def _print(found: "SelfCheck") -> None:
    from harness.report.layout import paragraph, terminal_width

    width = terminal_width()
    for line in (verdict(found), *found.problems):
        print_text(paragraph(line, width))
    print_text("")
    for name, value in _rows(found):
        print_text(paragraph(f"{name:<14}{value}", width, indent=14))


def verdict(found: "SelfCheck") -> str:
    """Return what was found, in a sentence."""
    from harness.report.figure import milliseconds

    added, from_s = milliseconds(found.one.wall_s), milliseconds(found.nothing_from_s)
    if found.problems:
        return f"Not fit to measure on now. This machine adds {added} to a request at present."
    return f"Fine: this machine adds {added} to a request: nothing beside answers that take longer than {from_s}."


def _rows(found: "SelfCheck") -> list[tuple[str, str]]:
    from harness.command.selfcheck import ANSWER_S, SLOTS

    busy = "" if found.busy is None else f", {found.busy:.1f} kept busy by other processes"
    load = _NOT_READABLE if found.load_average is None else f"{found.load_average:.2f}"
    clock_s = found.clock_s
    step = f"{1e9 * clock_s:.0f} ns" if clock_s < 1e-6 else f"{1e6 * clock_s:.0f} us"  # noqa: PLR2004
    return [
        ("1 at a time", _cost(found.one)),
        (f"{found.many.concurrency} at a time", _cost(found.many)),
        ("slot use", f"{found.slot_use:.0%} of {SLOTS} slots whose answers take {1000 * ANSWER_S:.0f} ms"),
        ("clock", f"moves in steps of {step}"),
        ("cores", f"{found.cores}{busy}"),
        ("load average", load),
        ("governor", found.governor or _NOT_READABLE),
        ("power", found.power or _NOT_READABLE),
    ]


def _cost(cost: "Cost") -> str:
    return f"{1000 * cost.wall_s:.2f} ms and {1000 * cost.cpu_s:.2f} ms of CPU a request ({cost.requests} requests)"


def _as_dict(found: "SelfCheck") -> dict[str, Any]:
    return {
        "ok": not found.problems,
        "verdict": verdict(found),
        "problems": found.problems,
        "nothing_from_s": found.nothing_from_s,
        **asdict(found),
    }
