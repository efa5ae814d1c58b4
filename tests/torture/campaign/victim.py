"""One run to be killed: how it is started, when and how it dies, and what shows that it has ended."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from harness.reaper.journal import JournalState, replay

KillTarget: TypeAlias = Literal["harness", "group", "reaper first"]
TARGETS: tuple[KillTarget, ...] = ("harness", "group", "reaper first")
SIGNALS = ("SIGKILL", "SIGTERM", "SIGINT", "SIGHUP")
SCENARIOS = ("load", "chat", "stream", "unload-after", "jit", "pytest")
MARK = "LMS_CAMPAIGN_RUN"
"""An environment variable that marks a run; its reaper inherits it, so both are found in /proc."""

_HAND_OVER = frozenset({"load", "chat", "stream"})
_PACKAGE = Path(__file__).resolve().parents[3]


@dataclass(frozen=True, slots=True, kw_only=True)
class KillPlan:
    """What shall happen to one run; all of it follows from the seed.

    Attributes:
        number: of the run, from 1. Runs below 0 are not killed, but measured.
        fraction: the moment of the kill, as a share of an undisturbed run.
        shares_state: whether the run uses the campaign's state directory or one of its own.
        vacates: whether foreign clients leave the key alone until the run has begun, because a chat loads a model only
            if it is not loaded.
        by_doctor: what finishes after run and reaper are dead: `doctor --fix`, or the next run's sweep.
    """

    number: int
    scenario: str
    target: KillTarget
    signal: str
    fraction: float
    shares_state: bool
    vacates: bool
    by_doctor: bool

    @property
    def kind(self) -> tuple[str, KillTarget]:
        """The row of the table in which the run is counted."""
        return self.scenario, self.target


@dataclass(slots=True, kw_only=True)
class Victim:
    """A run and what was seen of it. Times are monotonic seconds.

    Attributes:
        context_length: of its load, given to no other run; None where the command has no option for it.
        killed, ended, settled: when it was killed; when its process had ended; when nothing of it was left.
        quiet_since: when its processes had ended and its journal was settled.
        seen: ids of its instances, and when each was last listed.
        is_in_doubt: whether its journal names what was left without touching it.
    """

    plan: KillPlan
    key: str
    context_length: int | None
    state: Path
    out: Path
    process: "subprocess.Popen[bytes]"
    started: float
    killed: float | None = None
    ended: float | None = None
    settled: float | None = None
    quiet_since: float | None = None
    seen: dict[str, float] = field(default_factory=dict)
    is_leaked: bool = False
    is_in_doubt: bool = False
    is_handed_over: bool = False
    has_hung: bool = False
    processes_left: int = 0
    journal_left: bool = False

    @property
    def name(self) -> str:
        """How messages and the log call it."""
        return f"run {self.plan.number} ({self.plan.scenario}, {self.plan.signal} to {self.plan.target})"

    @property
    def is_settled(self) -> bool:
        """Whether nothing of it is left, or what is left has been counted."""
        return self.settled is not None

    @property
    def ending(self) -> str:
        """How it ended, in words."""
        facts = {"leaked": self.is_leaked, "in doubt": self.is_in_doubt, "handed over": self.is_handed_over}
        return ", ".join(name for name, holds in facts.items() if holds) or "clean"

    @property
    def may_hand_over(self) -> bool:
        """Whether it has printed its whole answer, after which its command leaves the instance loaded on purpose."""
        if self.plan.scenario not in _HAND_OVER:
            return False
        output = self.out.read_text(encoding="utf-8", errors="replace")
        if self.plan.scenario == "stream":
            return output.endswith("\n")
        with contextlib.suppress(ValueError):
            return isinstance(json.loads(output), dict)
        return False

    @property
    def to_clean_s(self) -> float | None:
        """Seconds from the kill until nothing of it was loaded any more; None if nothing had to be unloaded."""
        last = max(self.seen.values(), default=0.0)
        if self.is_handed_over or self.killed is None or last <= self.killed:
            return None
        return last - self.killed

    def loaded(self, since: float) -> list[str]:
        """Return the ids of its instances that were listed since then."""
        return [instance_id for instance_id, listed_at in self.seen.items() if listed_at >= since]

    def journal(self) -> tuple[Path, JournalState] | None:
        """Return its journal; None if there is none (yet, or any more)."""
        for path in (self.state / "journals").glob("*.jsonl"):
            with contextlib.suppress(OSError):
                state = replay(path)
                if state.owner.get("pid") == self.process.pid:
                    return path, state
        return None

    def kill(self) -> None:
        """Kill it as planned; it may have ended already."""
        self.killed = time.monotonic()
        number = signal.Signals[self.plan.signal]
        if self.plan.target == "reaper first":
            for pid in reapers_of(self.plan.number):
                _send(pid, signal.SIGKILL)
        if self.process.poll() is None:
            if self.plan.target == "group":
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self.process.pid, number)
            else:
                _send(self.process.pid, number)


def started(plan: KillPlan, *, key: str, context_length: int, url: str, folder: Path, shared_state: Path) -> Victim:
    """Start a run in a process group of its own."""
    state = shared_state if plan.shares_state else folder / f"state-{plan.number}"
    out = folder / f"run-{plan.number}-{plan.scenario}.out"
    paths = [str(_PACKAGE), *filter(None, [os.environ.get("PYTHONPATH")])]
    environ = {
        **os.environ,
        "LMS_HARNESS_STATE": str(state),
        "LM_STUDIO_API_URL": url,
        "PYTHONPATH": os.pathsep.join(paths),
        MARK: f"{os.getpid()}-{plan.number}",
    }
    has_context = plan.scenario in {"load", "jit", "pytest"}
    words = _words(plan.scenario, key, context_length, url, folder)
    with out.open("wb") as stdout, out.with_suffix(".err").open("wb") as stderr:
        began = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", *words],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            cwd=folder,
            env=environ,
            start_new_session=True,
        )
    return Victim(
        plan=plan,
        key=key,
        context_length=context_length if has_context else None,
        state=state,
        out=out,
        process=process,
        started=began,
    )


def reapers_of(number: int) -> list[int]:
    """Return the pids of the reapers of a run."""
    return [pid for pid, words in processes_of(number) if "harness.reaper.process" in words]


def processes_of(number: int) -> list[tuple[int, str]]:
    """Return pid and command line of all processes of a run that are alive."""
    return marked().get(number, [])


def marked() -> Mapping[int, list[tuple[int, str]]]:
    """Return the living processes of this campaign's runs, by the number of the run."""
    prefix = f"{MARK}={os.getpid()}-".encode()
    found: dict[int, list[tuple[int, str]]] = {}
    for pid, environ in _environments():
        for entry in environ.split(b"\0"):
            if entry.startswith(prefix):
                with contextlib.suppress(OSError):
                    words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
                    found.setdefault(int(entry.removeprefix(prefix)), []).append((pid, words))
    return found


def _environments() -> Iterator[tuple[int, bytes]]:
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            with contextlib.suppress(OSError):  # It is gone, a zombie, or not ours.
                yield int(path.name), (path / "environ").read_bytes()


def _words(scenario: str, key: str, context_length: int, url: str, folder: Path) -> list[str]:
    ask = ["harness.cli", "chat", key, "Name three rivers.", "--max-output-tokens=8"]
    jit = ["tests.torture.campaign.jit", url, key, str(context_length)]
    return {
        "load": ["harness.cli", "load", key, f"--context-length={context_length}", "--new-instance", "--json"],
        "chat": [*ask, "--json"],
        "stream": [*ask, "--stream"],
        "unload-after": [*ask, "--unload-after", "--json"],
        "jit": jit,
        "pytest": [
            "harness.cli",
            "run",
            f"--url={url}",
            f"--model={key}",
            "--suite=offload",
            "--task=classify",
            "--limit=1",
            "--max-output-tokens=8",
            f"--context-length={context_length}",
            f"--results={folder / 'results'}",
        ],
    }[scenario]


def _send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
