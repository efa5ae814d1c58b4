"""pytest-benchmark's options in a run on local models: docs/latency.md, and what could go wrong with it."""

import json
import os
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness.domain.record import EndRecord
from harness.store.reader import read_run
from harness.testing.scripted import ScriptedServer
from tests import forkserver

ROOT = Path(__file__).parents[2]
KEY = "acme/tiny-1b"
COMMANDS = re.findall(r"^lms-harness (.*)$", (ROOT / "docs/latency.md").read_text(encoding="utf-8"), re.MULTILINE)


@dataclass(frozen=True)
class Ended:
    code: int
    said: str


Run = Callable[..., Ended]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def call(server: ScriptedServer, *words: str, module: str = "harness.cli") -> Ended:
        # In a worker of pytest-xdist pytest-benchmark measures nothing.
        around = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST_")}
        around.update({"LM_STUDIO_API_URL": server.url, "COLUMNS": "120"})
        around["LMS_HARNESS_STATE"] = str(tmp_path.parent / f"{tmp_path.name}-state")
        done = forkserver.run(module, *words, cwd=tmp_path, env=around)
        assert "Traceback" not in done.stdout + done.stderr, done.stdout + done.stderr
        return Ended(done.returncode, done.stdout + done.stderr)

    return call


def _measure(run: Run, server: ScriptedServer, *words: str) -> Ended:
    return run(server, "run", "--suite=latency", "--latency-budget=0.1s", "--", *words)


def _saved(folder: Path) -> list[Any]:
    return [json.loads(path.read_text()) for path in sorted((folder / ".benchmarks").rglob("*.json"))]


def test_the_commands_of_the_page_save_compare_fail_and_write_json(run: Run, tmp_path: Path) -> None:
    said = []
    with ScriptedServer() as server:
        for command in COMMANDS:
            words = shlex.split(command.replace("median:50%", "median:9000%"))  # The machine may be busy.
            said.append(run(server, *words[:3], "--latency-budget=0.1s", *words[3:]))
    assert [ended.code for ended in said] == [0] * 4, said
    assert "Saved benchmark data in:" in said[0].said
    assert "(0001_" not in said[0].said
    for compared in said[1:3]:
        assert f"test_one_at_a_time[{KEY}] (NOW)" in compared.said
        assert f"test_one_at_a_time[{KEY}] (0001_" in compared.said
        assert "like with like" not in compared.said
        assert "another machine" not in compared.said
    assert len(_saved(tmp_path)) == 1
    figures = json.loads((tmp_path / "latency.json").read_text())["benchmarks"]
    groups = {bench["group"]: bench["extra_info"] for bench in figures}
    assert list(groups) == ["load and unload", "one request", "4 requests at once"]
    assert all(bench["params"] == {"lms_model": KEY} for bench in figures)
    newest = max((tmp_path / "results").glob("*.jsonl"), key=lambda path: path.stat().st_mtime)
    for name, concurrency in (("one request", 1), ("4 requests at once", 4)):
        extra = groups[name]
        assert (extra["model_key"], extra["quantisation"], extra["slots"]) == (KEY, "Q4_K_M", 4)
        assert (extra["concurrency"], extra["run_id"]) == (concurrency, newest.stem)
        assert extra["context_length"] > 0
        assert extra["prompt_tokens"] > 0
        assert 0 < extra["ttft_s"] <= extra["e2e_s"]


def test_what_became_slower_is_listed_after_the_answers_and_what_differs_is_said(run: Run, tmp_path: Path) -> None:
    with ScriptedServer() as server:
        assert _measure(run, server, "--benchmark-save=fast").code == 0
    (saved,) = (tmp_path / ".benchmarks").rglob("0001_fast.json")
    changed = json.loads(saved.read_text())
    changed["machine_info"]["node"] = "elsewhere\x1b[31m"
    for bench in changed["benchmarks"]:
        bench["stats"] = {
            name: value / 1000 if name in {"median", "mean"} else value for name, value in bench["stats"].items()
        }
    saved.write_text(json.dumps(changed))
    with ScriptedServer(parallel=2) as server:
        slower = _measure(run, server, "--benchmark-compare", "--benchmark-compare-fail=median:5%")
    assert slower.code == 1, slower.said
    assert slower.said.index("Records: ") < slower.said.index("SLOWER: test_one_at_a_time")
    assert "is not compared like with like" in slower.said
    assert "slots 4, not 2" in slower.said
    assert "The saved run is from another machine: machine elsewhere" in slower.said
    assert "\x1b[31m" not in slower.said
    newest = max((tmp_path / "results").glob("*.jsonl"), key=lambda path: path.stat().st_mtime)
    ends = [record.exit_code for record in read_run(newest) if isinstance(record, EndRecord)]
    assert ends == [1]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--benchmark-compare-fail=median:5%"], "there is no saved run to compare with in "),
        (["--benchmark-compare=0007"], "--benchmark-compare=0007: no such saved run in "),
        (["--benchmark-compare=a/b/c"], "--benchmark-compare=a/b/c: there is no such file"),
        (
            ["--benchmark-autosave", "--benchmark-storage=/proc/no"],
            "--benchmark-save: No such file or directory: /proc/no",
        ),
        (["--benchmark-json=no/such.json"], "--benchmark-json: No such file or directory: no"),
    ],
)
def test_what_could_not_be_done_at_the_end_is_refused_before_anything_is_loaded(
    run: Run, words: list[str], message: str
) -> None:
    with ScriptedServer() as server:
        refused = _measure(run, server, *words)
        assert not server.asked("POST", "/api/v1/models/load")
    assert refused.code == 2
    assert message in refused.said


def test_without_an_option_of_it_there_is_no_table_and_no_folder(run: Run, tmp_path: Path) -> None:
    with ScriptedServer() as server:
        plain = _measure(run, server)
        planned = run(server, "run", "--suite=latency", "--dry-run", "--", "--benchmark-compare")
    assert (plain.code, planned.code) == (0, 0), plain.said + planned.said
    assert "benchmark" not in plain.said
    assert "there is no saved run" in planned.said
    assert not (tmp_path / ".benchmarks").exists()


def test_pytest_itself_saves_and_compares_in_the_folder_it_is_started_in(run: Run, tmp_path: Path) -> None:
    words = [str(ROOT / "suites/latency"), "-c", os.devnull, f"--rootdir={ROOT}", "--import-mode=importlib"]
    words += ["-p", "no:cacheprovider", "--lms-latency-budget=0.1s", "-k", "one_at_a_time", "--benchmark-autosave"]
    with ScriptedServer() as server:
        first = run(server, *words, module="pytest")
        second = run(server, *words, "--benchmark-compare", "--benchmark-group-by=param:lms_model", module="pytest")
    assert (first.code, second.code) == (0, 0), first.said + second.said
    assert f"test_one_at_a_time[{KEY}] (NOW)" in second.said
    assert f"lms_model={KEY}" in second.said
    assert len(_saved(tmp_path)) == 2
