"""The writer campaign: processes are killed while they write, and nothing that they have acknowledged may be lost."""

import os
import random
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NoReturn, TypeAlias

from harness.clock import SystemClock
from harness.domain.record import SampleRecord
from harness.reaper.journal import Journal, replay
from harness.store.reader import read_run
from harness.store.writer import RunWriter

Kind: TypeAlias = Literal["records", "intents"]
"""Records of a run file, or intents of a journal."""

_THREADS = 4
_LIFE_S = {"records": 0.06, "intents": 0.2}
"""How long a process lives at most. An intent waits for the disk."""

_LONGEST_CHARACTERS = 40_000  # Longer than any buffer on the way to the disk.
_URL = "http://127.0.0.1:1234"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """What a writer campaign found.

    Attributes:
        kills: how many processes.
        acknowledged: what they said that they had written.
        lost: of that, what is not in the file.
        unreadable: files that cannot be read, with why.
        torn: files that end within a line: those in which the kill hit a write.
    """

    kills: int
    acknowledged: int
    lost: int
    unreadable: tuple[str, ...]
    torn: int

    def __str__(self) -> str:
        return (
            f"{self.kills} kills, {self.acknowledged} acknowledged, {self.lost} lost, "
            f"{len(self.unreadable)} files unreadable, {self.torn} torn within a line"
        )


def kill_writers(kind: Kind, *, kills: int, seed: int, folder: Path, advance: Callable[[], None]) -> Loss:
    """Kill so many writing processes, each within its first moments, and compare their files with what they said."""
    dice = random.Random(f"{seed}:{kind}")
    acknowledged = lost = torn = 0
    unreadable: list[str] = []
    for number in range(kills):
        path = folder / f"{kind}-{number}.jsonl"
        said = _killed_writer(kind, path, after_s=dice.uniform(0.0, _LIFE_S[kind]))
        acknowledged += len(said)
        try:
            found = _written(kind, path) if path.exists() else set()
        except Exception as exc:  # noqa: BLE001  (whatever it is, the file cannot be read)
            unreadable.append(f"{path.name}: {exc}")
            found = set()
        lost += len(said - found)
        if path.exists():
            torn += not path.read_bytes().endswith(b"\n") and path.stat().st_size > 0
            path.unlink()
        advance()
    return Loss(kills=kills, acknowledged=acknowledged, lost=lost, unreadable=tuple(unreadable), torn=torn)


def _killed_writer(kind: Kind, path: Path, *, after_s: float) -> set[str]:
    """Return what a process acknowledged that wrote from several threads until it was killed."""
    reading, writing = os.pipe()
    # Forked, as a thousand new interpreters would take many minutes. This process has no other threads.
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        _write_until_killed(kind, path, writing)
    os.close(writing)
    time.sleep(after_s)
    os.kill(pid, signal.SIGKILL)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    os.waitpid(pid, 0)
    # The last one may be torn; a torn acknowledgement is none.
    return {line.decode("ascii") for line in said.split(b"\n")[:-1]}


def _write_until_killed(kind: Kind, path: Path, acknowledgements: int) -> NoReturn:
    try:
        write = _record_writer(path) if kind == "records" else _intent_writer(path)

        def go_on(thread: int) -> None:
            for number in range(1_000_000):
                os.write(acknowledgements, f"{write(f'{thread}-{number}')}\n".encode("ascii"))

        for thread in range(_THREADS):
            threading.Thread(target=go_on, args=(thread,)).start()
        threading.Event().wait()
    finally:
        os._exit(70)


def _record_writer(path: Path) -> Callable[[str], str]:
    writer = RunWriter(path)
    dice = random.Random(0)

    def write(name: str) -> str:
        writer.write(
            SampleRecord(
                run_id="run", at="2026-01-01T00:00:00Z", sample_uid=name, task="t", task_class="t", item_id=name,
                item_hash="h", model_key="k", instance_id="k", prompt_hash="p", outcome="ok",
                output_text="x" * dice.randrange(_LONGEST_CHARACTERS),
            )
        )  # fmt: skip
        return name

    return write


def _intent_writer(path: Path) -> Callable[[str], str]:
    journal = Journal(path.stem, url=_URL, clock=SystemClock(), directory=path.parent)

    def write(name: str) -> str:
        return str(journal.intent("key", resident=(name,), config={"context_length": 2048}))

    return write


def _written(kind: Kind, path: Path) -> set[str]:
    if kind == "records":
        return {one.item_id for one in read_run(path) if isinstance(one, SampleRecord)}
    return {str(number) for number in replay(path).open_leases}
