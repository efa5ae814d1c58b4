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
from tests import forkserver
from tests.domain.test_schema import errors

pytestmark = [pytest.mark.embedded, pytest.mark.usefixtures("embedded_server"), pytest.mark.timeout(300)]
MODEL = "smollm2-135m-instruct-q4_0"


def environment(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "LMS_HARNESS_STATE": str(tmp_path / "state"), "COLUMNS": "200"}


def forked(*words: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    return forkserver.run("harness.cli", *words, cwd=tmp_path, env=environment(tmp_path), timeout=200)


def only_file(folder: Path) -> Path:
    (path,) = (folder / "results").glob("*.jsonl")
    return path


def test_two_models_are_loaded_asked_measured_unloaded_and_tabulated(tmp_path: Path) -> None:
    words = [
        "--url=embedded",
        "--model=*q4_0",
        "--model=*q8_0",
        "--limit=1",
        "--max-output-tokens=16",
        "--latency-budget=0.5s",
        "--concurrency=2",
        "--task=extract",
        "--task=classify",
    ]
    # One model is smoked and measured, and with one request at a time: a quarter of the time.
    once = ["--", "-k", "offload or not (q8_0 or all_slots_busy or second_instance or state_is_kept)"]
    done = subprocess.run(
        [sys.executable, "-m", "harness.cli", "run", *words, *once],
        capture_output=True,
        text=True,
        timeout=200,
        env=environment(tmp_path),
        cwd=tmp_path,
        check=False,
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
    assert list(errors(only_file(tmp_path))) == [], "every line fits the schema"
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
    assert {"load_time_s", "jit_load_time_s", "ttft_s", "tpot_s", "decode_tps"} <= measured
    assert {"memory_before_bytes", "memory_loaded_bytes", "memory_after_bytes", "cached_share"} <= measured
    first, *others = [record for record in records if isinstance(record, MeasureRecord) if record.name == "load_time_s"]
    # Cold, unless another test's server has the file in use: then nothing is called cold, and the reason is told.
    assert first.cold or "of its file stayed in memory" in first.params["why"]
    assert {record.cold for record in others} == {False}
    assert {"smoke_stream_equals_plain", "embedding_norm"} <= measured
    assert list((tmp_path / "state" / "journals").iterdir()) == []
    assert {path.name for path in tmp_path.iterdir()} == {"results", "state"}


def test_a_dry_run_prints_the_plan_and_leaves_nothing(tmp_path: Path) -> None:
    done = forked("run", "--url=embedded", "--model=all", "--dry-run", tmp_path=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Plan: 3 models" in done.stdout
    assert "Nothing was loaded." in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_preloaded_instance_is_used_and_stays(embedded_server: object, tmp_path: Path) -> None:
    url = embedded_server.url  # type: ignore[attr-defined]
    server = f"--url={url}"
    loaded = forked("load", MODEL, "--context-length=4096", server, "--json", tmp_path=tmp_path)
    instance_id = json.loads(loaded.stdout)["instance_id"]
    try:
        words = ("--limit=1", "--task=classify", "--suite=offload", "--max-output-tokens=16")
        done = forked("run", server, *words, tmp_path=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
        end = list(read_run(only_file(tmp_path)))[-1]
        assert isinstance(end, EndRecord)
        assert end.resident_after == [instance_id]
    finally:
        done = forked("unload", "--instance", instance_id, server, tmp_path=tmp_path)
    assert done.returncode == 0, done.stderr


def test_ctrl_c_releases_and_keeps_what_was_recorded(embedded_server: object, tmp_path: Path) -> None:
    url = embedded_server.url  # type: ignore[attr-defined]
    words = (f"--url={url}", f"--model={MODEL}", "--limit=300", "--suite=offload", "--task=classify")
    child = forkserver.start(
        "harness.cli", "run", *words, cwd=tmp_path, env=environment(tmp_path), is_merged=True, new_session=True
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
