"""`live`: which documented behaviours of LM Studio hold on a server?"""

import sys
from pathlib import Path

import click

from harness.cli.completion import model_names
from harness.cli.option import results_option, server_options
from harness.cli.output import note, print_json, print_text
from harness.settings import EMBEDDED


@click.command()
@click.argument("address", metavar="[URL]", required=False)
@click.option(
    "--model",
    metavar="KEY",
    shell_complete=model_names,
    help="The chat model to load (default: the smallest that is not loaded).",
)
@results_option("Write the report and the smoke suite's run file to this folder.")
@click.option("--smoke/--no-smoke", "with_smoke", default=True, help="Whether to run the smoke suite after the checks.")
@server_options
@click.pass_context
def live(
    context: click.Context,
    *,
    address: str | None,
    model: str | None,
    results: Path,
    url: str,
    token: str,
    with_smoke: bool,
    as_json: bool,
) -> None:
    """Check whether the server at URL behaves as LM Studio is documented to, and write a report.

    It loads the smallest chat model that is not loaded, or the one named with --model, with a context of 2,048 tokens,
    unloads exactly what it loaded, and verifies that. What other programs have loaded stays, which the report proves.
    It takes a minute or two with a small model. docs/live.md says how to read the report and where to send it.

    Exit codes: 0 everything that could be checked held; 1 something did not, or the smoke suite failed; 7 an instance
    could not be released.

    \b
    Examples:
      lms-harness live
      lms-harness live http://127.0.0.1:1234 --model qwen/qwen3-0.6b
      lms-harness live --no-smoke --json
    """
    from harness.contract.live import Inspector
    from harness.contract.report import write

    if address is not None:
        if context.get_parameter_source("url") is click.core.ParameterSource.COMMANDLINE:
            raise click.UsageError(f"give the address once: as {address} or with --url, not both")
        url = address
    if url == EMBEDDED:
        raise click.UsageError(
            f"'{EMBEDDED}' is for `run` only: start a server with `lms-harness serve`, and name its address here"
        )
    say = _silent if as_json else note
    inspector = Inspector(token=token, results=results, with_smoke=with_smoke, is_quiet=as_json, say=say)
    inspection = inspector.inspect(url, model)
    report = inspection.report
    if as_json:
        print_json(report.as_dict())
    else:
        print_text(f"\n{report.table()}\n\n{report.summary()}")
    write(report, results / inspection.run_id)
    say(f"Report: {results / inspection.run_id}.md and .json")
    if inspection.broken_off_by is not None:
        raise inspection.broken_off_by
    sys.exit(0 if report.holds else 1)


def _silent(_: str) -> None:
    pass
