"""Disks that are full and places that cannot be written: one reason, nothing left loaded, what was written stays."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.domain.record import EndRecord, SampleRecord, SkipRecord
from harness.errors import StoreError
from harness.store.reader import read_run
from harness.store.writer import RunWriter
from harness.testing.scripted import ScriptedServer

from .conftest import Lms, records

OFFLOAD = ("--suite=offload", "--task=extract")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount, umount = shutil.which("mount"), shutil.which("umount")
    if os.geteuid() != 0 or mount is None or umount is None:
        pytest.skip("only root can mount a small tmpfs")
    words = [mount, "-t", "tmpfs", "-o", "size=64k,nr_inodes=64", "tmpfs", str(folder)]
    if subprocess.run(words, capture_output=True, check=False).returncode != 0:
        pytest.skip("a tmpfs cannot be mounted here")
    yield folder
    subprocess.run([umount, "--lazy", str(folder)], check=True)


def fill(folder: Path) -> None:
    with contextlib.suppress(OSError), (folder / "fill").open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 1024)


def test_results_that_fill_the_disk_end_the_run_with_the_reason(
    lms: Lms, server: ScriptedServer, small_disk: Path, tmp_path: Path
) -> None:
    result = lms("run", f"--url={server.url}", "--model=all", "--limit=200", *OFFLOAD, f"--results={small_disk}")
    assert result.code == 2, result.said
    assert "NOT RECORDED: cannot append to" in result.out
    assert "No space left on device" in result.out
    assert server.loaded == []
    assert len(server.asked("POST", "/api/v1/models/load")) == 1  # The second model is not even begun.
    found = records(small_disk)
    assert len([record for record in found if isinstance(record, SampleRecord)]) > 5
    assert not [record for record in found if isinstance(record, EndRecord)]
    assert list((tmp_path / "state" / "journals").iterdir()) == []


def test_a_disk_that_is_full_from_the_start_loads_nothing(lms: Lms, server: ScriptedServer, small_disk: Path) -> None:
    fill(small_disk)
    result = lms("run", f"--url={server.url}", *OFFLOAD, f"--results={small_disk}")
    assert result.code == 2, result.said
    assert "No space left on device" in result.said
    assert not server.asked("POST", "/api/v1/models/load")


def test_no_room_for_the_journal_loads_nothing(lms: Lms, server: ScriptedServer, small_disk: Path) -> None:
    (small_disk / "journals").mkdir()
    fill(small_disk)
    for words in (["run"], ["load", "acme/tiny-1b"]):
        result = lms(*words, f"--url={server.url}", LMS_HARNESS_STATE=str(small_disk))
        assert result.code == 2, result.said
        assert "LMS_HARNESS_STATE" in result.said
        assert result.said.count("ERROR at setup") <= 1
    assert not server.asked("POST", "/api/v1/models/load")


def test_a_limit_on_the_size_of_files_is_told_too(lms: Lms, server: ScriptedServer, tmp_path: Path) -> None:
    if (prlimit := shutil.which("prlimit")) is None:
        pytest.skip("needs prlimit (util-linux)")
    words = ("run", f"--url={server.url}", "--limit=100", *OFFLOAD)
    result = lms(*words, before=(prlimit, "--fsize=20000"))
    assert result.code == 2, result.said
    assert "File too large" in result.out
    assert server.loaded == []
    assert len(records(tmp_path / "results")) > 3


def test_where_no_temporary_file_can_be_written_the_run_does_not_begin(lms: Lms, server: ScriptedServer) -> None:
    if (prlimit := shutil.which("prlimit")) is None:
        pytest.skip("needs prlimit (util-linux)")
    result = lms("run", f"--url={server.url}", *OFFLOAD, before=(prlimit, "--fsize=0"))
    assert result.code == 2, result.said
    assert result.err.splitlines()[0].startswith("temporary files cannot be written: No usable temporary directory")
    assert "TMPDIR" in result.err
    assert server.requests == []


def test_a_full_temporary_folder_costs_nothing_while_there_is_another(
    lms: Lms, server: ScriptedServer, small_disk: Path, tmp_path: Path
) -> None:
    fill(small_disk)
    result = lms("run", f"--url={server.url}", "--limit=2", *OFFLOAD, TMPDIR=str(small_disk))
    assert result.code == 0, result.said
    assert len([record for record in records(tmp_path / "results") if isinstance(record, SampleRecord)]) == 2
    assert server.loaded == []


@pytest.mark.parametrize("place", ["file", "/proc/nothing"])
def test_results_in_a_place_that_is_no_folder_load_nothing(
    lms: Lms, server: ScriptedServer, tmp_path: Path, place: str
) -> None:
    (tmp_path / "file").write_text("mine")
    result = lms("run", f"--url={server.url}", *OFFLOAD, f"--results={place}")
    assert result.code == 2, result.said
    assert "cannot write results to" in result.said
    assert "--results DIR" in result.said
    assert (tmp_path / "file").read_text() == "mine"
    assert not server.asked("POST", "/api/v1/models/load")


def test_a_file_system_that_can_only_be_read_is_told(lms: Lms, server: ScriptedServer, small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    result = lms("run", f"--url={server.url}", *OFFLOAD, f"--results={small_disk}/results")
    assert result.code == 2, result.said
    assert "Read-only file system" in result.said


def test_a_full_disk_behind_stdout_is_one_line(lms: Lms, server: ScriptedServer, tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full, a disk that is always full")
    for words in ("models", "run --limit=1 --suite=offload"):
        line = f"{sys.executable} -m harness.cli {words} --url={server.url} >/dev/full"
        result = lms(before=("sh", "-c", line, "sh"))
        assert result.code == 1
        assert result.err == "cannot write the output: No space left on device\n"
    assert server.loaded == []


def skip(reason: str) -> SkipRecord:
    return SkipRecord(run_id="r1", at="2026-11-23T08:00:00.000Z", reason=reason)


def test_two_writers_never_share_a_file_not_even_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "dangling.jsonl").symlink_to(tmp_path / "elsewhere")
    writer = RunWriter(tmp_path / "run.jsonl")
    for taken in ("run.jsonl", "dangling.jsonl"):
        with pytest.raises(StoreError, match="exists already"):
            RunWriter(tmp_path / taken)
    writer.close()
    assert not (tmp_path / "elsewhere").exists()


def test_two_runs_at_the_same_second_have_files_of_their_own(lms: Lms, server: ScriptedServer, tmp_path: Path) -> None:
    from harness.run.recorder import Recorder
    from harness.testing.clock import FakeClock

    clock = FakeClock()
    both = [Recorder(tmp_path, clock=clock) for _ in range(20)]
    assert len({recorder.path for recorder in both}) == 20
    for recorder in both:
        recorder.end(exit_code=0, interrupted=False, resident=())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\x00\xff\xfe garbage\n", "expected one JSON object a line"),
        (b"\x1f\x8b\x08\xef\xa8\x01e $]AZi\xc3\x85\xb0\n", "expected one JSON object a line"),
        (b"\xed\xa0\x80\n", "expected one JSON object a line"),
        (b'{"schema": "lms-harness/2", "kind": "run"}\n', "expected schema lms-harness/1, got 'lms-harness/2'"),
        (b'{"hello": 1}\n', "expected schema"),
        (b"null\n", "expected schema"),
        (b'{"schema": "lms-harness/1", "kind": ["run"]}\n', "kind"),
        (b"[" * 100_000 + b"\n", "expected one JSON object a line"),
        (b'{"schema": "lms-harness/1", "kind": "skip", "reason": ' + b"9" * 5000 + b"}\n", "expected one JSON"),
    ],
    ids=lambda value: repr(value[:30]),
)
def test_a_file_that_is_no_run_file_is_named_with_its_line(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "run.jsonl"
    writer = RunWriter(path)
    writer.write(skip("good"))
    writer.close()
    with path.open("ab") as file:
        file.write(content)
    with pytest.raises(StoreError) as caught:
        list(read_run(path))
    assert f"{path}:2: " in str(caught.value)
    assert said in str(caught.value)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize("content", [b"\x7fELF\x02\x01", b"garbage", b"\x00" * 5000, b'{"schema"'])
def test_garbage_without_a_line_end_is_no_torn_record(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "run.jsonl"
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"run.jsonl:1: expected one JSON object a line"):
        list(read_run(path))
    for torn in (b"", b"{", b'{"kind":"run","sch'):
        path.write_bytes(torn)
        assert list(read_run(path)) == []


def test_a_folder_and_a_missing_file_are_no_run_files(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere.jsonl"):
        with pytest.raises(StoreError, match="cannot read"):
            list(read_run(path))
