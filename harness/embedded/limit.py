"""What this machine's memory allows a model of the embedded server: decoding reads all weights once for each token."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from harness.embedded.gguf_header import BrokenHeader, read_tensor_bytes
from harness.embedded.instance import decode_threads
from harness.errors import EmbeddedError

_CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
_MEMINFO = Path("/proc/meminfo")
_UNITS = {"K": 2**10, "M": 2**20, "G": 2**30}
_LEAST_BYTES, _MOST_BYTES = 2**28, 2**31
_PAST_CACHE = 4
_LEAST_ROUNDS, _LEAST_S = 10, 1.0
_OF_FREE_MEMORY = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Bandwidth:
    """How fast this machine reads its memory.

    Attributes:
        bytes_per_s: the best of several rounds.
        threads: that read at a time.
        array_bytes: what they read.
        cache_bytes: of the last-level cache; None: the system does not tell.
    """

    bytes_per_s: float
    threads: int
    array_bytes: int
    cache_bytes: int | None


def memory_bandwidth() -> Bandwidth:
    """Return the bandwidth for reading, with as many threads as an instance decodes with.

    Each takes the maximum of its part of an array that is four times as large as the last-level cache, or 256 MiB.

    Raises:
        EmbeddedError: there is no room for such an array.
    """
    cache_bytes = last_level_cache_bytes()
    array_bytes = max(_LEAST_BYTES, _PAST_CACHE * (cache_bytes or 0))
    if array_bytes > _MOST_BYTES:
        raise EmbeddedError(
            f"expected a last-level cache of at most {_MOST_BYTES // _PAST_CACHE} bytes, got {cache_bytes}"
        )
    needed = _OF_FREE_MEMORY * array_bytes
    if (available := available_bytes()) is not None and needed > available:
        raise EmbeddedError(f"expected {needed / 1e9:.1f} GB of available memory, got {available / 1e9:.1f} GB")
    threads = decode_threads()
    bytes_per_s = array_bytes / _fastest_s(array_bytes, threads)
    return Bandwidth(bytes_per_s=bytes_per_s, threads=threads, array_bytes=array_bytes, cache_bytes=cache_bytes)


def _fastest_s(array_bytes: int, threads: int) -> float:
    """Return how long the quickest of several rounds took."""
    import numpy as np

    pieces = np.array_split(np.ones(array_bytes // 4, dtype=np.float32), threads)
    took_s: list[float] = []
    with ThreadPoolExecutor(threads) as pool:
        while len(took_s) < _LEAST_ROUNDS or sum(took_s) < _LEAST_S:
            began = time.perf_counter()
            list(pool.map(np.max, pieces))  # numpy lets other threads run meanwhile.
            took_s.append(time.perf_counter() - began)
    return min(took_s)


def last_level_cache_bytes(caches: Path = _CACHES) -> int | None:
    """Return the size of the first core's largest cache; None where the system does not tell."""
    sizes = []
    for size in caches.glob("index*/size"):
        text = size.read_text(encoding="ascii").strip()
        if text[:-1].isdecimal() and text[-1] in _UNITS:
            sizes.append(int(text[:-1]) * _UNITS[text[-1]])
    return max(sizes, default=None)


def available_bytes(meminfo: Path = _MEMINFO) -> int | None:
    """Return how much memory can be taken without swapping; None where the system does not tell.

    Not what is free (sysconf's SC_AVPHYS_PAGES): after a model was loaded, its file may fill that with pages that the
    system gives up at once.
    """
    try:
        lines = meminfo.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    sizes = (line.split()[1] for line in lines if line.startswith("MemAvailable:"))
    return next((1024 * int(size) for size in sizes), None)


def bytes_per_token(files: Sequence[Path]) -> int:
    """Return how many bytes of weights are read for each token of an answer.

    All tensors; without the table of token embeddings where the output has a tensor of its own, as one row of it is
    looked up then.

    Args:
        files: of the model, which may be split.

    Raises:
        EmbeddedError: it is a mixture of experts, whose tokens read different parts; or a file cannot be read.
    """
    tensors: dict[str, int] = {}
    for path in files:
        try:
            values, sizes = read_tensor_bytes(path)
        except (BrokenHeader, OSError) as exc:
            raise EmbeddedError(f"the model's file cannot be read: {exc}") from exc
        if any(name.endswith(".expert_count") and value for name, value in values.items()):
            raise EmbeddedError("a mixture of experts reads other weights for each token")
        tensors |= sizes
    if "output.weight" in tensors:
        tensors.pop("token_embd.weight", None)
    return sum(tensors.values())
