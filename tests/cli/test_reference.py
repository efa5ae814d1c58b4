"""Help, README and docs/cli.md say what the code does: each is checked against the commands themselves."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from harness import errors
from harness.cli.main import cli
from harness.cli.reference import EXIT_CODES, reference
from harness.errors import HarnessError
from harness.settings import OPTIONS

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
REFERENCE = ROOT / "docs" / "cli.md"
ROOT_CONTEXT = click.Context(cli)
COMMANDS = {
    name: command for name in cli.list_commands(ROOT_CONTEXT) if (command := cli.get_command(ROOT_CONTEXT, name))
}
WITHOUT_JSON = {"run", "serve", "schema", "completion"}
OFFLINE = {"choose", "compare", "export", "gate", "report", "score", "selfcheck", "show", "tasks"}

Call = Callable[..., Any]


def options(command: click.Command) -> set[str]:
    return {
        name
        for parameter in command.params
        for name in (*parameter.opts, *parameter.secondary_opts)
        if name.startswith("--") and not getattr(parameter, "hidden", False)
    }


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_every_help_teaches_by_examples_that_name_real_options(call: Call, command: str) -> None:
    result = call(*command.split(), "--help")
    assert result.code == 0
    examples = result.out.partition("Examples:")[2].partition("Options:")[0]
    lines = [line for line in examples.splitlines() if "lms-harness" in line]
    assert lines
    for line in lines:
        named = re.findall(r"lms-harness (\w+)([^|;]*)", line)
        assert named, line
        for name, rest in named:
            ours = rest.partition(" -- ")[0].partition("lms-harness")[0]
            used = set(re.findall(r"(?<=\s)--[a-z][a-z0-9-]+", ours))
            assert used <= options(COMMANDS[name]), line


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_and_command_is_explained(name: str) -> None:
    command = COMMANDS[name]
    assert command.help
    unexplained = [
        parameter.name
        for parameter in command.params
        if isinstance(parameter, click.Option)
        and not parameter.help
        and parameter.name not in {"temperature", "max_output_tokens"}
    ]
    assert unexplained == []


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - WITHOUT_JSON))
def test_every_other_command_takes_json_and_if_it_asks_a_server_url_and_token(name: str) -> None:
    assert {"--json"} | (set() if name in OFFLINE else {"--url", "--token"}) <= options(COMMANDS[name])


def test_every_command_that_is_listed_exists_under_its_own_name() -> None:
    assert list(COMMANDS) == cli.list_commands(ROOT_CONTEXT)
    assert all(command.name == name for name, command in COMMANDS.items())


def test_the_readme_names_every_command_and_only_options_that_exist() -> None:
    listed = README.partition("\nCommands: ")[2].partition("\n\n")[0]
    assert set(re.findall(r"`(\w+)`", listed)) == set(COMMANDS)
    for name, rest in re.findall(r"lms-harness (\w+)([^`\n#]*)", README):
        assert set(re.findall(r"(?<=\s)--[a-z][a-z0-9-]+", rest)) <= options(COMMANDS[name]), name


def test_every_option_that_the_readme_gives_pytest_exists() -> None:
    named = set(re.findall(r"--lms-([a-z-]+)", README))
    assert named
    assert named <= {option.flag for option in OPTIONS}


def test_the_exit_codes_of_the_help_are_those_of_the_reference() -> None:
    told = re.search(r"Exit codes: (.*?)\(after releas", cli.help or "", re.DOTALL)
    assert told
    assert {int(code) for code in re.findall(r"(?<!\w)(\d+) [a-z]", told[1])} == set(EXIT_CODES)


def test_every_error_ends_with_a_documented_exit_code() -> None:
    kinds = [
        member for member in vars(errors).values() if isinstance(member, type) and issubclass(member, HarnessError)
    ]
    assert {kind.exit_code for kind in kinds} <= set(EXIT_CODES)


def test_the_reference_is_current() -> None:
    assert REFERENCE.read_text(encoding="utf-8") == reference(), "run: make docs"


def test_the_reference_names_every_command_option_and_pytest_option() -> None:
    page = reference()
    for name, command in COMMANDS.items():
        section = page.partition(f"## lms-harness {name}\n")[2].partition("\n## ")[0]
        assert section
        missing = [name for name in options(command) if f"{name}" not in section]
        assert missing == []
    assert all(f"`--lms-{option.flag}{'`' if option.is_flag else ' '}" in page for option in OPTIONS)
