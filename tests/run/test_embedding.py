"""An embedding model under test: asked by `/v1/embeddings` alone, and scored by how similar it finds texts."""

import json
from dataclasses import replace

import pytest

from harness.domain.model import LoadConfig, Model, ModelKey
from harness.domain.record import SampleRecord
from harness.domain.sample import Sample
from harness.errors import InstanceLost
from harness.run.ask.embedding import cosine
from harness.run.plan.plan import Plan, fits, load_config
from harness.scoring.similarity import Nearest
from harness.selection.selection import Selection
from harness.settings import Settings
from harness.task.task import Needs, Task
from harness.testing.clock import FakeClock
from harness.testing.fault import Call, Status
from harness.testing.scripted import ScriptedServer

from .conftest import CHAT, Bench, Make

EMBEDDER = "text-embedding-acme"
EMBEDDINGS = "/v1/embeddings"


def samples(_seed: int, n: int) -> list[Sample]:
    return [
        Sample(
            item_id=f"near-{number}",
            prompt=f"red fox {number}",
            target={"nearest": 1, "count": 2},
            texts=(f"the red fox {number}", "interest rates rose", f"a red fox, no. {number}"),
        )
        for number in range(n)
    ]


TASK = Task(
    name="near",
    task_class="near",
    generate=samples,
    scorer=Nearest(),
    max_output_tokens=0,
    prompt_tokens=40,
    needs=Needs(embedding=True),
)


def embedder(bench: Bench) -> Model:
    return next(model for model in bench.run.client.models() if model.key == EMBEDDER)


def test_each_item_is_one_request_for_vectors_and_no_chat(make: Make) -> None:
    bench = make()
    with bench.run.leased(embedder(bench), LoadConfig(context_length=512)) as leased:
        cell = bench.run.evaluate(TASK, leased)
    bench.run.close(exit_code=0)
    assert (cell.n, cell.score, cell.outcomes) == (6, 1.0, {"ok": 6})
    _warm_up, *asked = bench.server.asked("POST", EMBEDDINGS)
    assert sorted((body["model"], *body["input"]) for body in asked) == sorted(
        (EMBEDDER, *sample.texts) for sample in samples(0, 6)
    )
    assert bench.server.asked("POST", CHAT) == []
    recorded = bench.records(SampleRecord)
    assert all(len(json.loads(sample.output_text or "")["similarities"]) == 2 for sample in recorded)
    assert all(sample.times["e2e_s"] and sample.usage["input_tokens"] is None for sample in recorded)
    assert bench.server.loaded == []


@pytest.mark.parametrize(("times", "outcome", "attempts"), [(1, "ok", 2), (9, "server_error", 3)])
def test_a_request_that_fails_is_repeated_and_is_not_scored_where_it_keeps_failing(
    make: Make, times: int, outcome: str, attempts: int
) -> None:
    bench = make(limit=1, clock=FakeClock())
    with bench.run.leased(embedder(bench), LoadConfig(context_length=512)) as leased:
        bench.server.on("POST", EMBEDDINGS, Status(503), times=times)
        bench.run.evaluate(TASK, leased)
    (sample,) = bench.records(SampleRecord)
    assert (sample.outcome, sample.attempts) == (outcome, attempts)
    bench.run.close(exit_code=0)


def test_a_cosine_has_a_direction_or_none() -> None:
    assert cosine([3.0, 0.0], [2.0, 0.0]) == 1.0
    assert cosine([1.0, 0.0], [0.0, 5.0]) == 0.0
    assert cosine([0.0, 0.0], [1.0, 0.0]) is None
    assert cosine([1e308, 1e308], [1e308, 1.0]) is None


def test_each_kind_of_model_gets_the_tasks_of_its_kind(make: Make) -> None:
    bench = make()
    assert fits(TASK, bench.model) == "needs an embedding model"
    assert fits(replace(TASK, needs=Needs()), embedder(bench)) == "needs a chat model"
    assert load_config(embedder(bench), [TASK], Settings()).context_length == 512
    small = replace(embedder(bench), max_context_length=128)
    assert load_config(small, [TASK], Settings()).context_length == 128


def test_texts_are_part_of_the_hashes_and_their_absence_is_not() -> None:
    sample = Sample(item_id="a", prompt="p", target="t")
    assert (sample.item_hash, sample.prompt_hash) == ("5a3a1637b06bfbdb", "3c7dc618e01a1468")
    first, second = (replace(sample, texts=texts) for texts in (("a", "b"), ("a", "c")))
    assert len({each.item_hash for each in (sample, first, second)}) == 3
    assert len({each.prompt_hash for each in (sample, first, second)}) == 3


def answered_by(bench: Bench, name: str) -> SampleRecord:
    """Return the one sample of a run whose answers name this model."""
    with bench.run.leased(embedder(bench), LoadConfig(context_length=512)) as leased:
        data = [{"embedding": vector, "index": at} for at, vector in enumerate(([1.0, 0.0], [0.0, 1.0], [1.0, 0.1]))]
        body = {"object": "list", "data": data, "model": name}
        bench.server.on("POST", EMBEDDINGS, Status(200, body))
        bench.run.evaluate(TASK, leased)
    (sample,) = bench.records(SampleRecord)
    bench.run.close(exit_code=0)
    return sample


def test_a_name_in_the_answer_that_is_no_instance_is_not_taken_for_another_one(make: Make) -> None:
    """LM Studio does not document whether `model` is an id, so only the id of another instance speaks against it."""
    assert answered_by(make(limit=1), EMBEDDER + "@f16").outcome == "ok"


def test_vectors_of_another_instance_do_not_count(make: Make) -> None:
    bench = make(limit=1)
    bench.server.load("acme/small-4b")
    sample = answered_by(bench, "acme/small-4b")
    assert sample.outcome == "server_error"
    assert "but acme/small-4b answered" in (sample.error or "")


class Evicted:
    """Another program evicts the instance once this request is answered: the next would load its model anew."""

    def __init__(self, server: ScriptedServer) -> None:
        self._server = server

    def apply(self, call: Call) -> None:
        answer = call.answer()
        self._server.unload(EMBEDDER)
        call.send(answer)


def test_no_item_loads_an_evicted_model_again_and_no_further_answer_counts(make: Make) -> None:
    """What a request for vectors loads has the same id and says nothing, so its answers would pass for the lease's."""
    bench = make(limit=6, concurrency=1)
    with bench.run.leased(embedder(bench), LoadConfig(context_length=512)) as leased:
        bench.server.on("POST", EMBEDDINGS, Evicted(bench.server), after=2, times=1)
        bench.run.evaluate(TASK, leased)
        with pytest.raises(InstanceLost, match="was unloaded while it was in use"):
            bench.run.check(leased.lease)
    samples = bench.records(SampleRecord)
    assert [sample.outcome for sample in samples] == ["ok"] * 3 + ["server_error"] * 3
    assert f"InstanceLost: {EMBEDDER} is no longer loaded: it crashed or was unloaded" in {s.error for s in samples}
    assert len(bench.server.asked("POST", EMBEDDINGS)) == 1 + 3  # The first is the warm-up.
    assert bench.server.loaded == []
    bench.run.close(exit_code=1)


@pytest.mark.parametrize("name", [EMBEDDER, EMBEDDER + "@f16"])
def test_an_item_costs_one_listing_whatever_name_is_in_its_answer(make: Make, name: str) -> None:
    bench = make(limit=4)
    with bench.run.leased(embedder(bench), LoadConfig(context_length=512)) as leased:
        data = [{"embedding": vector, "index": at} for at, vector in enumerate(([1.0, 0.0], [0.0, 1.0], [1.0, 0.1]))]
        bench.server.on("POST", EMBEDDINGS, Status(200, {"object": "list", "data": data, "model": name}))
        before = len(bench.server.asked("GET", "/api/v1/models"))
        bench.run.evaluate(TASK, leased)
        assert len(bench.server.asked("GET", "/api/v1/models")) - before == 4
    bench.run.close(exit_code=0)


def test_the_reference_of_a_task_is_the_largest_model_that_is_asked_it(make: Make) -> None:
    listing = make().run.client.models()
    larger = replace(listing[2], key=ModelKey("text-embedding-large"), size_bytes=9 * listing[2].size_bytes)
    chat_task = replace(
        TASK,
        name="chat",
        needs=Needs(),
        generate=lambda seed, n: [replace(sample, texts=()) for sample in TASK.generate(seed, n)],
    )
    plan = Plan(
        selection=Selection(models=(*listing, larger), reason=""), tasks=(TASK, chat_task), settings=Settings(limit=3)
    )
    recorded = plan.as_dict()
    assert recorded["reference"] == "acme/small-4b"
    assert recorded["reference_order_by_task"] == {"near": ["text-embedding-large", EMBEDDER]}
    unasked = {(model.key, task.name) for model, task, _ in plan.unasked()}
    assert unasked == {(key, "near") for key in ("acme/tiny-1b", "acme/small-4b")} | {
        (key, "chat") for key in (EMBEDDER, "text-embedding-large")
    }
