"""The group of all commands, and how every one of them ends."""

import sys
from collections.abc import Mapping
from importlib import import_module

import click

from harness.cli import stream
from harness.cli.completion import PROGRAM
from harness.errors import HarnessError
from harness.report.text import printable
from harness.settings import Surface

_INTERRUPTED = 130
_HOMES: Mapping[str, str] = {
    "run": "run",
    "preflight": "model",
    "models": "model",
    "select": "select",
    "download": "download",
    "load": "load",
    "unload": "load",
    "chat": "chat",
    "smoke": "smoke",
    "doctor": "doctor",
    "tasks": "tasks",
    "score": "score",
    "schema": "schema",
    "serve": "serve",
    "completion": "completion",
}
"""Which module of `harness.cli` has the command of this name, in the order of the help."""


class _Commands(click.Group):
    """Imports the module of a command when it is asked for, so that no command waits for what another one needs."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  (click's signature)
        """Return the names in the order of the help."""
        return list(_HOMES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Return the command of this name, or None."""
        if cmd_name not in _HOMES:
            return None
        command: click.Command = getattr(import_module(f"harness.cli.{_HOMES[cmd_name]}"), cmd_name)
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
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


def main() -> None:
    """Run the command line; errors of the harness end it with their message and exit code, never with a traceback."""
    stream.prepare()
    try:
        cli.main(prog_name=PROGRAM, standalone_mode=False)
    except HarnessError as exc:
        stream.complain(printable(Surface.COMMAND_LINE.render(str(exc))))
        sys.exit(exc.exit_code)
    except click.ClickException as exc:
        exc.show()
        sys.exit(exc.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.secho("Interrupted.", err=True)
        sys.exit(_INTERRUPTED)
    except BrokenPipeError:
        stream.give_up_stdout()  # The reader (head, less) has seen enough.
        sys.exit(0)
    except OSError as exc:
        stream.explain(exc)
        sys.exit(1)
