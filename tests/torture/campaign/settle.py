"""Follows killed runs to their end: their processes, their journals, and what they left loaded."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from harness import child
from harness.reaper import identity
from harness.reaper.answer import ServerTrouble
from harness.reaper.filelock import FileLock
from harness.reaper.journal import JournalState
from harness.reaper.server import PlainServer
from tests.torture.campaign.victim import Victim, marked

EXIT_S = 60.0
"""How long a run may take to end after a signal that it can handle."""

REAPER_S = 180.0
"""How long a reaper may take: it waits for a load in progress, or one by a chat that may still show up."""

SWEEP_S = 40.0
"""How long the next run's sweep may take before `doctor --fix` is run."""

_DOCTOR_S = 90.0
_LEAK_S = 6.0
_UNKEPT_S = 1.0


class Settler:
    """Brings killed runs to their end, one look at a time.

    Args:
        url: of the server.
        folder: for the output of `doctor`.
        token: of the server, for `doctor`.
        last_look: returns when the last look at the listing began.
        log: gets a line for each run that ends.
    """

    def __init__(
        self,
        url: str,
        server: PlainServer,
        folder: Path,
        *,
        token: str,
        last_look: Callable[[], float],
        log: Callable[[str], None],
    ) -> None:
        self._url = url
        self._server = server
        self._folder = folder
        self._token = token
        self._last_look = last_look
        self._log = log
        self._doctor: tuple[subprocess.Popen[bytes], float] | None = None
        self.is_ending = False

    def look(self, victims: Sequence[Victim]) -> None:
        """Take each run that is not settled one step closer to its end."""
        alive = marked()
        going = [victim for victim in victims if victim.killed is not None and not victim.is_settled]
        for victim in going:
            self._look(victim, alive)
        for victim in going:
            if victim.is_settled:
                self._log(f"{victim.name} is settled: {victim.ending}")

    def close(self) -> None:
        """End the `doctor` that it has started."""
        if self._doctor is not None and self._doctor[0].poll() is None:
            self._doctor[0].send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._doctor[0].wait(20)
                return
            self._doctor[0].kill()
            self._doctor[0].wait(20)

    def _look(self, victim: Victim, alive: Mapping[int, Sequence[tuple[int, str]]]) -> None:
        now = time.monotonic()
        died = victim.killed or now
        if victim.process.poll() is None:
            if now - died > EXIT_S:
                victim.has_hung = True
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(victim.process.pid, signal.SIGKILL)
            return
        victim.ended = victim.ended or now
        processes = alive.get(victim.plan.number, ())
        if processes:
            if now - died <= REAPER_S:
                return
            victim.processes_left = len(processes)
            for pid, _ in processes:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            return
        if (left := victim.journal()) is not None and left[1].open_leases and not victim.journal_left:
            self._see_to_journal(victim, *left, now=now)
            victim.quiet_since = None
            return
        self._see_to_instances(victim, now)

    def _see_to_journal(self, victim: Victim, path: Path, state: JournalState, *, now: float) -> None:
        leases = state.open_leases.values()
        if all(lease.doubt for lease in leases):
            victim.is_in_doubt = True
            if not self.is_ending and now - (victim.ended or now) < _UNKEPT_S:
                return
            self._unload(victim)  # The campaign knows whose it is; its runs cannot know that.
            self._command(victim, "--forget", path.stem)
            return
        died = victim.ended or now
        waits_s = _UNKEPT_S if victim.plan.by_doctor or self.is_ending or not victim.plan.shares_state else SWEEP_S
        if now - died >= waits_s and not _is_kept(path, state):
            self._command(victim, "--fix")

    def _see_to_instances(self, victim: Victim, now: float) -> None:
        victim.quiet_since = victim.quiet_since or now
        look = self._last_look()
        if look <= victim.quiet_since:
            return
        if not victim.loaded(look):
            victim.settled = now
        elif victim.may_hand_over:
            victim.is_handed_over = True
            self._unload(victim)
        elif now - victim.quiet_since >= _LEAK_S:
            victim.is_leaked = True
            self._unload(victim)
            victim.settled = now

    def _unload(self, victim: Victim) -> None:
        # Only what belongs to it now: the server may since have given one of its ids to a foreign client.
        for instance_id in victim.loaded(self._last_look()):
            self._log(f"the campaign unloads {instance_id} of {victim.name}")
            with contextlib.suppress(ServerTrouble):
                self._server.unload(instance_id)

    def _command(self, victim: Victim, *words: str) -> None:
        """Run `doctor`, one at a time, for at most `_DOCTOR_S`: it waits as long as a load may still show up."""
        now = time.monotonic()
        if self._doctor is not None and self._doctor[0].poll() is None:
            if now - self._doctor[1] > _DOCTOR_S:
                self._doctor[0].send_signal(signal.SIGINT)
            return
        environ = {
            **child.environment(),
            "LMS_HARNESS_STATE": str(victim.state),
            "LM_STUDIO_API_URL": self._url,
            "LM_API_TOKEN": self._token,  # Which children do not inherit.
        }
        out = self._folder / f"doctor-{victim.plan.number}.out"
        with out.open("ab") as log:
            process = subprocess.Popen(
                child.command("harness.cli", "doctor", *words),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._folder,
                env=environ,
                start_new_session=True,
            )
        self._doctor = (process, now)


def _is_kept(path: Path, state: JournalState) -> bool:
    """Return whether a journal is being looked after: by its run, its reaper, or a sweep."""
    if identity.is_alive(state.owner):
        return True
    lock = FileLock(path)
    try:
        with contextlib.suppress(OSError):
            return not lock.try_acquire(create=False)
        return False
    finally:
        lock.release()
