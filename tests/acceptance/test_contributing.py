"""CONTRIBUTING.md names files, targets and code that are there, and its record kind works as written."""

import re
from pathlib import Path

import pytest

from harness.domain.kind import Kinds
from harness.domain.record import Record
from harness.domain.schema import json_schema
from harness.store.reader import read_run

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PAGES = (PAGE, (ROOT / "docs" / "design.md").read_text(encoding="utf-8"))


def test_every_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+)(?: [a-z -]*)?:", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z-]+)", "\n".join(re.findall(r"`make [^`]*`|^make .*$", PAGE, re.MULTILINE))))
    assert named >= {"check", "test", "test-quick", "eval", "torture", "docs", "clean"}
    assert named <= targets


@pytest.mark.parametrize("page", PAGES, ids=["CONTRIBUTING.md", "docs/design.md"])
def test_every_path_that_is_named_exists(page: str) -> None:
    paths = set(re.findall(r"`((?:harness|suites|tests|docs)/[\w./]+)`", page)) - {"harness/suites"} | set(
        re.findall(r"\]\(((?!http)[\w./-]+)\)", page)
    )
    folders = (ROOT, ROOT / "docs")
    missing = [path for path in paths if not any((folder / path).exists() for folder in folders)]
    assert not missing


def test_every_package_of_the_design_exists_and_every_package_is_in_it() -> None:
    rooms = PAGES[1].partition("## Rooms")[2].partition("`suites/` holds")[0]
    named = {name.rstrip("/") for name in re.findall(r"`([a-z_]+/?)`", rooms.replace("`run/ask/`", ""))}
    there = {
        path.stem
        for path in (ROOT / "harness").iterdir()
        if (path.is_dir() and (path / "__init__.py").exists()) or path.suffix == ".py"
    } - {"__init__", "suites"}
    assert there <= named


def test_the_record_kind_of_the_page_is_written_read_and_described(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Kinds, "by_name", dict(Kinds.by_name))
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, type[Record]] = {}
    exec(code, names)
    note = names["NoteRecord"](run_id="r", at="2026-11-28T12:00:00.000Z", model_key="acme/tiny-1b", text="slow")  # type: ignore[call-arg]
    run = Kinds.by_name["run"](
        run_id="r",
        at="2026-11-28T12:00:00.000Z",
        harness_version="0",
        server_kind="embedded",
        server_url="",  # type: ignore[call-arg]
    )
    path = tmp_path / "r.jsonl"
    path.write_text(run.to_json() + "\n" + note.to_json() + "\n")
    assert list(read_run(path))[1] == note
    assert "note" in str(json_schema("note"))
