"""A run against a scripted LM Studio: what is asked, what is recorded, and what is released."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from harness.domain.model import LoadConfig
from harness.domain.record import (
    EndRecord,
    InstanceRecord,
    ReleaseRecord,
    RunRecord,
    SampleRecord,
    ScoreRecord,
    SummaryRecord,
)
from harness.domain.sample import Sample
from harness.errors import ApiError, LoadFailed, ReleaseFailed
from harness.store.run_file import RunFile
from harness.testing.clock import FakeClock
from harness.testing.fault import Call, Ignore, Status
from harness.testing.message import Request
from harness.testing.scripted import ScriptedServer

from .conftest import CHAT, KEY, TASK, Make

CANARY = "sk-canary-58d1"


def test_every_sample_is_asked_of_the_instance_scored_and_recorded(make: Make) -> None:
    bench = make()
    cell = bench.evaluate()
    bench.run.close(exit_code=0)
    assert (cell.n, cell.score, cell.unscored, cell.outcomes) == (6, 1.0, 0, {"ok": 6})
    assert cell.by_tier == {"1": 1.0, "2": 1.0, "3": 1.0}
    asked = [body for body in bench.server.asked("POST", CHAT) if body["input"].startswith("say ")]
    assert {body["model"] for body in asked} == {KEY}
    assert {(body["temperature"], body["store"], body["max_output_tokens"]) for body in asked} == {(0.0, False, 20)}
    recorded = bench.records(SampleRecord)
    assert sorted(sample.item_id for sample in recorded) == [f"echo-0-{i}" for i in range(6)]
    assert {sample.output_text for sample in recorded} == {f"say {i}" for i in range(6)}
    assert all(sample.times["ttft_s"] is not None and sample.usage["total_output_tokens"] == 2 for sample in recorded)
    assert [score.sample_uid for score in bench.records(ScoreRecord)] == [sample.sample_uid for sample in recorded]
    assert bench.records(SummaryRecord) == [cell]


def test_the_lifecycle_is_in_the_same_file(make: Make) -> None:
    bench = make()
    foreign = bench.server.load("acme/small-4b")
    bench.evaluate()
    bench.run.close(exit_code=0)
    (instance,) = bench.records(InstanceRecord)
    assert (instance.owned, instance.load_mode, instance.resident_others) == (True, "explicit", [foreign])
    assert instance.load_time_s is not None
    assert instance.load_wall_s is not None
    assert instance.effective_config["context_length"] == 2048
    (release,) = bench.records(ReleaseRecord)
    assert (release.unload_verified, release.policy) == (True, "ours")
    (end,) = bench.records(EndRecord)
    assert (end.exit_code, end.resident_after, end.samples, end.interrupted) == (0, [foreign], 6, False)
    assert bench.server.loaded == [foreign]


@pytest.mark.parametrize(("concurrency", "peak"), [(None, 4), (1, 1), (2, 2)])
def test_samples_run_over_the_slots_of_the_instance(make: Make, concurrency: int | None, peak: int) -> None:
    bench = make(token_s=0.02, limit=12, concurrency=concurrency)
    seen: list[int] = []
    with bench.run.leased(bench.model, LoadConfig()) as leased:
        bench.run.evaluate(TASK, leased)
        seen.append(bench.server.peak_in_flight(KEY))
    assert seen == [peak]


def words(_: int, n: int, room: int) -> list[Sample]:
    return [Sample(item_id=f"words-{i}", prompt="say " + "w " * (room - i), target="") for i in range(n)]


@pytest.mark.parametrize(("context_length", "room"), [(4096, 1024), (2048, 512)])
def test_a_fitted_task_asks_as_much_as_a_slot_of_the_context_that_was_set(
    make: Make, context_length: int, room: int
) -> None:
    bench = make(limit=2, context_length=context_length)
    with bench.run.leased(bench.model, LoadConfig(context_length=context_length)) as leased:
        bench.run.evaluate(replace(TASK, generate_for=words), leased)
    asked = [body["input"].count("w ") for body in bench.server.asked("POST", CHAT) if body["input"].startswith("say ")]
    assert sorted(asked) == [room - 1, room]


def test_no_more_is_asked_at_a_time_than_the_context_holds(make: Make) -> None:
    bench = make(token_s=0.02, limit=6)
    with bench.run.leased(bench.model, LoadConfig(context_length=2048)) as leased:
        bench.run.evaluate(replace(TASK, prompt_tokens=1000), leased)
        assert bench.server.peak_in_flight(KEY) == 2


def test_a_prompt_that_is_too_long_for_the_context_is_unscored_and_says_so(make: Make) -> None:
    bench = make(limit=1)
    with bench.run.leased(bench.model, LoadConfig(context_length=2048)) as leased:
        cell = bench.run.evaluate(replace(TASK, generate=lambda seed, n: words(seed, n, 3000)), leased)
    assert (cell.unscored, cell.outcomes) == (1, {"server_error": 1})
    assert "greater than the context length" in (bench.records(SampleRecord)[0].error or "")


def test_epochs_ask_each_item_again_and_count_it_once(make: Make) -> None:
    bench = make(epochs=3, concurrency=1)
    turns: list[str] = []

    def every_third(request: Request) -> str:
        turns.append(request.prompt)
        return request.prompt if turns.count(request.prompt) == 1 else "no"

    bench.server.reply_with(every_third)
    cell = bench.evaluate()
    assert (cell.n, cell.epochs) == (6, 3)
    assert cell.score == pytest.approx(1 / 3)
    uids = [sample.sample_uid for sample in bench.records(SampleRecord)]
    assert len(uids) == len(set(uids)) == 18


def test_a_server_that_takes_no_instance_ids_is_asked_by_key_while_that_is_exact(make: Make) -> None:
    bench = make()
    bench.server.load(KEY)
    bench.server.load(KEY)
    bench.server.unload(KEY)

    class OnlyKeys:
        def apply(self, call: Call) -> None:
            if call.request.json["model"] == f"{KEY}:2":
                said = {"error": {"message": "unknown model", "type": "invalid_request", "code": "model_not_found"}}
                Status(404, said).apply(call)
            else:
                call.send(call.answer())

    bench.server.on("POST", CHAT, OnlyKeys())
    cell = bench.evaluate()
    assert cell.outcomes == {"ok": 6}
    assert [instance.addressed_by for instance in bench.records(InstanceRecord)] == ["instance_id", "key"]
    assert bench.server.loaded == [f"{KEY}:2"]


def test_a_warm_up_that_fails_releases_the_lease(make: Make) -> None:
    bench = make()
    bench.server.on("POST", CHAT, Status(400, {"error": {"message": "no", "type": "invalid_request"}}))
    with pytest.raises(ApiError):
        bench.evaluate()
    assert bench.server.loaded == []
    assert bench.records(ReleaseRecord)[0].unload_verified


def test_a_load_that_fails_is_recorded_and_raised(make: Make) -> None:
    bench = make()
    said = {"error": {"message": "out of memory", "type": "model_load_failed"}}
    bench.server.on("POST", "/api/v1/models/load", Status(500, said))
    with pytest.raises(LoadFailed):
        bench.evaluate()
    (attempt,) = bench.records(InstanceRecord)
    assert attempt.instance_id is None
    assert "out of memory" in (attempt.error or "")


def test_jit_loads_by_the_first_request_and_owns_what_it_made(make: Make) -> None:
    bench = make(load="jit")
    bench.evaluate()
    (instance,) = bench.records(InstanceRecord)
    assert (instance.load_mode, instance.owned) == ("jit", True)
    assert bench.server.asked("POST", "/api/v1/models/load") == []
    assert bench.server.loaded == []


def test_what_cannot_be_released_ends_the_run_with_7_and_its_name(make: Make) -> None:
    bench = make()
    bench.run._leases._releaser._settle_s = 0.2
    bench.server.on("POST", "/api/v1/models/unload", Ignore())
    with pytest.raises(ReleaseFailed):
        bench.evaluate()
    with pytest.raises(ReleaseFailed, match=KEY):
        bench.run.close(exit_code=0)
    (end,) = bench.records(EndRecord)
    assert (end.exit_code, end.resident_after) == (7, [KEY])
    assert bench.records(ReleaseRecord)[0].error


def test_a_server_that_is_gone_at_the_end_leaves_the_end_record(make: Make) -> None:
    bench = make()
    bench.evaluate()
    bench.server.close()
    bench.run.close(exit_code=0)
    assert bench.records(EndRecord)[0].resident_after is None


def test_the_view_of_a_run_is_read_once_and_then_only_what_was_added(make: Make) -> None:
    bench = make()
    bench.evaluate()
    assert bench.run.view() is not bench.run.view()  # Before the end, each reader has a view of its own.
    bench.run.close(exit_code=0)
    seen = bench.run.view()
    assert seen is bench.run.view()
    assert seen.end is not None
    assert list(seen.samples()) == list(RunFile.read(bench.run.path).samples())


def test_every_record_is_on_disk_as_soon_as_it_is_made(make: Make) -> None:
    bench = make()
    kinds: list[str] = []

    class Look:
        def apply(self, call: Call) -> None:
            kinds.extend(json.loads(line)["kind"] for line in bench.run.path.read_text().splitlines())
            call.send(call.answer())

    bench.server.on("POST", "/api/v1/models/unload", Look(), times=1)
    bench.evaluate()
    assert kinds == ["run", "instance", *["prompt", "sample", "score"] * 6, "summary"]


def test_no_secret_reaches_the_run_file_or_the_journal(make: Make, tmp_path: Path) -> None:
    guarded = ScriptedServer(token=CANARY)
    argv = ["lms-harness", "run", f"--token={CANARY}", "--token", CANARY]
    bench = make(server=guarded, token=CANARY, argv=argv, clock=FakeClock())

    class Tells:
        def apply(self, call: Call) -> None:
            said = f"Malformed token provided: {call.request.headers['authorization']}"
            Status(500, {"error": {"message": said, "type": "internal_error"}}).apply(call)

    with bench.run.leased(bench.model, LoadConfig()) as leased:
        guarded.on("POST", CHAT, Tells())
        journals = list((tmp_path / "state").rglob("*.jsonl"))
        assert journals
        assert not any(CANARY in path.read_text() for path in journals)
        bench.run.evaluate(TASK, leased)
    bench.run.close(exit_code=0)
    written = bench.run.path.read_text()
    assert "Malformed token" in written
    assert CANARY not in written
    assert bench.records(RunRecord)[0].argv[:2] == ["lms-harness", "run"]
