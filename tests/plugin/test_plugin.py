"""The pytest plugin as its users meet it: their own tests, in a pytest of its own, against a scripted LM Studio."""

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.domain.model import LoadConfig
from harness.domain.record import EndRecord, InstanceRecord, SampleRecord, SkipRecord, SummaryRecord
from harness.testing.fault import Call, Ignore, Status
from harness.testing.scripted import ScriptedServer
from tests import forkserver
from tests.plugin.own_pytest import Ended, run_pytest

KEY = "acme/tiny-1b"
OTHER = "acme/small-4b"
CANARY = "sk-canary-91c7"
CHAT = "/api/v1/chat"

OWN_TASK = """
import pytest
from harness import RunTask, Sample, Score, Task

class Echo:
    name, version = "echo", "1"
    def __call__(self, output, target):
        return Score(value=float(output == target), passed=output == target)

def task(name):
    def samples(seed, n):
        told = [f"say {i}" for i in range(n)]
        return [Sample(item_id=f"{name}-{text}", prompt=text, target=text, cluster_id=text) for text in told]
    return Task(name=name, task_class=name, generate=samples, scorer=Echo(), max_output_tokens=20, prompt_tokens=40)

ONE, TWO = task("one"), task("two")

@pytest.mark.lms_task(ONE)
def test_one(lms_run_task: RunTask) -> None:
    lms_run_task(ONE)

@pytest.mark.lms_task(TWO)
def test_two(lms_run_task: RunTask) -> None:
    lms_run_task(TWO)

def test_settings(lms_settings, lms_model, lms_instance, lms_client) -> None:
    assert lms_instance.model.key == lms_model.key
    assert lms_client.url == lms_settings.url
"""


Pytest = Callable[..., Ended]


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as scripted:
        yield scripted


@pytest.fixture
def run(server: ScriptedServer, tmp_path: Path) -> Pytest:
    def call(*words: str, code: str = OWN_TASK, ini: str = "", **environ: str) -> Ended:
        return run_pytest(server, tmp_path, *words, code=code, ini=ini, **environ)

    return call


def test_own_tasks_run_on_every_selected_model_which_is_loaded_once(run: Pytest, server: ScriptedServer) -> None:
    result = run("--lms-model=all", "--lms-limit=5")
    assert result.code == 0, result.out
    assert "6 passed" in result.out
    loads = [(body["model"]) for body in server.asked("POST", "/api/v1/models/load")]
    assert loads == [KEY, OTHER]
    assert server.loaded == []
    records = result.records()
    cells = {(cell.model_key, cell.task): cell.score for cell in records if isinstance(cell, SummaryRecord)}
    assert cells == {(KEY, "one"): 1.0, (KEY, "two"): 1.0, (OTHER, "one"): 1.0, (OTHER, "two"): 1.0}
    # One model is done with before the next is loaded.
    at = [sample.instance_id for sample in records if isinstance(sample, SampleRecord)]
    assert at == sorted(at, key=[KEY, OTHER].index)
    assert "score [95 %]" in result.out
    assert f"{KEY}: loading (700 MB) ..." in result.out
    assert f"{KEY} one: 5 ok" in result.out


def test_without_a_model_it_takes_the_loaded_ones_else_the_smallest(run: Pytest, server: ScriptedServer) -> None:
    run("--lms-limit=1")
    assert [body["model"] for body in server.asked("POST", "/api/v1/models/load")] == [KEY]
    server.load(OTHER, LoadConfig(context_length=8192))
    before = len(server.asked("POST", "/api/v1/models/load"))
    second = run("--lms-limit=1", "--lms-results=second")
    assert second.code == 0, second.out
    assert len(server.asked("POST", "/api/v1/models/load")) == before
    assert server.loaded == [OTHER]


def test_only_the_tasks_that_were_asked_for_run(run: Pytest) -> None:
    result = run("--lms-task=two", "--lms-limit=2")
    assert {cell.task for cell in result.records() if isinstance(cell, SummaryRecord)} == {"two"}
    wrong = run("--lms-task=three")
    assert wrong.code == 2
    assert "no such task: three; collected are: one, two" in wrong.out


def test_quality_alone_never_fails_a_run_and_a_floor_does(run: Pytest, server: ScriptedServer) -> None:
    server.reply_with(lambda _: "nonsense")
    assert run("--lms-limit=4").code == 0
    below = run("--lms-limit=4", "--lms-floor=one=0.5", "--lms-results=floor")
    assert below.code == 1
    assert "one: scored 0.000, below the floor of 0.5" in below.out
    (path,) = Path(below.folder, "floor").glob("*.jsonl")
    command = f"lms-harness show floor/{path.name} --task one --model {KEY} --limit 3"
    assert f"The worst samples: {command}" in below.out
    assert "1 failed, 2 passed" in below.out


class AfterTheWarmUp:
    """Answers the first chat, and fails all others."""

    def __init__(self) -> None:
        self._asked = 0

    def apply(self, call: Call) -> None:
        self._asked += 1
        if self._asked == 1:
            call.send(call.answer())
        else:
            Status(500, {"error": "down"}).apply(call)


def test_a_task_with_fewer_rows_than_the_limit_runs_with_those_it_has(run: Pytest) -> None:
    few = OWN_TASK.replace("for i in range(n)]", "for i in range(min(n, 20))]")
    assert "one has 20 samples, fewer than the limit of 30." in run("--collect-only", code=few).out
    result = run("--lms-task=one", "--lms-epochs=2", code=few)
    assert result.code == 0, result.out
    (cell,) = (record for record in result.records() if isinstance(record, SummaryRecord))
    assert (cell.n, cell.answers) == (20, 40)
    again = run("--lms-resume=last", "--lms-task=one", code=few)
    assert "there is no unfinished run" in again.out


def test_lost_answers_fail_the_item(run: Pytest, server: ScriptedServer) -> None:
    server.on("POST", CHAT, AfterTheWarmUp())
    result = run("--lms-limit=8", "--lms-task=one")
    assert result.code == 1
    assert "8 of 8 answers were lost" in result.out
    assert f"--task one --model {KEY} --limit 3 --outcome server_error" in result.out
    assert server.loaded == []


def test_a_model_that_cannot_be_loaded_is_skipped_with_its_reason_and_the_others_run(
    run: Pytest, server: ScriptedServer
) -> None:
    said = {"error": {"message": "Failed to load LLM: out of memory", "type": "model_load_failed"}}
    server.on("POST", "/api/v1/models/load", Status(500, said), times=1)
    result = run("--lms-model=all", "--lms-limit=2", "-rs")
    assert result.code == 0, result.out
    assert "3 passed, 3 skipped" in result.out
    assert "out of memory" in result.out
    records = result.records()
    assert {skip.model_key for skip in records if isinstance(skip, SkipRecord)} == {KEY}
    assert [instance.error is None for instance in records if isinstance(instance, InstanceRecord)] == [False, True]


def test_a_floor_that_was_not_checked_on_a_model_fails_the_run(run: Pytest, server: ScriptedServer) -> None:
    said = {"error": {"message": "Failed to load LLM: out of memory", "type": "model_load_failed"}}
    server.on("POST", "/api/v1/models/load", Status(500, said), times=1)
    result = run("--lms-model=all", "--lms-limit=2", "--lms-floor=one=0.1")
    assert result.code == 1, result.out
    assert f"NOT MEASURED: the floor of 0.1 for one was not checked on {KEY}: Failed to load LLM" in result.out
    assert [end.exit_code for end in result.records() if isinstance(end, EndRecord)] == [1]


def test_a_run_in_which_every_model_was_skipped_fails(run: Pytest, server: ScriptedServer) -> None:
    said = {"error": {"message": "Failed to load LLM: out of memory", "type": "model_load_failed"}}
    server.on("POST", "/api/v1/models/load", Status(500, said))
    result = run("--lms-limit=2")
    assert result.code == 1, result.out
    assert "NOT MEASURED: no model was measured: the only one was skipped" in result.out


HURRIED = """
from functools import partial
from harness.run import run

run.Leases = partial(run.Leases, settle_s=0.2)  # For so long, not 15 s, it waits twice until the instance is gone.
"""


def test_what_cannot_be_released_ends_the_session_with_7_and_the_command(run: Pytest, server: ScriptedServer) -> None:
    server.on("POST", "/api/v1/models/unload", Ignore())
    result = run("--lms-limit=1", "--lms-task=one", code=HURRIED + OWN_TASK)
    assert result.code == 7
    assert f"lms-harness unload --instance '{KEY}'" in result.out
    ends = [end for end in result.records() if isinstance(end, EndRecord)]
    assert (ends[0].exit_code, ends[0].resident_after) == (7, [KEY])


def test_collect_only_prints_the_plan_and_loads_nothing(run: Pytest, server: ScriptedServer) -> None:
    result = run("--collect-only", "-q", "--lms-model=all")
    assert result.code == 0, result.out
    assert "Plan: 2 models" in result.out
    assert server.asked("POST", "/api/v1/models/load") == []
    assert not (result.folder / "results").exists()
    assert not (result.folder / "state").exists()


def test_the_plan_is_estimated_from_the_last_run(run: Pytest) -> None:
    plan = " ".join(run("--collect-only", "--lms-limit=3").out.split())
    assert "a rough guess from sizes" in plan
    assert "How fast this machine loads is not known: 1 GB/s is assumed." in plan
    assert run("--lms-limit=3").code == 0
    plan = " ".join(run("--collect-only", "--lms-limit=3").out.split())
    assert "from what earlier runs took here" in plan
    assert "Loads are counted as earlier ones of the same model took." in plan


def test_options_come_from_ini_and_environment_too_and_the_command_line_wins(run: Pytest) -> None:
    assert "collected 6 items" in run("--collect-only", ini="lms_models = all").out
    assert "collected 3 items" in run("--collect-only", f"--lms-model={KEY}", ini="lms_models = all").out
    wrong = run(ini="lms_limit = many")
    assert wrong.code != 0
    assert "many" in wrong.out


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--lms-limit=0", "--lms-limit"),
        ("--lms-unload=maybe", "--lms-unload"),
        ("--lms-floor=one", "--lms-floor"),
        ("--lms-max-size=big", "--lms-max-size"),
        ("--lms-url=ftp://x", "ftp://x"),
    ],
)
def test_a_wrong_option_is_one_message(run: Pytest, option: str, said: str) -> None:
    result = run(option)
    assert result.code == 4  # pytest's own code for wrong usage
    assert said in result.out
    assert "Traceback" not in result.out


def test_an_unknown_model_is_exit_code_5_and_names_near_ones(run: Pytest) -> None:
    result = run("--lms-model=acme/tiny-2b")
    assert result.code == 5
    assert KEY in result.out
    assert ("! Stopped: " in result.out, "_pytest" in result.out) == (True, False)


def test_a_failing_assertion_of_a_users_test_still_releases(run: Pytest, server: ScriptedServer) -> None:
    result = run("-x", code="def test_it(lms_instance):\n    assert lms_instance is None\n")
    assert result.code == 1
    assert server.loaded == []


def test_what_a_users_test_loads_by_a_request_is_unloaded_in_the_end(run: Pytest, server: ScriptedServer) -> None:
    code = (
        "from harness import ChatRequest\n"
        "def test_it(lms_client):\n"
        f"    assert lms_client.chat(ChatRequest(model={OTHER!r}, input='Hi', max_output_tokens=3)).loaded_model\n"
    )
    result = run(code=code)
    assert result.code == 0, result.out
    assert server.asked("POST", CHAT)
    assert server.loaded == []


def test_an_instance_that_is_unloaded_under_a_test_fails_it_and_the_samples_do_not_count(
    run: Pytest, server: ScriptedServer
) -> None:
    class UnloadedBefore:
        def apply(self, call: Call) -> None:
            if call.request.prompt == "say 3" and KEY in server.loaded:
                server.unload(KEY)
            call.send(call.answer())

    server.on("POST", CHAT, UnloadedBefore())
    result = run("--lms-limit=10", "--lms-concurrency=1")
    assert result.code == 1, result.out
    assert "InstanceLost" in result.out
    assert "crashed or was unloaded while it was in use" in result.out
    assert server.loaded == []
    outcomes = [sample.outcome for sample in result.records() if isinstance(sample, SampleRecord)]
    assert outcomes[:4] == ["ok", "ok", "ok", "server_error"]
    assert "ok" not in outcomes[3:]


def test_the_token_is_in_no_output_report_record_or_journal(run: Pytest, tmp_path: Path) -> None:
    with ScriptedServer(token=CANARY) as guarded:
        wrong = run(f"--lms-url={guarded.url}", "--junitxml=wrong.xml", "--showlocals", LM_API_TOKEN=f"{CANARY}x")
        assert wrong.code == 4
        guarded.on("POST", CHAT, Status(500, {"error": f"your token {CANARY} is odd"}), times=3)
        result = run(
            f"--lms-url={guarded.url}", "--junitxml=junit.xml", "--showlocals", "--lms-limit=2", LM_API_TOKEN=CANARY
        )
    assert "odd" in result.out
    assert CANARY not in result.out + wrong.out
    written = [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert {"junit.xml", "wrong.xml"} <= {path.name for path in written}
    assert not [path for path in written if CANARY.encode() in path.read_bytes()]


def test_two_runs_at_once_on_one_server_leave_each_others_instances_alone(
    run: Pytest, server: ScriptedServer, tmp_path: Path
) -> None:
    run("--collect-only")  # writes the files
    words = ("-p", "no:cacheprovider", f"--lms-url={server.url}", "--lms-limit=10")
    environ = {**os.environ, "LMS_HARNESS_STATE": str(tmp_path / "state")}
    both = [
        forkserver.start("pytest", *words, f"--lms-results=r{number}", cwd=tmp_path, env=environ, is_merged=True)
        for number in range(2)
    ]
    outs = [process.communicate(timeout=100)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], outs
    assert server.loaded == []


def test_a_server_that_goes_away_ends_the_run_with_what_was_measured(run: Pytest, server: ScriptedServer) -> None:
    class DiesOfTheSixth:
        def apply(self, call: Call) -> None:
            call.send(call.answer())
            if len(server.asked("POST", CHAT)) == 6:
                threading.Thread(target=server.close).start()

    server.on("POST", CHAT, DiesOfTheSixth())
    result = run("--lms-model=all", "--lms-limit=200", "--lms-concurrency=1")
    assert result.code == 7, result.out
    assert "ServerUnreachable: the server went away during the run" in result.out
    assert f"NOT RELEASED: {KEY} may still be loaded" in result.out
    assert "1 failed in" in result.out
    records = result.records()
    answered = [sample for sample in records if isinstance(sample, SampleRecord) and sample.outcome == "ok"]
    (cell,) = (cell for cell in records if isinstance(cell, SummaryRecord))
    assert len(answered) == cell.n >= 4
    assert isinstance(records[-1], EndRecord)
