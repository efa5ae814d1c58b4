"""`compare` and its neighbours on runs that have only the times of the suite latency, run as a user would."""

from pathlib import Path

import pytest

from harness.domain.record import Record
from tests.store.written import write
from tests.verdict.recorded import KEY, OTHER, head, instance
from tests.verdict.test_gate_time import QUIET, latency
from tests.verdict.test_noise import HOST, measured

from .conftest import Call


def timed(folder: Path, run_id: str, *records: Record, **more: object) -> Path:
    """A run that was asked no task."""
    about = head(run_id, **{**HOST, "plan": {"models": [KEY], "tasks": {}}, **more})
    return write(folder / "results" / f"{run_id}.jsonl", [about, instance(), *records])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    timed(tmp_path, "r1", *latency())
    return tmp_path


def test_two_runs_of_the_suite_latency_alone_are_compared_by_their_times(call: Call, folder: Path) -> None:
    timed(folder, "r2", *latency(2.5))
    done = call("compare", "r1", "r2")
    assert done.code == 0
    rows = [line.split() for line in done.out.splitlines() if line.startswith(("first token ", "time per", "answer "))]
    assert [(row[-1], "2.50" in row) for row in rows] == [("slower", True)] * 3
    assert max(map(len, done.out.splitlines())) <= 80
    assert "Nothing could be compared" not in done.out
    assert "McNemar" not in done.out, "there is no score to explain"
    (contrast,) = call("compare", "r1", "r2", "--json").json["contrasts"]
    assert {time["name"]: time["ratio"]["says"] for time in contrast["times"]} == {
        "ttft_s": "slower",
        "tpot_s": "slower",
        "e2e_s": "slower",
    }


def test_the_same_times_twice_are_within_noise(call: Call, folder: Path) -> None:
    timed(folder, "r2", *latency())
    done = call("compare", "r1", "r2")
    assert done.code == 0
    assert done.out.count("within noise\n") >= 3


def test_times_of_another_machine_or_of_other_prompts_are_not_compared(call: Call, folder: Path) -> None:
    timed(folder, "r2", *latency(2.0), cpu="AMD Ryzen")
    timed(folder, "r3", *latency(2.0, prompt_tokens=600))
    for other, why in (("r2", "CPU AMD EPYC before, AMD Ryzen now"), ("r3", "prompt tokens are 60 in A and 600 in B")):
        done = call("compare", "r1", other)
        assert done.code == 10
        assert done.out.count("not compared") >= 3
        assert " ".join(done.out.split()).count(why) == 1


def test_two_models_are_compared_in_the_newest_run_that_timed_both(call: Call, folder: Path) -> None:
    others = [measure.model_copy(update={"model_key": OTHER}) for measure in latency(0.5)]
    timed(folder, "r2", *latency(), *others, plan={"models": [KEY, OTHER], "tasks": {}})
    done = call("compare", KEY, OTHER)
    assert done.code == 0
    assert done.out.count("quicker\n") == 3


def test_a_run_without_times_has_nothing_to_compare(call: Call, folder: Path) -> None:
    timed(folder, "r2", *measured("ladder_tps", QUIET))
    done = call("compare", "r1", "r2")
    assert done.code == 10
    assert "Nothing could be compared: there is no task that both have finished." in done.out


def test_show_and_choose_say_that_there_are_only_times(call: Call, folder: Path) -> None:
    for command in ("show", "choose"):
        for named in ((), ("results/r1.jsonl",)):
            done = call(command, *named)
            assert done.code == 2
            assert "only measured times" in done.err
            assert "lms-harness report results/r1.jsonl" in done.err
            assert "nothing was asked" not in done.err


def test_a_bad_file_is_named_once(call: Call, folder: Path) -> None:
    Path("bad.jsonl").write_text("noise\n")
    for words in (("compare", "bad.jsonl", "r1"), ("choose", "bad.jsonl"), ("report", "bad.jsonl")):
        done = call(*words)
        assert done.code == 2, words
        assert done.err.count("bad.jsonl") == 1, done.err
