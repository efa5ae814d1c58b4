"""What a SIGKILL half way leaves: how many of the answers need not be asked for again."""

import signal
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.peer import Peer
from tests.bench.race import SLOTS, Course, Say, fault, job_of, run

_ANSWER_S = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Killed:
    """A job that was killed, and what finished it.

    Attributes:
        answered: how many samples the server had answered when the process was killed.
        asked_again: how many samples the command that goes on asked; all, where there is no such command.
        has_resume: whether the peer has a command that goes on.
        error: why this says nothing; None if it does.
    """

    peer: str
    samples: int
    answered: int
    asked_again: int
    has_resume: bool
    error: str | None

    @property
    def kept(self) -> int:
        """How many samples were not asked again."""
        return max(0, self.samples - self.asked_again)


def kill(peers: Sequence[Peer], *, samples: int, on: Course, say: Say) -> Iterator[Killed]:
    """Yield for each peer what was left of a job whose process was sent SIGKILL half way."""
    for peer in peers:
        if peer.asks:
            killed = killed_half_way(peer, samples=samples, on=on)
            outcome = f"{killed.kept} of {killed.answered} answers kept" if killed.error is None else killed.error
            say(f"killed half way: {peer.name}: {outcome}")
            yield killed


def killed_half_way(peer: Peer, *, samples: int, on: Course) -> Killed:
    """Kill a job half way, let the peer go on, and count what it asks."""
    server = on.server(peer, _ANSWER_S)
    half = samples // 2 + peer.extra_requests
    answered = 0

    def is_half_way() -> bool:
        nonlocal answered
        answered = server.figures().answered
        return answered >= half

    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as folder:
        job = job_of(peer, server, Path(folder), on=on, samples=samples, concurrency=SLOTS, is_durable=True)
        first = run(peer, job, peer.command, is_half_way)
        server = on.server(peer, _ANSWER_S)
        job.write_samples()
        second = run(peer, job, peer.resume or peer.command)
    figures = server.figures()
    error = None
    if first.returncode != -signal.SIGKILL:
        error = f"it ended before it was killed, with exit code {first.returncode}"
    elif second.returncode or second.is_late:
        error = f"what went on did not end well: {fault(peer, second, figures, samples=samples)}"
    return Killed(
        peer=peer.name,
        samples=samples,
        answered=max(0, answered - peer.extra_requests),
        asked_again=max(0, figures.answered - peer.extra_requests),
        has_resume=peer.resume is not None,
        error=error,
    )
