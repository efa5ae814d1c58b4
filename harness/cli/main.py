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
COMMANDS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "Measure": {
        "run": ("run", "Ask each model the tasks, and say who takes which"),
        "smoke": ("smoke", "Load a model, ask it something, check the answer, unload it"),
        "tasks": ("tasks", "List the tasks and what each one's items are like"),
        "score": ("score", "Score stored outputs again, without a server"),
        "selfcheck": ("selfcheck", "Check whether this machine is fit to measure on"),
        "live": ("live", "Check whether a server behaves as LM Studio is documented to"),
    },
    "Decide": {
        "choose": ("choose", "Say for each task which model to hand it to, and the risk"),
        "route": ("route", "Print the key of the model that takes a task, for scripts"),
        "show": ("show", "Show samples of a run, the worst first: prompt, answer, score"),
        "report": ("report", "Write one offline page: answers, scores, charts, every sample"),
        "export": ("export", "Write runs as CSV, or for a collection of results"),
        "compare": ("compare", "Compare runs, or models within a run: better, worse, undecided"),
        "gate": ("gate", "Fail a nightly run in which something got worse"),
        "select": ("select", "Choose a downloaded model by its abilities and its cost"),
    },
    "Use the server": {
        "preflight": ("model", "Check that LM Studio is reachable and accepts the token"),
        "models": ("model", "List the downloaded models and what is loaded"),
        "download": ("download", "Let LM Studio download a model"),
        "load": ("load", "Load a model and leave it loaded"),
        "unload": ("load", "Unload a model's instances, or exactly one"),
        "chat": ("chat", "Give a model one task and print its answer"),
        "doctor": ("doctor", "Show what dead runs have left loaded; --fix unloads it"),
    },
    "More": {
        "serve": ("serve", "Serve LM Studio's API with llama.cpp, without LM Studio"),
        "schema": ("schema", "Print the JSON Schema of run files and routing files"),
        "completion": ("completion", "Print the script for completion in a shell"),
    },
}
"""By section of the help: the module of `harness.cli` that has a command, and what the help says of the command."""

_HOMES = {name: home for section in COMMANDS.values() for name, (home, _) in section.items()}


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

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the commands by section, from the table: importing every command takes a second."""
        widest = max(map(len, _HOMES))
        for title, section in COMMANDS.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(widest), line) for name, (_, line) in section.items()])


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
    9 no current answer, 10 not comparable or missing, 130 interrupted (after releasing).
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
