"""How time, memory and the run file grow with the number of samples."""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.peer import Peer
from tests.bench.race import Course, Measure, Say, fault, job_of, reading_of, run

_MANY = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Grown:
    """One run of so many samples.

    Attributes:
        asking_bytes: the most memory of the whole tree up to the end of the last chat.
        peak_bytes: the same to the end of the process.
        file_bytes: the size of the run file.
        error: why it does not count; None if it does.
    """

    samples: int
    wall_s: float
    asking_bytes: int | None
    peak_bytes: int | None
    file_bytes: int
    error: str | None


def grow(peer: Peer, sizes: Sequence[int], *, on: Course, say: Say) -> Iterator[Grown]:
    """Yield one run of the harness for each number of samples."""
    for samples in sizes:
        say(f"growth: {samples:,} samples ...")
        yield grown(peer, samples, on=on)


def grown(peer: Peer, samples: int, *, on: Course) -> Grown:
    """Run so many samples, 16 at a time, and return what that took."""
    server = on.server(peer, 0.0)
    measure = Measure(name="many", samples=samples, concurrency=_MANY)
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as folder:
        job = job_of(peer, server, Path(folder), on=on, samples=samples, concurrency=_MANY)
        watched = run(peer, job, peer.command)
        file_bytes = sum(path.stat().st_size for path in (job.folder / "results").glob("*.jsonl"))
    figures = server.figures()
    reading = reading_of(peer, measure, watched, figures, number=1)
    return Grown(
        samples=samples,
        wall_s=reading.wall_s,
        asking_bytes=reading.asking_bytes,
        peak_bytes=reading.peak_bytes,
        file_bytes=file_bytes,
        error=fault(peer, watched, figures, samples=samples),
    )
