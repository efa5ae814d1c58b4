"""A run that died is gone on with: the result is that of a whole one, and nothing is asked twice."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from harness.client.http import Client
from harness.domain.model import Capabilities, LoadConfig, Model
from harness.domain.record import InstanceRecord, MeasureRecord, PromptRecord, RunRecord, SampleRecord
from harness.domain.sample import Sample
from harness.domain.score import Score
from harness.errors import LeaseError, SettingsError, StoreError
from harness.run.plan.plan import Plan, load_config
from harness.run.resume.resume import Resumption, with_parent
from harness.run.run import Run
from harness.selection.selection import Selection
from harness.settings import OPTIONS, Settings
from harness.store.reader import read_run
from harness.store.run_file import RunFile
from harness.store.run_folder import last_unfinished
from harness.task.task import Task
from harness.testing.scripted import ScriptedServer
from tests.run.silent import Silent
from tests.torture.resume_campaign import result, speak

KEY = "acme/tiny-1b"
CHAT = "/api/v1/chat"
DEFAULTS = {option.name: "default" for option in OPTIONS}


@dataclass(frozen=True)
class Echo:
    version: str = "1"
    name: str = "echo"

    def __call__(self, output: str, target: Any) -> Score:
        return Score(value=float(output == target), passed=output == target)


def samples(seed: int, n: int) -> list[Sample]:
    return [Sample(item_id=f"{seed}-{i}", prompt=f"say {seed} {i}", target=f"say {seed} {i}") for i in range(n)]


def backwards(seed: int, n: int) -> list[Sample]:
    return samples(seed, n)[::-1]


TASK = Task(name="echo", task_class="echo", generate=samples, scorer=Echo(), max_output_tokens=20, prompt_tokens=40)


class Bench:
    """Runs against one scripted server, one after the other."""

    def __init__(self, server: ScriptedServer, folder: Path) -> None:
        self.server = server
        self.settings = Settings(
            limit=6, results=folder / "results", url=server.url, models=(KEY,), source=DEFAULTS, concurrency=1
        )

    @property
    def model(self) -> Model:
        with Client(self.server.url, token="lmstudio") as client:
            return next(model for model in client.models() if model.key == KEY)

    def resumption(self, path: Path, task: Task = TASK, **changed: Any) -> Resumption:
        return Resumption(
            parent=RunFile.read(path),
            models=[self.model],
            tasks=[task],
            settings=replace(self.settings, **changed),
            tests={KEY: ["test_echo"]},
        )

    def run(
        self, resumed: Resumption | None = None, *, task: Task = TASK, meanwhile: Callable[[Path], object] = str
    ) -> Path:
        settings = resumed.settings if resumed else self.settings
        with Client(self.server.url, token="lmstudio") as client:
            plan = Plan(selection=Selection(models=(self.model,), reason=""), tasks=(task,), settings=settings)
            run = Run(
                settings,
                client,
                server_kind="lm-studio",
                listing=client.models(),
                progress=Silent(),
                plan=plan.as_dict(),
                resumed=resumed,
            )
            try:
                if resumed is not None and KEY in resumed.complete:
                    return run.path
                with run.leased(self.model, load_config(self.model, [task], settings)) as leased:
                    run.evaluate(task, leased)
                    run.recorder.measure("ttft_s", 0.1, "s", model=self.model)
                    run.recorder.item("test_echo", "passed", model_key=KEY)
                meanwhile(run.path)
            finally:
                run.close(exit_code=0)
            return run.path

    def asked(self) -> list[str]:
        return [chat["input"] for chat in self.server.asked("POST", CHAT) if chat["input"].startswith("say ")]


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setenv("LMS_HARNESS_STATE", str(tmp_path / "state"))
    with ScriptedServer() as server:
        server.reply_with(speak)
        yield Bench(server, tmp_path)


def cut(path: Path, at: int) -> Path:
    """What a death leaves of a run file when so many bytes were written."""
    torn = path.with_name("20000101T000000Z-dead.jsonl")
    torn.write_bytes(path.read_bytes()[:at])
    return torn


def before(path: Path, kind: str, number: int) -> int:
    """Where the n-th record of a kind begins."""
    lines = path.read_bytes().splitlines(keepends=True)
    places = [i for i, line in enumerate(lines) if line.startswith(f'{{"kind":"{kind}"'.encode())]
    return sum(map(len, lines[: places[number]]))


@pytest.mark.parametrize("part", [0.3, 0.45, 0.6, 0.75, 0.9, 0.99])
def test_wherever_a_run_is_cut_the_resumed_one_reads_as_a_whole_one(bench: Bench, part: float) -> None:
    whole = bench.run()
    torn = cut(whole, int(whole.stat().st_size * part))
    there = {record.item_id for record in read_run(torn) if isinstance(record, SampleRecord)}
    seen = len(bench.asked())
    resumed = bench.run(bench.resumption(torn))
    assert result(list(read_run(resumed))) == result(list(read_run(whole)))
    assert len(bench.asked()) - seen == 6 - len(there)
    head = next(read_run(resumed))
    assert isinstance(head, RunRecord)
    assert head.parent_run_id == next(read_run(whole)).run_id
    assert {record.run_id for record in read_run(resumed)} == {head.run_id}


def test_a_resumed_run_that_dies_can_be_resumed_itself(bench: Bench) -> None:
    whole = bench.run()
    first = bench.run(bench.resumption(cut(whole, before(whole, "sample", 2))))
    # Dead as soon as its file was there: nothing but what it took over, and the instance that gave those answers.
    second = cut(first, before(first, "instance", 1))
    seen = len(bench.asked())
    assert result(list(read_run(bench.run(bench.resumption(second))))) == result(list(read_run(whole)))
    assert len(bench.asked()) - seen == 4


def test_an_answer_without_its_score_is_judged_and_not_asked_again(bench: Bench) -> None:
    whole = bench.run()
    torn = cut(whole, before(whole, "score", 3))
    seen = len(bench.asked())
    resumed = bench.run(bench.resumption(torn))
    assert result(list(read_run(resumed))) == result(list(read_run(whole)))
    assert len(bench.asked()) - seen == 2


def test_what_the_server_took_is_asked_again_and_what_the_model_failed_is_not(bench: Bench) -> None:
    bench.server.reply_with(lambda request: "" if request.prompt.endswith("1") else request.prompt)
    whole = bench.run()
    lines = [json.loads(line) for line in whole.read_text().splitlines()]
    for line in lines:
        if line["kind"] == "sample":
            line["outcome"] = {"0-0": "timeout", "0-2": "server_error", "0-3": "cancelled"}.get(
                line["item_id"], line["outcome"]
            )
    whole.write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines))
    seen = len(bench.asked())
    path = bench.run(bench.resumption(whole))
    assert bench.asked()[seen:] == ["say 0 2", "say 0 3"]
    outcomes = {record.item_id: record.outcome for record in read_run(path) if isinstance(record, SampleRecord)}
    assert outcomes == {"0-0": "timeout", "0-1": "empty", **{f"0-{i}": "ok" for i in range(2, 6)}}


def test_a_complete_model_is_carried_over_whole_and_an_interrupted_one_is_measured_anew(bench: Bench) -> None:
    whole = bench.run()
    complete = bench.resumption(whole)
    assert complete.complete == {KEY}
    assert complete.is_nothing_missing
    assert any(isinstance(record, MeasureRecord) for record in complete.carried())
    died_late = bench.resumption(cut(whole, before(whole, "end", 0)))
    assert died_late.is_all_there
    assert not died_late.is_nothing_missing
    interrupted = bench.resumption(cut(whole, before(whole, "item", 0)))
    assert interrupted.complete == set()
    assert not any(isinstance(record, MeasureRecord) for record in interrupted.carried())
    assert len([record for record in interrupted.carried() if isinstance(record, InstanceRecord)]) == 1


def test_a_larger_limit_and_another_order_are_no_difference(bench: Bench) -> None:
    whole = bench.run()
    larger = bench.resumption(whole, limit=8)
    larger.check_same()
    seen = len(bench.asked())
    bench.run(larger)
    assert bench.asked()[seen:] == ["say 0 6", "say 0 7"]
    turned = replace(TASK, generate=backwards)
    bench.resumption(whole, turned).check_same()
    assert bench.resumption(whole, turned).complete == {KEY}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"seed": 1}, "seed: 0 then, 1 now"),
        ({"limit": 5}, "limit: 6 then, 5 now"),
        ({"context_length": 4096}, "context length: not set then, 4096 now"),
        ({"max_output_tokens": 7}, "max output tokens: not set then, 7 now"),
        ({"sample_deadline_s": 9.0}, "sample deadline: 300.0 then, 9.0 now"),
        ({"task": replace(TASK, scorer=Echo(version="2"))}, "task echo: scored by echo 1 then, by echo 2 now"),
        ({"task": replace(TASK, generate=lambda _, n: samples(5, n))}, "task echo: its samples have changed"),
        ({"task": replace(TASK, max_output_tokens=9)}, "acme/tiny-1b echo: max output tokens: 20 then, 9 now"),
        ({"task": replace(TASK, prompt_tokens=9000)}, "acme/tiny-1b: context length to load with: 2048 then"),
    ],
)
def test_what_differs_is_shown(bench: Bench, changed: dict[str, Any], said: str) -> None:
    whole = bench.run()
    with pytest.raises(SettingsError) as caught:
        bench.resumption(whole, **changed).check_same()
    assert said in str(caught.value)
    assert caught.value.exit_code == 2
    # What can be done depends on what differs: an option is left out, a task or a model stays changed.
    assert caught.value.hint.startswith("Settings that you leave out are taken from that run.")
    assert "Where a task or a model has changed, start a new run" in caught.value.hint


def test_another_model_of_that_name_is_shown(bench: Bench) -> None:
    whole = bench.run()
    now = bench.resumption(whole)
    for other, said in (
        (replace(bench.model, size_bytes=1), "size bytes: 700000000 then, 1 now"),
        (replace(bench.model, selected_variant="q2"), "another variant of the model is selected now: q2"),
    ):
        with pytest.raises(SettingsError) as caught:
            replace(now, models=[other]).check_same()
        assert said in str(caught.value)


@pytest.mark.parametrize("turns", [(), ("Hello",)])
def test_functions_that_go_another_way_now_are_shown_and_those_that_cannot_are_no_difference(
    bench: Bench, turns: tuple[str, ...]
) -> None:
    def with_tools(seed: int, n: int) -> list[Sample]:
        return [replace(sample, tools=({"name": "ping"},), turns=turns) for sample in samples(seed, n)]

    task = replace(TASK, generate=with_tools, tools_tokens=50)
    now = bench.resumption(bench.run(task=task), task=task)
    trained = replace(now, models=[replace(bench.model, capabilities=Capabilities(trained_for_tool_use=True))])
    if turns:
        trained.check_same()
        return
    with pytest.raises(SettingsError) as caught:
        trained.check_same()
    assert "acme/tiny-1b echo: functions: sent in the prompt then, through the API's tools now" in str(caught.value)


def test_answers_of_another_effective_config_are_not_mixed(bench: Bench) -> None:
    whole = bench.run()
    torn = cut(whole, before(whole, "sample", 3))
    bench.server.load(KEY, LoadConfig(context_length=8192))  # It fits what is asked for, and is reused.
    seen = len(bench.asked())
    with pytest.raises(LeaseError, match="cannot be combined"):
        bench.run(bench.resumption(torn))
    assert len(bench.asked()) == seen


def test_a_run_on_a_model_that_was_loaded_already_is_resumed_too(bench: Bench) -> None:
    bench.server.load(KEY, LoadConfig(context_length=8192))
    whole = bench.run()
    torn = cut(whole, before(whole, "sample", 3))
    resumed = bench.run(bench.resumption(torn))
    assert result(list(read_run(resumed))) == result(list(read_run(whole)))
    assert len(bench.asked()) == 6 + 3


def test_what_is_not_given_is_as_it_was_and_the_folder_too(bench: Bench) -> None:
    path = bench.run()
    given = Settings(resume=str(path), source={**DEFAULTS, "resume": "--lms-resume"}, seed=0)
    now = with_parent(given)
    assert (now.limit, now.models, now.url, now.concurrency) == (6, (KEY,), bench.server.url, 1)
    assert now.results == path.parent
    assert now.source["limit"] == f"run {path.stem}"
    chosen = with_parent(replace(given, limit=9, source={**DEFAULTS, "limit": "--lms-limit"}))
    assert chosen.limit == 9


def test_own_tasks_that_are_not_in_this_folder_are_named_with_what_to_do(bench: Bench, tmp_path: Path) -> None:
    """A run file has their path as the user wrote it, and says nothing about the folder that it began in."""
    own = tmp_path / "mine"
    own.mkdir()
    bench.settings = replace(bench.settings, own_tasks=own)
    path = bench.run()
    assert with_parent(Settings(resume=str(path), source=DEFAULTS)).own_tasks == own
    own.rmdir()
    with pytest.raises(StoreError, match="there is no such folder here") as caught:
        with_parent(Settings(resume=str(path), source=DEFAULTS))
    assert "Resume it in the folder in which it was started, or add" in (caught.value.hint or "")
    given = {**DEFAULTS, "own_tasks": "--lms-tasks"}
    assert with_parent(Settings(resume=str(path), own_tasks=tmp_path, source=given)).own_tasks == tmp_path


def test_the_last_one_is_the_newest_that_is_neither_finished_nor_resumed(bench: Bench) -> None:
    whole = bench.run()
    results = whole.parent
    with pytest.raises(StoreError, match="no unfinished run"):
        last_unfinished(results)
    (results / "20991231T000000Z-torn.jsonl").write_text('{"kind":"run","sch')
    torn = cut(whole, before(whole, "sample", 3))
    assert last_unfinished(results) == torn
    whole.unlink()
    torn = torn.rename(results / f"{next(read_run(torn)).run_id}.jsonl")
    resumed = bench.run(bench.resumption(torn))
    with pytest.raises(StoreError, match="no unfinished run"):
        last_unfinished(results)
    assert resumed.exists()


def test_a_run_that_is_still_going_is_not_resumed(bench: Bench) -> None:
    def resume(path: Path) -> None:
        with pytest.raises(StoreError, match="its run is still going"):
            with_parent(Settings(resume=str(path), source=DEFAULTS))

    with_parent(Settings(resume=str(bench.run(meanwhile=resume)), source=DEFAULTS))


def test_a_file_that_is_no_run_is_refused(tmp_path: Path) -> None:
    for text in ("", '{"kind":"run","sch', "hello\n"):
        path = tmp_path / "some.jsonl"
        path.write_text(text)
        with pytest.raises(StoreError):
            with_parent(Settings(resume=str(path), source=DEFAULTS))
    with pytest.raises(StoreError, match="cannot read"):
        with_parent(Settings(resume=str(tmp_path / "none.jsonl"), source=DEFAULTS))


def prompts(path: Path) -> list[str]:
    return [record.prompt for record in read_run(path) if isinstance(record, PromptRecord)]


def test_each_prompt_stands_once_in_a_resumed_run_and_before_its_sample(bench: Bench) -> None:
    bench.settings = replace(bench.settings, epochs=2)
    whole = bench.run()
    resumed = bench.run(bench.resumption(cut(whole, before(whole, "sample", 8))))
    assert prompts(resumed) == prompts(whole) == [f"say 0 {i}" for i in range(6)]
    known = set()
    for record in read_run(resumed):
        if isinstance(record, PromptRecord):
            known.add(record.prompt_hash)
        assert not isinstance(record, SampleRecord) or record.prompt_hash in known
    again = bench.run(bench.resumption(resumed))  # Complete: everything is taken over.
    assert prompts(again) == prompts(whole)


def test_a_resumed_run_writes_the_prompts_that_the_earlier_file_lacks(bench: Bench) -> None:
    whole = bench.run()
    lines = whole.read_bytes().splitlines(keepends=True)
    whole.write_bytes(b"".join(line for line in lines if not line.startswith(b'{"kind":"prompt"')))
    torn = cut(whole, before(whole, "sample", 4))
    assert prompts(torn) == []
    assert prompts(bench.run(bench.resumption(torn))) == [f"say 0 {i}" for i in range(6)]


def test_a_run_without_prompts_is_resumed_without_them(bench: Bench) -> None:
    bench.settings = replace(bench.settings, no_prompts=True)
    whole = bench.run()
    torn = cut(whole, before(whole, "sample", 4))
    assert with_parent(Settings(resume=str(torn), source=DEFAULTS)).no_prompts
    assert prompts(bench.run(bench.resumption(torn))) == []
