"""Commands to copy from a page."""

import shlex
from pathlib import Path

import pytest

from harness.report.page.rerun import rerun_command, show_command, word
from harness.store.cell import CellKey
from tests.verdict.recorded import head

KEY = CellKey("acme/small-4b", "say")


def test_what_the_user_set_is_set_again_and_defaults_are_not() -> None:
    settings = {"url": "embedded", "limit": 6, "epochs": 2, "max_output_tokens": 56, "reasoning": None, "seed": 0}
    origins = dict.fromkeys(settings, "--x") | {"seed": "default"}
    run = head(settings=settings, settings_from=origins, plan={"limit": 4})
    command = rerun_command(run, KEY)
    assert command == (
        "lms-harness run --url embedded --model acme/small-4b --task say --limit 4 --epochs 2 --max-output-tokens 56 "
        "--suite offload"
    )


def test_own_tasks_are_named_by_their_folder() -> None:
    run = head(settings={"own_tasks": "my tasks", "limit": 9})
    assert rerun_command(run, KEY) == "lms-harness run --model acme/small-4b --task say --limit 9 --tasks 'my tasks'"


@pytest.mark.parametrize("name", ["a b", "$(reboot)", "`reboot`", "'; reboot; '", "-x", "*"])
def test_a_name_is_one_word_for_the_shell(name: str) -> None:
    command = show_command(Path("r.jsonl"), CellKey("m", name))
    assert command is not None
    assert shlex.split(f"{command} --item {word(name)}") == [
        "lms-harness",
        "show",
        "r.jsonl",
        "--task",
        name,
        "--item",
        name,
    ]


@pytest.mark.parametrize("name", ["a\nreboot\n", "\x1b[201~reboot\r", "\u202egnp", "a\tb", "\x9b201~"])
def test_a_name_that_acts_when_it_is_pasted_has_no_command(name: str) -> None:
    assert word(name) is None
    assert show_command(Path("r.jsonl"), CellKey("m", name)) is None
    assert rerun_command(head(), CellKey(name, "say")) is None
