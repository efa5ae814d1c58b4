"""The reference of the command line as Markdown, generated from the commands: `make docs` writes docs/cli.md."""

import re
import sys
from collections.abc import Iterable, Mapping
from inspect import cleandoc
from pathlib import Path

import click

from harness.cli.completion import PROGRAM
from harness.cli.main import COMMANDS, cli
from harness.cli.option import GivenOnce
from harness.settings import OPTIONS, Surface

EXIT_CODES: Mapping[int, str] = {
    0: "ok",
    1: "the checked property does not hold, or the server failed",
    2: "usage: an option, a value or a file is wrong",
    3: "the server does not answer, or not as LM Studio 0.4 or later does",
    4: "not authorised",
    5: "no such model or instance",
    6: "a model could not be loaded",
    7: "an instance could not be released; the message names it and the command to finish",
    8: "open: no model is sure to do the task well enough",
    9: "the routing file is missing or stale, or does not know the task",
    10: "something was not compared (`compare`), or is missing, or there was nothing to compare with (`gate`)",
    130: "interrupted, after releasing what had been loaded",
}
"""What `lms-harness` returns; `harness.errors` has the exit code of each error."""

ENVIRONMENT: Mapping[str, str] = {
    "LM_STUDIO_API_URL": "LM Studio's address, if --url is not given",
    "LM_API_TOKEN": "API token, if --token is not given; safer than the option, which the process list shows",
    "LMS_HARNESS_STATE": "folder for journals and other state, instead of the user's state directory",
    "MODEL": "the model of `smoke`, if none is given",
    "COLUMNS": "width of tables, instead of the terminal's width",
}

_HEAD = f"""# {PROGRAM}: reference

Generated from the commands by `make docs`; a test fails when it is out of date. `{PROGRAM} COMMAND --help` prints the
same."""

_PYTEST_HEAD = """## pytest options

The plugin gives `pytest` these options, and the ini keys below. An option wins over its environment variable, the
variable over ini, and ini over the default."""


def reference() -> str:
    """Return the whole page."""
    root = click.Context(cli, info_name=PROGRAM)
    commands = [(name, cli.get_command(root, name)) for name in cli.list_commands(root)]
    parts = [_HEAD, _synopsis(cli), _overview()]
    parts += [_command(name, command, root) for name, command in commands if command is not None]
    parts += [_PYTEST_HEAD, _pytest_options()]
    parts.append(
        "## Environment\n\n" + _table(("variable", "meaning"), ((f"`{k}`", v) for k, v in ENVIRONMENT.items()))
    )
    parts.append("## Exit codes\n\n" + _table(("code", "meaning"), ((str(k), v) for k, v in EXIT_CODES.items())))
    return "\n\n".join(parts) + "\n"


def _overview() -> str:
    rows = (
        (title if name == next(iter(section)) else "", f"[`{name}`](#lms-harness-{name})", line)
        for title, section in COMMANDS.items()
        for name, (_, line) in section.items()
    )
    return _table(("", "command", "does"), rows)


def _synopsis(command: click.Command) -> str:
    text, examples = _described(command)
    return f"{text}\n\n{examples}"


def _command(name: str, command: click.Command, root: click.Context) -> str:
    context = click.Context(command, parent=root, info_name=name)
    usage = " ".join([PROGRAM, name, *command.collect_usage_pieces(context)])
    text, examples = _described(command)
    rows = [
        _option(parameter, context)
        for parameter in command.params
        if isinstance(parameter, click.Option) and not parameter.hidden
    ]
    table = _table(("option", "meaning"), rows) if rows else ""
    return "\n\n".join(filter(None, (f"## {PROGRAM} {name}", f"```text\n{usage}\n```", text, table, examples)))


def _described(command: click.Command) -> tuple[str, str]:
    """Return the help as paragraphs, and its examples as a block."""
    blocks = cleandoc(command.help or "").split("\n\n")
    examples = [block for block in blocks if block.startswith("\b\nExamples:")]
    others = [block.removeprefix("\b\n") for block in blocks if block not in examples]
    lines = "\n".join(examples).removeprefix("\b\nExamples:\n")
    return "\n\n".join(_escaped(block) for block in others), f"```sh\n{cleandoc(lines)}\n```"


def _option(option: click.Option, context: click.Context) -> tuple[str, str]:
    names = ", ".join([*option.opts, *option.secondary_opts])
    numbers = option.type if isinstance(option.type, click.IntRange | click.FloatRange) else None
    metavar = option.metavar or ("N" if numbers else option.make_metavar(context))
    notes = (
        ["repeatable"]
        if option.multiple and not isinstance(option, GivenOnce) and "repeatable" not in (option.help or "")
        else []
    )
    if numbers is not None:
        bounds = (("above" if numbers.min_open else "at least", numbers.min), ("at most", numbers.max))
        notes.append(", ".join(f"{word} {bound:g}" for word, bound in bounds if bound is not None))
    if option.show_default is True:
        notes.append(f"default {option.get_default(context)}")
    if option.envvar:
        notes.append(f"env {option.envvar}")
    taken = "" if option.is_flag else f" {metavar}"
    return f"`{names}{taken}`", _escaped(
        " ".join(filter(None, (option.help, f"[{'; '.join(notes)}]" if notes else "")))
    )


def _pytest_options() -> str:
    rows = (
        (
            f"`{Surface.PYTEST.spell(option.name, None if option.is_flag else option.metavar)}`",
            "" if option.name == "token" else f"`{Surface.INI.spell(option.name)}`",
            _escaped(Surface.PYTEST.render(option.help) + (f" [env {option.env}]" if option.env else "")),
        )
        for option in OPTIONS
    )
    return _table(("option", "ini key", "meaning"), rows)


def _table(headers: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [headers, ("---",) * len(headers), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def _escaped(text: str) -> str:
    return re.sub(r"([<>*])", r"\\\1", text)


def main() -> None:
    """Write the page to the file named as the argument."""
    Path(sys.argv[1]).write_text(reference(), encoding="utf-8")


if __name__ == "__main__":
    main()
