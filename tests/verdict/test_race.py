"""A race in the runner: when it stops, what it then says, and that it alarms falsely no more often than promised."""

import random
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from harness.client.http import Client
from harness.domain.answer import Answer, Job
from harness.domain.generation import ChatRequest, Outcome
from harness.domain.model import LoadConfig
from harness.domain.record import ComparisonRecord, SampleRecord, ScoreRecord, SummaryRecord
from harness.domain.sample import Sample
from harness.domain.score import Score
from harness.report.table import render
from harness.run.run import Run
from harness.settings import Settings
from harness.stats.reducer import mean
from harness.stats.sequential import SprtState
from harness.store.reader import read_run
from harness.store.run_file import RunFile
from harness.task.task import Task
from harness.testing.message import Request
from harness.testing.scripted import ScriptedServer
from harness.verdict.race import Race

KEY = "acme/tiny-1b"


class Right:
    """1 for the answer "right"."""

    name = "right"
    version = "1"

    def __call__(self, output: str, target: Any) -> Score:
        return Score(value=float(output == target), passed=output == target)


class Silent:
    """Shows no progress."""

    def note(self, line: str) -> None:
        pass

    @contextmanager
    def task(self, model_key: str, task: str, total: int) -> Iterator[Callable[[Answer], None]]:
        yield lambda _: None


def planted(name: str, passes: Callable[[int], bool], *, cluster: Callable[[int], str] = lambda _: "") -> Task:
    """A task whose n-th item the double answers rightly if `passes` says so."""

    def samples(seed: int, n: int) -> list[Sample]:
        return [
            Sample(
                item_id=f"{name}-{i}", prompt=f"{'right' if passes(i) else 'wrong'} {i}", target="right",
                cluster_id=cluster(i),
            )
            for i in range(n)
        ]  # fmt: skip

    return Task(name=name, task_class=name, generate=samples, scorer=Right(), max_output_tokens=20, prompt_tokens=40)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as scripted:
        scripted.reply_with(lambda request: request.prompt.partition(" ")[0])
        yield scripted


Make = Callable[..., Run]


@pytest.fixture
def make(server: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    monkeypatch.setenv("LMS_HARNESS_STATE", str(tmp_path / "state"))
    runs: list[Run] = []

    def build(*, tasks: tuple[str, ...] = (), **settings: Any) -> Run:
        client = Client(server.url, token="lmstudio")
        given = {"race": True, "results": tmp_path / "results", "url": server.url, **settings}
        run = Run(
            Settings(**given), client, server_kind="lm-studio", listing=client.models(), progress=Silent(),
            plan={"tasks": dict.fromkeys(tasks, "hash"), "reference": None},
        )  # fmt: skip
        runs.append(run)
        return run

    yield build
    for run in runs:
        run.recorder._writer.close()
        run.client.close()


def evaluate(run: Run, *tasks: Task) -> list[SummaryRecord]:
    model = next(one for one in run.client.models() if one.key == KEY)
    with run.leased(model, LoadConfig(context_length=2048)) as leased:
        return [run.evaluate(task, leased) for task in tasks]


def recorded(run: Run, kind: type[Any]) -> list[Any]:
    return [one for one in read_run(run.path) if isinstance(one, kind)]


def test_a_model_that_fails_is_stopped_after_six_items_and_what_was_in_flight_is_no_wrong_answer(
    make: Make, server: ScriptedServer
) -> None:
    asked: list[str] = []
    lock, decided = threading.Lock(), threading.Event()

    def reply(request: Request) -> str:
        word, _, number = request.prompt.partition(" ")
        if not number.isdecimal():
            return "hello"
        with lock:
            asked.append(request.prompt)
        if int(number) > 5:
            decided.wait(20)  # These are in flight when the sixth answer decides.
        return word

    server.reply_with(reply)
    run = make(limit=60)
    (cell,) = evaluate(run, planted("fails", lambda _: False))
    decided.set()
    run.close(exit_code=0)
    assert (cell.n, cell.planned, cell.unscored, cell.stopped_early) == (6, 60, 0, True)
    assert (cell.score, cell.interval, cell.by_tier) == (None, "confidence-sequence", {})
    assert (cell.race["decision"], cell.race["floor"], cell.race["observations"]) == ("decided against", 0.8, 6)
    assert len(asked) <= 6 + 4
    samples = recorded(run, SampleRecord)
    assert cell.race["asked"] == len(samples) == cell.outcomes["ok"] + cell.outcomes["cancelled"]
    values = {one.sample_uid: one.value for one in recorded(run, ScoreRecord)}
    assert {values[one.sample_uid] for one in samples if one.outcome == "cancelled"} == {None}
    (verdict,) = recorded(run, ComparisonRecord)
    assert (verdict.verdict, verdict.floor, verdict.reference) == ("worse", 0.8, None)


def test_the_table_says_what_was_stopped_and_saved_and_gives_no_mean(make: Make) -> None:
    run = make(limit=60, concurrency=1)
    evaluate(run, planted("fails", lambda _: False))
    run.close(exit_code=0)
    for width in (110, 40):
        text = " ".join(render(RunFile.read(run.path), width=width).split())
        assert "early [0.00, 0." in text
        assert "decided against the floor (0.8, the default) after 6 items" in text
        assert re.search(r"5[34] of 60 questions were not asked", text)  # The seventh may be on its way already.
        assert "worse" in text


def test_a_model_that_passes_is_decided_for_and_not_worse_within_the_margin(make: Make) -> None:
    run = make(limit=60, floors={"passes": 0.7}, margin=0.1)
    (cell,) = evaluate(run, planted("passes", lambda _: True))
    run.close(exit_code=0)
    assert (cell.stopped_early, cell.race["decision"]) == (True, "decided for")
    assert cell.race["p0"] == pytest.approx(0.6)
    (verdict,) = recorded(run, ComparisonRecord)
    assert (verdict.verdict, verdict.difference) == ("not worse", None)
    assert "a score of 0.6 or less is ruled out" in verdict.reason


def test_what_is_never_decided_is_reported_as_without_a_race(make: Make) -> None:
    task = planted("even", lambda i: i % 5 != 0)
    cells = [evaluate(make(limit=20, race=race), task)[0] for race in (True, False)]
    raced, usual = (cell.model_dump(include={"n", "score", "low", "high", "interval", "planned"}) for cell in cells)
    assert raced == usual
    assert (cells[0].race["decision"], cells[0].stopped_early) == ("go on", False)
    assert cells[1].race == {}


def test_a_decision_by_the_last_item_cuts_nothing_off(make: Make) -> None:
    (cell,) = evaluate(make(limit=6), planted("fails", lambda _: False))
    assert (cell.race["decision"], cell.stopped_early) == ("decided against", False)
    assert (cell.score, cell.interval) == (0.0, "wilson")


def test_a_race_in_the_runner_alarms_falsely_no_more_often_than_promised(make: Make, server: ScriptedServer) -> None:
    """Planted rate .75, floor .8 less margin .05. Wrong answers are slow: by order of completion it would be fooled."""
    rng, cells = random.Random(11), 60
    plans = [[rng.random() < 0.75 for _ in range(50)] for _ in range(cells)]

    def reply(request: Request) -> str:
        word = request.prompt.partition(" ")[0]
        if word == "wrong":
            time.sleep(0.01)
        return word

    server.reply_with(reply)
    summaries = evaluate(make(limit=50), *(planted(f"task{k}", plan.__getitem__) for k, plan in enumerate(plans)))
    # At most 5 % of 60 are 3; more than 9 come by chance in 1 of 1,000 such tests.
    assert sum(one.race["decision"] == "decided for" for one in summaries) <= 9
    assert any(one.stopped_early for one in summaries)
    for plan, cell in zip(plans, summaries, strict=True):
        expected = race_of(plan)
        assert (cell.race["decision"], cell.race["observations"]) == (expected.test.progress, expected.test.n)


def race_of(passes: list[bool]) -> Race:
    """What the test says when it is fed in planned order."""
    jobs = jobs_of(len(passes))
    race = Race(jobs, floor=0.8, margin=0.05, reducer=("mean", mean))
    for job, passed in zip(jobs, passes, strict=True):
        race.take(answer(job, float(passed)))
    return race


def jobs_of(n: int, *, epochs: int = 1, clusters: int | None = None) -> list[Job]:
    request = ChatRequest(model=KEY, input="x")
    samples = [
        Sample(item_id=f"i{i}", prompt=f"p{i}", target="x", cluster_id=str(i % clusters) if clusters else "")
        for i in range(n)
    ]
    return [Job(sample=one, epoch=epoch, request=request) for epoch in range(1, epochs + 1) for one in samples]


def answer(job: Job, value: float | None) -> Answer:
    if value is None:
        return Answer(job=job, outcome=Outcome.SERVER_ERROR)
    return Answer(job=job, outcome=Outcome.OK, score=Score(value=value, passed=value == 1))


def alarms(rng: random.Random, *, runs: int, rate: float, clusters: int | None = None) -> dict[SprtState, float]:
    """Feed planted answers in an order in which the right ones come first among those in flight."""
    counts = dict.fromkeys(SprtState, 0.0)
    for _ in range(runs):
        race = Race(jobs_of(120, clusters=clusters), floor=0.8, margin=0.05, reducer=("mean", mean))
        flight: list[Answer] = []
        for job in race.jobs:
            flight.append(answer(job, float(rng.random() < rate)))
            if len(flight) == 4:
                flight.sort(key=lambda one: one.score.value if one.score and one.score.value else 0.0)
                if race.take(flight.pop()):
                    break
        counts[race.test.progress] += 1 / runs
    return counts


@pytest.mark.parametrize(("rate", "wrong"), [(0.75, SprtState.FOR), (0.85, SprtState.AGAINST)])
@pytest.mark.parametrize("clusters", [None, 40])
def test_false_alarms_stay_below_five_percent_whatever_comes_back_first(
    rate: float, wrong: SprtState, clusters: int | None
) -> None:
    assert alarms(random.Random(12), runs=800, rate=rate, clusters=clusters)[wrong] <= 0.05


@pytest.mark.torture
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(("rate", "wrong"), [(0.75, SprtState.FOR), (0.85, SprtState.AGAINST)])
def test_false_alarms_stay_below_five_percent_in_twenty_thousand_races(rate: float, wrong: SprtState) -> None:
    assert alarms(random.Random(13), runs=20_000, rate=rate)[wrong] <= 0.05


def test_answers_out_of_turn_wait_for_those_before_them() -> None:
    race = Race(jobs_of(30), floor=0.8, margin=0.05, reducer=("mean", mean))
    for job in race.jobs[1:]:
        assert not race.take(answer(job, 0.0))
    assert race.observations == []
    assert race.take(answer(race.jobs[0], 0.0))
    assert len(race.used) == 6
    assert [one.job.sample.item_id for one in race.used] == [f"i{i}" for i in range(6)]


def test_items_of_one_cluster_are_asked_together_and_are_one_observation() -> None:
    race = Race(jobs_of(12, epochs=2, clusters=4), floor=0.8, margin=0.05, reducer=("mean", mean))
    assert [job.sample.cluster_id for job in race.jobs] == [str(i // 6) for i in range(24)]
    for number, job in enumerate(race.jobs[:6]):
        race.take(answer(job, float(number < 3)))
    assert race.observations == [0.5]
    assert race.clusters == 4


def test_a_lost_answer_holds_the_decision_back() -> None:
    whole, lossy = (Race(jobs_of(30), floor=0.8, margin=0.05, reducer=("mean", mean)) for _ in range(2))
    for number, job in enumerate(whole.jobs[:6]):
        whole.take(answer(job, 0.0))
        lossy.take(answer(job, None if number == 0 else 0.0))
    assert (whole.is_over, lossy.is_over) == (True, False)
    assert lossy.observations[0] is None
