"""Options that several commands share."""

from collections.abc import Callable, Sequence
from math import isfinite
from pathlib import Path
from typing import Any, TypeVar

import click

from harness.cli.completion import task_names
from harness.settings import DEFAULT_TOKEN, DEFAULT_URL, OPTIONS, SettingName

Command = TypeVar("Command", bound=Callable[..., Any])


def add_options(options: Sequence[Callable[[Any], Any]]) -> Callable[[Command], Command]:
    """Return a decorator that adds these options to a command, in this order."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def parsed_as(name: SettingName) -> Callable[[click.Context, click.Parameter, str | None], Any]:
    """Return a callback that parses an option's text as the setting of this name, such as a size or a duration."""
    return parsed_by(next(option.parse for option in OPTIONS if option.name == name))


def parsed_by(parse: Callable[[str], Any]) -> Callable[[click.Context, click.Parameter, str | None], Any]:
    """Return a callback that parses an option's text; what `parse` raises as `ValueError` says what was expected."""

    def callback(_: click.Context, parameter: click.Parameter, text: str | None) -> Any:
        try:
            return None if text is None else parse(text)
        except ValueError as exc:
            raise click.BadParameter(f"expected {exc}, got {text!r}", param=parameter) from None

    return callback


def results_option(explanation: str) -> Callable[[Command], Command]:
    """Return `--results`, the folder of run files, with what it means for the command."""
    return click.option(
        "--results",
        type=click.Path(path_type=Path),
        default=Path("results"),
        show_default=True,
        metavar="DIR",
        help=explanation,
    )


def checked_out(out: Path, *, example: str) -> Path:
    """Return the file of `-o` if it may be written: no run file is ever overwritten."""
    from harness.errors import StoreError
    from harness.store.reader import read_header

    if out.suffix == ".jsonl":
        raise click.UsageError(f"-o: {out} is named as a run file; expected another name, such as {example}")
    try:
        is_run = out.is_file() and read_header(out) is not None
    except StoreError:
        is_run = False
    if is_run:
        raise click.UsageError(f"-o: {out} is a run file, which is never overwritten; name another file")
    return out


_MOST_PERCENT = 1000


class FiniteRange(click.FloatRange):
    """A number within a range; click's own lets NaN through, which is within no range."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number, or fail."""
        number = super().convert(value, param, ctx)
        if not isfinite(number):
            self.fail(f"expected a number, got {value}", param, ctx)
        return number


class Percent(click.FloatRange):
    """A number of percent, with or without its sign, from above 0 to 1,000."""

    name = "percent"

    def __init__(self) -> None:
        super().__init__(0, _MOST_PERCENT, min_open=True)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number, or fail."""
        try:
            number = float(str(value).strip().removesuffix("%"))
        except ValueError:
            number = 0.0
        if not 0 < number <= _MOST_PERCENT:
            self.fail(
                f"expected a percentage, such as 25, above 0 and at most {_MOST_PERCENT:,}; got {value}", param, ctx
            )
        return number


json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object; an error, too, on stderr.")

server_options = add_options(
    [
        click.option(
            "--url",
            envvar="LM_STUDIO_API_URL",
            default=DEFAULT_URL,
            show_default=True,
            show_envvar=True,
            metavar="URL",
            help="LM Studio's address.",
        ),
        click.option(
            "--token",
            envvar="LM_API_TOKEN",
            default=DEFAULT_TOKEN,
            metavar="TOKEN",
            help="API token; better set in the variable LM_API_TOKEN, because options are visible in the process list.",
        ),
        json_option,
    ]
)
"""Adds `--url`, `--token` and `--json`."""


class GivenOnce(click.Option):
    """An option for a folder that refuses a second one: click would let the last win without a word."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "multiple": True})

    def process_value(self, ctx: click.Context, value: Any) -> Any:
        """Return the value; None without one."""
        values = super().process_value(ctx, value)
        if len(values) > 1:
            raise click.UsageError(
                f"{self.opts[0]}: expected one folder, got {len(values)}: put what belongs together into one"
            )
        return values[0] if values else None


tasks_option = click.option(
    "--task", "tasks", multiple=True, metavar="TASK", shell_complete=task_names, help="Only this task, repeatable."
)
margin_option = click.option(
    "--margin",
    type=FiniteRange(0, 1, min_open=True, max_open=True),
    default=0.05,
    show_default=True,
    help="The largest loss of score that does not matter.",
)
