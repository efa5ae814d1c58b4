"""The main job as a user starts it: real weights, real processes."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.domain.record import EndRecord, InstanceRecord, MeasureRecord, ReleaseRecord, RunRecord, SampleRecord
from harness.store.reader import read_run

pytestmark = [pytest.mark.embedded, pytest.mark.usefixtures("embedded_server"), pytest.mark.timeout(300)]
ROOT = Path(__file__).resolve().parents[2]
MODEL = "smollm2-135m-instruct-q4_0"


def command(*words: str, tmp_path: Path) -> list[str]:
    return [sys.executable, "-m", "harness.cli", *words, f"--results={tmp_path / 'results'}"]


def environment(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "LMS_HARNESS_STATE": str(tmp_path / "state"), "COLUMNS": "200"}


def run(*words: str, tmp_path: Path, timeout_s: float = 200, only: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*command("run", *words, tmp_path=tmp_path), "--", "-k", only],
        capture_output=True,
        text=True,
        timeout=timeout_s,
        env=environment(tmp_path),
        cwd=tmp_path,
        check=False,
    )


def only_file(folder: Path) -> Path:
    (path,) = (folder / "results").glob("*.jsonl")
    return path


def test_two_models_are_loaded_asked_measured_unloaded_and_tabulated(tmp_path: Path) -> None:
    done = run(
        "--url=embedded",
        "--model=*q4_0",
        "--model=*q8_0",
        "--limit=1",
        "--max-output-tokens=16",
        "--latency-budget=0.5s",
        "--concurrency=2",
        "--task=extract",
        "--task=classify",
        tmp_path=tmp_path,
        only="not (all_slots_busy and q8_0)",  # a third of the time
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for shown in (
        "score [95 %]",
        "extract",
        "classify",
        MODEL,
        "smollm2-135m-instruct-q8_0",
        "this is a demonstration",
    ):
        assert shown in done.stdout
    records = list(read_run(only_file(tmp_path)))
    assert isinstance(records[0], RunRecord)
    assert records[0].server_kind == "embedded"
    end = records[-1]
    assert isinstance(end, EndRecord)
    assert end.exit_code == 0
    assert end.resident_after == []
    samples = [record for record in records if isinstance(record, SampleRecord)]
    assert len(samples) == 2 * 2
    assert {sample.instance_id for sample in samples} == {sample.model_key for sample in samples}
    used = [record for record in records if isinstance(record, InstanceRecord) and record.purpose == "use"]
    assert [record.model_key for record in used] == [MODEL, "smollm2-135m-instruct-q8_0"]
    assert all(record.load_time_s and record.owned for record in used)
    releases = [record for record in records if isinstance(record, ReleaseRecord)]
    assert releases
    assert all(record.unload_verified for record in releases)
    measured = {record.name for record in records if isinstance(record, MeasureRecord)}
    assert {"load_time_s", "jit_load_time_s", "ttft_s", "tpot_s", "decode_tps", "throughput_tps"} <= measured
    assert {"smoke_stream_equals_plain", "embedding_norm"} <= measured
    assert list((tmp_path / "state" / "journals").iterdir()) == []
    assert {path.name for path in tmp_path.iterdir()} == {"results", "state"}


def test_a_dry_run_prints_the_plan_and_leaves_nothing(tmp_path: Path) -> None:
    done = run("--url=embedded", "--model=all", "--dry-run", tmp_path=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Plan: 3 models" in done.stdout
    assert "Nothing was loaded." in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_floor_that_is_missed_fails_the_run(tmp_path: Path) -> None:
    done = run(
        "--url=embedded",
        f"--model={MODEL}",
        "--limit=2",
        "--max-output-tokens=8",
        "--task=extract",
        "--suite=offload",
        "--floor=extract=1.0",
        tmp_path=tmp_path,
    )
    assert done.returncode == 1
    assert "below the floor of 1" in done.stdout


def test_a_preloaded_instance_is_used_and_stays(embedded_server: object, tmp_path: Path) -> None:
    url = embedded_server.url  # type: ignore[attr-defined]
    loaded = subprocess.run(
        [sys.executable, "-m", "harness.cli", "load", MODEL, "--context-length=4096", f"--url={url}", "--json"],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment(tmp_path),
        check=True,
    )
    instance_id = json.loads(loaded.stdout)["instance_id"]
    try:
        done = run(f"--url={url}", "--limit=1", "--task=classify", "--suite=offload", tmp_path=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
        end = list(read_run(only_file(tmp_path)))[-1]
        assert isinstance(end, EndRecord)
        assert end.resident_after == [instance_id]
    finally:
        subprocess.run(
            [sys.executable, "-m", "harness.cli", "unload", "--instance", instance_id, f"--url={url}"],
            timeout=60,
            env=environment(tmp_path),
            check=True,
            capture_output=True,
        )


def test_ctrl_c_releases_and_keeps_what_was_recorded(embedded_server: object, tmp_path: Path) -> None:
    url = embedded_server.url  # type: ignore[attr-defined]
    words = command("run", f"--url={url}", f"--model={MODEL}", "--limit=300", "--suite=offload", tmp_path=tmp_path)
    child = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment(tmp_path), cwd=tmp_path
    )
    deadline = time.monotonic() + 60
    while not any(b'"kind":"score"' in path.read_bytes() for path in (tmp_path / "results").glob("*.jsonl")):
        assert time.monotonic() < deadline, "no sample was recorded in time"
        time.sleep(0.1)
    child.send_signal(signal.SIGINT)
    output, _ = child.communicate(timeout=60)
    assert child.returncode == 130, output
    records = list(read_run(only_file(tmp_path)))
    end = records[-1]
    assert isinstance(end, EndRecord)
    assert end.interrupted
    assert end.resident_after == []
    outcomes = {record.outcome for record in records if isinstance(record, SampleRecord)}
    assert "cancelled" in outcomes
    assert not outcomes & {"timeout", "server_error"}
    assert list((tmp_path / "state" / "journals").iterdir()) == []
