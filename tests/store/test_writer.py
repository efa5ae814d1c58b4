"""Writing and reading run files belong together: what was acknowledged must come back."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from harness.domain.kind import Kinds
from harness.domain.record import MeasureRecord, Record, SkipRecord
from harness.errors import StoreError
from harness.store.reader import read_run
from harness.store.writer import RunWriter, append_records

HEAD = {"run_id": "r1", "at": "2026-11-23T08:00:00.000Z"}


def skip(reason: str) -> SkipRecord:
    return SkipRecord(run_id="r1", at="2026-11-23T08:00:00.000Z", reason=reason)


def write(path: Path, *records: Record) -> None:
    writer = RunWriter(path)
    for record in records:
        writer.write(record)
    writer.close()


def test_what_was_written_is_read_in_order(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "run.jsonl"
    write(path, skip("one"), skip("two"))
    assert [record.reason for record in read_run(path) if isinstance(record, SkipRecord)] == ["one", "two"]


def test_kind_and_schema_come_first_and_every_kind_has_a_reader(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    write(path, skip("x"))
    assert list(json.loads(path.read_text()))[:2] == ["kind", "schema"]
    assert {kind.model_fields["kind"].default for kind in Kinds.by_name.values()} == set(Kinds.by_name)


@given(st.text(max_size=200))
def test_any_text_survives(text: str) -> None:
    text = text.encode("utf-8", "replace").decode()
    assert SkipRecord.model_validate_json(skip(text).to_json()).reason == text
    assert "\n" not in skip(text).to_json()


def test_not_a_number_is_refused() -> None:
    with pytest.raises(ValidationError):
        MeasureRecord.model_validate({**HEAD, "name": "ttft_s", "value": float("nan"), "unit": "s", "model_key": "m"})


def test_a_torn_last_line_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    write(path, skip("one"), skip("two"))
    whole = path.read_bytes()
    for cut in range(len(skip("one").to_json()) + 1, len(whole)):
        path.write_bytes(whole[:cut])
        assert [record.kind for record in read_run(path)] == ["skip"]


def test_unknown_kinds_and_keys_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    later = {"kind": "verdict", "schema": "lms-harness/1"}
    more = {**json.loads(skip("kept").to_json()), "mood": "sunny"}
    path.write_text(json.dumps(later) + "\n" + json.dumps(more) + "\n")
    assert [record.kind for record in read_run(path)] == ["skip"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("not json", "run.jsonl:1: expected one JSON object a line"),
        ('{"kind": "skip", "schema": "lms-harness/9"}', "expected schema lms-harness/1, got 'lms-harness/9'"),
        ("[1]", "expected schema"),
        ('{"kind": "skip", "schema": "lms-harness/1", "run_id": "r", "at": "t"}', "skip record: reason"),
    ],
)
def test_a_file_of_another_kind_is_named_with_its_line(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text(line + "\n")
    with pytest.raises(StoreError, match=r".") as caught:
        list(read_run(path))
    assert said in str(caught.value)


def test_two_runs_never_share_a_file(tmp_path: Path) -> None:
    write(tmp_path / "run.jsonl", skip("mine"))
    with pytest.raises(StoreError, match="exists already"):
        RunWriter(tmp_path / "run.jsonl")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot write results to") as caught:
        RunWriter(tmp_path / "file" / "run.jsonl")
    assert "setting `results = DIR`" in caught.value.hint


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a disk that is always full")
def test_a_full_disk_is_an_error_and_tears_no_later_line(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; import os\n"
        "from harness.store.writer import RunWriter; from harness.errors import StoreError\n"
        "from harness.domain.record import SkipRecord\n"
        "writer = RunWriter(Path(sys.argv[1]))\n"
        "os.dup2(os.open('/dev/full', os.O_WRONLY), writer._file.fileno())\n"
        "for _ in range(2):\n"
        "    try: writer.write(SkipRecord(run_id='r', at='t', reason='x'))\n"
        "    except StoreError as error: print(error)\n"
        "writer.close()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "run.jsonl")],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert "No space left on device" in done.stdout
    assert "nothing more is appended" in done.stdout
    assert done.stderr == ""


def test_what_was_acknowledged_survives_sigkill(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    code = (
        "import sys; from pathlib import Path\n"
        "from harness.store.writer import RunWriter; from harness.domain.record import SkipRecord\n"
        "writer = RunWriter(Path(sys.argv[1]))\n"
        "for number in range(10**6):\n"
        "    writer.write(SkipRecord(run_id='r', at='t', reason=str(number))); print(number, flush=True)\n"
    )
    child = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    acknowledged = [int(child.stdout.readline()) for _ in range(200)]
    os.kill(child.pid, signal.SIGKILL)
    acknowledged += [int(line) for line in child.communicate(timeout=30)[0].split("\n")[:-1]]
    written = [int(record.reason) for record in read_run(path) if isinstance(record, SkipRecord)]
    assert set(acknowledged) <= set(written)


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="needs signals to a thread")
def test_ctrl_c_leaves_all_records_of_a_write_or_none(tmp_path: Path) -> None:
    """Another thread interrupts writes of long records again and again, as Python handles signals within a write."""
    path = tmp_path / "run.jsonl"
    writer = RunWriter(path)
    pairs = [(skip(f"sample {number} {'x' * 50_000}"), skip(f"score {number}")) for number in range(300)]
    main, is_over = threading.main_thread().ident, threading.Event()
    assert main is not None
    is_writing = False

    def interrupted(*_: object) -> None:
        nonlocal is_writing
        if is_writing:
            is_writing = False
            raise KeyboardInterrupt

    def interrupt() -> None:
        while not is_over.wait(1e-4):
            signal.pthread_kill(main, signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, interrupted)
    thread = threading.Thread(target=interrupt, daemon=True)
    thread.start()
    for pair in pairs:
        with contextlib.suppress(KeyboardInterrupt):
            is_writing = True
            writer.write(*pair)
            is_writing = False
    is_over.set()
    thread.join()
    signal.signal(signal.SIGUSR1, before)
    writer.close()
    words = [record.reason.split()[:2] for record in read_run(path) if isinstance(record, SkipRecord)]
    assert words
    assert [kind for kind, _ in words] == ["sample", "score"] * (len(words) // 2)
    assert [number for _, number in words[::2]] == [number for _, number in words[1::2]]


def test_late_records_are_appended_after_whole_lines_only(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    write(path, skip("one"), skip("two " * 30_000))
    whole = path.read_bytes()
    for tail in (b"", b'{"kind":"skip"', b"x" * 100_000):
        path.write_bytes(whole + tail)
        append_records(path, [skip("late"), skip("later")])
        assert path.read_bytes().startswith(whole)
        reasons = [record.reason for record in read_run(path) if isinstance(record, SkipRecord)]
        assert reasons[2:] == ["late", "later"]


def test_late_records_that_do_not_fit_leave_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    write(path, skip("one"))
    before = path.read_bytes()
    code = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from harness.store.writer import append_records; from harness.errors import StoreError\n"
        "from harness.domain.record import SkipRecord\n"
        "path = Path(sys.argv[1]); most = path.stat().st_size + 150\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))\n"
        "try: append_records(path, [SkipRecord(run_id='r', at='t', reason='x' * 40)] * 9)\n"
        "except StoreError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, timeout=30, check=True
    )
    assert "cannot append to" in done.stdout
    assert path.read_bytes() == before
