"""How long the requests of a fitted task may be, how many are asked at a time, and what the plan tells of it."""

import json
import tracemalloc
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from harness.domain.model import Capabilities, Instance, InstanceId, LoadConfig, Model, ModelKey
from harness.domain.sample import Sample
from harness.errors import SettingsError
from harness.own_task.own_task import load_own_tasks
from harness.run.ask.room import room_tokens, slots_for
from harness.run.plan.budget import Basis, CellCost, ModelCost
from harness.run.plan.plan import Plan, by_level, load_config
from harness.scoring.exact import Exact
from harness.selection.selection import Selection
from harness.settings import Settings
from harness.task.task import Task
from tests.own_task.written import write


def as_long_as(_: int, n: int, room: int) -> Sequence[Sample]:
    return [Sample(item_id=f"long-{i}", prompt="x" * room, target="x") for i in range(n)]


FITTED = Task(
    name="long",
    task_class="long",
    generate=lambda seed, n: as_long_as(seed, n, 1000),
    generate_for=as_long_as,
    scorer=Exact(),
    max_output_tokens=40,
    prompt_tokens=960,
)
PLAIN = Task(
    name="plain",
    task_class="plain",
    generate=lambda seed, n: as_long_as(seed, n, 9),
    scorer=Exact(),
    max_output_tokens=100,
    prompt_tokens=156,
)


def model(*, most: int = 32768, reasoning: tuple[str, ...] | None = None, key: str = "acme/tiny") -> Model:
    able = Capabilities(reasoning_options=reasoning)
    return Model(key=ModelKey(key), type="llm", capabilities=able, max_context_length=most)


def plan(settings: Settings, *models: Model, tasks: tuple[Task, ...] = (FITTED, PLAIN)) -> Plan:
    return Plan(selection=Selection(models=models, reason="asked for"), tasks=tasks, settings=settings)


@pytest.mark.parametrize(
    ("settings", "most", "room"),
    [
        (Settings(), 32768, 1000),
        (Settings(concurrency=1), 32768, 1000),
        (Settings(context_length=16384), 32768, 4096),
        (Settings(context_length=16384, concurrency=2), 32768, 8192),
        (Settings(context_length=2048), 32768, 512),
        (Settings(context_length=16384), 8192, 2048),
        (Settings(), 2048, 512),
        (Settings(context_length=16384), 0, 4096),
        (Settings(), 0, 1000),
    ],
)
def test_a_fitted_task_takes_its_own_measure_or_a_slots_share_of_the_context_set(
    settings: Settings, most: int, room: int
) -> None:
    assert room_tokens(FITTED, model(most=most), settings) == room


def test_other_tasks_take_what_they_say_whatever_the_context() -> None:
    assert room_tokens(PLAIN, model(), Settings(context_length=32768)) == 256


def test_reasoning_takes_its_share_of_a_context_that_was_set() -> None:
    thinks = model(reasoning=("low",))
    assert room_tokens(FITTED, thinks, Settings()) == 1000
    assert room_tokens(FITTED, thinks, Settings(context_length=16384)) == 4096 - 2048
    assert room_tokens(FITTED, thinks, Settings(context_length=4096)) == 0


@pytest.mark.parametrize("settings", [Settings(), Settings(concurrency=3), Settings(context_length=20000)])
def test_the_context_that_is_loaded_holds_the_longest_request_of_every_slot(settings: Settings) -> None:
    context = load_config(model(), (FITTED, PLAIN), settings).context_length or 0
    slots = settings.concurrency or 4
    assert slots * max(room_tokens(task, model(), settings) for task in (FITTED, PLAIN)) <= context


@pytest.mark.parametrize(
    ("task", "context", "slots", "concurrency", "count"),
    [
        (FITTED, 4096, 4, None, 4),
        (FITTED, 4096, 16, None, 4),
        (FITTED, 1500, 4, None, 1),
        (FITTED, 500, 4, None, 1),
        (FITTED, None, 4, None, 4),
        (PLAIN, 2048, 4, None, 4),
        (PLAIN, 2048, 16, None, 8),
        (PLAIN, 2048, 4, 16, 16),
    ],
)
def test_no_more_is_asked_at_a_time_than_fits_into_the_context(
    task: Task, context: int | None, slots: int, concurrency: int | None, count: int
) -> None:
    instance = Instance(id=InstanceId("acme/tiny"), config=LoadConfig(context_length=context, parallel=slots))
    assert slots_for(task, model(), instance, Settings(concurrency=concurrency)) == count


def test_the_plan_tells_the_room_of_fitted_tasks_and_runs_of_other_lengths_differ() -> None:
    small, large = model(most=2048, key="acme/small"), model(key="acme/large")
    alone = plan(Settings(limit=2), large).as_dict()
    both = plan(Settings(limit=2), small, large).as_dict()
    longer = plan(Settings(limit=2, context_length=16384), large).as_dict()
    assert alone["room_tokens"] == {"long": {"acme/large": 1000}}
    assert both["room_tokens"] == {"long": {"acme/small": 512, "acme/large": 1000}}
    assert len({plan["tasks"]["long"] for plan in (alone, both, longer)}) == 3
    assert len({plan["tasks"]["plain"] for plan in (alone, both, longer)}) == 1
    assert alone["tasks"]["long"] == FITTED.fingerprint(FITTED.samples(seed=0, limit=2))


def test_what_a_longer_context_costs_is_in_the_estimate() -> None:
    heavy = replace(model(), size_bytes=10**9)
    short, long = (plan(Settings(context_length=context), heavy).seconds(heavy) for context in (4096, 32768))
    assert long > 2 * short


def test_a_run_of_more_than_a_minute_says_what_it_asks_and_how_to_ask_less() -> None:
    heavy = replace(model(), size_bytes=10**9)
    text = plan(Settings(limit=30), heavy).announcement()
    assert text.startswith("This run asks 60 samples of 2 tasks, 1 model: about ")
    assert "(a rough guess from sizes). Less with setting `budget_s = " in text
    assert "of 1 task, 1 model" in plan(Settings(limit=60), heavy, tasks=(PLAIN,)).announcement()
    assert "Less" not in plan(Settings(limit=30, budget_s=60.0), heavy).announcement()
    assert plan(Settings(limit=1, latency_budget_s=1.0), model()).announcement() == ""
    rounds = plan(Settings(limit=120, until_decided=True), heavy).announcement().splitlines()
    assert rounds[0].startswith("This run asks 30 samples of 2 tasks")
    assert rounds[1].startswith("These are the first 15 samples of each task. Then up to 30, 60, 120 are asked of")


def test_measuring_in_full_takes_longer_than_the_latency_budget_and_says_so() -> None:
    heavy = replace(model(), size_bytes=4 * 10**9)
    short, full = (replace(plan(Settings(thorough=thorough), heavy), suites=("latency",)) for thorough in (False, True))
    assert full.seconds(heavy) > short.seconds(heavy) + 10 * Settings().latency_budget_s
    assert full.expected()[0].fixed_s > short.expected()[0].fixed_s + 10 * Settings().latency_budget_s
    thinks = replace(heavy, capabilities=Capabilities(reasoning_options=("low",)))
    assert full.seconds(thinks) > full.seconds(heavy) + 60
    assert any(note.startswith("Latency is measured in full: about ") for note in full.notes())
    assert "Latency is measured in full: about " in full.announcement()
    assert short.notes() == []
    (elsewhere,) = plan(Settings(thorough=True), heavy).notes()
    assert elsewhere == "setting `thorough` changes nothing here: it is for the latency suite, which is not run."


def test_latency_in_full_has_room_for_its_longest_prompt_unless_tasks_or_a_loaded_model_say_otherwise() -> None:
    loaded = replace(model(), loaded_instances=(Instance(id=InstanceId("acme/tiny"), config=LoadConfig()),))
    for settings, tasks, on, context in (
        (Settings(thorough=True), (), model(), 8192),
        (Settings(thorough=True), (), model(most=4096), 4096),
        (Settings(thorough=True), (PLAIN,), model(), 2048),
        (Settings(thorough=True), (), loaded, 2048),
        (Settings(thorough=True, context_length=4096), (), model(), 4096),
        (Settings(), (), model(), 2048),
    ):
        assert load_config(on, tasks, settings).context_length == context


@pytest.mark.parametrize(
    ("guesses", "basis", "said"),
    [
        ((True, True), "assumed", "(a rough guess from sizes)"),
        ((True, True), "other models", "(as fast as other models were here)"),
        ((True, False), "assumed", "(partly by earlier runs)"),
        ((False, False), "assumed", "(by earlier runs)"),
    ],
)
def test_an_estimate_says_what_it_rests_on(guesses: tuple[bool, bool], basis: Basis, said: str) -> None:
    small, large = model(key="acme/small"), model(key="acme/large")
    costs = {
        str(key): ModelCost(
            key=key,
            fixed_s=100.0,
            cells={"plain": CellCost(sample_s=1.0, is_guess=is_guess)},
            answer_basis=basis,
        )
        for key, is_guess in zip((small.key, large.key), guesses, strict=True)
    }
    assert said in replace(plan(Settings(limit=2), small, large), costs=costs).announcement()


def test_what_is_expected_counts_what_is_known_and_says_which_times_were_measured() -> None:
    cells = {"long": CellCost(sample_s=2.0, guess_s=1.0), "plain": CellCost(sample_s=9.0, guess_s=9.0, is_guess=True)}
    cost = ModelCost(key="acme/tiny", fixed_s=7.0, cells=cells)
    before = plan(Settings(limit=5, epochs=2), model(), model(key="acme/whole"))
    known = replace(
        before,
        costs={"acme/tiny": cost},
        known={("acme/tiny", "long"): 4, ("acme/whole", "long"): 10},
        complete=frozenset({"acme/whole"}),
    )
    tiny, whole = known.expected()
    assert (tiny.key, tiny.fixed_s) == ("acme/tiny", 7.0)
    assert [(cell.task, cell.total, cell.known, cell.measured_s, cell.guess_s) for cell in tiny.cells] == [
        ("long", 10, 4, 2.0, 1.0),
        ("plain", 10, 0, None, 9.0),
    ]
    assert whole.fixed_s == 0.0
    assert all(cell.known == cell.total for cell in whole.cells)


def test_a_plan_does_not_hold_the_samples_of_a_task_that_makes_them_when_they_are_looked_at(tmp_path: Path) -> None:
    count, letters = 400, 4000
    lines = (json.dumps({"text": f"{number:04d}" * (letters // 4)}) for number in range(count))
    definition = 'data = "rows.jsonl"\nprompt = "{text}"\nscorer = "exact"\ntarget = "text"\n'
    (own,) = load_own_tasks(write(tmp_path, definition, rows="\n".join(lines), name="rows.jsonl"))
    made = plan(Settings(limit=count), model(), tasks=(own.task,))
    tracemalloc.start()
    try:
        assert made.as_dict()["tasks"]
        most_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most_bytes < count * letters / 2


def test_a_key_that_is_also_the_name_of_another_model_at_a_level_is_refused() -> None:
    thinks, other = model(key="m", reasoning=("off", "low")), model(key="m@low")
    both = Selection(models=(thinks, other), reason="named")
    assert by_level(both, "low") == both, "a single level makes no candidates"
    with pytest.raises(SettingsError, match="m@low is the key of a model, and also what m is called") as caught:
        by_level(both, "off,low")
    assert "setting `exclude = m@low`" in str(caught.value.hint)
    also = model(key="m@low", reasoning=("off", "low"))
    names = [candidate.name for candidate in by_level(replace(both, models=(thinks, also)), "off,low").models]
    assert names == ["m@off", "m@low", "m@low@off", "m@low@low"]
