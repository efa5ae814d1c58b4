"""`python -m tests.bench`: the race against raw httpx and other harnesses, on a null server."""

import contextlib
import dataclasses
import json
import math
import os
import platform
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

import click

from harness.clock import SystemClock
from harness.domain.count import counted
from tests.bench import environment, growth, kill, peers, race
from tests.bench.figure import Results
from tests.bench.peer import Peer
from tests.bench.table import Tables
from tests.bench.target import judged

_QUICK_PEERS = (peers.RAW, peers.THIS, peers.EMPTY)
_QUICK_S = 90.0
_ROUNDS_SHARE = 0.7
"""In the quick form no round begins that would probably end after this share of the time."""
_SIZES = (500, 5_000, 50_000)
_QUICK_SIZES = (500, 2_000, 5_000, 20_000, 50_000)
_KILLED_SAMPLES = 200
_INTERRUPTED = 130
_RESERVE = 1.2
"""A run of many samples is started if this many times its expected length is left."""


@click.command()
@click.option(
    "--quick", is_flag=True, help="This project, raw httpx and an empty pytest, in about two minutes; then the targets."
)
@click.option(
    "--peer", "names", multiple=True, metavar="NAME", help="Race only these. Repeatable; --list names them all."
)
@click.option("--rounds", type=click.IntRange(1), help="How often each job is done. [default: 5; with --quick: 3]")
@click.option("--samples", type=click.IntRange(2), default=500, show_default=True, help="Samples of the large jobs.")
@click.option(
    "--kill/--no-kill",
    "is_killing",
    default=None,
    help="Also see what a SIGKILL half way leaves. [default: not with --quick]",
)
@click.option(
    "--growth/--no-growth",
    "is_growing",
    default=None,
    help="Also run this project with up to 50,000 samples, or as many as fit. [default: growth]",
)
@click.option("--json", "json_file", type=click.Path(path_type=Path, dir_okay=False), help="Write all readings here.")
@click.option("--markdown", is_flag=True, help="Print only the README's table, in Markdown.")
@click.option("--from", "source", type=click.Path(path_type=Path, exists=True), help="Show what --json wrote.")
@click.option("--list", "is_list", is_flag=True, help="Name the peers and how each is configured, and end.")
def main(
    *,
    quick: bool,
    names: tuple[str, ...],
    rounds: int | None,
    samples: int,
    is_killing: bool | None,
    is_growing: bool | None,
    json_file: Path | None,
    markdown: bool,
    source: Path | None,
    is_list: bool,
) -> None:
    """Race this project against raw httpx, pytest and other harnesses: time, slots, memory, and what a kill leaves.

    Each peer does the same jobs against the same server, which answers at once; in turn, for several rounds. Each is
    installed into an environment of its own below build/bench, from the package index, when it first races; a peer that
    cannot be installed is named with the reason. One race runs at a time. docs/benchmark.md says how everything is
    measured.

    Exit codes: 0 it was measured, whatever the figures are: a benchmark is not a test; 2 wrong use, no peer could be
    installed, or another race is running; 130 after Ctrl-C, when everything that was started has ended.

    \b
    Examples:
      python -m tests.bench --json build/bench/race.json
      python -m tests.bench --quick
      python -m tests.bench --peer lms-harness --peer "raw httpx" --rounds 9 --no-growth
      python -m tests.bench --from build/bench/race.json --markdown
    """
    if is_list:
        _list()
        return
    if source is not None:
        click.echo(_shown(_read(source), is_markdown=markdown))
        return
    if not sys.platform.startswith("linux"):
        raise click.UsageError("the race reads memory and processes from /proc, which only Linux has")
    chosen = _chosen(names, is_quick=quick)
    if json_file is not None:
        _check_writable(json_file)
    found: dict[str, Any] = {"samples": samples, "rounds": 0, "readings": [], "kills": [], "growths": []}
    with _ended_on_signals(), _only_race() as lock:
        try:
            _measure(
                found,
                chosen,
                lock,
                is_quick=quick,
                rounds=rounds or (3 if quick else 5),
                wants_kill=not quick if is_killing is None else is_killing,
                wants_growth=is_growing is not False,
            )
        finally:  # After Ctrl-C, too: the rounds until then are whole.
            if json_file is not None and found["readings"]:
                json_file.write_text(json.dumps(found, default=dataclasses.asdict, indent=1) + "\n")
                _say(f"All readings: {json_file}")
    click.echo(_shown(found, is_markdown=markdown))


def _measure(
    found: dict[str, Any],
    chosen: Sequence[Peer],
    lock: int,
    *,
    is_quick: bool,
    rounds: int,
    wants_kill: bool,
    wants_growth: bool,
) -> None:
    """Install, race, kill and grow, and put all that is read into `found`."""
    racing, found["absent"] = _installed(chosen, lock)
    end = time.monotonic() + _QUICK_S if is_quick else math.inf
    _race(found, racing, rounds=rounds, wants_kill=wants_kill, end=end)
    this = next((peer for peer in racing if peer.name == peers.THIS), None)
    if wants_growth and this is not None:
        sizes = _sizes(found, end) if is_quick else _SIZES
        with race.course() as course:
            found["growths"] = list(growth.grow(this, sizes, on=course, say=_say))


def _race(found: dict[str, Any], racing: Sequence[Peer], *, rounds: int, wants_kill: bool, end: float) -> None:
    """Run the race; a round that would take too much of the time to `end` is left out."""
    _warn_if_busy()
    found["machine"] = _machine()
    found["versions"] = {peer.name: environment.version(peer) for peer in racing}
    with race.course() as course:
        begun = time.monotonic()
        for number in range(1, rounds + 1):
            a_round_s = (time.monotonic() - begun) / max(1, number - 1)
            if time.monotonic() + a_round_s > begun + _ROUNDS_SHARE * (end - begun):
                _say(f"only {number - 1} of {rounds} rounds fit into {_QUICK_S:.0f} s here")
                break
            asked = race.measures(found["samples"])
            found["readings"] += list(race.race(racing, asked, number=number, on=course, say=_say))
            found["rounds"] = number
        if wants_kill:
            found["kills"] = list(kill.kill(racing, samples=_KILLED_SAMPLES, on=course, say=_say))
    found["machine"]["load_after"] = os.getloadavg()[0]


def _sizes(found: dict[str, Any], end: float) -> list[int]:
    """Return the sizes of which all runs together fit into what is left of the quick form's time."""
    results = Results(found["readings"])
    start, slope = results.figure(peers.THIS, "start"), results.figure(peers.THIS, "marginal_16")
    if start is None or slope is None:
        return list(_QUICK_SIZES[:1])
    left_s = end - time.monotonic()
    sizes: list[int] = []
    for size in _QUICK_SIZES:
        left_s -= _RESERVE * (start.median + size * slope.median / 1000)
        if left_s < 0 and sizes:
            skipped = ", ".join(f"{size:,}" for size in _QUICK_SIZES[len(sizes) :])
            _say(f"growth: {skipped} samples do not fit into {_QUICK_S:.0f} s here; the full race runs 50,000")
            break
        sizes.append(size)
    return sizes


def _shown(found: dict[str, Any], *, is_markdown: bool) -> str:
    """Return the tables of what was read."""
    results = Results(found["readings"])
    tables = Tables(results, found["kills"], samples=found["samples"], is_markdown=is_markdown)
    if is_markdown:
        return tables.short()
    machine = found["machine"]
    conditions = (
        f"{machine['date']}, {machine['cores']} cores, {machine['system']}, Python {machine['python']}, "
        f"load {machine['load_before']:.1f} before and {machine['load_after']:.1f} after; "
        f"{counted(found['rounds'], 'round')}. MB are 1,000,000 bytes."
    )
    lines = [
        conditions,
        "Versions: " + ", ".join(f"{name} {version}" for name, version in found["versions"].items()),
        "",
        tables.everything(found["growths"]),
        "",
        tables.targets(judged(results, found["growths"])),
    ]
    lines += [f"Not there: {absent.name}: {absent.reason}" for absent in found["absent"]]
    lines += [f"Does not count: {peer}: {error}" for peer, errors in results.errors.items() for error in errors]
    return "\n".join(lines)


def _read(source: Path) -> dict[str, Any]:
    """Return what `--json` wrote."""
    try:
        found: dict[str, Any] = json.loads(source.read_text())
        found["readings"] = [race.Reading(**reading) for reading in found["readings"]]
        found["kills"] = [kill.Killed(**killed) for killed in found["kills"]]
        found["growths"] = [growth.Grown(**grown) for grown in found["growths"]]
        found["absent"] = [environment.NotInstalled(**absent) for absent in found["absent"]]
        _shown(found, is_markdown=False)  # What is missing is missed here.
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise click.UsageError(f"{source} was not written by --json of this version: {exc}") from exc
    return found


def _chosen(names: Sequence[str], *, is_quick: bool) -> list[Peer]:
    for name in names:
        if name not in peers.BY_NAME:
            known = ", ".join(peer.name for peer in peers.PEERS)
            raise click.BadParameter(f"expected one of {known}; got {name!r}", param_hint="--peer")
    wanted = names or (_QUICK_PEERS if is_quick else tuple(peers.BY_NAME))
    return [peer for peer in peers.PEERS if peer.name in wanted]


def _installed(chosen: Sequence[Peer], lock: int) -> tuple[list[Peer], list[environment.NotInstalled]]:
    """Return who can race, and who cannot, with the reason."""
    racing, absent = [], []
    for peer in chosen:
        missing = environment.install(peer, _say, lock)
        if missing is None:
            racing.append(peer)
        else:
            absent.append(missing)
            _say(f"{peer.name} does not race: {missing.reason}")
    if not any(peer.asks for peer in racing):
        raise click.UsageError(
            "no peer can race: each is installed from the package index once, which needs a network then"
        )
    return racing, absent


def _list() -> None:
    for peer in peers.PEERS:
        click.echo(f"{peer.name}: {peer.how}.\n  {' '.join(peer.packages)}")


def _machine() -> dict[str, Any]:
    return {
        "date": f"{SystemClock().now():%Y-%m-%d %H:%M} UTC",
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "load_before": os.getloadavg()[0],
        "load_after": os.getloadavg()[0],
    }


def _warn_if_busy() -> None:
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    if load > cores / 2:
        _say(
            f"Other programs are busy here: the load is {load:.1f} on {cores} cores. The times will be too long, and "
            "the ratios will spread; measure again when the machine is idle."
        )


def _check_writable(file: Path) -> None:
    """End now, not after a quarter of an hour, if the file cannot be written."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        is_new = not file.exists()
        file.touch()
        if is_new:  # An empty file would pass for readings if nothing came of the race.
            file.unlink()
    except OSError as exc:
        raise click.BadParameter(f"cannot write {file}: {exc.strerror}", param_hint="--json") from exc


def _say(text: str) -> None:
    click.echo(text, err=True)


@contextlib.contextmanager
def _only_race() -> Iterator[int]:
    """Hold the lock on the environments: two races at once would spoil them, and each other's figures."""
    try:
        with environment.locked() as lock:
            yield lock
    except environment.BusyError as exc:
        raise click.UsageError(str(exc)) from exc


@contextlib.contextmanager
def _ended_on_signals() -> Iterator[None]:
    """End on SIGTERM as after Ctrl-C: what was started is ended on the way out."""

    def end(number: int, frame: object) -> NoReturn:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, end)
    try:
        yield
    except KeyboardInterrupt:
        _say("Interrupted: everything that was started has ended.")
        raise SystemExit(_INTERRUPTED) from None


if __name__ == "__main__":
    main()
