"""What becomes of answers that go wrong: scored 0, unscored, asked again, or given up."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import httpx
import pytest

from harness.domain.answer import Answer, KeptAnswer
from harness.domain.model import LoadConfig
from harness.domain.record import (
    EndRecord,
    SampleRecord,
    ScoreRecord,
    SummaryRecord,
)
from harness.testing.chat import Reply
from harness.testing.clock import FakeClock
from harness.testing.fault import Call, Cut, Drop, Fault, Hang, Reset, Status
from tests.run.silent import Silent

from .conftest import CHAT, KEY, TASK, Bench, Make


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
    model = next(model for model in bench.run.client.models() if model.key == "acme/small-4b")
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
    lost = [sample for sample in bench.records(SampleRecord) if sample.outcome == "server_error"]
    assert all("model has crashed (after 3 attempts)" in (sample.error or "") for sample in lost)
    assert [sample.attempts for sample in bench.records(SampleRecord)] == [3, 3, 1, 1, 1, 1]
    scored = {score.sample_uid: score.value for score in bench.records(ScoreRecord)}
    assert [scored[sample.sample_uid] for sample in lost] == [None, None]


@pytest.mark.parametrize("fault", [Drop(), Reset(), Status(500, {"error": "no"})])
def test_a_sample_that_produced_nothing_is_asked_again_and_counts_as_one(make: Make, fault: Fault) -> None:
    bench = make(limit=2, concurrency=1, clock=FakeClock())
    with bench.run.leased(bench.model, LoadConfig()) as leased:
        bench.server.on("POST", CHAT, fault, times=2)
        cell = bench.run.evaluate(TASK, leased)
    assert (cell.n, cell.unscored, cell.score) == (2, 0, 1.0)
    assert [sample.attempts for sample in bench.records(SampleRecord)] == [3, 1]


def test_a_sample_whose_text_had_begun_is_not_asked_again(make: Make) -> None:
    bench = make(limit=1, clock=FakeClock())
    with bench.run.leased(bench.model, LoadConfig()) as leased:
        bench.server.on("POST", CHAT, Cut(_up_to_the_first_delta(bench, leased.address)))
        cell = bench.run.evaluate(TASK, leased)
    assert cell.outcomes == {"server_error": 1}
    assert [sample.attempts for sample in bench.records(SampleRecord)] == [1]


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
    # Each is asked three times, with two looks at what is loaded; two more may have begun when the fifth one counts.
    assert asked <= 7 * (3 + 2)
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
        def task(
            self, model_key: str, task: str, total: int, known: Sequence[KeptAnswer] = ()
        ) -> Iterator[Callable[[Answer], None]]:
            def interrupt(_: Answer) -> None:
                raise KeyboardInterrupt

            yield interrupt

    bench.run.progress = Interrupting()
    with pytest.raises(KeyboardInterrupt):
        bench.evaluate()
    bench.run.close(exit_code=2, interrupted=True)
    outcomes = [sample.outcome for sample in bench.records(SampleRecord)]
    assert "ok" in outcomes
    assert set(outcomes) == {"ok", "cancelled"}
    assert bench.records(SummaryRecord) == []
    assert bench.records(EndRecord)[0].interrupted
    assert bench.server.loaded == []
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("slot-") and thread.is_alive()]
