"""The thorough throughput: a ladder of concurrency and the flip rate, on a scripted LM Studio."""

import os
from collections import Counter
from pathlib import Path

from harness.domain.record import MeasureRecord, Record, SkipRecord
from harness.store.reader import read_run
from harness.testing.fault import Status
from harness.testing.message import Request
from harness.testing.scripted import ScriptedServer
from suites.latency.ladder import WINDOWS, steps
from suites.latency.test_throughput import FLIP_QUESTIONS
from tests import forkserver

from .test_smoke import CHAT, KEY, ROOT

_SLOTS = 2
_FLIPPED = 3


def test_the_steps_lead_to_the_slots_and_past_them() -> None:
    assert [steps(slots) for slots in (1, 2, 3, 4, 6)] == [
        [1, 2],
        [1, 2, 4],
        [1, 2, 3, 6],
        [1, 2, 4, 8],
        [1, 2, 4, 6, 12],
    ]


class _Speaker:
    """Answers in other words the first time, as from a cold cache; three of the questions in others the third time."""

    def __init__(self) -> None:
        self._times: Counter[str] = Counter()
        self._changed: set[str] = set()

    def __call__(self, request: Request) -> str:
        question = str(request.json)
        self._times[question] += 1
        if self._times[question] == 1:
            return "words from a cold cache"
        if self._times[question] == 3 and (question in self._changed or len(self._changed) < _FLIPPED):
            self._changed.add(question)
            return "other words than before"
        return "four words or so"


def thorough(server: ScriptedServer, tmp_path: Path, only: str) -> tuple[str, list[Record]]:
    """Run tests of the suite with `--lms-thorough`; return what was printed, and the records."""
    words = ("-p", "no:cacheprovider", "suites/latency/test_throughput.py", f"--lms-model={KEY}", "--lms-thorough")
    environ = {**os.environ, "LMS_HARNESS_STATE": str(tmp_path / "state"), "COLUMNS": "100"}
    where = (f"--lms-url={server.url}", f"--lms-results={tmp_path}", "-k", only)
    done = forkserver.run("pytest", *words, *where, cwd=ROOT, env=environ)
    assert done.returncode == 0, done.stdout + done.stderr
    assert server.loaded == []
    (path,) = tmp_path.glob("*.jsonl")
    return " ".join(done.stdout.split()), list(read_run(path))


def test_a_thorough_run_climbs_a_ladder_and_counts_flips(tmp_path: Path) -> None:
    with ScriptedServer(parallel=_SLOTS, token_s=0.001) as server:
        server.reply_with(_Speaker())
        said, records = thorough(server, tmp_path, "more_and_more or same_answers")
    found: dict[tuple[str, int], list[MeasureRecord]] = {}
    for record in records:
        if isinstance(record, MeasureRecord):
            found.setdefault((record.name, record.params["concurrency"]), []).append(record)
    for concurrency in (1, _SLOTS, 2 * _SLOTS):
        for name in ("tps", "occupancy", "ttft_s", "tpot_s", "client_s", "dispatch_s"):
            measures = found["ladder_" + name, concurrency]
            assert [measure.round for measure in measures] == list(range(1, WINDOWS + 1)), (name, concurrency)
            assert all(measure.value >= 0 for measure in measures)
        assert {measure.params["requests"] for measure in measures} == {2 * concurrency}
    assert {concurrency for name, concurrency in found if name == "ladder_queue_s"} == {2 * _SLOTS}
    flips = {concurrency: measures for (name, concurrency), measures in found.items() if name == "flip_rate"}
    assert [measure.params["flipped"] for measure in flips[_SLOTS]] == [_FLIPPED]
    assert [measure.value for measure in flips[1]] == [0.0]
    assert flips[1][0].params["questions"] == FLIP_QUESTIONS
    assert f"{KEY}: up to 4 requests at a time, {1 + WINDOWS} rounds ..." in said
    assert f"{KEY}: 30 questions singly, 2 at a time, and singly again ..." in said
    assert f"{KEY}, 2 slots, {WINDOWS} windows a step:" in said
    assert "3 of 30 [0.03, 0.26] 2 at a time; 0 of 30 [0.00, 0.11] asked singly again." in said


def test_a_server_that_lets_no_request_wait_is_measured_up_to_its_slots(tmp_path: Path) -> None:
    full = {"error": {"type": "server_busy", "message": "too many requests"}}
    with ScriptedServer(parallel=1, token_s=0.001) as server:
        server.reply_with(lambda _: "four words or so")
        # After the warm-up and the two single requests of the first round.
        server.on("POST", CHAT, Status(503, full), after=3, times=1)
        said, records = thorough(server, tmp_path, "more_and_more")
    steps_seen = {record.params["concurrency"] for record in records if isinstance(record, MeasureRecord)}
    assert steps_seen == {1}
    (skip,) = (record for record in records if isinstance(record, SkipRecord))
    assert f"Skipped: {KEY} {skip.task}: {skip.reason}" in said
    assert skip.task == "throughput with 2 requests at a time"
    assert skip.reason == "too many requests"
