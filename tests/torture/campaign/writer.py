"""The writer campaign: processes are killed while they write, and nothing that they acknowledged may be lost."""

import os
import random
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NoReturn, TypeAlias

from harness.clock import SystemClock
from harness.domain.record import RunRecord, SampleRecord
from harness.reaper.journal import Journal, replay
from harness.store.reader import read_run
from harness.store.writer import RunWriter

Kind: TypeAlias = Literal["records", "intents"]
"""Records of a run file, or intents of a journal."""

_HEADER = "run"
"""What is written first, before the threads start: the record of a run comes before all others."""

_THREADS = 4
_LIFE_S = {"records": 0.06, "intents": 0.2}
"""How long a process lives at most, in seconds. Intents get longer: each waits for the disk."""

_EARLY_SHARE = 0.3
_FIRST_WRITE_S = 0.004
"""Within so many seconds a process begins its first write (measured: after 1 to 2 ms)."""

_LONGEST_CHARACTERS = 40_000  # Longer than any buffer on the way to the disk.
_URL = "http://127.0.0.1:1234"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """What a writer campaign found.

    Attributes:
        kills: how many processes were killed.
        acknowledged: how many records they reported as written.
        lost: how many of these are not in the file.
        unreadable: files that cannot be read, and why.
        torn: files that end within a line, because the kill hit a write.
        empty: those of them without one complete line, because the kill hit the first write. Such a file is an empty
            run: nothing in it was acknowledged, and every reader takes it as a file without records.
    """

    kills: int
    acknowledged: int
    lost: int
    unreadable: tuple[str, ...]
    torn: int
    empty: int

    @property
    def is_broken(self) -> bool:
        """Whether anything was lost or cannot be read, or nothing was written at all."""
        return bool(self.lost or self.unreadable or not self.acknowledged)

    def __str__(self) -> str:
        return (
            f"{self.kills} kills, {self.acknowledged} acknowledged, {self.lost} lost, "
            f"{len(self.unreadable)} files unreadable, {self.torn} torn within a line ({self.empty} within the first)"
        )


def kill_writers(kind: Kind, *, kills: int, seed: int, folder: Path, advance: Callable[[], None]) -> Loss:
    """Kill so many writing processes, each within its first moments, and compare their files with what they
    acknowledged.
    """
    for record in (RunRecord, SampleRecord):
        record.model_rebuild()  # Built at first use, which would take longer than a writer lives.
    dice = random.Random(f"{seed}:{kind}")
    acknowledged = lost = torn = empty = 0
    unreadable: list[str] = []
    if kind == "records":
        _build_records(folder / "built.jsonl")
    for number in range(kills):
        path = folder / f"{kind}-{number}.jsonl"
        reported = _killed_writer(kind, path, after_s=_moment(dice, kind))
        acknowledged += len(reported)
        found: set[str] = set()
        if path.exists():
            try:
                found = written(kind, path)
            except Exception as exc:  # noqa: BLE001  (whatever it is, the file cannot be read)
                unreadable.append(f"{path.name}: {exc}")
            is_torn, is_empty = torn_within(path)
            torn, empty = torn + is_torn, empty + is_empty
            path.unlink()
        lost += len(reported - found)
        advance()
    return Loss(kills=kills, acknowledged=acknowledged, lost=lost, unreadable=tuple(unreadable), torn=torn, empty=empty)


def _build_records(path: Path) -> None:
    """Build the models of records, which are built when used: a child that did it would be killed meanwhile."""
    write = _record_writer(path)
    write(_HEADER)
    write("0-0")
    path.unlink()


def _moment(dice: random.Random, kind: Kind) -> float:
    """Return when to kill a process: mostly at any moment of its life, sometimes around its first write."""
    return dice.uniform(0.0, _FIRST_WRITE_S if dice.random() < _EARLY_SHARE else _LIFE_S[kind])


def torn_within(path: Path) -> tuple[bool, bool]:
    """Return whether a file ends within a line, and whether that is its first one."""
    content = path.read_bytes()
    is_torn = not content.endswith(b"\n") and bool(content)
    return is_torn, is_torn and b"\n" not in content


def written(kind: Kind, path: Path) -> set[str]:
    """Return what a file holds, by the names that its writer reported.

    Raises:
        Exception: it cannot be read.
    """
    if kind == "records":
        records = list(read_run(path))
        samples = {record.item_id for record in records if isinstance(record, SampleRecord)}
        return samples | {_HEADER for record in records if isinstance(record, RunRecord)}
    return {str(number) for number in replay(path).open_leases}


def _killed_writer(kind: Kind, path: Path, *, after_s: float) -> set[str]:
    """Return what a process acknowledged while it wrote from several threads until it was killed."""
    reading, writing = os.pipe()
    # Forked, because a thousand new interpreters would take many minutes. This process has no other threads.
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        _write_until_killed(kind, path, writing)
    os.close(writing)
    time.sleep(after_s)
    os.kill(pid, signal.SIGKILL)
    with os.fdopen(reading, "rb") as pipe:
        acknowledgements = pipe.read()
    os.waitpid(pid, 0)
    # The last line may be torn, and a torn acknowledgement does not count.
    return {line.decode("ascii") for line in acknowledgements.split(b"\n")[:-1]}


def _write_until_killed(kind: Kind, path: Path, acknowledgements: int) -> NoReturn:
    try:
        write = _record_writer(path) if kind == "records" else _intent_writer(path)

        def acknowledge(name: str) -> None:
            os.write(acknowledgements, f"{write(name)}\n".encode("ascii"))

        def write_forever(thread: int) -> None:
            for number in range(1_000_000):
                acknowledge(f"{thread}-{number}")

        acknowledge(_HEADER)
        for thread in range(_THREADS):
            threading.Thread(target=write_forever, args=(thread,)).start()
        threading.Event().wait()
    finally:
        os._exit(70)


def _record_writer(path: Path) -> Callable[[str], str]:
    writer = RunWriter(path)
    dice = random.Random(path.name)

    def write(name: str) -> str:
        filler = "x" * dice.randrange(_LONGEST_CHARACTERS)
        header: dict[str, Any] = {"run_id": "run", "at": "2026-01-01T00:00:00Z"}
        if name == _HEADER:
            plan = {"filler": filler}
            writer.write(RunRecord(**header, harness_version="0", server_kind="k", server_url=_URL, plan=plan))
            return name
        writer.write(
            SampleRecord(
                **header,
                sample_uid=name,
                task="t",
                task_class="t",
                item_id=name,
                item_hash="h",
                model_key="k",
                instance_id="k",
                prompt_hash="p",
                outcome="ok",
                output_text=filler,
            )
        )
        return name

    return write


def _intent_writer(path: Path) -> Callable[[str], str]:
    journal = Journal(path.stem, url=_URL, clock=SystemClock(), directory=path.parent)

    def write(name: str) -> str:
        return str(journal.intent("key", resident=(name,), config={"context_length": 2048}))

    return write
