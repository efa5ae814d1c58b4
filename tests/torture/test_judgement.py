"""What the campaigns conclude from what they see."""

import subprocess
import sys
from pathlib import Path
from typing import cast

import pytest

from tests.torture.campaign.table import KillReport
from tests.torture.campaign.victim import KillPlan, Victim
from tests.torture.campaign.writer import torn_within, written

CLONE = Path(__file__).parents[2]


def victim(number: int, *, is_in_doubt: bool = False, is_leaked: bool = False) -> Victim:
    plan = KillPlan(
        number=number,
        scenario="jit",
        target="harness",
        signal="SIGKILL",
        fraction=0.5,
        shares_state=True,
        vacates=True,
        by_doctor=True,
    )
    never = cast("subprocess.Popen[bytes]", None)
    return Victim(
        plan=plan,
        key="k",
        context_length=None,
        state=Path("state"),
        out=Path("out"),
        process=never,
        started=0.0,
        is_in_doubt=is_in_doubt,
        is_leaked=is_leaked,
    )


def columns(report: KillReport) -> dict[str, str]:
    head, rule, *rows = report.render().splitlines()
    (total,) = [row for row in rows if row.startswith("all ")]
    spans, start = [], 0
    for dashes in rule.split("  "):
        spans.append((start, start + len(dashes)))
        start += len(dashes) + 2
    return {head[low:high].strip(): total[low:high].strip() for low, high in spans}


def test_runs_in_doubt_are_counted_apart_where_a_foreign_client_raced_them() -> None:
    victims = [victim(1, is_in_doubt=True), victim(2, is_in_doubt=True), victim(3, is_in_doubt=True), victim(4)]
    total = columns(KillReport(victims=victims, raced=frozenset({2, 3, 4})))
    assert (total["runs"], total["raced"], total["in doubt"], total["in doubt, raced"]) == ("4", "3", "1", "2")


def test_a_leak_breaks_the_campaign_only_where_no_foreign_client_raced_the_run() -> None:
    victims = [victim(1, is_leaked=True), victim(2, is_leaked=True)]
    report = KillReport(victims=victims, raced=frozenset({2}))
    (broken,) = report.broken
    assert broken.startswith("leaked, though no foreign client raced it: run 1 ")
    assert (columns(report)["leaked"], columns(report)["leaked, raced"]) == ("1", "1")


@pytest.mark.parametrize(
    ("content", "is_torn", "is_empty"),
    [(b"", False, False), (b'{"kind":"run"', True, True), (b"{}\n{", True, False), (b"{}\n", False, False)],
)
def test_a_torn_first_line_is_an_empty_run(content: bytes, tmp_path: Path, *, is_torn: bool, is_empty: bool) -> None:
    path = tmp_path / "records-0.jsonl"
    path.write_bytes(content)
    assert torn_within(path) == (is_torn, is_empty)


def test_a_process_killed_inside_its_first_record_leaves_a_file_that_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "records-0.jsonl"
    for content in (b"", b"{", b'{"kind":"run","schema":"lms-harness/1","plan":{"filler":"' + b"x" * 50_000):
        path.write_bytes(content)
        assert written("records", path) == set()


@pytest.mark.parametrize("module", ["campaign", "resume_campaign"])
def test_a_package_of_the_same_name_elsewhere_does_not_take_the_place_of_the_campaigns(
    module: str, tmp_path: Path
) -> None:
    (tmp_path / "tests" / "torture").mkdir(parents=True)
    for folder in (tmp_path / "tests", tmp_path / "tests" / "torture"):
        (folder / "__init__.py").write_text("raise SystemExit('another package named tests')")
    done = subprocess.run(
        [sys.executable, "-m", f"tests.torture.{module}", "--help"],
        capture_output=True,
        text=True,
        check=False,
        cwd=CLONE,
        env={"PYTHONPATH": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    assert "usage" in done.stdout.lower()
