"""`gate`, run as a user would, on run files of known answers."""

import json
import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.domain.record import Record, SkipRecord
from tests.store.written import write
from tests.verdict.recorded import AT, KEY, OTHER, cell, head, instance, passes

from .conftest import Call

PLAN = {"models": [KEY, OTHER], "tasks": {"say": "f", "tell": "g"}}


def night(folder: Path, number: int, *records: Record, **more: Any) -> Path:
    """Write the run of a night; later numbers are later nights."""
    run_id = f"2026112{number}T220000Z-0000000{number}"
    about = {"plan": PLAN, "at": f"2026-11-2{number}T22:00:00.000Z", **more}
    return write(folder / f"{run_id}.jsonl", [head(run_id, **about), instance(KEY), instance(OTHER), *records])


def whole(say: Sequence[float | None], *, tell: Sequence[float | None] | None = None) -> list[Record]:
    """The answers of both models to both tasks; the smaller one always answers alike."""
    return [
        *cell(say),
        *cell(passes(38) if tell is None else tell, task="tell"),
        *cell(passes(20), key=OTHER),
        *cell(passes(30), key=OTHER, task="tell"),
    ]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a baseline of one night."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    night(tmp_path / "baseline", 1, *whole(passes(38)))
    return tmp_path


def states(found: Any) -> dict[tuple[str, str], str]:
    return {(case["model_key"], case["task"]): case["state"] for case in found["cases"]}


def test_a_regression_ends_with_1_and_says_what_failed_and_how_to_see_it_in_80_columns(
    call: Call, folder: Path
) -> None:
    night(folder / "results", 2, *whole(passes(20)))
    done = call("gate", "baseline/")
    assert done.code == 1
    assert done.out.startswith("WORSE than the baseline: 2 worse, 4 passed.")
    assert max(len(line) for line in done.out.splitlines() if "lms-harness show" not in line) <= 80
    said = " ".join(done.out.split())
    assert f"Worse: {KEY} say: lower by 0.45" in said
    assert "Passed before, fails now: i20, i21" in said
    assert f"lms-harness show results/20261122T220000Z-00000002.jsonl --model {KEY} --task say --failed" in said
    assert "Nothing else differs that a run records." in said


def test_the_same_answers_pass_and_are_not_called_proof(call: Call, folder: Path) -> None:
    night(folder / "results", 2, *whole(passes(38)))
    done = call("gate", "baseline/")
    assert done.code == 0
    assert " ".join(done.out.split()).startswith(
        "Nothing is shown to be worse than the baseline: 6 passed; 6 of 6 could have failed."
    )
    assert "which is not proof that there is none" in " ".join(done.out.split())
    found = call("gate", "baseline/", "--json").json
    assert set(states(found).values()) == {"passes"}
    (case,) = [case for case in found["cases"] if (case["model_key"], case["task"]) == (KEY, "say")]
    assert case["reason"] == "no loss above the margin seen; one of up to 0.063 is not ruled out"


def test_a_loss_that_may_be_chance_warns_and_fails_only_strictly(call: Call, folder: Path) -> None:
    night(folder / "results", 2, *whole(passes(35)))
    done = call("gate", "baseline/")
    assert done.code == 0
    assert "Open: acme/small-4b say: lower by 0.075, which may be chance" in " ".join(done.out.split())
    assert call("gate", "baseline/", "--strict").code == 1
    assert call("gate", "baseline/", "--margin", "0.1", "--strict").code == 0


@pytest.mark.parametrize(
    ("records", "more", "said"),
    [
        ([*cell(passes(38)), *cell(passes(38), task="tell")], {}, ("not finished", "this run ended before it")),
        (
            [*cell(passes(38)), *cell(passes(38), task="tell")],
            {"plan": {**PLAN, "models": [KEY]}},
            ("model missing", "this run did not ask it"),
        ),
        (
            [
                *cell(passes(38)),
                *cell(passes(38), task="tell"),
                SkipRecord(run_id="r", at=AT, model_key=OTHER, reason="out of memory"),
            ],
            {},
            ("model missing", "out of memory"),
        ),
        (
            [*cell(passes(38)), *cell(passes(20), key=OTHER)],
            {"plan": {**PLAN, "tasks": {"say": "f"}}},
            ("task missing", "this run did not ask it"),
        ),
        (whole([None] * 40), {}, ("answers lost", "40 of 40 answers were lost (above 5 %)")),
        (whole([*[None] * 3, *passes(35, 37)]), {}, ("answers lost", "3 of 40 answers were lost (above 5 %)")),
    ],
)
def test_what_is_missing_does_not_pass_and_has_a_state_of_its_own(
    call: Call, folder: Path, records: list[Record], more: dict[str, Any], said: tuple[str, str]
) -> None:
    night(folder / "results", 2, *records, **more)
    done = call("gate", "baseline/")
    assert done.code == 10
    assert done.out.startswith("INCOMPLETE: nothing is shown to be worse, but something is missing")
    state, why = said
    assert f"{state.capitalize()}: " in " ".join(done.out.split())
    assert f": {why}." in " ".join(done.out.split())
    assert state in states(call("gate", "baseline/", "--json").json).values()


def test_other_items_are_missing_and_items_that_changed_are_not_comparable(call: Call, folder: Path) -> None:
    """Another seed: nothing in common. Another text of the same item, or another scorer: not the same question."""
    others = [
        record.model_copy(update={"item_id": f"other-{record.item_id}"}) if record.kind == "sample" else record  # type: ignore[attr-defined]
        for record in cell(passes(38))
    ]
    rest = whole(passes(38))[len(cell(passes(38))) :]
    night(folder / "results", 2, *others, *rest, plan={**PLAN, "tasks": {"say": "other", "tell": "g"}})
    done = call("gate", "baseline/", "--json")
    assert (done.code, states(done.json)[KEY, "say"]) == (10, "no items in common")
    night(
        folder / "results",
        3,
        *cell(passes(38), item_hash="x"),
        *rest,
        plan={**PLAN, "tasks": {"say": "x", "tell": "g"}},
    )
    done = call("gate", "baseline/", "--json")
    assert (done.code, states(done.json)[KEY, "say"]) == (0, "not comparable")
    assert call("gate", "baseline/", "--strict").code == 10
    others = [*cell(passes(20), key=OTHER, version="2"), *whole(passes(0))[-len(cell(passes(30))) :]]
    night(folder / "results", 4, *cell(passes(38), version="2"), *cell(passes(38), task="tell"), *others)
    done = call("gate", "baseline/")
    assert done.code == 0
    assert "scored by exact 1 in the baseline and by exact 2 in this run" in " ".join(done.out.split())


def test_a_run_that_was_asked_few_of_the_items_does_not_pass_and_what_it_was_not_asked_is_said(
    call: Call, folder: Path
) -> None:
    """What is gone may be just what failed: three of forty items would pass, whatever became of the model."""
    rest = whole(passes(38))[len(cell(passes(38))) :]
    plan = {**PLAN, "tasks": {"say": "fewer", "tell": "g"}}
    night(folder / "results", 2, *cell(passes(3, 3)), *rest, plan=plan)
    done = call("gate", "baseline/")
    assert done.code == 10
    assert f"Items missing: {KEY} say: 37 of the 40 items of the baseline's newest run were not asked." in " ".join(
        done.out.split()
    )
    night(folder / "results", 3, *cell(passes(0, 19)), *rest, plan=plan)
    done = call("gate", "baseline/", "--json")
    assert (done.code, states(done.json)[KEY, "say"]) == (1, "regression"), "what is known to be worse stays so"
    night(folder / "results", 4, *cell(passes(30, 30)), *rest, plan=plan)
    done = call("gate", "baseline/")
    assert done.code == 0
    assert f"that this run was not asked: {KEY} say 10." in " ".join(done.out.split())
    (case,) = [case for case in call("gate", "baseline/", "--json").json["cases"] if case["left_out"]]
    assert (case["task"], case["state"], case["n"], case["left_out"]) == ("say", "passes", 30, 10)


def test_a_gate_that_compares_nothing_fails(call: Call, folder: Path) -> None:
    night(folder / "results", 2, *whole(passes(38)), sampling={"temperature": 1.0})
    done = call("gate", "baseline/")
    assert done.code == 10
    assert done.out.startswith("NOTHING WAS COMPARED with the baseline: 4 not comparable.")
    assert "temperature is 0.0 in the baseline and 1.0 in this run" in " ".join(done.out.split())


def test_a_gate_that_no_answer_could_fail_says_so(call: Call, folder: Path) -> None:
    """Three items, or a baseline that scores next to nothing: a score of 0 tonight would prove no loss."""
    few = [*cell(passes(3, 3)), *cell(passes(2), key=OTHER)]
    plan = {**PLAN, "tasks": {"say": "few"}}
    night(folder / "few", 1, *few, plan=plan)
    night(folder / "results", 2, *few, plan=plan)
    done = call("gate", "few/")
    assert done.code == 0
    said = " ".join(done.out.split())
    assert said.startswith("NOTHING COULD FAIL: too few items, or too low a baseline, to show any loss: 2 passed.")
    assert f"Could not fail, as even a score of 0 would prove no loss above the margin: {KEY} say (3 items" in said
    assert call("gate", "few/", "--strict").code == 10
    assert {case["can_fail"] for case in call("gate", "few/", "--json").json["cases"]} == {False}


def test_several_runs_are_one_baseline_and_items_that_flip_within_it_are_listed(call: Call, folder: Path) -> None:
    for number in (2, 3, 4):
        night(folder / "baseline", number, *whole([float(item != number) for item in range(40)]))
    night(folder / "results", 5, *whole([float(item not in {2, 20, 21, 22, 23, 24}) for item in range(40)]))
    done = call("gate", "baseline/", "--json")
    (case,) = [case for case in done.json["cases"] if (case["model_key"], case["task"]) == (KEY, "say")]
    assert case["baseline_runs"] == 4
    assert case["state"] == "regression", "with a single earlier run, it would be open"
    assert case["lost"] == ["i20", "i21", "i22", "i23", "i24", "i02"], "those that never flipped come first"
    assert [(item["item_id"], item["passed"], item["runs"]) for item in case["flaky"]] == [
        ("i02", 3, 4),
        ("i03", 3, 4),
        ("i04", 3, 4),
        ("i38", 3, 4),
        ("i39", 3, 4),
    ]
    assert case["mean_gains"] - case["mean_losses"] == pytest.approx(40 * case["difference"])
    said = " ".join(call("gate", "baseline/").out.split())
    assert f"{KEY} say i02 (3 of 4)" in said
    assert "Passed in most runs of the baseline, fails now: i20, i21" in said
    assert "+1 -6" in said, "against each of the four runs, 1 and 5.75 on average"
    one = call("gate", "baseline/", "--last", "1", "--json").json
    assert [Path(path).name[:8] for path in one["baseline"]] == ["20261124"]
    assert states(one)[KEY, "say"] == "open"


def test_a_run_of_the_baseline_that_cannot_be_compared_is_left_out_of_it(call: Call, folder: Path) -> None:
    night(folder / "baseline", 2, *whole(passes(0)), sampling={"temperature": 1.0})
    night(folder / "baseline", 3, *whole([*[None] * 20, *passes(18, 20)]))
    night(folder / "results", 4, *whole(passes(38)))
    found = call("gate", "baseline/", "--json").json
    assert {case["task"]: case["baseline_runs"] for case in found["cases"] if case["model_key"] == KEY} == {
        "say": 1,
        "tell": 2,
        "overall": 2,
    }


def test_the_results_folder_is_its_own_baseline(call: Call, folder: Path) -> None:
    for number in (2, 3):
        night(folder / "results", number, *whole(passes(38)))
    found = call("gate", "results/", "--json").json
    assert found["run_id"].startswith("20261123")
    assert [Path(path).name[:8] for path in found["baseline"]] == ["20261122"]


def test_a_run_that_passes_joins_the_baseline_and_one_that_does_not_stays_out(call: Call, folder: Path) -> None:
    shutil.rmtree(folder / "baseline")
    first = night(folder / "results", 1, *whole(passes(38)))
    first.chmod(0o600)
    done = call("gate", "new/", "--update")
    assert done.code == 10
    assert "the baseline begins with this run" in done.out
    assert (folder / "new" / first.name).read_bytes() == first.read_bytes()
    assert (folder / "new" / first.name).stat().st_mode & 0o777 == 0o600
    night(folder / "results", 2, *whole(passes(37)))
    assert call("gate", "new/", "--update").code == 0
    night(folder / "results", 3, *whole(passes(10)))
    assert call("gate", "new/", "--update").code == 1
    assert [path.name[:8] for path in sorted((folder / "new").iterdir())] == ["20261121", "20261122"]


def test_runs_that_are_all_called_the_same_join_the_baseline_one_by_one(call: Call, folder: Path) -> None:
    shutil.rmtree(folder / "baseline")
    for number in (1, 2, 3):
        night(folder / "made", number, *whole(passes(38))).rename(folder / "nightly.jsonl")
        assert call("gate", "baseline/", "nightly.jsonl", "--update").code == (10 if number == 1 else 0)
    assert [path.name[:8] for path in sorted((folder / "baseline").iterdir())] == ["20261121", "20261122", "20261123"]


def test_a_night_without_a_run_is_not_mistaken_for_the_night_before(call: Call, folder: Path) -> None:
    night(folder / "results", 2, *whole(passes(38)))
    assert call("gate", "baseline/", "--update").code == 0
    again = call("gate", "baseline/", "--update")
    assert again.code == 2
    assert "already part of the baseline" in again.err
    (folder / "results" / "20261123T220000Z-00000003.jsonl").write_text('{"kind":"run","sch')
    died = call("gate", "baseline/")
    assert died.code == 2
    assert "is an empty run" in died.err


def test_a_task_can_be_picked_and_what_only_this_run_has_is_named(call: Call, folder: Path) -> None:
    night(
        folder / "results",
        2,
        *whole(passes(38), tell=passes(1)),
        *cell(passes(3), task="new"),
        plan={**PLAN, "tasks": {"say": "f", "tell": "g", "new": "n"}},
    )
    assert call("gate", "baseline/", "--task", "say").code == 0
    assert "Only in this run, so nothing is said of it: acme/small-4b new." in call("gate", "baseline/").out


def test_on_github_the_ten_worst_are_annotations_and_the_rest_is_the_summary(
    call: Call, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = [f"t{number:02}|`x`<b>" for number in range(14)]
    plan = {"models": [KEY], "tasks": dict.fromkeys(tasks, "f")}
    for name, number, count in (("old", 1, 38), ("results", 2, 2)):
        records = [record for task in tasks for record in cell(passes(count), task=task)]
        night(folder / name, number, *records, plan=plan)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(folder / "summary.md"))
    done = call("gate", "old/", "--json")
    assert done.code == 1
    assert done.json["exit_code"] == 1, "standard output stays one JSON object"
    lines = [line for line in done.err.splitlines() if line.startswith("::")]
    assert len(lines) == 10
    assert lines[0].startswith("::error title=regression%3A acme/small-4b")
    assert lines[-1] == "::warning title=lms-harness gate::6 more: see the summary"
    summary = (folder / "summary.md").read_text()
    assert summary.startswith("### WORSE than the baseline")
    assert summary.count("**regression**") == 15
    assert r"t00\|\`x\`&lt;b&gt;" in summary
    assert "<b>" not in re.sub(r"(`+) .*? \1(?!`)", "", summary), "but for code, which shows it"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(folder / "old"))
    assert "the step summary cannot be written" in call("gate", "old/").err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "expected a baseline"),
        (("nowhere/",), "there is no run and no folder nowhere/"),
        (("nowhere.jsonl",), "there is no run file nowhere.jsonl"),
        (("baseline/", "nowhere"), "there is no run nowhere"),
        (("empty/",), "no run to compare with in empty/"),
        (("baseline/", "empty/"), "there is no run in empty"),
        (("baseline/", "--task", "nonsense"), "no such task: nonsense"),
        (("baseline/", "--margin", "0"), "--margin"),
        (("baseline/", "--last", "0"), "--last"),
        (("results/20261122T220000Z-00000002.jsonl",), "is the run itself"),
        (("baseline/", "results/", "results/", "--update"), "expected one folder as the baseline"),
        (("x" * 5000, "r1\0"), "there is no run r1"),
    ],
)
def test_wrong_input_says_what_to_name(call: Call, folder: Path, words: tuple[str, ...], said: str) -> None:
    (folder / "empty").mkdir()
    night(folder / "results", 2, *whole(passes(38)))
    done = call("gate", *words)
    assert done.code == 2
    assert said in done.err


def test_a_damaged_file_in_a_folder_is_skipped_by_name_and_a_damaged_one_that_is_named_is_an_error(
    call: Call, folder: Path
) -> None:
    night(folder / "results", 2, *whole(passes(38)))
    (folder / "baseline" / "20261123T220000Z-00000003.jsonl").write_text("nonsense\n")
    os.mkfifo(folder / "baseline" / "20261124T220000Z-00000004.jsonl")
    done = call("gate", "baseline/")
    assert done.code == 0
    assert done.err.count("Skipped baseline/") == 2
    named = call("gate", "baseline/20261123T220000Z-00000003.jsonl", "results/")
    assert named.code == 2
    assert json.loads(call("gate", "baseline/", "--json").out)["skipped"]


def test_no_run_that_tonights_resumes_is_its_baseline_however_long_ago(call: Call, folder: Path) -> None:
    ids = [f"2026112{number}T220000Z-0000000{number}" for number in range(2, 6)]
    for number in (2, 3, 4):
        parent = {} if number == 2 else {"parent_run_id": ids[number - 3]}
        night(folder / "results", number, *whole(passes(38)), **parent)
    refused = call("gate", ids[0], ids[2])
    assert refused.code == 2
    assert "is the run itself, or one that it resumes" in " ".join(refused.err.split())
    (folder / "parts").mkdir()
    for number in (2, 4):
        name = f"{ids[number - 2]}.jsonl"
        (folder / "parts" / name).write_text((folder / "results" / name).read_text())
    alone = " ".join(call("gate", "parts/", f"results/{ids[2]}.jsonl").err.split())
    assert f"no run to compare with in parts/: {ids[2]}.jsonl is the run itself, " in alone
    assert f"{ids[0]}.jsonl is an earlier part of the same run, which resumed it" in alone
    night(folder / "results", 5, *whole(passes(38)))
    found = call("gate", *ids, "--json").json
    assert [Path(path).stem for path in found["baseline"]] == [ids[2]], "its answers are those of all three"
    assert {Path(path).stem for path in found["skipped"]} == {*ids[:2]}
