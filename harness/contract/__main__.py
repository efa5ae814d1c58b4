"""Prints how far a real server behaves as LM Studio is documented to: `python -m harness.contract URL`."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import click

from harness.clock import SystemClock, timestamp
from harness.contract import CHECKS
from harness.contract.bench import Bench, Witness, chosen
from harness.contract.check import Finding, State, look
from harness.contract.report import Report
from harness.domain.model import LoadConfig, Model, ModelKey
from harness.errors import HarnessError, StoreError
from harness.lifecycle.leases import Leases
from harness.lifecycle.resident import resident_ids
from harness.reaper.journal import Journal
from harness.settings import DEFAULT_TOKEN, DEFAULT_URL

_INTERRUPTED = 130


@click.command()
@click.argument("url", default=DEFAULT_URL)
@click.option("--model", metavar="KEY", help="The chat model to load (default: the smallest that is not loaded).")
@click.option("--token", envvar="LM_API_TOKEN", default=DEFAULT_TOKEN, help="Better in the variable LM_API_TOKEN.")
@click.option("--results", type=click.Path(path_type=Path), default=Path("results"), help="Where the report goes.")
@click.option("--smoke/--no-smoke", default=True, help="Run the smoke suite as well.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def contract(url: str, model: str | None, token: str, results: Path, *, smoke: bool, as_json: bool) -> None:
    """Tell which documented behaviours of LM Studio hold on the server at URL.

    What it loads, it unloads; what others have loaded stays as it is, which is proved in the end (docs/live.md).

    Exit codes: 0 all held that could be checked; 1 something did not, or the smoke suite failed; 2 usage;
    3 unreachable; 4 another token is wanted; 5 model not found; 7 an instance could not be released; 130 interrupted.

    \b
    Examples:
      python -m harness.contract http://127.0.0.1:1234
      python -m harness.contract --model qwen/qwen3-0.6b --json
    """  # noqa: D301  (click wants a real backspace)
    began = SystemClock().now()
    run_id = f"contract-{began:%Y%m%dT%H%M%SZ}-{os.getpid()}"
    findings: list[Finding] = []
    smoke_exit_code: int | None = None
    failure: BaseException | None = None
    with Witness(url, token=token) as client:
        before = client.preflight()
        key = chosen(before, model)
        click.echo(f"{client.url}: using {key}; what is loaded stays: {_names(before)}", err=True)
        try:
            findings.extend(_looked(client, key, token=token, run_id=run_id))
            if smoke:
                smoke_exit_code = _smoke(client.url, key, token=token, results=results)
        except (HarnessError, KeyboardInterrupt) as exc:
            failure = exc
        with contextlib.suppress(HarnessError):
            findings.append(untouched(before, client.models()))
        report = Report(
            url=client.url, server=client.server_kind, model=key, at=timestamp(began),
            harness_version=_version(), findings=findings, is_complete=failure is None, smoke_exit_code=smoke_exit_code,
        )  # fmt: skip
    click.echo(json.dumps(report.as_dict()) if as_json else f"\n{report.table()}\n\n{report.summary()}")
    write(report, results / run_id)
    click.echo(f"Report: {results / run_id}.md and .json", err=True)
    if failure is not None:
        raise failure
    sys.exit(0 if report.holds else 1)


def _looked(client: Witness, key: ModelKey, *, token: str, run_id: str) -> Iterator[Finding]:
    """Yield what each check finds; whatever was loaded for them is released in the end."""
    clock = SystemClock()
    journal = Journal(run_id, url=client.url, clock=clock)
    leases = Leases(client, journal, say=lambda line: click.echo(line, err=True), clock=clock)
    bench = Bench(client, leases, key=key, token=token, clock=clock)
    try:
        with _released(bench):
            for number, check in enumerate(CHECKS, 1):
                finding = look(check, bench)
                click.echo(f"{number:2}/{len(CHECKS)} {finding.name}: {finding.state}", err=True)
                yield finding
    finally:
        leases.close()


def untouched(before: tuple[Model, ...], after: tuple[Model, ...]) -> Finding:
    """Return whether all instances of `before` are in `after`, with the same config, and nothing came."""
    was, now = _residents(before), _residents(after)
    gone = [one for one in was if one not in now]
    changed = [one for one in was if one in now and was[one] != now[one]]
    came = [one for one in now if one not in was]
    told = {"gone": gone, "another config": changed, "came, and is none that we know of": came}
    seen = "; ".join(f"{what}: {', '.join(ids)}" for what, ids in told.items() if ids)
    state: State = "did not hold" if gone or changed else "could not be checked" if came else "held"
    return Finding(
        name="foreign_instances_untouched",
        documented="Our own promise: what was loaded before is loaded afterwards, with the same config.",
        state=state,
        observed=f"{seen} (by us, or by another client)" if seen else f"as before: {_names(after)}",
    )


def write(report: Report, stem: Path) -> None:
    """Write the report as markdown and as JSON.

    Raises:
        StoreError: a file cannot be written.
    """
    texts = {".md": report.markdown(), ".json": json.dumps(report.as_dict(), indent=2) + "\n"}
    for suffix, text in texts.items():
        try:
            stem.parent.mkdir(parents=True, exist_ok=True)
            stem.with_name(stem.name + suffix).write_text(text, encoding="utf-8")
        except OSError as exc:
            raise StoreError(
                f"cannot write {stem}{suffix}: {exc.strerror}", hint="Name another folder: --results DIR"
            ) from exc


@contextlib.contextmanager
def _released(bench: Bench) -> Iterator[None]:
    """Release whatever the checks hold at the end; a Ctrl-C meanwhile does not keep us from it."""
    try:
        yield
    finally:
        heard: list[int] = []
        default = signal.signal(signal.SIGINT, lambda number, _: heard.append(number))
        try:
            bench.clear()
        finally:
            signal.signal(signal.SIGINT, default)
        if heard:
            raise KeyboardInterrupt


def _smoke(url: str, key: str, *, token: str, results: Path) -> int:
    """Run the smoke suite on the model and return its exit code; a Ctrl-C is passed on, and it releases and ends."""
    words = ["run", "--suite", "smoke", "--url", url, "--model", key, "--results", str(results)]
    with subprocess.Popen(  # noqa: S603  (our own command)
        [sys.executable, "-m", "harness.cli", *words],
        env={**os.environ, "LM_API_TOKEN": token},
        stdout=sys.stderr,
        # Of its own session, so that it gets each Ctrl-C once: from us.
        start_new_session=True,
    ) as child:
        is_interrupted = False
        while True:
            try:
                code = child.wait()
                break
            except KeyboardInterrupt:
                if not is_interrupted:
                    child.send_signal(signal.SIGINT)
                is_interrupted = True
    if is_interrupted:
        raise KeyboardInterrupt
    return code


def _residents(listing: tuple[Model, ...]) -> dict[str, LoadConfig]:
    return {one.id: one.config for model in listing for one in model.loaded_instances}


def _names(listing: tuple[Model, ...]) -> str:
    return ", ".join(resident_ids(listing)) or "nothing"


def _version() -> str:
    try:
        return metadata.version("lmstudio-harness")
    except metadata.PackageNotFoundError:
        return "unknown"


def main() -> None:
    """Run the command; errors of the harness end it with their message and exit code."""
    try:
        contract.main(standalone_mode=False, prog_name="python -m harness.contract")
    except HarnessError as exc:
        click.secho(str(exc), err=True, fg="red")
        sys.exit(exc.exit_code)
    except click.ClickException as exc:
        exc.show()
        sys.exit(exc.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.secho("Interrupted; what had been loaded was released.", err=True)
        sys.exit(_INTERRUPTED)


if __name__ == "__main__":
    main()
