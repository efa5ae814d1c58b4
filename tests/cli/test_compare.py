"""`compare`, run as a user would, on run files of known answers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from harness.domain.record import PromptRecord, SampleRecord
from harness.task.catalogue import load_catalogue
from harness.task.shipped import suites_dir
from tests.store.written import write
from tests.verdict.recorded import AT, KEY, OTHER, cell, head, instance, passes

from .conftest import Call

BOTH = {"models": [KEY, OTHER], "tasks": {"say": "f", "tell": "g"}}
SETTINGS: Mapping[str, Any] = {"plan": BOTH}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the run of last night, in which one model fails more, and the one before."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    before = [*cell(passes(38), key=KEY), *cell(passes(38), key=KEY, task="tell"), *cell(passes(20), key=OTHER)]
    after = [*cell(passes(20), key=KEY), *cell(passes(38), key=KEY, task="tell"), *cell(passes(20), key=OTHER)]
    big = instance(KEY, size_bytes=4_000_000_000)
    small = instance(OTHER, size_bytes=1_000_000_000)
    write(tmp_path / "results" / "r1.jsonl", [head("r1", **SETTINGS), big, small, *before])
    write(tmp_path / "results" / "r2.jsonl", [head("r2", **SETTINGS, harness_version="0.3.0"), big, small, *after])
    return tmp_path


def test_a_run_in_which_something_is_worse_ends_with_1_and_fits_80_columns(call: Call, folder: Path) -> None:
    done = call("compare", "r1", "r2")
    assert done.code == 1
    assert max(map(len, done.out.splitlines())) <= 80
    assert "A  acme/small-4b in run r1" in done.out
    assert "harness version 0.2.0 -> 0.3.0" in done.out
    rows = {line.split()[0]: line for line in done.out.splitlines() if line.startswith(("say ", "tell ", "overall "))}
    assert "worse" in done.out
    assert "Only A passes: say i20, say i21" in done.out
    assert "and 6 more" in done.out
    assert rows
    (first,) = [line for line in done.out.splitlines() if line.startswith("say") and "worse" in line]
    assert first.split() == ["say", "40", "0.95", "0.50", "-0.45", "[-0.60,", "-0.31]", "<0.001", "worse", "+0", "-18"]


def test_the_same_answers_end_with_0(call: Call, folder: Path) -> None:
    done = call("compare", "results/r1.jsonl", "results/r2.jsonl", "--task", "tell", "--margin", "0.2")
    assert done.code == 0
    assert "not worse" in done.out


def test_one_run_named_twice_is_said_to_be_one(call: Call, folder: Path) -> None:
    for words in (("r1", "r1"), ("r1", "results/r1.jsonl")):
        done = call("compare", *words)
        assert done.code == 2
        assert "expected two runs to compare, got results/r1.jsonl twice" in done.err


def test_a_task_that_the_last_run_did_not_finish_ends_with_10(call: Call, folder: Path) -> None:
    done = call("compare", "r1", "r2", "tiny", "--json")
    assert done.code == 0
    assert [effect["verdict"] for effect in done.json["contrasts"][0]["tasks"]] == ["not decided"]
    write(folder / "results" / "r3.jsonl", [head("r3", **SETTINGS), *cell(passes(20), key=OTHER)])
    done = call("compare", "r1", "r3")
    assert done.code == 10
    assert "Not comparable: say, tell: not finished in B" in done.out


def test_where_nothing_could_be_compared_it_does_not_end_as_if_nothing_were_worse(call: Call, folder: Path) -> None:
    """Neither run has finished the task with this model, or only one run was to ask it."""
    plan = {"models": [KEY], "tasks": {"count": "c"}}
    write(folder / "results" / "r4.jsonl", [head("r4", plan=plan), *cell(passes(20), key=KEY, task="count")])
    for words in (("r1", "r2", "tiny", "--task", "tell"), ("r1", "r4"), ("r1", "r4", "--task", "count")):
        done = call("compare", *words)
        assert done.code == 10, words
        assert "Nothing could be compared: there is no task that both have finished." in done.out


def test_json_has_all_that_the_text_has(call: Call, folder: Path) -> None:
    done = call("compare", "r1", "r2", "small", "--json")
    assert (done.code, done.json["exit_code"]) == (1, 1)
    (contrast,) = done.json["contrasts"]
    say, tell = contrast["tasks"]
    assert (say["task"], say["verdict"], say["test"], say["interval"]) == ("say", "worse", "mcnemar-exact", "tango")
    assert len(say["lost"]) == 18
    assert say["time_ratio"]["value"] == pytest.approx(1.0)
    assert (tell["lost"], tell["gained"]) == ([], [])
    assert contrast["overall"]["n"] == 80
    assert contrast["changes"] == [{"name": "harness_version", "reference": "0.2.0", "candidate": "0.3.0"}]


def test_models_are_compared_in_the_newest_run_that_asked_them_or_in_the_named_one(call: Call, folder: Path) -> None:
    newest = call("compare", OTHER, "SMALL", "--json")
    assert newest.json["runs"] == ["results/r2.jsonl"]
    named = call("compare", "r1", OTHER, "small", "--json")
    assert named.json["runs"] == ["results/r1.jsonl"]
    (contrast,) = named.json["contrasts"]
    assert [contrast[side]["model_key"] for side in ("reference", "candidate")] == [OTHER, KEY]
    assert contrast["tasks"][0]["verdict"] == "better"
    assert contrast["refused"] == {"tell": "not finished in A"}
    assert named.code == 10


def test_runs_of_one_model_each_are_compared_whatever_their_keys(call: Call, folder: Path) -> None:
    for run_id, key in (("q8", "acme/m@q8_0"), ("q4", "acme/m@q4_k_m")):
        records = [
            head(run_id, plan={"models": [key], "tasks": {"say": "f"}}),
            instance(key),
            *cell(passes(9), key=key),
        ]
        write(folder / "results" / f"{run_id}.jsonl", records)
    (contrast,) = call("compare", "q8", "q4", "--json").json["contrasts"]
    assert [contrast[side]["model_key"] for side in ("reference", "candidate")] == ["acme/m@q8_0", "acme/m@q4_k_m"]


def test_quantisations_in_one_run_stand_as_a_ladder(call: Call, folder: Path) -> None:
    rungs = {"acme/m-q4_k_m": ("Q4_K_M", 2), "acme/m-q8_0": ("Q8_0", 4), "acme/m-q6_k": ("Q6_K", 3)}
    plan = {"models": list(rungs), "tasks": {"say": "f"}}
    uses = [instance(key, quantisation=name, size_bytes=size * 1_000_000_000) for key, (name, size) in rungs.items()]
    answers = [record for number, key in enumerate(rungs) for record in cell(passes((20, 38, 37)[number]), key=key)]
    write(folder / "results" / "r9.jsonl", [head("r9", plan=plan), *uses, *answers])
    done = call("compare", *rungs)
    assert done.code == 1
    lines = [line for line in done.out.partition("\n\n\n")[0].splitlines() if line.startswith("m-q")]
    assert [line.split()[0] for line in lines] == ["m-q8_0", "m-q6_k", "m-q4_k_m"]
    assert "worse" in lines[-1]
    assert max(map(len, done.out.splitlines())) <= 80


def test_three_runs_of_one_model_in_other_quantisations_are_a_ladder_too(call: Call, folder: Path) -> None:
    for run_id, size in (("n1", 2), ("n2", 4), ("n3", 3)):
        use = instance(KEY, quantisation=f"Q{size}", size_bytes=size * 1_000_000_000)
        write(folder / "results" / f"{run_id}.jsonl", [head(run_id), use, *cell(passes(10 * size))])
    found = call("compare", "n1", "n2", "n3", "--json").json
    assert found["is_ladder"]
    rungs = [(contrast["reference"]["run_id"], contrast["candidate"]["run_id"]) for contrast in found["contrasts"]]
    assert rungs == [("n2", "n3"), ("n2", "n1")]
    assert not call("compare", "n1", "n2", "--json").json["is_ladder"], "the first of two runs stays the reference"


def test_flips_are_shown_with_prompt_and_both_answers(call: Call, folder: Path) -> None:
    (task,) = [entry.task for entry in load_catalogue(suites_dir()) if entry.task.name == "classify"]
    sample, *_ = task.samples(seed=0, limit=1)
    plan = {"models": [KEY], "tasks": {"classify": "f"}, "limit": 1}
    for run_id, value in (("c1", 1.0), ("c2", 0.0)):
        header, answer, *others = [head(run_id, plan=plan), *cell([value], task="classify")]
        known = answer.model_copy(update={"item_id": sample.item_id, "item_hash": sample.item_hash})
        write(folder / "results" / f"{run_id}.jsonl", [header, known, *others])
    done = call("compare", "c1", "c2", "--flips")
    flips = done.out.partition(f"{sample.item_id}: only A passes")[2]
    assert " ".join(sample.prompt.split())[:40] in " ".join(flips.split())
    assert "A       answer 1.0" in flips
    assert "B       answer 0.0" in flips
    assert call("compare", "c1", "c2", "--flips", "--json").json["contrasts"][0]["flips"][0]["prompt"]
    assert done.out.rpartition("\n\nclassify")[0].endswith(f"A  {KEY} in run c1\nB  {KEY} in run c2")
    lost = call("compare", "r1", "r2", "small", "--flips")
    assert "the task does not make this item any more" in lost.out


def test_a_flip_is_shown_with_the_prompt_that_was_recorded(call: Call, folder: Path) -> None:
    prompt = PromptRecord(run_id="r", at=AT, prompt_hash="p", turns=["Hello"], prompt="Say what was sent")
    for run_id, value in (("c1", 1.0), ("c2", 0.0)):
        write(folder / "results" / f"{run_id}.jsonl", [head(run_id), prompt, *cell([value])])
    assert "prompt  Hello Say what was sent" in call("compare", "c1", "c2", "--flips").out


def test_of_several_epochs_a_flip_shows_one_that_flipped(call: Call, folder: Path) -> None:
    """The candidate passes the first repeat, and fails the two others; the first one would explain nothing."""
    for run_id, values in (("c1", [1.0, 1.0, 1.0]), ("c2", [1.0, 0.0, 0.0])):
        records = [
            record.model_copy(update={"item_id": "i00", "item_hash": "h", "epoch": int(record.item_id[1:]) + 1})
            if isinstance(record, SampleRecord)
            else record
            for record in cell(values)
        ]
        records[-1] = records[-1].model_copy(update={"epochs": 3, "reducer": "majority"})
        write(folder / "results" / f"{run_id}.jsonl", [head(run_id), *records])
    (flip,) = call("compare", "c1", "c2", "--flips", "--json").json["contrasts"][0]["flips"]
    assert (flip["reference"], flip["candidate"]) == ("answer 1.0", "answer 0.0")


def test_force_compares_what_is_not_comparable_and_marks_it(call: Call, folder: Path) -> None:
    records = [head("r4", **SETTINGS), *cell(passes(20), key=OTHER, version="2")]
    write(folder / "results" / "r4.jsonl", records)
    refused = call("compare", "r1", "r4", "tiny")
    assert refused.code == 10
    assert "scored by exact 1 in A and by exact 2 in B" in refused.out
    forced = call("compare", "r1", "r4", "tiny", "--force")
    assert forced.code == 0
    assert "not decided!" in forced.out
    assert "! compared by force: say: scored by exact 1" in forced.out


def test_files_that_are_no_whole_runs_are_named_and_skipped(call: Call, folder: Path) -> None:
    results = folder / "results"
    (results / "r8.jsonl").write_text('{"kind":"run","sch')
    (results / "r7.jsonl").write_text("not a run file\n")
    (results / "r6.jsonl").write_bytes((results / "r2.jsonl").read_bytes().rpartition(b"\n")[0][:-40])
    done = call("compare", "r1", "r2", "r7", "r8")
    assert done.code == 1
    assert "Skipped results/r7.jsonl:1: expected one JSON object a line" in done.err
    assert "Skipped results/r8.jsonl: an empty run" in done.err
    alone = call("compare", "r1", "r7")
    assert alone.code == 2
    assert "cannot be compared" in alone.err
    reference = call("compare", "r7", "r1", "r1", "r2")
    assert reference.code == 2, "r1 is not what was named as the reference"
    assert "cannot be compared: results/r7.jsonl:1: expected one JSON object" in reference.err
    models = call("compare", "tiny", "small", "--json").json
    assert set(models["skipped"]) == {f"results/r{number}.jsonl" for number in (6, 7, 8)}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "expected two runs or two models to compare, got 0"),
        (("r1",), "expected two runs, or a run and two of its models"),
        (("r1", "r1"), "expected two runs to compare, got results/r1.jsonl twice"),
        (("tiny",), "got 1"),
        (("tiny", "huge"), "there is no run in results of all of tiny, huge"),
        (("r1", "tiny", "huge"), "no run and no model of the run is called huge"),
        (("r1", "acme", "tiny"), "acme fits 2 models of the run"),
        (("nowhere.jsonl", "r1"), "there is no run file nowhere.jsonl"),
        (("r1", "r2", "--task", "nonsense"), "no such task: nonsense"),
        (("r1", "r2", "--margin", "0"), "--margin"),
        (("r1", "r2", "--margin", "nan"), "--margin"),
        (("x" * 5000, "r1\0"), "there is no run in results of all of"),
    ],
)
def test_wrong_input_says_what_to_name(call: Call, folder: Path, words: tuple[str, ...], said: str) -> None:
    done = call("compare", *words)
    assert done.code == 2
    assert said in done.err
