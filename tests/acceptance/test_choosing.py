"""docs/choosing.md: every command works as it stands there, and prints what stands there."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from .transcript import PAGE, Played, blocks, commands, world

CODES = {"lms-harness route --task reason": 1, "lms-harness route --task summarise": 8}

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("choosing")


@pytest.fixture(scope="module")
def played(folder: Path) -> list[tuple[str, str, list[Played]]]:
    """Run the page from the top: each block's kind and text, and its commands with what they printed."""
    with world(folder) as made:
        return [
            (kind, text, [made.play(command) for command in commands(kind, text)])
            for kind, text in blocks(PAGE.read_text(encoding="utf-8"))
        ]


def told(text: str) -> Iterator[str]:
    """Yield the words of a transcript without what differs between runs: ids, figures, widths, what times say."""
    text = re.sub(r"\] (not decided|noise unknown)", "] CLAIM", text)
    for word in re.sub(r"results/\S+?\.jsonl|\d{8}T\d{6}Z-[0-9a-f]{8}", "RUN", text).split():
        shown = re.sub(r"[+-]?\d[\d.,]*", "N", word)
        if set(shown) != {"-"}:
            yield shown


def test_every_command_prints_what_the_page_shows(played: list[tuple[str, str, list[Played]]]) -> None:
    shown = [(text, found) for kind, text, found in played if kind == "console"]
    assert len(shown) >= 5
    for text, found in shown:
        now = "".join(f"$ {step.command}\n{step.output}\n" for step in found)
        assert [*told(now)] == [*told(text)], f"run: make transcripts\n{now}"


def test_every_command_ends_as_the_page_says(played: list[tuple[str, str, list[Played]]]) -> None:
    for step in [step for _, _, found in played for step in found]:
        expected = 1 if "compare" in step.command else CODES.get(step.command, 0)
        assert step.code == expected, step


def test_the_page_shows_all_kinds_of_answers() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for part in ("certified", "your primary  ", "open: acme", "acme/small-4b  "):
        assert part in page


def test_the_shell_script_hands_the_task_over(played: list[tuple[str, str, list[Played]]]) -> None:
    (script,) = [found[0] for kind, text, found in played if kind == "sh" and "if model=" in text]
    assert "no local model takes it" not in script.output
    assert script.output


def test_python_reads_the_routing_file(played: list[tuple[str, str, list[Played]]]) -> None:
    (found,) = [found[0] for kind, _, found in played if kind == "python"]
    assert re.fullmatch(r"acme/small-4b \d{4}-\d\d-\d\dT[\d:.]+Z", found.output)
