"""A file is really out of memory before a load is called cold, and the memory of a server includes its workers'."""

import mmap
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.run.host import Host
from harness.run.page_cache import cached_share, evict

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what of a file is in memory")
SIZE = 4_000_000


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Two parts of a model, just written and not yet on the disk."""
    parts = [tmp_path / f"model-0000{part}-of-00002.gguf" for part in (1, 2)]
    for part in parts:
        part.write_bytes(os.urandom(SIZE))
    return parts


def on_a_disk(path: Path) -> None:
    mounts = Path("/proc/mounts").read_text(encoding="utf-8").splitlines()
    kinds = {line.split()[1]: line.split()[2] for line in mounts}
    mount = next(str(folder) for folder in path.parents if str(folder) in kinds)
    if kinds[mount] in {"tmpfs", "ramfs"}:
        pytest.skip(f"{mount} is a file system in memory, from which nothing can be evicted")


def test_an_evicted_file_is_out_of_memory_and_a_read_brings_it_back(files: list[Path]) -> None:
    on_a_disk(files[0])
    assert cached_share(files) == 1.0
    assert evict(files) == ""
    assert cached_share(files) == 0.0
    files[0].read_bytes()
    assert cached_share(files) == pytest.approx(0.5, abs=0.01)


def test_what_another_process_has_mapped_stays_and_is_not_called_cold(files: list[Path]) -> None:
    with files[0].open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        assert sum(mapped[place] for place in range(0, SIZE, mmap.PAGESIZE)) > 0
        assert "50% of its file stayed in memory, as another process uses it" in evict(files)


def test_without_the_file_the_reason_is_told(tmp_path: Path) -> None:
    missing = tmp_path / "gone.gguf"
    assert evict([missing]) == "its file cannot be dropped from memory: No such file or directory"
    assert cached_share([missing]) is None
    assert cached_share([]) is None


def test_of_a_server_that_this_run_did_not_start_nothing_is_known() -> None:
    host = Host()
    assert host.evict("m") == host.why_unknown("m")
    assert "known only of an embedded server that the run starts itself" in host.why_unknown("m")
    assert Host(files={"m": [Path("m.gguf")]}).why_unknown("m") == ""
    assert host.cached_share("m") is None
    assert host.memory_bytes() is None


def test_the_memory_of_a_worker_counts_until_it_ends() -> None:
    host = Host(pid=os.getpid())
    before = host.memory_bytes()
    code = "held = bytearray(60_000_000); held[::4096] = b'x' * len(held[::4096]); print(flush=True); input()"
    command = [sys.executable, "-P", "-c", code]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as worker:
        assert worker.stdout
        worker.stdout.readline()
        during = host.memory_bytes()
        worker.communicate(b"\n")
    after = host.memory_bytes()
    assert (during or 0) - (before or 0) > 55_000_000
    assert (during or 0) - (after or 0) > 55_000_000
    assert Host(pid=worker.pid).memory_bytes() is None
