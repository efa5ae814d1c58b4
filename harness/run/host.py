"""What a run can do beside its requests: with the files and processes of a server that it started itself."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

_PROC = Path("/proc")
_PARENT = 1  # Among the fields of /proc/PID/stat that follow the name.


class Host:
    """The server's side of this machine; without arguments, one of which nothing is known, such as LM Studio's.

    Args:
        files: of each model, by its key.
        pid: of the server's process; its workers are its descendants.
    """

    def __init__(self, *, files: Mapping[str, Sequence[Path]] | None = None, pid: int | None = None) -> None:
        self._files = files or {}
        self._pid = pid

    def why_unknown(self, model_key: str) -> str:
        """Return why the model's files are not known, so that none of its loads can be controlled; "": they are."""
        if self.files(model_key):
            return ""
        return "which file the server loads is known only of an embedded server that the run starts itself"

    def files(self, model_key: str) -> Sequence[Path]:
        """Return the model's files; none where they are not known."""
        return self._files.get(model_key, ())

    def evict(self, model_key: str) -> str:
        """Drop the model's files from memory; return why a load now is not a cold one, or "", which was verified."""
        files = self._files.get(model_key)
        if not files:
            return self.why_unknown(model_key)
        from harness.run.page_cache import evict  # It needs ctypes, which most runs do not.

        return evict(files)

    def cached_share(self, model_key: str) -> float | None:
        """Return which share of the model's files is in memory; None where that is not known."""
        files = self._files.get(model_key)
        if not files:
            return None
        from harness.run.page_cache import cached_share

        return cached_share(files)

    def memory_bytes(self) -> int | None:
        """Return how much memory the server and its workers use; None where that is not known.

        Pages that several processes share count in parts (PSS), and those of the model's file as long as it is mapped.
        """
        if self._pid is None:
            return None
        try:
            found = [_memory_of(pid) for pid in _family(self._pid)]
        except (OSError, ValueError, IndexError):
            return None
        return sum(found) or None


def _family(pid: int) -> Iterator[int]:
    """Yield a process and all its descendants."""
    children: dict[int, list[int]] = defaultdict(list)
    for folder in _PROC.iterdir():
        if not folder.name.isdecimal():
            continue
        try:
            stat = (folder / "stat").read_text(encoding="utf-8", errors="replace")
        except OSError:  # It has just ended.
            continue
        children[int(stat.rpartition(")")[2].split()[_PARENT])].append(int(folder.name))
    waiting = [pid]
    while waiting:
        found = waiting.pop()
        yield found
        waiting += children[found]


def _memory_of(pid: int) -> int:
    """Return the proportional set size of a process, in bytes; 0 for one that has just ended."""
    try:
        lines = (_PROC / str(pid) / "smaps_rollup").read_text(encoding="ascii").splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
