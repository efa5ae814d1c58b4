"""The group of all commands, and how each of them ends."""

import sys
from collections.abc import Mapping
from importlib import import_module
from typing import NoReturn

import click

from harness.cli import stream
from harness.cli.completion import PROGRAM
from harness.cli.output import complain_json, note, rendered
from harness.errors import HarnessError

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
    "live": "live",
    "doctor": "doctor",
    "choose": "choose",
    "route": "route",
    "compare": "compare",
    "tasks": "tasks",
    "score": "score",
    "schema": "schema",
    "serve": "serve",
    "completion": "completion",
}
"""The module of `harness.cli` that has the command of this name, in the order of the help."""


class _Commands(click.Group):
    """Imports the module of a command when it is needed, so that no command waits for the imports of another."""

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
    """Decide, with evidence, which tasks can be handed to which local model in LM Studio.

    \b
    Examples:
      lms-harness run --url embedded --model all --limit 12    (a demonstration without LM Studio)
      lms-harness run --model 'qwen*' --model google/gemma-3-4b
      lms-harness models

    Exit codes: 0 ok, 1 the checked property does not hold, 2 usage, 3 unreachable, 4 not authorised,
    5 model not found, 6 load failed, 7 an instance could not be released, 8 no model is certain enough to suffice,
    9 no current answer, 10 not comparable, 130 interrupted (after releasing).
    """


def main() -> None:
    """Run the command line; an error ends it with its message and exit code, never with a traceback."""
    stream.prepare()
    try:
        cli.main(prog_name=PROGRAM, standalone_mode=False)
    except HarnessError as exc:
        _end(exc.exit_code, error=type(exc).__name__, message=exc.message, hint=exc.hint)
    except click.ClickException as exc:
        _end_usage(exc)
    except (click.Abort, KeyboardInterrupt):
        _end(_INTERRUPTED, error="Interrupted", message="Interrupted.")
    except BrokenPipeError:
        stream.discard_stdout()  # The reader (head, less) has seen enough.
        sys.exit(0)
    except OSError as exc:
        stream.explain(exc)
        sys.exit(1)


def _end(exit_code: int, *, error: str, message: str, hint: str = "") -> NoReturn:
    """Print an error on standard error, with --json as one JSON object, and exit."""
    message, hint = rendered(message), rendered(hint)
    if _wants_json():
        complain_json({"error": error, "message": message, "hint": hint or None, "exit_code": exit_code})
    else:
        stream.complain(f"{message}\n{hint}" if hint else message)
    sys.exit(exit_code)


def _end_usage(exc: click.ClickException) -> NoReturn:
    """End with an error that click found in the options; a person gets the command's usage, too."""
    context = exc.ctx if isinstance(exc, click.UsageError) else None
    hint = f"See {context.command_path} --help." if context else ""
    if _wants_json():
        _end(exc.exit_code, error="UsageError", message=exc.format_message(), hint=hint)
    if context:
        note(f"{context.get_usage()}\n{hint}\n")
    note(f"Error: {exc.format_message()}")
    sys.exit(exc.exit_code)


def _wants_json() -> bool:
    """Return whether --json is given; from the words, as the error may be about an option that stands before it."""
    words = sys.argv[1:]
    return "--json" in (words[: words.index("--")] if "--" in words else words)
