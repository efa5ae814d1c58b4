"""What the machine's memory allows, and how much of it a token takes."""

import struct
from pathlib import Path

import pytest

from harness.embedded.gguf_header import BrokenHeader, read_tensor_bytes
from harness.embedded.limit import available_bytes, bytes_per_token, last_level_cache_bytes, memory_bandwidth
from harness.errors import EmbeddedError
from tests.wrong_input.test_gguf import string, text

_UINT32 = struct.pack("<I", 4)
_STEP = 64


def written(path: Path, *tensors: tuple[str, int], values: dict[str, bytes] | None = None) -> Path:
    """Write a model whose tensors have these names and sizes; each size is a multiple of the alignment."""
    values = {"general.alignment": _UINT32 + struct.pack("<I", _STEP), **(values or {})}
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(values))
    head += b"".join(text(name) + value for name, value in values.items())
    begin = 0
    for name, size in tensors:
        head += text(name) + struct.pack("<IQQIQ", 2, 32, size // 32, 24, begin)  # 24: 8-bit integers
        begin += size
    path.write_bytes(head + bytes(-len(head) % _STEP) + bytes(begin))
    return path


def test_a_token_reads_all_tensors_but_a_table_that_is_only_looked_up(tmp_path: Path) -> None:
    table, block, output = ("token_embd.weight", 640), ("blk.0.attn_q.weight", 128), ("output.weight", 1280)
    assert bytes_per_token([written(tmp_path / "tied.gguf", table, block)]) == 640 + 128
    assert bytes_per_token([written(tmp_path / "own.gguf", block, table, output)]) == 128 + 1280
    parts = [written(tmp_path / "a.gguf", table, block), written(tmp_path / "b.gguf", output)]
    assert bytes_per_token(parts) == 128 + 1280


def test_a_mixture_of_experts_and_a_broken_file_are_not_guessed(tmp_path: Path) -> None:
    experts = {"general.architecture": string("mixtral"), "mixtral.expert_count": _UINT32 + struct.pack("<I", 8)}
    mixture = written(tmp_path / "moe.gguf", ("blk.0.ffn.weight", 64), values=experts)
    with pytest.raises(EmbeddedError, match="a mixture of experts"):
        bytes_per_token([mixture])
    with pytest.raises(EmbeddedError, match="cannot be read"):
        bytes_per_token([tmp_path / "gone.gguf"])


@pytest.mark.parametrize(
    "tail",
    [
        b"",
        text("x") + struct.pack("<I", 2**31),
        struct.pack("<Q", 2**62),
        text("x") + struct.pack("<IQIQ", 1, 1, 0, 2**60),
    ],
)
def test_a_hostile_list_of_tensors_is_refused(tmp_path: Path, tail: bytes) -> None:
    path = tmp_path / "x.gguf"
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 1, 0) + tail)
    with pytest.raises(BrokenHeader):
        read_tensor_bytes(path)
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 2**63, 0) + tail)
    with pytest.raises(BrokenHeader):
        read_tensor_bytes(path)


def test_the_last_level_cache_is_the_largest_one_that_the_system_tells(tmp_path: Path) -> None:
    assert last_level_cache_bytes(tmp_path) is None
    for number, size in enumerate(("32K", "1024K", "32M", "a lot")):
        (tmp_path / f"index{number}").mkdir()
        (tmp_path / f"index{number}" / "size").write_text(size + "\n")
    assert last_level_cache_bytes(tmp_path) == 32 * 2**20


def test_pages_of_files_count_as_available(tmp_path: Path) -> None:
    meminfo = tmp_path / "meminfo"
    assert available_bytes(meminfo) is None
    meminfo.write_text("MemTotal: 32000000 kB\nMemFree: 200000 kB\nMemAvailable: 30000000 kB\n")
    assert available_bytes(meminfo) == 30_000_000 * 1024


def test_memory_is_read_past_the_caches() -> None:
    found = memory_bandwidth()
    assert found.bytes_per_s > 0
    assert found.array_bytes >= 4 * (found.cache_bytes or 0)
    assert found.threads >= 1
