"""The measurements: each peer does the same jobs, in turn, for several rounds."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.testing.null.server import KEY, Figures, NullServer
from tests.bench import environment
from tests.bench.peer import Command, Job, Peer
from tests.bench.process import Watched, telling_line, watch

SLOTS, SLOT_S = 4, 0.05
"""What the slots are measured with: four, each busy for 50 ms with each answer."""

_MANY = 16
_LIMIT_S = 120.0
_LIMIT_A_SAMPLE_S = 0.1

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A kind of job. `answer_s` is how long the server takes for each answer."""

    name: str
    samples: int
    concurrency: int
    answer_s: float = 0.0

    @property
    def label(self) -> str:
        """Return the job in words."""
        words = f"{self.samples:,} samples, {self.concurrency} at a time" if self.samples > 1 else "1 sample"
        return words + (f", {self.answer_s * 1000:.0f} ms each" if self.answer_s else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One job that was measured.

    Attributes:
        round: from 1.
        ready_s: from the start of the process to its first chat.
        ending_s: from the end of its last chat to the end of the process.
        peak_bytes: the most memory of the whole tree, to its end.
        asking_bytes: the same up to the end of the last chat.
        occupancy: of the slots, where answers take time.
        error: why the job does not count; None if it does.
    """

    peer: str
    measure: str
    round: int
    samples: int
    concurrency: int
    wall_s: float
    cpu_s: float
    ready_s: float | None
    ending_s: float | None
    peak_bytes: int | None
    asking_bytes: int | None
    occupancy: float | None
    max_in_flight: int
    error: str | None


def measures(samples: int) -> tuple[Measure, ...]:
    """Return the jobs of a round."""
    return (
        Measure(name="start", samples=1, concurrency=1),
        Measure(name="one", samples=samples, concurrency=1),
        Measure(name="many", samples=samples, concurrency=_MANY),
        Measure(name="slots", samples=max(SLOTS, samples * 2 // 5), concurrency=SLOTS, answer_s=SLOT_S),
    )


class Course:
    """Two null servers, with as many slots as are asked for at a time, and the folder with the peers' environments."""

    def __init__(self, environments: Path) -> None:
        self.environments = environments
        self._wide = NullServer(slots=_MANY)
        try:
            self._narrow = NullServer(slots=SLOTS)
        except BaseException:
            self._wide.close()
            raise

    def close(self) -> None:
        """End both servers."""
        self._wide.close()
        self._narrow.close()

    def server(self, peer: Peer, answer_s: float) -> NullServer:
        """Return the server for a peer's job with such answers, with its counts at zero."""
        server = self._narrow if answer_s else self._wide
        server.reset(answer_s=answer_s, warm_ups=peer.extra_requests)
        return server


@contextmanager
def course(environments: Path = environment.FOLDER) -> Iterator[Course]:
    """Hold the servers, and end them."""
    held = Course(environments)
    try:
        yield held
    finally:
        held.close()


def race(peers: Sequence[Peer], asked: Sequence[Measure], *, number: int, on: Course, say: Say) -> Iterator[Reading]:
    """Yield a reading for each job and peer of one round, in turn: what else the machine does meets all alike."""
    # In every round another peer begins.
    turn = (number - 1) % len(peers)
    for measure in asked:
        for peer in (*peers[turn:], *peers[:turn]):
            if not peer.asks and measure.samples > 1:
                continue
            reading = measured(peer, measure, number=number, on=on)
            outcome = f"{reading.wall_s:.2f} s" if reading.error is None else f"does not count: {reading.error}"
            say(f"round {number}: {peer.name}, {measure.label}: {outcome}")
            yield reading


def measured(peer: Peer, measure: Measure, *, number: int, on: Course) -> Reading:
    """Let a peer do a job in a folder of its own, and return what was measured."""
    server = on.server(peer, measure.answer_s)
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as folder:
        job = job_of(peer, server, Path(folder), on=on, samples=measure.samples, concurrency=measure.concurrency)
        watched = run(peer, job, peer.command)
    figures = server.figures()
    return reading_of(peer, measure, watched, figures, number=number)


def job_of(
    peer: Peer,
    server: NullServer,
    folder: Path,
    *,
    on: Course,
    samples: int,
    concurrency: int,
    is_durable: bool = False,
) -> Job:
    """Return a job in this folder, with its samples written."""
    job = Job(
        url=server.url,
        model=KEY,
        samples=samples,
        concurrency=concurrency,
        folder=folder / "job",
        environment=on.environments / peer.folder,
        is_durable=is_durable,
    )
    job.folder.mkdir()
    (folder / "home").mkdir()
    job.write_samples()
    return job


def run(peer: Peer, job: Job, command: Command, is_to_be_killed: Callable[[], bool] | None = None) -> Watched:
    """Run a command of a job, with the variables of its peer."""
    return watch(
        command(job),
        folder=job.folder,
        environ=environment.variables(peer, job.variables, job.folder.parent / "home"),
        limit_s=_LIMIT_S + job.samples * _LIMIT_A_SAMPLE_S,
        is_to_be_killed=is_to_be_killed,
    )


def reading_of(peer: Peer, measure: Measure, watched: Watched, figures: Figures, *, number: int) -> Reading:
    """Return what a process and the server's counts say of a job."""
    first, last = figures.first_at, figures.last_at
    return Reading(
        peer=peer.name,
        measure=measure.name,
        round=number,
        samples=measure.samples,
        concurrency=measure.concurrency,
        wall_s=watched.wall_s,
        cpu_s=watched.cpu_s,
        ready_s=None if first is None else first - watched.started,
        ending_s=None if last is None else watched.started + watched.wall_s - last,
        peak_bytes=watched.peak_bytes(),
        asking_bytes=None if last is None else watched.peak_bytes(until=last),
        occupancy=figures.occupancy,
        max_in_flight=figures.max_in_flight,
        error=fault(peer, watched, figures, samples=measure.samples),
    )


def fault(peer: Peer, watched: Watched, figures: Figures, *, samples: int) -> str | None:
    """Return why a job does not count: it failed, was late, or did not ask each sample once; None if it counts."""
    if watched.is_late:
        return f"not finished after {watched.wall_s:.0f} s"
    if watched.returncode:
        return f"exit code {watched.returncode}: {telling_line(watched.tail)}"
    expected = samples + peer.extra_requests if peer.asks else 0
    if (figures.answered, figures.distinct) != (expected, expected):
        return f"{figures.answered} chats, {figures.distinct} of them different, where {expected} were to be asked"
    return None
