"""The commands of `python -m tests.torture.campaign`."""

import contextlib
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from harness.client.redaction import DEFAULT_TOKEN
from harness.errors import HarnessError
from tests.torture.campaign.victim import SCENARIOS

_KEYS = ("smollm2-135m-instruct-q4_0", "smollm2-135m-instruct-q4_1", "smollm2-135m-instruct-q8_0")
_LINES = 20


@click.group()
def main() -> None:
    """Kill real runs at random moments, and check what is left of them. Needs Linux."""
    if not sys.platform.startswith("linux"):
        raise click.UsageError("a campaign finds processes through /proc, which only Linux has")
    _take_signals()


@main.command()
@click.option("--runs", type=click.IntRange(1), default=500, show_default=True, help="How many runs to kill.")
@click.option("--minutes", type=click.FloatRange(0, min_open=True), help="Start no further run after so many minutes.")
@click.option("--seed", type=int, default=1, show_default=True, help="Seed of all choices.")
@click.option(
    "--scenario",
    "scenarios",
    multiple=True,
    type=click.Choice(SCENARIOS),
    help="Kill only runs of this kind. Repeatable.",
)
@click.option(
    "--foreign-clients", type=click.IntRange(0), default=2, show_default=True, help="How many clients race the runs."
)
@click.option("--url", metavar="URL", help="A running server. By default the campaign starts one with small models.")
@click.option("--model", "keys", multiple=True, metavar="KEY", help="With --url: a small model to load. Repeatable.")
@click.option("--token", envvar="LM_API_TOKEN", default=DEFAULT_TOKEN, metavar="TOKEN", help="With --url: its token.")
@click.option(
    "--keep", type=click.Path(path_type=Path), metavar="DIR", help="Keep the output of all runs in this folder."
)
def kill(
    *,
    runs: int,
    minutes: float | None,
    seed: int,
    scenarios: tuple[str, ...],
    foreign_clients: int,
    url: str | None,
    keys: tuple[str, ...],
    token: str,
    keep: Path | None,
) -> None:
    """Kill runs at random moments, beside foreign clients of the same models, and check what stays loaded.

    Exit codes: 0 all expectations hold (no foreign instance is touched, nothing leaks where no foreign client raced the
    run, no process is left); 1 at least one is broken.

    \b
    Examples:
      python -m tests.torture.campaign kill --runs 500
      python -m tests.torture.campaign kill --runs 50 --scenario load --scenario chat --seed 7
      python -m tests.torture.campaign kill --url http://127.0.0.1:1234 --model qwen/qwen3-0.6b --runs 60
    """
    from tests.torture.campaign.kill import KillCampaign, Options
    from tests.torture.campaign.server import ServeProcess

    if (url is None) == bool(keys):
        raise click.UsageError("--url and --model belong together: give both or neither")
    try:
        with contextlib.ExitStack() as stack:
            folder = keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lms-campaign-")))
            folder.mkdir(parents=True, exist_ok=True)
            at = _checked(url, token, keys) if url else stack.enter_context(ServeProcess()).url
            advance = stack.enter_context(_progress(runs))
            options = Options(
                url=at,
                keys=keys or _KEYS,
                scenarios=scenarios or SCENARIOS,
                runs=runs,
                seed=seed,
                minutes=minutes,
                foreign_clients=foreign_clients,
                token=token,
            )
            report = KillCampaign(options, folder, lambda _: advance()).run()
    except HarnessError as exc:
        raise click.ClickException(str(exc)) from exc
    click.echo(report.render())
    for line in report.broken:
        click.echo(f"BROKEN: {line}")
    sys.exit(1 if report.broken else 0)


@main.command()
@click.option(
    "--kills", type=click.IntRange(1), default=1000, show_default=True, help="How many processes of each kind."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Seed of all moments.")
def writer(kills: int, seed: int) -> None:
    """Kill processes while they write records of a run file, then intents of a journal.

    A file without one complete line, from a process killed inside its first record, is an empty run and can be read.

    Exit codes: 0 nothing that was acknowledged is lost, and every file can be read; 1 otherwise.

    \b
    Examples:
      python -m tests.torture.campaign writer --kills 1000
    """
    from tests.torture.campaign.writer import kill_writers

    is_broken = False
    for kind in ("records", "intents"):
        with tempfile.TemporaryDirectory(prefix="lms-campaign-") as folder, _progress(kills) as advance:
            loss = kill_writers(kind, kills=kills, seed=seed, folder=Path(folder), advance=advance)
        click.echo(f"{kind}: {loss}")
        is_broken |= loss.is_broken
        for line in loss.unreadable:
            click.echo(f"BROKEN: {line}")
    sys.exit(1 if is_broken else 0)


@main.command(name="reaper-cost")
@click.option(
    "--rounds", type=click.IntRange(1), default=30, show_default=True, help="How many starts of each kind, in turns."
)
def reaper_cost(rounds: int) -> None:
    """Measure what the reaper costs a run, side by side with a bare interpreter.

    \b
    Examples:
      python -m tests.torture.campaign reaper-cost --rounds 30
    """
    from tests.torture.campaign.cost import measure

    click.echo(measure(rounds))


@main.command(name="choose-cost")
@click.option(
    "--samples", "sizes", multiple=True, type=click.IntRange(2100), help="How many. Repeatable; default 10k, 100k, 1M."
)
def choose_cost(sizes: tuple[int, ...]) -> None:
    """Measure what `choose` takes over many samples, in time and memory. A million samples need 1.6 GB of disk.

    \b
    Examples:
      python -m tests.torture.campaign choose-cost --samples 100000
    """
    from tests.torture.campaign.many import SIZES, measure

    click.echo(measure(sizes or SIZES))


def _checked(url: str, token: str, keys: tuple[str, ...]) -> str:
    """Return the address of a server that is ready and has these models."""
    from harness.client.http import Client
    from harness.selection.selection import find_model

    with Client(url, token=token) as client:
        listing = client.preflight()
        for key in keys:
            find_model(listing, key)
        return client.url


def _take_signals() -> None:
    """Let SIGTERM end a campaign as Ctrl-C does, and give the programs that it starts the default signal handlers.

    A shell's `&` and `nohup` make their children ignore the very signals that runs are killed with. A handler of our
    own is not inherited, so with one in place the children start with the default.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda *_: None)


@contextlib.contextmanager
def _progress(total: int) -> Iterator[Callable[[], None]]:
    """Show the progress: a bar on a terminal, elsewhere a line now and then."""
    done = 0

    def show() -> None:
        nonlocal done
        done += 1
        if done % max(1, total // _LINES) == 0 or done == total:
            click.echo(f"{done} of {total} killed", err=True)

    if not sys.stderr.isatty():
        yield show
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        row = bar.add_task("killed", total=total)
        yield lambda: bar.advance(row)


if __name__ == "__main__":
    main()
