"""Every command with a hostile server and a hostile run file: nothing that they say acts on the terminal or on CI."""

import csv
import json
import os
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness import cli as cli_package
from harness.cli.main import cli
from harness.domain.model import ModelKey
from harness.report.table import render
from harness.store.run_file import RunFile
from harness.testing.fault import Status
from harness.testing.library import DEFAULT_MODELS
from harness.testing.scripted import ScriptedServer
from tests import forkserver

from .conftest import Call

EVIL = "\x1b[2J\r\n::error::boom\n  ::add-mask::x\n##[error]y ##vso[task.z]\u202e\x9b31m\u2028\x07"
KEY = f"acme/tiny{EVIL}-1b"
NAMES = ("model_key", "task", "task_class", "item_id", "instance_id", "reference", "reason", "error", "outcome", "test")
BIG = 1_000_000
LONGEST_LINE = 4000


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    hostile = [
        replace(
            model,
            key=ModelKey(model.key.replace("tiny", f"tiny{EVIL}").replace("small", f"small{EVIL}")),
            display_name=EVIL,
            architecture=EVIL,
            params_string=EVIL,
            description=EVIL,
        )
        for model in DEFAULT_MODELS
    ]
    with ScriptedServer(hostile) as scripted:
        scripted.reply_with(lambda _: f"{EVIL} Paris {EVIL}")
        yield scripted


@pytest.fixture
def in_folder(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    monkeypatch.chdir(tmp_path)
    return call


@pytest.fixture
def failing(server: ScriptedServer) -> ScriptedServer:
    refusal = {"error": {"message": EVIL, "type": EVIL, "code": EVIL, "param": EVIL}}
    for path in ("/api/v1/chat", "/api/v1/models/load", "/api/v1/models/download"):
        server.on("POST", path, Status(400, refusal))
    return server


@pytest.fixture
def run_file(tmp_path: Path) -> Path:
    """A run file of the first version in which every name is hostile."""
    source = Path(__file__).resolve().parents[1] / "domain" / "first-version.jsonl"
    path = tmp_path / "hostile.jsonl"
    lines = [json.loads(line) for line in source.read_text(encoding="utf-8").splitlines()]
    path.write_text("".join(json.dumps(_hostile(record)) + "\n" for record in lines))
    return path


def _hostile(record: dict[str, Any]) -> dict[str, Any]:
    return {name: f"{value}{EVIL}" if name in NAMES and value else value for name, value in record.items()}


def routing_file(folder: Path) -> Path:
    """Write a routing file in which every name is hostile."""
    hostile = {"model_key": f"gone{EVIL}", "variant": EVIL, "quantisation": EVIL, "size_bytes": 1}
    common = {
        "evidence": {"valid_until": "2999-01-01T00:00:00Z"},
        "rejected": [],
        "items_to_settle": 3,
        "best_so_far": f"best{EVIL}",
        "is_demonstration": False,
    }
    tasks = {
        f"model{EVIL}": {**common, "answer": "model", "model_key": hostile["model_key"], "suffices": [hostile]},
        f"open{EVIL}": {**common, "answer": "open", "model_key": None, "suffices": []},
    }
    path = folder / "routing.json"
    path.write_text(json.dumps({"schema": "lms-harness-routing/1", "tasks": tasks}))
    return path


def own_tasks(folder: Path) -> Path:
    """Write own tasks in which every name is hostile: one that can be run, and one that cannot."""
    own = folder / "own"
    own.mkdir()
    rows = [["q", f"answer{EVIL}"], *([f"{EVIL}{number}", f"{'ab'[number % 2]}{EVIL}"] for number in range(8))]
    with (own / f"{EVIL}.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    fields = {"name": "evil", "data": f"{EVIL}.csv", "prompt": "{q}", "target": f"answer{EVIL}", "scorer": "choice"}
    for name, changed in ((f"good{EVIL}", {}), (f"bad{EVIL}", {"target": EVIL}), ("worse", {EVIL: "x"})):
        text = "".join(f"{json.dumps(key)} = {json.dumps(value)}\n" for key, value in {**fields, **changed}.items())
        (own / f"{name}.toml").write_text(text)
    return own


def assert_harmless(output: str) -> None:
    for line in output.split("\n"):
        assert not line.lstrip().startswith("::"), line
        assert "##[" not in line, line
        assert "##vso[" not in line.lower(), line
        acting = {
            char for char in line if char != "\t" and unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
        }
        assert not acting, (acting, line)


WALK: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "preflight": ((), ("--json",)),
    "models": ((), ("--json",), ("--loaded",)),
    "select": (("--task", "chat"), ("--json",), ("--task", "vision"), ("--evidence", "ROUTING", "--json")),
    "download": (("acme/new",), ("acme/new", "--no-wait", "--json"), ("--status", "nowhere")),
    "load": ((KEY,), (KEY, "--json"), (KEY, "--context-length", "999999"), ("acme",)),
    "unload": ((KEY,), (KEY, "--json"), ("--instance", "nowhere"), ("acme",)),
    "chat": ((KEY, "Hi"), (KEY, "Hi", "--stream"), (KEY, "Hi", "--json"), (KEY, EVIL, "--max-output-tokens", "1")),
    "smoke": ((), (KEY,), ("--json",)),
    "live": (("--no-smoke",), ("--no-smoke", "--json")),
    "doctor": ((), ("--json",), ("--fix",), ("--forget", EVIL)),
    "choose": (
        ("RUN_FILE",),
        ("RUN_FILE", "--json"),
        ("RUN_FILE", "--why", EVIL),
        ("RUN_FILE", "--primary", EVIL),
        ("RUN_FILE", "-o", "-"),
    ),
    "route": (
        ("ROUTING", "--task", f"model{EVIL}"),
        ("ROUTING", "--task", f"open{EVIL}"),
        ("ROUTING", "--task", f"open{EVIL}", "--json"),
        ("ROUTING", "--task", f"model{EVIL}", "--loaded"),
        ("ROUTING", "--task", EVIL),
    ),
    "compare": (("RUN_FILE", "COPY"), ("RUN_FILE", "COPY", "--json"), ("RUN_FILE", "COPY", "--flips"), (EVIL, EVIL)),
    "gate": (("RUN_FILE", "COPY"), ("RUN_FILE", "COPY", "--json"), (EVIL, EVIL), ("RUN_FILE", "COPY", "--task", EVIL)),
    "export": (
        ("RUN_FILE", "--format", "csv"),
        ("RUN_FILE", "--format", "csv", "--table", "samples"),
        ("RUN_FILE", "--format", "csv", "--table", "comparisons"),
        ("RUN_FILE", "--format", "eee", "-o", "published"),
        (EVIL, "--format", "csv"),
    ),
    "show": (
        ("RUN_FILE",),
        ("RUN_FILE", "--json"),
        ("RUN_FILE", "--task", EVIL),
        ("RUN_FILE", "--item", EVIL),
        ("COPY", "--flipped", EVIL, "tiny"),
        (EVIL,),
    ),
    "report": (
        ("RUN_FILE",),
        ("RUN_FILE", "--json"),
        ("RUN_FILE", "COPY", "--markdown"),
        ("RUN_FILE", "--markdown", "--json"),
        ("RUN_FILE", "-o", f"{EVIL}.html"),
        (EVIL,),
    ),
    "tasks": (
        ("RUN_FILE", "--n", "2"),
        ("RUN_FILE", "--n", "2", "--json"),
        ("--n", "2", "--export", "-"),
        ("--check", "OWN"),
        ("--check", "OWN", "--json"),
        ("--tasks", "OWN"),
        ("--tasks", "OWN", "--export", "-"),
        ("--new", EVIL.replace("/", ""), "--from", "ROWS"),
        ("--check", EVIL),
    ),
    "score": (("RUN_FILE", "--scorer", "exact", "--target-field", "item_id", "--out", "OUT"),),
    "schema": ((), ("routing",), ("--kind", EVIL)),
    "completion": (("bash",),),
}
ELSEWHERE = {
    "run": "in a process of its own, below",
    "serve": "prints only what its own user has typed",
    "selfcheck": "prints figures of its own, and two words of the system",
}


def test_commands_print_through_output_alone() -> None:
    # completion and schema print nothing but the project's own text; stream complains what output has rendered.
    own = {"output.py", "stream.py", "completion.py", "schema.py"}
    package = Path(cli_package.__file__).parent
    printing = {
        path.name
        for path in package.glob("*.py")
        if re.search(r"click\.s?echo\(|(?<![\w.])print\(|sys\.std(out|err)\.write", path.read_text(encoding="utf-8"))
    }
    assert printing <= own


def test_every_command_is_walked() -> None:
    assert set(WALK) | set(ELSEWHERE) == set(cli.list_commands(None))  # type: ignore[arg-type]  # It is not used.


@pytest.mark.parametrize(("command", "words"), [(name, words) for name, cases in WALK.items() for words in cases])
def test_no_command_prints_what_acts(
    in_folder: Call, run_file: Path, tmp_path: Path, command: str, words: tuple[str, ...]
) -> None:
    copy = tmp_path / "copy.jsonl"
    # Another answer, so that there is a flip, and another version, so that there is a difference.
    copy.write_text(
        run_file.read_text().replace('"value": 1.0, "passed": true', '"value": 0.0').replace('"0.1.0"', '"9"')
    )
    places = {
        "RUN_FILE": str(run_file),
        "OUT": str(tmp_path / "out.jsonl"),
        "COPY": str(copy),
        "ROUTING": str(routing_file(tmp_path)),
        "OWN": str(own_tasks(tmp_path)),
        "ROWS": str(tmp_path / "own" / f"{EVIL}.csv"),
    }
    result = in_folder(command, *(places.get(word, word) for word in words))
    assert_harmless(result.out)
    assert_harmless(result.err)
    assert result.out or result.err


@pytest.mark.parametrize(
    "words", [("load", KEY), ("chat", KEY, "Hi"), ("chat", KEY, "Hi", "--json"), ("download", "x")]
)
def test_no_error_of_the_server_acts(call: Call, failing: ScriptedServer, words: tuple[str, ...]) -> None:
    result = call(*words)
    assert result.code != 0
    assert result.err
    assert_harmless(result.out + result.err)


@pytest.mark.parametrize(
    "words", [("--model=all", "--floor=classify=0.9"), ("--model=all", "--dry-run"), ("--model=nowhere",)]
)
def test_a_run_prints_nothing_that_acts(server: ScriptedServer, tmp_path: Path, words: tuple[str, ...]) -> None:
    words = (f"--url={server.url}", "--suite=offload", "--task=classify", "--limit=2", *words)
    environ = {**os.environ, "LMS_HARNESS_STATE": str(tmp_path / "state")}
    done = forkserver.run("harness.cli", "run", *words, cwd=tmp_path, env=environ)
    assert_harmless(done.stdout + done.stderr)
    assert "Traceback" not in done.stdout + done.stderr


def test_a_night_on_github_leaves_nothing_that_acts_but_its_own_annotations(
    server: ScriptedServer, tmp_path: Path
) -> None:
    words = (f"--url={server.url}", "--suite=offload", "--task=classify", "--limit=2", "--model=all")
    summary, report = tmp_path / "summary.md", tmp_path / "night.xml"
    environ = {**os.environ, "LMS_HARNESS_STATE": str(tmp_path / "state")}
    forkserver.run("harness.cli", "run", *words, cwd=tmp_path, env=environ)
    environ |= {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)}
    more = ("--seed=1", "--baseline=results", "--", f"--junitxml={report}")
    done = forkserver.run("harness.cli", "run", *words, *more, cwd=tmp_path, env=environ)
    assert done.returncode == 1
    lines = (done.stdout + done.stderr).splitlines()
    ours = [line for line in lines if line.startswith(("::error title=", "::warning title="))]
    assert ours
    assert all(line.count("::") == 2 or "::add" in line for line in ours)
    for line in ours:
        assert_harmless(line.removeprefix("::"))
    assert_harmless("\n".join(line for line in lines if line not in ours))
    assert_harmless(summary.read_text(encoding="utf-8"))
    assert "<" not in re.sub(r"(`+).*?\1", "", summary.read_text(encoding="utf-8"))
    assert "Traceback" not in done.stdout + done.stderr
    assert_harmless(report.read_text(encoding="utf-8"))


@pytest.mark.parametrize("width", [None, 40, 100])
def test_the_table_of_a_run_file_shows_nothing_that_acts_and_is_not_broken(run_file: Path, width: int | None) -> None:
    table = render(RunFile.read(run_file), width=width)
    assert "classify\\x1b[2J" in table
    assert_harmless(table)


@pytest.mark.parametrize(
    "words",
    [("preflight",), ("models",), ("select", "--task", "chat"), ("smoke",), ("load", "acme"), ("chat", "x", "y")],
)
def test_a_name_of_a_megabyte_is_cut(call: Call, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]) -> None:
    model = replace(DEFAULT_MODELS[0], key=ModelKey("k" * BIG), display_name="n" * BIG, params_string="p" * BIG)
    with ScriptedServer([model]) as server:
        monkeypatch.setenv("LM_STUDIO_API_URL", server.url)
        if words == ("preflight",):
            server.load(model.key)
        result = call(*words)
    assert max(map(len, (result.out + result.err).split("\n"))) <= LONGEST_LINE
    assert len(result.out + result.err) < 50_000
