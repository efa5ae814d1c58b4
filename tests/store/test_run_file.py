"""The one view of a run: which record stands, whose score counts."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness.domain.record import (
    EndRecord,
    InstanceRecord,
    PromptRecord,
    Record,
    RunRecord,
    SampleRecord,
    ScoreRecord,
    SkipRecord,
    SummaryRecord,
)
from harness.errors import StoreError
from harness.store.cell import CellKey, ScorerId
from harness.store.reader import read_header, read_run
from harness.store.run_file import RunFile
from tests.store.written import write, written

HEAD: dict[str, Any] = {"run_id": "r", "at": "2026-11-28T08:00:00.000Z"}
TOKENS = "total_output_tokens"
CELL = CellKey("acme/tiny", "extract")


@dataclass(frozen=True)
class Named:
    name: str
    version: str


def run(**more: Any) -> RunRecord:
    return RunRecord(**HEAD, harness_version="0", server_kind="lm-studio", server_url="http://127.0.0.1:1", **more)


def sample(uid: str = "u", **more: Any) -> SampleRecord:
    facts = {
        "task": "extract",
        "task_class": "extract",
        "item_id": uid,
        "item_hash": "h",
        "model_key": "acme/tiny",
        "instance_id": "acme/tiny",
        "prompt_hash": "p",
        "outcome": "ok",
    }
    return SampleRecord.model_validate({**HEAD, "sample_uid": uid, **facts, **more})


def score(uid: str = "u", value: float | None = 1.0, scorer: str = "fields", version: str = "1", **more: Any) -> Record:
    return ScoreRecord(**HEAD, sample_uid=uid, scorer=scorer, scorer_version=version, value=value, **more)


def summary(scorer: str = "fields", task: str = "extract") -> SummaryRecord:
    facts = {"model_key": "acme/tiny", "task": task, "task_class": task, "n": 1, "unscored": 0, "score": 1.0}
    return SummaryRecord.model_validate({**HEAD, **facts, "scorer": scorer})


def own_value(seen: RunFile, uid: str = "u") -> float | None:
    entry = seen.sample(uid)
    assert entry is not None
    found = seen.score(entry)
    return None if found is None else found.value


def test_a_cell_knows_in_which_ways_it_was_asked_and_an_older_file_asked_in_the_prompt(tmp_path: Path) -> None:
    path = write(tmp_path / "run.jsonl", [run(), sample("u"), sample("v", way="native", task="dial")])
    path.write_text(path.read_text().replace('"way":"prompt",', ""))
    assert path.read_text().count('"way"') == 1
    seen = RunFile.read(path)
    found = {task: set(seen.ways("acme/tiny", task)) for task in ("extract", "dial", "other")}
    assert found == {"extract": {"prompt"}, "dial": {"native"}, "other": set()}
    assert [seen.sample_record(entry).way for _, entry in seen.samples()] == ["prompt", "native"]


@pytest.mark.parametrize("way", ["by pigeon", [], None])
def test_a_way_that_does_not_exist_is_refused(tmp_path: Path, way: Any) -> None:
    path = write(tmp_path / "run.jsonl", [run(), sample()])
    path.write_text(path.read_text().replace('"way":"prompt"', f'"way":{json.dumps(way)}'))
    with pytest.raises(StoreError, match="way"):
        RunFile.read(path)


def test_the_small_values_of_a_sample_are_kept_by_cell() -> None:
    seen = written(
        run(),
        sample("a", epoch=2, tier=3, cluster_id="t1", times={"ttft_s": 0.5, "e2e_s": 2}, usage={TOKENS: 7}),
        sample("b", outcome="server_error", times={"e2e_s": None}),
        sample("c", task="classify"),
    )
    first, second = seen.cells[CELL]
    assert (first.item_id, first.epoch, first.tier, first.cluster_id, first.outcome) == ("a", 2, 3, "t1", "ok")
    assert (first.ttft_s, first.e2e_s, first.output_tokens, first.is_counted) == (0.5, 2.0, 7, True)
    assert (second.ttft_s, second.e2e_s, second.output_tokens, second.is_counted) == (None, None, None, False)
    assert [key.task for key in seen.cells] == ["extract", "classify"]
    assert [uid for uid, _ in seen.samples()] == ["a", "b", "c"]
    assert seen.sample("d") is None


def test_the_last_score_of_the_tasks_own_scorer_counts_and_no_late_one_of_another() -> None:
    records = [run(), sample(), score(value=0.0), summary()]
    assert own_value(written(*records)) == 0.0
    assert own_value(written(*records, score(value=0.5))) == 0.5
    assert own_value(written(*records, score(value=1.0, scorer="exact"))) == 0.0
    assert own_value(written(*records, score(value=1.0, version="2"))) == 0.0
    assert own_value(written(*records, score(value=1.0, judge="acme/judge"))) == 0.0


def test_any_scorer_can_be_asked_for_with_its_version() -> None:
    seen = written(run(), sample(), score(value=0.0), score(value=0.25, version="2"), score(value=None, scorer="exact"))
    entry = seen.sample("u")
    assert entry is not None
    values = {}
    for name, version in (("fields", "1"), ("fields", "2"), ("exact", "1")):
        found = seen.score(entry, Named(name, version))
        assert found is not None
        values[name, version] = found.value
    assert values == {("fields", "1"): 0.0, ("fields", "2"): 0.25, ("exact", "1"): None}
    assert seen.score(entry, Named("exact", "2")) is None
    assert tuple(seen.cells[CELL].scorers) == (ScorerId("fields", "1"), ScorerId("fields", "2"), ScorerId("exact", "1"))


def test_a_summary_names_the_own_scorer_even_where_another_one_came_first() -> None:
    both = [sample(), score(value=0.0, scorer="quick"), score(value=1.0, version="3")]
    assert written(run(), *both).scorer("extract") == ScorerId("quick", "1")
    seen = written(run(), *both, summary(task="classify", scorer="exact"), summary())
    assert seen.scorer("extract") == ScorerId("fields", "3")
    assert own_value(seen) == 1.0
    assert seen.scorer("classify") is None


def test_a_sample_that_was_asked_again_stands_with_its_new_answer_and_no_old_score() -> None:
    seen = written(
        run(), sample(item_id="i", outcome="server_error"), sample("v"), score("v", 0.5), sample(item_id="i")
    )
    assert [entry.outcome for entry in seen.cells[CELL]] == ["ok", "ok"]
    again = written(run(), sample(item_id="i"), score(value=0.0), sample(item_id="i", epoch=2))
    assert [entry.epoch for entry in again.cells[CELL]] == [2]
    assert own_value(again) is None
    lost = written(run(), sample(item_id="i"), score(value=0.0), sample(item_id="i", outcome="cancelled"))
    assert [entry.outcome for entry in lost.cells[CELL]] == ["ok"]
    assert own_value(lost) == 0.0


def test_clusters_of_shipped_tasks_of_version_0_1_0_are_strata(tmp_path: Path) -> None:
    def old(task: str) -> str:
        line = json.loads(sample(task, task=task, cluster_id="t1").to_json())
        del line["stratum"]
        return json.dumps(line)

    new = sample("new", task="extract", stratum="t2", cluster_id="customer").to_json()
    path = tmp_path / "run.jsonl"
    path.write_text("\n".join([run().to_json(), old("extract"), old("my-own"), new, ""]))
    seen = RunFile.read(path)
    strata = {uid: (entry.stratum, entry.cluster_id) for uid, entry in seen.samples()}
    assert strata == {"extract": ("t1", ""), "my-own": ("", "t1"), "new": ("t2", "customer")}
    again = [record for _, record in seen.records() if isinstance(record, SampleRecord)]
    assert {record.sample_uid: (record.stratum, record.cluster_id) for record in again} == strata


def test_scores_ahead_of_others_and_scores_without_a_sample() -> None:
    seen = written(run(), sample("a"), sample("b"), score("b", 0.5, passed=False), score("nowhere", 1.0))
    assert (own_value(seen, "a"), own_value(seen, "b")) == (None, 0.5)


def test_late_scores_do_not_make_a_finished_run_unfinished() -> None:
    end = EndRecord(**HEAD, exit_code=0, duration_s=1, samples=1)
    assert written(run(), sample(), score(), end, score(value=0.0)).is_finished
    assert not written(run(), sample(), score()).is_finished
    assert not written(run(), end.model_copy(update={"interrupted": True})).is_finished


def test_the_instance_that_answered_last_is_that_of_the_model() -> None:
    def instance(name: str, **more: Any) -> InstanceRecord:
        return InstanceRecord.model_validate({**HEAD, "model_key": "m", "instance_id": name, **more})

    seen = written(
        run(), instance("m"), instance("m:2"), instance("m:3", purpose="load"), instance("m:4", error="no memory")
    )
    assert [use.instance_id for use in seen.uses] == ["m", "m:2"]
    assert seen.instances["m"].instance_id == "m:2"


def test_whole_records_are_read_on_demand(tmp_path: Path) -> None:
    answer = "line\u2028separator\x0b and\x1c others\n" * 3
    path = write(
        tmp_path / "run.jsonl",
        [run(), sample("a", output_text=answer), sample("b", output_text="other"), score("a", 0.5, reason="because")],
    )
    seen = RunFile.read(path)
    first, second = seen.cells[CELL]
    assert seen.sample_record(first).output_text == answer
    assert seen.sample_record(second).output_text == "other"
    found = seen.score(first)
    assert found is not None
    assert seen.score_record(found).reason == "because"
    assert [record.kind for _, record in seen.records()] == ["run", "sample", "sample", "score"]


@pytest.mark.parametrize("cut", [0, 1, 10, 14, 40, 120])
def test_a_run_killed_within_its_first_record_is_an_empty_run(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text(run().to_json()[:cut])
    seen = RunFile.read(path)
    assert seen.header is None
    assert list(read_run(path)) == []
    assert read_header(path) is None
    with pytest.raises(StoreError, match="is an empty run: it died before its first record was written"):
        _ = seen.run


def test_scores_in_a_file_of_their_own_are_not_a_run(tmp_path: Path) -> None:
    path = write(tmp_path / "scores.jsonl", [score()])
    with pytest.raises(StoreError, match="is not a run file: its first record is a 'score', expected 'run'"):
        read_header(path)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"item_id": None}, "run.jsonl:2: sample record: item_id: Input should be a valid string"),
        ({"prompt_hash": None}, "run.jsonl:2: sample record: prompt_hash: Input should be a valid string"),
        ({"epoch": "x"}, "sample record: epoch: Input should be a valid integer"),
        ({"times": {"e2e_s": "long"}}, "sample record: times.e2e_s"),
        ({"times": 3}, "sample record: times: Input should be a valid dictionary"),
        ({"usage": {"total_output_tokens": 1.5}}, "sample record: usage.total_output_tokens"),
        ({"kind": "score", "scorer": "s", "scorer_version": "1"}, "run.jsonl:2: score record: value: Field required"),
        ({"kind": "score", "scorer": "s", "scorer_version": "1", "value": True}, ""),
        ({"kind": "score", "scorer": "s", "scorer_version": "1", "value": "high"}, "score record: value"),
    ],
)
def test_a_broken_sample_or_score_is_named_as_pydantic_names_it(
    tmp_path: Path, changed: dict[str, Any], said: str
) -> None:
    path = tmp_path / "run.jsonl"
    broken = {**json.loads(sample().to_json()), **changed}
    path.write_text(f"{run().to_json()}\n{json.dumps(broken)}\n")
    if not said:  # Pydantic takes it, and so does the view.
        assert RunFile.read(path).header is not None
        return
    with pytest.raises(StoreError) as whole:
        list(read_run(path))
    with pytest.raises(StoreError) as caught:
        RunFile.read(path)
    assert caught.value.message == whole.value.message
    assert said in caught.value.message


def test_a_figure_that_is_not_a_number_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    text = sample(times={"e2e_s": 0.5}).to_json().replace('"e2e_s":0.5', '"e2e_s":NaN')
    path.write_text(f"{run().to_json()}\n{text}\n")
    with pytest.raises(StoreError, match="finite number"):
        RunFile.read(path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("usage", {TOKENS: 10**400}),
        ("epoch", 2**63),
        ("times", {"e2e_s": 10**400}),
        ("server_stats", {"tokens_per_second": 10**400}),
    ],
)
def test_a_number_that_nothing_can_count_to_is_named(tmp_path: Path, name: str, value: Any) -> None:
    path = tmp_path / "run.jsonl"
    broken = {**json.loads(sample().to_json()), name: value}
    path.write_text(f"{run().to_json()}\n{json.dumps(broken)}\n")
    with pytest.raises(StoreError, match=r"run.jsonl:2: sample record: a number that is too large"):
        RunFile.read(path)


@pytest.mark.parametrize("value", [1.5, -0.1, 1e308])
def test_a_score_beyond_0_to_1_is_refused(tmp_path: Path, value: float) -> None:
    path = write(tmp_path / "run.jsonl", [run(), sample(), score(value=value)])
    with pytest.raises(StoreError, match=r"run.jsonl:3: score record: value: expected 0 to 1, or null"):
        RunFile.read(path)


def test_values_that_pydantic_would_convert_are_converted(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    text = sample(epoch=2).to_json().replace('"epoch":2', '"epoch":"2"')
    path.write_text(f"{run().to_json()}\n{text}\n{SkipRecord(**HEAD, reason='x').to_json()}\n")
    seen = RunFile.read(path)
    assert [entry.epoch for entry in seen.cells[CELL]] == [2]
    assert [skip.reason for skip in seen.skips] == ["x"]


def test_the_values_of_a_cell_are_those_of_its_samples(tmp_path: Path) -> None:
    """The quick way through a cell says what the slow one says, whatever came late, twice or not at all."""
    seen = written(
        run(),
        *(sample(f"u{number}", times={"ttft_s": 0.1, "e2e_s": 1.0 + number}) for number in range(4)),
        sample("lost", outcome="server_error"),
        score("u3", 0.25),
        score("u0", 0.5),
        score("u2", None),
        score("lost", 1.0),
        sample("u3", item_id="again"),
        score("u0", 0.75, scorer="other"),
    )
    cell = seen.cells[CELL]
    slow = [
        (entry.item_id, found.value if entry.is_counted and (found := seen.score(entry)) else None) for entry in cell
    ]
    assert list(cell.values(seen.scorer("extract"))) == slow
    assert slow == [("u0", 0.5), ("u1", None), ("u2", None), ("again", None), ("lost", None)]
    assert cell.e2e_s == [1.0, 2.0, 3.0]
    assert list(cell.values(None)) == [(item_id, None) for item_id, _ in slow]


@pytest.mark.parametrize(
    "line", [b' {"kind": "note", "schema": "lms-harness/1"} \n', b'{"kind":"note","schema":"lms-harness/1"} \r\n']
)
def test_lines_that_another_tool_has_written_are_read_too(tmp_path: Path, line: bytes) -> None:
    path = write(tmp_path / "run.jsonl", [run(), sample()])
    path.write_bytes(path.read_bytes() + line)
    assert len(RunFile.read(path).cells[CELL]) == 1


@pytest.mark.parametrize(
    "line", [b'{"kind":"note"} {}\n', b'{"kind":\n', b"{}x\n", b'{"kind":"note","schema":"\xff"}\n']
)
def test_what_is_not_one_object_a_line_is_refused(tmp_path: Path, line: bytes) -> None:
    path = write(tmp_path / "run.jsonl", [run(), sample()])
    path.write_bytes(path.read_bytes() + line)
    with pytest.raises(StoreError, match=r"run\.jsonl:3: expected one JSON object"):
        RunFile.read(path)


def prompt(prompt_hash: str, text: str) -> PromptRecord:
    return PromptRecord(**HEAD, prompt_hash=prompt_hash, prompt=text)


def test_a_sample_leads_to_its_prompt_and_to_none_where_none_was_recorded(tmp_path: Path) -> None:
    records = [run(), prompt("p", "say it"), sample("a"), prompt("q", "and this"), sample("b", prompt_hash="q")]
    path = write(tmp_path / "run.jsonl", [*records, sample("c", prompt_hash="r")])
    spaced = path.read_bytes().replace(b'{"kind":"prompt","schema"', b'{"kind": "prompt", "schema"')
    for content in (path.read_bytes(), spaced):
        path.write_bytes(content)
        seen = RunFile.read(path)
        found = {entry.item_id: seen.prompt(seen.sample_record(entry)) for _, entry in seen.samples()}
        assert {item: record and record.prompt for item, record in found.items()} == {
            "a": "say it",
            "b": "and this",
            "c": None,
        }


def test_prompts_are_not_parsed_by_those_who_ask_for_none(tmp_path: Path) -> None:
    path = write(tmp_path / "run.jsonl", [run(), prompt("p", "say it"), sample("a")])
    path.write_bytes(path.read_bytes().replace(b'"prompt":"say it"', b'"prompt": say it '))
    seen = RunFile.read(path)
    with pytest.raises(StoreError, match=r"expected one JSON object a line"):
        seen.prompt(seen.sample_record(next(entry for _, entry in seen.samples())))


def test_reading_on_takes_in_what_was_appended_as_if_it_was_read_at_once(tmp_path: Path) -> None:
    path = write(tmp_path / "run.jsonl", [run(), sample("a"), score("a")])
    seen = RunFile.read(path)
    prompt = PromptRecord(**HEAD, prompt_hash="p", prompt="Hello")
    last = sample("c").to_json()
    with path.open("a") as file:
        file.writelines(f"{record.to_json()}\n" for record in (prompt, sample("b"), score("b", 0.0)))
        file.write(last[:20])
    assert seen.read_on().prompt(sample("b")) == prompt
    with path.open("a") as file:
        file.write(f"{last[20:]}\n")
    fresh = RunFile.read(path)
    assert list(seen.read_on().samples()) == list(fresh.samples())
    assert [seen.sample_record(entry).sample_uid for _, entry in seen.samples()] == ["a", "b", "c"]
    for _, entry in fresh.samples():
        assert seen.score(entry) == fresh.score(entry)
