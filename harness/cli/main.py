"""The group of all commands, and how every one of them ends."""

import os
import sys

import click

from harness.cli.chat import chat
from harness.cli.completion import PROGRAM, completion
from harness.cli.download import download
from harness.cli.load import load, unload
from harness.cli.model import models, preflight
from harness.cli.run import run
from harness.cli.select import select
from harness.cli.serve import serve
from harness.cli.smoke import smoke
from harness.errors import HarnessError
from harness.report.text import printable

_INTERRUPTED = 130


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="lmstudio-harness", prog_name="lms-harness")
def cli() -> None:
    """Decide, with evidence, which tasks can be handed to which local model.

    \b
    Examples:
      lms-harness run --url embedded --model all --limit 12    (try it: needs no LM Studio)
      lms-harness run --model 'qwen*' --model google/gemma-3-4b
      lms-harness models

    Exit codes: 0 ok, 1 the checked property does not hold, 2 usage, 3 unreachable, 4 not authorised,
    5 model not found, 6 load failed, 7 an instance could not be released, 130 interrupted (after release).
    """


for command in (run, preflight, models, select, download, load, unload, chat, smoke, serve, completion):
    cli.add_command(command)


def main() -> None:
    """Run the command line; errors of the harness end it with their message and exit code, never with a traceback."""
    try:
        cli.main(prog_name=PROGRAM, standalone_mode=False)
    except HarnessError as exc:
        click.secho(printable(str(exc)), err=True, fg="red")
        sys.exit(exc.exit_code)
    except click.ClickException as exc:
        exc.show()
        sys.exit(exc.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.secho("Interrupted; what this command had loaded was released.", err=True)
        sys.exit(_INTERRUPTED)
    except BrokenPipeError:
        # The reader (head, less) has seen enough; Python would complain once more when it flushes stdout at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
