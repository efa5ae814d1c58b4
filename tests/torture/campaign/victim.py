"""One run that is to be killed: how it is started, when and how it dies, and what shows that it has ended."""

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

Target: TypeAlias = Literal["harness", "group", "reaper first"]
TARGETS: tuple[Target, ...] = ("harness", "group", "reaper first")
SIGNALS = ("SIGKILL", "SIGTERM", "SIGINT", "SIGHUP")
SCENARIOS = ("load", "chat", "stream", "unload-after", "jit", "pytest")
MARK = "LMS_CAMPAIGN_RUN"
"""A variable in the environment of a run, which its reaper inherits."""

_HAND_OVER = frozenset({"load", "chat", "stream"})
_PACKAGE = Path(__file__).resolve().parents[3]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What shall happen to one run; all of it follows from the seed.

    Attributes:
        number: of the run, from 1; below 0 is a run that is left alone, to measure how long it takes.
        fraction: the moment of the kill, in shares of an undisturbed run.
        shares_state: uses the campaign's state directory, else one of its own.
        vacates: foreign clients leave the key alone until the run has begun; a chat loads only what is not loaded.
        by_doctor: after a death of run and reaper, `doctor --fix` finishes, else the next run's sweep.
    """

    number: int
    scenario: str
    target: Target
    signal: str
    fraction: float
    shares_state: bool
    vacates: bool
    by_doctor: bool


@dataclass(slots=True, kw_only=True)
class Victim:
    """A run and what was seen of it. Times are monotonic seconds.

    Attributes:
        context_length: of its load, given to no other run; None where the command has no option for it.
        killed, ended, settled: when it was killed; when its process had ended; when nothing of it was left.
        quiet_since: when its processes had ended and its journal was settled.
        seen: ids of its instances, and when each was last listed.
    """

    plan: Plan
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
    is_ambiguous: bool = False
    is_handed_over: bool = False
    has_hung: bool = False
    processes_left: int = 0
    journal_left: bool = False

    @property
    def name(self) -> str:
        """For messages."""
        return f"run {self.plan.number} ({self.plan.scenario}, {self.plan.signal} to {self.plan.target})"

    @property
    def is_settled(self) -> bool:
        """Whether nothing of it is left, or what is left has been counted."""
        return self.settled is not None

    @property
    def ending(self) -> str:
        """What became of it, in words."""
        facts = {"leaked": self.is_leaked, "ambiguous": self.is_ambiguous, "handed over": self.is_handed_over}
        return ", ".join(name for name, holds in facts.items() if holds) or "clean"

    @property
    def may_hand_over(self) -> bool:
        """Whether it leaves its instance loaded on purpose once it has printed its whole answer."""
        if self.plan.scenario not in _HAND_OVER:
            return False
        said = self.out.read_text(encoding="utf-8", errors="replace")
        if self.plan.scenario == "stream":
            return said.endswith("\n")
        with contextlib.suppress(ValueError):
            return isinstance(json.loads(said), dict)
        return False

    @property
    def to_clean_s(self) -> float | None:
        """Seconds from its death until nothing of it was loaded any more; None where nothing had to be cleaned."""
        last = max(self.seen.values(), default=0.0)
        if self.is_handed_over or self.killed is None or last <= self.killed:
            return None
        return last - self.killed

    def loaded(self, since: float) -> list[str]:
        """Return the ids of its instances that were listed since then."""
        return [one for one, at in self.seen.items() if at >= since]

    def journal(self) -> tuple[Path, JournalState] | None:
        """Return its journal; None when there is none, or not any more."""
        for path in (self.state / "journals").glob("*.jsonl"):
            with contextlib.suppress(OSError):
                state = replay(path)
                if state.owner.get("pid") == self.process.pid:
                    return path, state
        return None

    def kill(self) -> None:
        """Do to it what the plan says; it may have ended already."""
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


def started(plan: Plan, *, key: str, context_length: int, url: str, folder: Path, shared_state: Path) -> Victim:
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
            [sys.executable, "-P", "-m", *words], stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, cwd=folder,
            env=environ, start_new_session=True,
        )  # fmt: skip
    return Victim(
        plan=plan, key=key, context_length=context_length if has_context else None, state=state, out=out,
        process=process, started=began,
    )  # fmt: skip


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
            "harness.cli", "run", f"--url={url}", f"--model={key}", "--suite=offload", "--task=classify", "--limit=1",
            "--max-output-tokens=8", f"--context-length={context_length}", f"--results={folder / 'results'}",
        ],
    }[scenario]  # fmt: skip


def _send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
