"""The kill campaign: real runs, each killed at a random moment, beside foreign clients of the same models."""

import contextlib
import itertools
import random
import statistics
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.client.address import normalised
from harness.client.redaction import DEFAULT_TOKEN
from harness.reaper.answer import ServerTrouble
from harness.reaper.server import PlainServer
from tests.torture.campaign.foreign import Foreign
from tests.torture.campaign.settle import Settler
from tests.torture.campaign.table import KillReport
from tests.torture.campaign.victim import SIGNALS, TARGETS, KillPlan, KillTarget, Victim, started
from tests.torture.campaign.watch import Watch

_LOOK_S = 0.3
_LAST_FEW = 5
_MARGIN = 1.1  # So that the last moments of a run come up as well.
_MEASURE_S = 180.0
_ALLOW_AFTER_S = 1.0
_FIRST_CONTEXT = 600
_JOIN_S = 60.0
_WIND_UP_S = 240.0
_OWN_STATE_SHARE = 0.3
_VACATE_SHARE = 0.5
_RACE_SHARE = 0.7
_OTHER_CONTEXTS = (300, 500)


def plans(seed: int, runs: int, scenarios: Sequence[str]) -> list[KillPlan]:
    """Return what shall happen: each combination of scenario, target and signal as often as any other."""
    dice = random.Random(f"{seed}:plans")
    combinations: list[tuple[str, KillTarget, str]] = []
    while len(combinations) < runs:
        each_once = list(itertools.product(scenarios, TARGETS, SIGNALS))
        dice.shuffle(each_once)
        combinations += each_once
    return [
        KillPlan(
            number=number,
            scenario=scenario,
            target=target,
            signal=signal,
            fraction=dice.random(),
            shares_state=dice.random() >= _OWN_STATE_SHARE,
            vacates=dice.random() < _VACATE_SHARE or scenario == "jit",
            by_doctor=dice.random() < 0.5,
        )
        for number, (scenario, target, signal) in enumerate(combinations[:runs], 1)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a kill campaign is to do."""

    url: str
    keys: tuple[str, ...]
    scenarios: tuple[str, ...]
    runs: int
    seed: int
    minutes: float | None
    foreign_clients: int
    token: str = DEFAULT_TOKEN


class KillCampaign:
    """One campaign; `run` does it.

    Args:
        options: what to do.
        folder: for the output of all runs and their state directories.
        advance: called with each run that has been settled.
    """

    def __init__(self, options: Options, folder: Path, advance: Callable[[Victim], None]) -> None:
        self._options = options
        self._folder = folder
        self._advance = advance
        self._server = PlainServer(normalised(options.url), options.token)
        self._ignored = frozenset(instance.id for instance in self._server.listing())
        self._victims: list[Victim] = []
        self._lock = threading.Lock()
        self._logging = threading.Lock()
        self._todo = plans(options.seed, options.runs, options.scenarios)
        self._contexts = itertools.count(_FIRST_CONTEXT)
        self._undisturbed = itertools.count(-1, -1)
        self._durations: dict[str, list[float]] = defaultdict(list)
        self._events = folder / "events.log"
        self._end = time.monotonic() + options.minutes * 60 if options.minutes else float("inf")
        self._is_over = threading.Event()
        self.foreign = Foreign(
            options.url,
            self._wish,
            token=options.token,
            seed=str(options.seed),
            count=options.foreign_clients,
            log=self._log,
        )
        self._watch = Watch(self._server, self.foreign, lambda: tuple(self._victims), self._ignored, self._log)
        self._settler = Settler(
            self._server.url,
            self._server,
            folder,
            token=options.token,
            last_look=lambda: self._watch.last_look,
            log=self._log,
        )

    def run(self) -> KillReport:
        """Kill all runs; after a Ctrl-C clean up and report what was done so far."""
        self._watch.start()
        self.foreign.start()
        notes = []
        try:
            self._in_lanes(self._measure)
            notes.append("undisturbed: " + ", ".join(f"{name} {self._usual_s(name):.1f} s" for name in self._durations))
            self._in_lanes(self._kill_all)
        except KeyboardInterrupt:
            notes.append("Interrupted: the figures cover the runs up to then.")
        finally:
            self._wind_up()
        killed = [victim for victim in self._victims if victim.plan.number > 0]
        return KillReport(
            victims=killed,
            touched=[*self.foreign.wrongs, *self._watch.found.touched],
            strays=self._watch.found.strays,
            notes=notes,
            raced=frozenset(self._raced(killed)),
        )

    def _raced(self, victims: Sequence[Victim]) -> Iterator[int]:
        for victim in victims:
            if self.foreign.raced(victim.key, victim.started, victim.settled or time.monotonic()):
                yield victim.plan.number

    def _in_lanes(self, work: Callable[[str], None]) -> None:
        """Do `work` for each key in a thread of its own, and follow the killed runs meanwhile."""
        lanes = [threading.Thread(target=work, args=(key,), daemon=True) for key in self._options.keys]
        for lane in lanes:
            lane.start()
        try:
            while any(lane.is_alive() for lane in lanes):
                self._follow()
                time.sleep(_LOOK_S)
        finally:
            self._is_over.set()
            for lane in lanes:
                lane.join(_JOIN_S)
            self._is_over.clear()

    def _follow(self) -> None:
        going = [victim for victim in self._victims if not victim.is_settled]
        self._settler.look(going)
        for victim in going:
            if victim.is_settled and victim.plan.number > 0:
                self._advance(victim)

    def _wind_up(self) -> None:
        """Wait until nothing of any run is left, then end everything that the campaign started."""
        for victim in self._victims:
            if victim.killed is None:
                victim.kill()
        self._settler.is_ending = True
        end = time.monotonic() + _WIND_UP_S
        with contextlib.suppress(KeyboardInterrupt):
            while any(not victim.is_settled for victim in self._victims) and time.monotonic() < end:
                self._follow()
                time.sleep(_LOOK_S)
        self._settler.close()
        for victim in self._victims:
            victim.journal_left = (left := victim.journal()) is not None and bool(left[1].open_leases)
        self.foreign.close()
        self._watch.close()
        with contextlib.suppress(ServerTrouble):
            for instance in self._server.listing():
                if instance.id not in self._ignored:
                    self._server.unload(instance.id)

    def _measure(self, key: str) -> None:
        """Run each scenario undisturbed once on one of the keys, to learn how long it takes."""
        keys = self._options.keys
        for scenario in self._options.scenarios[keys.index(key) :: len(keys)]:
            plan = KillPlan(
                number=next(self._undisturbed),
                scenario=scenario,
                target="harness",
                signal="SIGKILL",
                fraction=1.0,
                shares_state=True,
                vacates=True,
                by_doctor=True,
            )
            victim = self._start(plan, key)
            end = time.monotonic() + _MEASURE_S
            while victim.process.poll() is None and time.monotonic() < end and not self._is_over.is_set():
                time.sleep(0.02)
            self._durations[scenario].append(time.monotonic() - victim.started)
            victim.kill()
            self._await_settled(victim)

    def _kill_all(self, key: str) -> None:
        while not self._is_over.is_set() and time.monotonic() < self._end:
            plan = self._next(key)
            if plan is None:
                return
            victim = self._start(plan, key)
            moment = victim.started + plan.fraction * _MARGIN * self._usual_s(plan.scenario)
            while (left := moment - time.monotonic()) > 0 and not self._is_over.wait(min(left, 0.05)):
                if victim.process.poll() == 0:
                    # How long a run takes changes with what else the machine is doing.
                    self._durations[plan.scenario].append(time.monotonic() - victim.started)
                if victim.process.poll() is not None:
                    break
            victim.kill()
            self._log(f"{victim.name} was killed {(victim.killed or 0.0) - victim.started:.2f} s old")
            while victim.process.poll() is None and not self._is_over.wait(_LOOK_S / 10):
                pass

    def _next(self, key: str) -> KillPlan | None:
        """Take the first plan that is possible on this key; None if none is left.

        Only one command without a context length runs on a key at a time: nothing else tells its instances apart.
        """
        while not self._is_over.wait(0.05):
            with self._lock:
                if not self._todo:
                    return None
                taken = any(
                    victim.key == key and not victim.is_settled and victim.context_length is None
                    for victim in self._victims
                )
                for plan in self._todo:
                    if not taken or plan.scenario in {"load", "jit", "pytest"}:
                        self._todo.remove(plan)
                        return plan
        return None

    def _start(self, plan: KillPlan, key: str) -> Victim:
        if plan.vacates:
            self.foreign.vacate(key)
            timer = threading.Timer(_ALLOW_AFTER_S, self.foreign.allow, (key,))
            timer.daemon = True
            timer.start()
        with self._lock:
            victim = started(
                plan,
                key=key,
                context_length=next(self._contexts),
                url=self._options.url,
                folder=self._folder,
                shared_state=self._folder / "state",
            )
            self._victims.append(victim)
        self._log(f"{victim.name} began: {victim.key} {victim.context_length}, pid {victim.process.pid}")
        return victim

    def _usual_s(self, scenario: str) -> float:
        """Return how long an undisturbed run takes now: the median of the last few."""
        return statistics.median(self._durations[scenario][-_LAST_FEW:])

    def _log(self, line: str) -> None:
        with self._logging, self._events.open("a", encoding="utf-8") as file:
            file.write(f"{time.monotonic():.2f} {line}\n")

    def _await_settled(self, victim: Victim) -> None:
        while not victim.is_settled and not self._is_over.wait(_LOOK_S):
            pass

    def _wish(self, dice: random.Random) -> tuple[str, int | None]:
        """Return what a foreign client loads next: mostly a run's key, half of the time with the run's config."""
        going = [victim for victim in tuple(self._victims) if not victim.is_settled]
        if going and dice.random() < _RACE_SHARE:
            raced = dice.choice(going[-len(self._options.keys) :])
            return raced.key, dice.choice((raced.context_length, dice.randint(*_OTHER_CONTEXTS)))
        return dice.choice(self._options.keys), dice.randint(*_OTHER_CONTEXTS)
