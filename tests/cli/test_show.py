"""`show`, run as a user would, on run files of known answers."""

import os
import pty
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.domain.record import PromptRecord, Record, SampleRecord, ScoreRecord
from tests.store.written import write
from tests.verdict.recorded import AT, KEY, OTHER, cell, head, instance

from .conftest import Call
from .test_hostile_text import EVIL, assert_harmless

PLAN = {"models": [KEY, OTHER], "tasks": {"say": "f", "tell": "g"}}
HEAD: dict[str, Any] = {"run_id": "r1", "at": AT}


def answered(records: Sequence[Record], **changed: Any) -> list[Record]:
    return [record.model_copy(update=changed) if isinstance(record, SampleRecord) else record for record in records]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a run of two models on two tasks, after an older one without samples."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    prompt = PromptRecord(**HEAD, prompt_hash="p", system_prompt="Be brief.", turns=["Hello"], prompt="Say\nit now")
    small = cell([1.0, 0.0, 0.0, 0.5, None], key=KEY)
    tiny = cell([1.0, 1.0, 0.0, 0.0, 0.0], key=OTHER)
    told = answered(cell([0.25], key=KEY, task="tell"), target={"label": "x"}, turns=[{"output_text": "Hi!"}])
    write(tmp_path / "results" / "r1.jsonl", [head("r1", plan=PLAN), instance(), prompt, *small, *tiny, *told])
    write(tmp_path / "results" / "r2.jsonl", [head("r2", plan=PLAN)])
    return tmp_path


def shown(call: Call, *words: str) -> list[tuple[str, str, str]]:
    done = call("show", *words, "--json")
    assert done.code == 0, done.err
    return [(sample["task"], sample["model_key"], sample["item_id"]) for sample in done.json["samples"]]


def test_the_worst_comes_first_and_of_equals_what_others_pass_and_last_what_was_lost(call: Call, folder: Path) -> None:
    assert shown(call, "--task", "say", "--model", "SMALL") == [
        ("say", KEY, item) for item in ("i01", "i02", "i03", "i00", "i04")
    ]
    assert shown(call)[-1] == ("say", KEY, "i04")


def test_a_sample_has_prompt_answer_target_score_and_times_within_80_columns(call: Call, folder: Path) -> None:
    done = call("show", "r1", "--task", "tell")
    assert done.out.splitlines() == [
        "1/1  i00  tell  acme/small-4b",
        "  system prompt  Be brief.",
        "  turn 1  Hello",
        "  answer to turn 1  Hi!",
        "  prompt",
        "    Say",
        "    it now",
        "  answer  answer 0.25",
        '  target  {"label": "x"}',
        "  score  0.25",
        "  times  first token 0.10 s, whole answer 1.00 s",
        "",
        "1 of 1 sample of results/r1.jsonl.",
    ]


def test_the_newest_run_with_samples_is_shown_and_what_is_newer_is_named(call: Call, folder: Path) -> None:
    done = call("show", "--limit", "2")
    assert "Skipped results/r2.jsonl: it has no samples" in done.err
    assert done.out.splitlines()[-1] == "2 of 11 samples of results/r1.jsonl; --limit 11 shows all."


def test_failed_means_counted_and_not_passed(call: Call, folder: Path) -> None:
    assert set(shown(call, "--failed", "--task", "say", "--model", KEY)) == {("say", KEY, f"i0{i}") for i in (1, 2, 3)}
    assert shown(call, "--outcome", "server_error") == [("say", KEY, "i04")]
    done = call("show", "--failed", "--outcome", "server_error")
    assert (done.code, done.out) == (0, "No sample of results/r1.jsonl fits.\n")


def test_flipped_items_stand_with_both_answers_and_one_prompt(call: Call, folder: Path) -> None:
    assert shown(call, "--flipped", "tiny", "small") == [("say", OTHER, "i01"), ("say", KEY, "i01")]
    assert len(shown(call, "--flipped", "tiny", "small", "--limit", "1")) == 2
    text = call("show", "--flipped", "tiny", "small").out
    assert text.count("Be brief.") == 1
    assert "  prompt  as above" in text
    assert call("show", "--flipped", "tiny", "TINY").code == 2
    assert call("show", "--flipped", "tiny", "small", "--model", "tiny").code == 2


def test_turns_are_shown_with_each_answer_to_them_and_an_empty_answer_as_such(call: Call, folder: Path) -> None:
    prompt = PromptRecord(**HEAD, prompt_hash="p", turns=["Hello", "Bye"], continues=1, prompt="Go on")
    talks = [answered(cell([0.0], key=key), turns=[{"output_text": key}], output_text=" ") for key in (KEY, OTHER)]
    write(folder / "results" / "r7.jsonl", [head("r7", plan=PLAN), prompt, *talks[0], *talks[1]])
    text = call("show").out
    assert [line for line in text.splitlines() if line.startswith("  answer")] == [
        f"  answer to turn 1  {KEY}",
        "  answer  (empty)",
        f"  answer to turn 1  {OTHER}",
        "  answer  (empty)",
    ]
    assert text.count("  prompt, after turn 1  Go on") == 2


def test_what_the_task_says_of_an_image_stands_beside_its_hash(call: Call, folder: Path) -> None:
    prompt = PromptRecord(**HEAD, prompt_hash="p", prompt="What is it?", images=[{"bytes": 7, "sha256": "ab12"}])
    drawn = answered(cell([0.0], key=KEY), tags={"image": f"red ring{EVIL}"})
    write(folder / "results" / "r8.jsonl", [head("r8", plan=PLAN), prompt, *drawn])
    text = call("show").out
    assert "7 bytes, SHA-256 ab12: red ring" in text
    assert "\x1b" not in text


def test_every_answer_to_an_item_can_be_shown(call: Call, folder: Path) -> None:
    assert sorted(shown(call, "--item", "i00")) == [("say", KEY, "i00"), ("say", OTHER, "i00"), ("tell", KEY, "i00")]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--task", "sya"), "the run has no such task: sya\nAsked were: say, tell."),
        (("--item", "i99"), "the run has no such item: i99\nAsked were: i00, i01, i02, i03, i04."),
        (("--model", "huge"), "Asked were: acme/small-4b, acme/tiny-1b."),
        (("--outcome", "bad"), "'truncated'"),
        (("r9",), "there is no run r9"),
        (("r2",), "results/r2.jsonl has no samples"),
        (("--results", "elsewhere"), "there is no run with samples in elsewhere"),
        (("--limit", "0"), "0 is not in the range"),
    ],
)
def test_what_the_run_does_not_have_ends_with_2_and_says_what_it_has(
    call: Call, folder: Path, words: tuple[str, ...], said: str
) -> None:
    done = call("show", *words)
    assert done.code == 2, done.out
    assert said in done.err


def test_a_run_without_prompts_says_so(call: Call, folder: Path) -> None:
    write(folder / "results" / "r3.jsonl", [head("r3"), *cell([0.0])])
    assert "  prompt  not recorded\n" in call("show").out
    assert call("show", "--json").json["samples"][0]["prompt"] is None
    write(folder / "results" / "r4.jsonl", [head("r4", settings={"no_prompts": True}), *cell([0.0])])
    assert "  prompt  not recorded: the run had --no-prompts\n" in call("show").out


def test_json_has_texts_whole_and_the_score_with_its_reason(call: Call, folder: Path) -> None:
    score = ScoreRecord(
        **HEAD, sample_uid=f"{KEY}-say-0", scorer="exact", scorer_version="1", value=0.0, reason="differs"
    )
    sample, *_ = answered(cell([0.0]), output_text="long " * 5000)
    write(folder / "results" / "r5.jsonl", [head("r5"), sample, score])
    (found,) = call("show", "--json").json["samples"]
    assert (len(found["output_text"]), found["score"]["reason"]) == (25_000, "differs")
    text = call("show").out
    assert "[… 23,000 characters left out; --json has them …]" in text
    assert "  score  0.00: differs" in text
    assert max(map(len, text.splitlines())) <= 80


def test_hostile_texts_of_a_megabyte_are_inert_and_cut(call: Call, folder: Path) -> None:
    big = EVIL * 20_000
    prompt = PromptRecord(**HEAD, prompt_hash="p", system_prompt=big, turns=[big], prompt=f"{EVIL}\n::error::x{EVIL}")
    hostile = answered(
        cell([0.0]), output_text=big, target={EVIL: big}, reasoning_text=big, error=big, turns=[{"output_text": big}]
    )
    write(folder / "results" / "r6.jsonl", [head("r6"), prompt, *hostile])
    for words in (("--json",), ()):
        done = call("show", "--limit", "1", *words)
        assert done.code == 0
        assert_harmless(done.out + done.err)
    text = done.out
    assert len(text) < 60_000
    assert max(map(len, text.splitlines())) <= 80


def on_terminal(folder: Path, *words: str) -> int:
    """Run `show` on a pseudo-terminal whose pager keeps what it is given, and return the exit code."""
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-m", "harness.cli", "show", "--item=i00", "--task=tell", *words],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=folder,
        env={**os.environ, "PAGER": "tee paged", "TERM": "xterm"},
    )
    os.close(theirs)
    code = child.wait(60)  # What it draws fits into the terminal's buffer.
    os.close(ours)
    return code


def test_a_terminal_is_paged_unless_no_pager_is_wanted_and_a_pipe_is_not(call: Call, folder: Path) -> None:
    call("show")
    assert on_terminal(folder, "--no-pager") == 0
    assert not (folder / "paged").exists()
    assert on_terminal(folder) == 0
    assert (folder / "paged").read_text().splitlines() == call("show", "--item=i00", "--task=tell").out.splitlines()
