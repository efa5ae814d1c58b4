"""A run against a scripted LM Studio: what is asked, what is recorded, and what happens when answers go wrong."""

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

from harness.client.deadline import Deadlines
from harness.client.http import Client
from harness.clock import Clock
from harness.domain.answer import Answer
from harness.domain.model import LoadConfig, Model
from harness.domain.record import (
    EndRecord,
    InstanceRecord,
    Record,
    ReleaseRecord,
    RunRecord,
    SampleRecord,
    ScoreRecord,
    SummaryRecord,
)
from harness.domain.sample import Sample
from harness.domain.score import Score
from harness.errors import ApiError, LoadFailed, ReleaseFailed
from harness.run.run import Run
from harness.settings import Settings
from harness.store.reader import read_run
from harness.task.task import Task
from harness.testing.chat import Reply
from harness.testing.clock import FakeClock
from harness.testing.fault import Call, Cut, Drop, Fault, Hang, Ignore, Reset, Status
from harness.testing.message import Request
from harness.testing.scripted import ScriptedServer

KEY = "acme/tiny-1b"
CHAT = "/api/v1/chat"
CANARY = "sk-canary-58d1"
R = TypeVar("R", bound=Record)


class Echo:
    """1 for an answer that repeats the target."""

    name = "echo"
    version = "1"

    def __call__(self, output: str, target: Any) -> Score:
        return Score(value=float(output == target), passed=output == target)


def samples(seed: int, n: int) -> list[Sample]:
    return [
        Sample(item_id=f"echo-{seed}-{i}", prompt=f"say {i}", target=f"say {i}", tier=i % 3 + 1, cluster_id=str(i))
        for i in range(n)
    ]


TASK = Task(name="echo", task_class="echo", generate=samples, scorer=Echo(), max_output_tokens=20, prompt_tokens=40)


class Silent:
    """Shows no progress, and remembers what it should have shown."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, line: str) -> None:
        self.notes.append(line)

    @contextmanager
    def task(self, model_key: str, task: str, total: int) -> Iterator[Callable[[Answer], None]]:
        yield lambda _: None


@dataclass
class Bench:
    """A run in the making, and its file."""

    server: ScriptedServer
    run: Run

    @property
    def model(self) -> Model:
        return next(one for one in self.run.client.models() if one.key == KEY)

    def evaluate(self) -> SummaryRecord:
        with self.run.leased(self.model, LoadConfig(context_length=2048)) as leased:
            return self.run.evaluate(TASK, leased)

    def records(self, kind: type[R]) -> list[R]:
        return [one for one in read_run(self.run.path) if isinstance(one, kind)]


Make = Callable[..., Bench]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    monkeypatch.setenv("LMS_HARNESS_STATE", str(tmp_path / "state"))
    closing: list[Callable[[], None]] = []

    def build(
        *, argv: Sequence[str] = (), server: ScriptedServer | None = None, clock: Clock | None = None, **settings: Any
    ) -> Bench:
        scripted = server or ScriptedServer(token_s=settings.pop("token_s", 0.0))
        scripted.start()
        closing.append(scripted.close)
        given = {"limit": 6, "results": tmp_path / "results", "url": scripted.url, **settings}
        client = Client(scripted.url, token=given.get("token", "lmstudio"), deadlines=Deadlines(idle_s=5.0))
        closing.append(client.close)
        run = Run(
            Settings(**given),
            client,
            server_kind="lm-studio",
            listing=client.models(),
            progress=Silent(),
            plan={"tasks": {"echo": "hash"}},
            argv=argv,
            clock=clock,
        )
        closing.append(run.recorder._writer.close)
        return Bench(scripted, run)

    yield build
    for close in closing:
        close()


def test_every_sample_is_asked_of_the_instance_scored_and_recorded(make: Make) -> None:
    bench = make()
    cell = bench.evaluate()
    bench.run.close(exit_code=0)
    assert (cell.n, cell.score, cell.unscored, cell.outcomes) == (6, 1.0, 0, {"ok": 6})
    assert cell.by_tier == {"1": 1.0, "2": 1.0, "3": 1.0}
    asked = [one for one in bench.server.asked("POST", CHAT) if one["input"].startswith("say ")]
    assert {one["model"] for one in asked} == {KEY}
    assert {(one["temperature"], one["store"], one["max_output_tokens"]) for one in asked} == {(0.0, False, 20)}
    recorded = bench.records(SampleRecord)
    assert sorted(one.item_id for one in recorded) == [f"echo-0-{i}" for i in range(6)]
    assert {one.output_text for one in recorded} == {f"say {i}" for i in range(6)}
    assert all(one.times["ttft_s"] is not None and one.usage["total_output_tokens"] == 2 for one in recorded)
    assert [one.sample_uid for one in bench.records(ScoreRecord)] == [one.sample_uid for one in recorded]
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
    asked = [one["input"].count("w ") for one in bench.server.asked("POST", CHAT) if one["input"].startswith("say ")]
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
    uids = [one.sample_uid for one in bench.records(SampleRecord)]
    assert len(uids) == len(set(uids)) == 18


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        ("", "empty"),
        ("word " * 30, "truncated"),
        ("wrong", "ok"),
    ],
)
def test_failures_of_the_model_score_zero(make: Make, reply: str, outcome: str) -> None:
    bench = make()
    bench.server.reply_with(lambda request: reply if request.prompt.startswith("say ") else "hello")
    cell = bench.evaluate()
    assert (cell.score, cell.n, cell.unscored, cell.outcomes) == (0.0, 6, 0, {outcome: 6})


def test_reasoning_that_ate_the_answer_scores_zero(make: Make) -> None:
    bench = make(reasoning="on")
    bench.server.reply_with(lambda _: Reply(text="", reasoning="hmm"))
    model = next(one for one in bench.run.client.models() if one.key == "acme/small-4b")
    with bench.run.leased(model, LoadConfig()) as leased:
        cell = bench.run.evaluate(TASK, leased)
    assert cell.outcomes == {"reasoning_only": 6}
    asked = bench.server.asked("POST", CHAT)[-1]
    assert (asked["reasoning"], asked["max_output_tokens"]) == ("on", 20 + 2048)


def test_a_sample_beyond_its_deadline_scores_zero_as_a_timeout(make: Make) -> None:
    bench = make(limit=2, sample_deadline_s=0.4)
    with bench.run.leased(bench.model, LoadConfig()) as leased:
        bench.server.on("POST", CHAT, Hang())
        cell = bench.run.evaluate(TASK, leased)
    assert (cell.score, cell.outcomes) == (0.0, {"timeout": 2})


def test_failures_of_the_server_are_unscored_and_never_zero(make: Make) -> None:
    bench = make(limit=6, concurrency=1, clock=FakeClock())
    with bench.run.leased(bench.model, LoadConfig()) as leased:
        bench.server.on(
            "POST", CHAT, Status(500, {"error": {"message": "model has crashed", "type": "internal_error"}}), times=6
        )
        cell = bench.run.evaluate(TASK, leased)
    assert (cell.n, cell.unscored, cell.score) == (4, 2, 1.0)
    assert cell.outcomes == {"server_error": 2, "ok": 4}
    lost = [one for one in bench.records(SampleRecord) if one.outcome == "server_error"]
    assert all("model has crashed (after 3 attempts)" in (one.error or "") for one in lost)
    assert [one.attempts for one in bench.records(SampleRecord)] == [3, 3, 1, 1, 1, 1]
    scored = {one.sample_uid: one.value for one in bench.records(ScoreRecord)}
    assert [scored[one.sample_uid] for one in lost] == [None, None]


@pytest.mark.parametrize("fault", [Drop(), Reset(), Status(500, {"error": "no"})])
def test_a_sample_that_produced_nothing_is_asked_again_and_counts_as_one(make: Make, fault: Fault) -> None:
    bench = make(limit=2, concurrency=1, clock=FakeClock())
    with bench.run.leased(bench.model, LoadConfig()) as leased:
        bench.server.on("POST", CHAT, fault, times=2)
        cell = bench.run.evaluate(TASK, leased)
    assert (cell.n, cell.unscored, cell.score) == (2, 0, 1.0)
    assert [one.attempts for one in bench.records(SampleRecord)] == [3, 1]


def test_a_sample_whose_text_had_begun_is_not_asked_again(make: Make) -> None:
    bench = make(limit=1, clock=FakeClock())
    with bench.run.leased(bench.model, LoadConfig()) as leased:
        bench.server.on("POST", CHAT, Cut(_up_to_the_first_delta(bench, leased.address)))
        cell = bench.run.evaluate(TASK, leased)
    assert cell.outcomes == {"server_error": 1}
    assert [one.attempts for one in bench.records(SampleRecord)] == [1]


def test_an_empty_answer_is_a_result_and_is_not_asked_again(make: Make) -> None:
    bench = make(limit=2, clock=FakeClock())
    bench.server.reply_with(lambda _: "")
    with bench.run.leased(bench.model, LoadConfig()) as leased:
        before = len(bench.server.asked("POST", CHAT))
        cell = bench.run.evaluate(TASK, leased)
    assert cell.outcomes == {"empty": 2}
    assert len(bench.server.asked("POST", CHAT)) - before == 2


def test_a_sample_is_not_asked_again_when_its_instance_is_gone(make: Make) -> None:
    class Crash:
        def apply(self, call: Call) -> None:
            bench.server.unload(KEY)

    bench = make(limit=1, clock=FakeClock())
    with bench.run.leased(bench.model, LoadConfig()) as leased:
        bench.server.on("POST", CHAT, Crash())
        before = len(bench.server.asked("POST", CHAT))
        cell = bench.run.evaluate(TASK, leased)
        assert bench.server.loaded == []  # Asked by its id, which is a key as well, the server would have loaded it.
    assert cell.outcomes == {"server_error": 1}
    assert len(bench.server.asked("POST", CHAT)) - before == 1
    assert "is no longer loaded" in (bench.records(SampleRecord)[0].error or "")


def _up_to_the_first_delta(bench: Bench, address: str) -> int:
    """Return how many bytes of a streamed answer end after its first piece of text."""
    request = {"model": address, "input": "say 0", "stream": True, "store": False}
    body = httpx.post(f"{bench.server.url}{CHAT}", json=request, trust_env=False).content
    return body.index(b"\n\n", body.index(b"message.delta")) + 2


def test_after_five_server_errors_in_a_row_the_rest_is_given_up(make: Make) -> None:
    bench = make(limit=30, concurrency=1, clock=FakeClock())
    with bench.run.leased(bench.model, LoadConfig()) as leased:
        bench.server.on("POST", CHAT, Status(500, {"error": "no"}))
        before = len(bench.server.requests)
        cell = bench.run.evaluate(TASK, leased)
        asked = len(bench.server.requests) - before
    assert asked <= 6 * (3 + 2)  # Each is asked three times, with two looks at what is loaded.
    assert (cell.n, cell.unscored, cell.score) == (0, 30, None)


def test_an_answer_of_another_instance_is_unscored(make: Make) -> None:
    class Impostor:
        def apply(self, call: Call) -> None:
            answer = call.answer()
            call.send(replace(answer, parts=[part.replace(KEY.encode(), b"impostor") for part in answer.parts]))

    bench = make(limit=2)
    with bench.run.leased(bench.model, LoadConfig()) as leased:
        bench.server.on("POST", CHAT, Impostor())
        cell = bench.run.evaluate(TASK, leased)
    assert cell.outcomes == {"server_error": 2}
    assert "but impostor answered" in (bench.records(SampleRecord)[0].error or "")


def test_an_interruption_cancels_records_and_releases(make: Make) -> None:
    bench = make(limit=50, token_s=0.2)

    class Interrupting(Silent):
        @contextmanager
        def task(self, model_key: str, task: str, total: int) -> Iterator[Callable[[Answer], None]]:
            def interrupt(_: Answer) -> None:
                raise KeyboardInterrupt

            yield interrupt

    bench.run._progress = Interrupting()
    with pytest.raises(KeyboardInterrupt):
        bench.evaluate()
    bench.run.close(exit_code=2, interrupted=True)
    outcomes = [one.outcome for one in bench.records(SampleRecord)]
    assert "ok" in outcomes
    assert set(outcomes) == {"ok", "cancelled"}
    assert bench.records(SummaryRecord) == []
    assert bench.records(EndRecord)[0].interrupted
    assert bench.server.loaded == []
    assert not [one for one in threading.enumerate() if one.name.startswith("slot-") and one.is_alive()]


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
    assert [one.addressed_by for one in bench.records(InstanceRecord)] == ["instance_id", "key"]
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
    bench.run._leases._settle_s = 0.2
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


def test_every_record_is_on_disk_as_soon_as_it_is_made(make: Make) -> None:
    bench = make()
    kinds: list[str] = []

    class Look:
        def apply(self, call: Call) -> None:
            kinds.extend(json.loads(line)["kind"] for line in bench.run.path.read_text().splitlines())
            call.send(call.answer())

    bench.server.on("POST", "/api/v1/models/unload", Look(), times=1)
    bench.evaluate()
    assert kinds == ["run", "instance", *["sample", "score"] * 6, "summary"]


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
