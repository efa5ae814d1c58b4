"""A model that is trained for tool use and one that is not, asked the class tools in one run: never mixed."""

import csv
import io
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from harness.cli.main import cli
from harness.domain.model import Capabilities, Model
from harness.domain.record import PromptRecord, SampleRecord
from harness.settings import Settings
from harness.store.run_file import RunFile
from harness.task.tool_prompt import asked_text
from harness.testing.chat import Reply
from harness.testing.library import DEFAULT_MODELS
from harness.testing.message import Request
from harness.testing.route import OPENAI_CHAT
from harness.testing.scripted import ScriptedServer
from suites.offload.tools import TASK
from suites.offload.tools.reference import reference
from tests import forkserver

PLAIN, ABLE = DEFAULT_MODELS[0], replace(DEFAULT_MODELS[1], capabilities=Capabilities(trained_for_tool_use=True))
UNABLE = replace(ABLE, capabilities=Capabilities())
N = 12
Both = tuple[Path, str, RunFile, list[dict[str, Any]]]
"""The folder of a run, what it printed, its file, and what was sent to OpenAI's route."""
SAMPLES = {sample.prompt: sample for sample in TASK.samples(seed=Settings().seed, limit=N)}
WRITTEN = {asked_text(sample): sample for sample in SAMPLES.values()}


def right(request: Request) -> Reply:
    """Answer as the reference does, in the way that was asked."""
    if "tools" not in request.json:
        sample = WRITTEN.get(request.prompt)
        return Reply(text="hello" if sample is None else reference(sample))
    names = {tool["function"]["name"] for tool in request.json["tools"]}
    sample = SAMPLES[request.prompt]
    assert names == {tool["name"] for tool in sample.tools}
    functions = [
        {"name": call["name"], "arguments": json.dumps(call["arguments"])} for call in json.loads(reference(sample))
    ]
    calls = tuple({"id": f"c{at}", "type": "function", "function": found} for at, found in enumerate(functions))
    return Reply(text="" if calls else "None of these helps.", tool_calls=calls)


def evaluated(folder: Path, *models: Model, more: tuple[str, ...] = ()) -> tuple[Any, list[dict[str, Any]]]:
    """Run the class over these models; return the ended process, and what was sent to OpenAI's route."""
    with ScriptedServer(models) as server:
        server.reply_with(right)
        around = {**os.environ, "LM_STUDIO_API_URL": server.url, "LMS_HARNESS_STATE": str(folder / "state")}
        words = (
            "run",
            *(f"--model={model.key}" for model in models),
            "--task=tools",
            "--suite=offload",
            f"--limit={N}",
            *more,
        )
        done = forkserver.run("harness.cli", *words, cwd=folder, env={**around, "COLUMNS": "100"})
        assert server.loaded == []
        return done, server.asked("POST", OPENAI_CHAT)


def newest(folder: Path) -> Path:
    return max((folder / "results").glob("*.jsonl"), key=lambda path: path.stat().st_mtime_ns)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Both:
    folder = tmp_path_factory.mktemp("both")
    done, sent = evaluated(folder, PLAIN, ABLE)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder, done.stdout, RunFile.read(newest(folder)), sent


def command(*words: str) -> Any:
    return CliRunner(env={"COLUMNS": "100"}).invoke(cli, list(words))


def samples_of(run: RunFile) -> list[SampleRecord]:
    return [run.sample_record(entry) for _, entry in run.samples()]


def test_both_are_right_in_their_own_way_and_every_record_says_which(both: Both) -> None:
    _, _, run, sent = both
    assert {(cell.model_key, cell.score, cell.unscored) for cell in run.summaries} == {
        (PLAIN.key, 1.0, 0),
        (ABLE.key, 1.0, 0),
    }
    assert len(sent) == N
    ways = {(sample.model_key, sample.way) for sample in samples_of(run)}
    assert ways == {(PLAIN.key, "prompt"), (ABLE.key, "native")}
    assert run.ways(ABLE.key, "tools") == {"native"}


def test_no_prompt_is_shared_by_both_ways_and_each_is_what_was_sent(both: Both) -> None:
    _, _, run, sent = both
    prompts: dict[str, PromptRecord] = {}
    for sample in samples_of(run):
        prompt = run.prompt(sample)
        assert prompt is not None
        assert bool(prompt.tools) is (sample.way == "native")
        prompts[prompt.prompt_hash] = prompt
    assert len(prompts) == 2 * N
    recorded = {(prompt.prompt, json.dumps(prompt.tools)) for prompt in prompts.values() if prompt.tools}
    functions = [[tool["function"] for tool in body["tools"]] for body in sent]
    asked = [body["messages"][-1]["content"] for body in sent]
    assert recorded == {(text, json.dumps(found)) for text, found in zip(asked, functions, strict=True)}


def test_table_choose_and_claims_say_that_each_was_asked_in_its_own_way(both: Both) -> None:
    _, out, run, _ = both
    note = (
        "tools: each model got the functions in its own way: acme/tiny-1b in the prompt, acme/small-4b through the "
        "API's tools."
    )
    for text in (out, *(command(*words, str(run.path)).output for words in (["choose"], ["choose", "--details"]))):
        assert note in " ".join(text.split())
    assert note in " ".join(command("choose", "--why", "tools", str(run.path)).output.split())
    rows = csv.DictReader(command("export", "--format", "csv", str(run.path)).output.splitlines())
    assert {row["model_key"]: row["way"] for row in rows} == {PLAIN.key: "prompt", ABLE.key: "native"}
    table = command("export", "--format", "csv", "--table", "samples", str(run.path)).output
    ways = {(row["way"], bool(row["tools"])) for row in csv.DictReader(io.StringIO(table))}
    assert ways == {("prompt", False), ("native", True)}
    page = run.path.with_suffix(".html")
    assert command("report", str(run.path), "-o", str(page)).exit_code == 0
    assert note.replace("'", "&#39;") in page.read_text()
    (claim,) = run.comparisons
    assert claim.reason.endswith("its own way: in the prompt, the reference through the API's tools"), claim.reason
    models = json.loads(command("choose", "--json", str(run.path)).output)["tasks"][0]["models"]
    assert {model["model_key"]: model["ways"] for model in models} == {PLAIN.key: ["prompt"], ABLE.key: ["native"]}


def test_show_has_what_was_sent(both: Both) -> None:
    _, _, run, _ = both
    shown = command("show", str(run.path), "--model", ABLE.key, "--limit", "1").output
    assert '  function  {"description":' in shown or "  function\n" in shown, shown
    assert "Functions:" not in shown


def test_resuming_a_complete_run_asks_nothing(both: Both) -> None:
    folder, _, run, _ = both
    done, sent = evaluated(folder, PLAIN, ABLE, more=("--resume", str(run.path)))
    assert "already complete" in done.stdout + done.stderr
    assert sent == []


def test_an_answer_in_the_prompt_is_never_taken_for_one_by_tools(both: Both, tmp_path: Path) -> None:
    """The listing has learned that the model is trained: no run goes on, and no run is compared with the other."""
    done, sent = evaluated(tmp_path, UNABLE)
    assert (done.returncode, sent) == (0, [])
    before = newest(tmp_path)
    done, sent = evaluated(tmp_path, ABLE, more=("--resume", str(before)))
    assert done.returncode == 2, done.stdout
    changed = "acme/small-4b tools: functions: sent in the prompt then, through the API's tools now"
    assert changed in " ".join((done.stdout + done.stderr).split())
    _, _, run, _ = both
    compared = " ".join(command("compare", str(before), str(run.path)).output.split())
    assert "Not comparable: tools: context_length is 2048 in A and 4096 in B" in compared, compared
    assert "the way of asking is in the prompt in A and through the API's tools in B." in compared
