"""The samples of a page: which come first, what fits, and how little is said twice."""

import json
from pathlib import Path

import pytest

from harness.domain.record import PromptRecord, Record, SampleRecord
from harness.report.page.explorer import Source, cut, explorer, script_json
from harness.store.run_file import RunFile
from tests.store.written import write
from tests.verdict.recorded import AT, KEY, OTHER, cell, head


def read(folder: Path, *records: Record) -> list[Source]:
    run = RunFile.read(write(folder / "r1.jsonl", [head("r1"), *records]))
    return [Source(run=run, key=key) for key in run.cells]


@pytest.fixture
def sources(tmp_path: Path) -> list[Source]:
    """Items 0 and 3 pass and item 2 fails with both models; they disagree on item 1."""
    prompt = PromptRecord(run_id="r1", at=AT, prompt_hash="p", prompt="Say it")
    return read(tmp_path, prompt, *cell([1, 0, 0, 1], key=KEY), *cell([1, 1, 0, 1], key=OTHER))


def rows(sources: list[Source], most: int = 100, most_bytes: int = 1_000_000) -> list[tuple[str, str]]:
    data = explorer(sources, most=most, most_bytes=most_bytes).data
    return [(data["items"][row["item"]]["id"], data["models"][row["model"]]) for row in data["rows"]]


def test_what_fails_and_what_models_disagree_on_comes_first(sources: list[Source]) -> None:
    shown = rows(sources)
    assert shown[0] == ("i01", KEY)  # It fails what the other one passes: there a miss says most.
    assert shown[1:3] == [("i02", KEY), ("i02", OTHER)]
    assert shown[3] == ("i01", OTHER)
    assert {item for item, _ in shown[4:]} == {"i00", "i03"}


def test_what_the_task_says_of_an_image_stands_beside_its_hash(tmp_path: Path) -> None:
    prompt = PromptRecord(run_id="r1", at=AT, prompt_hash="p", prompt="What?", images=[{"bytes": 7, "sha256": "ab12"}])
    drawn = [
        record.model_copy(update={"tags": {"image": "red ring"}}) if isinstance(record, SampleRecord) else record
        for record in cell([0.0])
    ]
    (shown,) = explorer(read(tmp_path, prompt, *drawn)).data["prompts"]
    assert shown["images"] == ["7 bytes, SHA-256 ab12: red ring"]


def test_only_as_many_samples_as_a_page_can_hold(sources: list[Source]) -> None:
    found = explorer(sources, most=3)
    assert (found.shown, found.total, len(found.data["rows"])) == (3, 8, 3)
    small = explorer(sources, most_bytes=1500)
    assert 0 < small.shown == len(small.data["rows"]) < 8
    assert len(small.to_json()) < 2500


def test_where_texts_are_long_later_ones_are_cut_shorter_so_that_all_samples_fit(tmp_path: Path) -> None:
    long = [
        record.model_copy(update={"output_text": "a" * 3000}) if isinstance(record, SampleRecord) else record
        for record in cell([0.0] * 20)
    ]
    sources = read(tmp_path, *long)
    found = explorer(sources, most_bytes=35_000)
    lengths = [sum(map(len, row["epochs"][0]["answer"][:2])) for row in found.data["rows"]]
    assert (found.shown, set(lengths), lengths) == (20, {2000, 300}, sorted(lengths, reverse=True))


def test_the_repeats_of_an_item_stand_in_one_row_which_is_never_torn(tmp_path: Path) -> None:
    twice = [
        record.model_copy(update={"item_id": f"i{place // 4}", "epoch": place % 4 // 2 + 1})
        if isinstance(record, SampleRecord)
        else record
        for place, record in enumerate(cell([1, 0, 0, 0], key=KEY))
    ]
    sources = read(tmp_path, *twice)
    (first, second) = explorer(sources).data["rows"]
    assert [[epoch["n"] for epoch in row["epochs"]] for row in (first, second)] == [[1, 2], [1, 2]]
    assert explorer(sources, most=3).shown == 2


def test_a_prompt_stands_once_and_items_and_names_have_numbers(sources: list[Source]) -> None:
    data = explorer(sources).data
    assert [prompt["text"] for prompt in data["prompts"]] == ["Say it"]
    assert (len(data["items"]), data["models"], data["tasks"]) == (4, [KEY, OTHER], ["say"])
    assert data["short"] == ["small-4b", "tiny-1b"]


def test_a_models_name_in_a_row_is_cut_to_the_width_of_its_column(tmp_path: Path) -> None:
    keys = ("text-embedding-nomic", "text-embedding-all-minilm-l6-v2-of-very-many-words")
    records = [record for key in keys for record in cell([1, 0], key=key)]
    short = explorer(read(tmp_path, *records)).data["short"]
    assert short[0] == keys[0]
    assert 20 < len(short[1]) < 30


def test_a_long_text_keeps_its_beginning_and_its_end() -> None:
    assert cut("x" * 2000) == "x" * 2000
    text = "a" * 30_000 + "the question?"
    begin, end, length = cut(text)  # type: ignore[str-unpack]  # It is long.
    assert (begin, length) == ("a" * 1334, 30_013)
    assert str(end).endswith("the question?")
    assert len(str(begin)) + len(str(end)) == 2000


@pytest.mark.parametrize("text", ["</script>", "<!--", "]]>", "\u2028\u2029", "\ud800", "é & \x00"])
def test_json_in_a_script_cannot_end_it_and_means_the_same(text: str) -> None:
    shown = script_json({text: text})
    assert json.loads(shown) == {text: text}
    assert shown.isascii()
    assert not set("<>&") & set(shown)
