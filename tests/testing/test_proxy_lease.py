"""Leases through a proxy: whatever goes wrong, nothing of ours stays loaded unnoticed, nothing of others is touched."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.client.deadline import Deadlines
from harness.client.http import Client
from harness.clock import SystemClock
from harness.domain.generation import ChatRequest
from harness.domain.model import LoadConfig
from harness.errors import HarnessError
from harness.lifecycle.leases import Leases
from harness.reaper.journal import Journal, replay
from harness.reaper.link import ReaperLink
from harness.testing.fault import Abandon, Cut, Delay, Drop, Fault, Hang, Raw, Reset, Status, Then, Trickle
from harness.testing.plan import ANY
from harness.testing.proxy import FaultProxy
from harness.testing.random_fault import random_fault
from harness.testing.reaper import in_thread
from harness.testing.scripted import ScriptedServer
from harness.testing.stream_fault import CutEvent, Repeat
from harness.testing.wire_fault import Garbage, Pause, WrongLength

KEY = "acme/tiny-1b"
OTHER = "acme/small-4b"
MODELS = "/api/v1/models"
LOAD = "/api/v1/models/load"
UNLOAD = "/api/v1/models/unload"
CHAT = "/api/v1/chat"
HTML = "<html>Who are you?</html>"

STORY_S = 60.0
"""No story takes longer, though each of its steps may wait for several deadlines."""

NEAR = Deadlines(connect_s=1.0, list_s=1.0, load_s=1.0, unload_s=1.0, idle_s=1.0, total_s=2.0)
LATE_S = 0.3
"""How late a request may reach the server at most; a lost load is looked for three times as long."""


class HurriedClock:
    """A reaper's time, 16 times as fast: what it waits for in minutes, such as a broken listing, is over in seconds.

    While the machine gives this process no time, next to none passes: otherwise a pause of a second would be one of 16,
    after which the reaper rightly says that an instance appeared too late to be attributed.
    """

    _SPEED = 16
    _TICK_S = 0.05

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._looked = time.monotonic()
        self._time = 0.0

    def monotonic(self) -> float:
        with self._lock:
            now = time.monotonic()
            self._time += min(now - self._looked, self._TICK_S) * self._SPEED
            self._looked = now
            return self._time

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251  (a clock of its own)

    def sleep(self, seconds: float) -> None:
        end = self.monotonic() + seconds
        time.sleep(seconds / self._SPEED)
        with self._lock:
            self._time = max(self._time, end)


@dataclass(kw_only=True)
class Stage:
    """A server where somebody else has loaded both models, the proxy before it, and our leases."""

    server: ScriptedServer
    proxy: FaultProxy
    client: Client
    leases: Leases
    journal: Journal
    foreign: list[str]
    errors: list[HarnessError] = field(default_factory=list)

    def play(self) -> None:
        """Acquire a lease, chat, and release, as a run does: an error ends the step, never the release."""
        try:
            lease = self.leases.acquire(KEY, LoadConfig(context_length=8192))
        except HarnessError as exc:
            self.errors.append(exc)
            return
        asked = ChatRequest(model=lease.instance.id, input="one two three", max_output_tokens=20)
        steps: list[Callable[[], object]] = [
            lambda: self.client.chat(asked, stream=True),
            lambda: self.leases.release(lease),
            self.leases.release_strays,
        ]
        for step in steps:
            try:
                step()
            except HarnessError as exc:
                self.errors.append(exc)

    @property
    def left(self) -> list[str]:
        """What is loaded now and was not before."""
        return [instance_id for instance_id in self.server.loaded if instance_id not in self.foreign]

    def check(self) -> None:
        """Nothing of others is touched; what is left of ours is named by an error, or the journal has an open lease."""
        assert [instance_id for instance_id in self.server.loaded if instance_id in self.foreign] == self.foreign
        unloaded = [body["instance_id"] for body in self.server.asked("POST", UNLOAD)]
        assert not set(unloaded) & set(self.foreign)
        named = "\n".join(str(error) for error in self.errors)
        is_open = self.journal.path.exists() and bool(replay(self.journal.path).open_leases)
        assert [instance_id for instance_id in self.left if instance_id not in named and not is_open] == []


@contextmanager
def stage(directory: Path) -> Iterator[Stage]:
    with (
        ScriptedServer() as server,
        FaultProxy(server.url) as proxy,
        Client(proxy.url, deadlines=NEAR) as client,
    ):
        foreign = [str(server.load(key, LoadConfig(context_length=1024))) for key in (KEY, OTHER)]
        journal = Journal("run", url=proxy.url, clock=SystemClock(), directory=directory / "journals")
        # In a thread, because a hundred interpreters would take a minute; tests/reaper prove the process.
        link = ReaperLink(journal, token="", launch=in_thread(HurriedClock()))
        leases = Leases(client, journal, link=link, load_deadline_s=1.5, settle_s=3 * LATE_S)
        yield Stage(server=server, proxy=proxy, client=client, leases=leases, journal=journal, foreign=foreign)
        leases.close()


ONCE = [
    Drop(),
    Drop(after_effect=True),
    Reset(after_effect=True),
    Hang(after_effect=True),
    Abandon(),
    Cut(10, "reset", with_head=True),
    Status(503, {"error": {"message": "busy"}}, after_effect=True),
    Status(200, HTML, "text/html", after_effect=True),
    Garbage(),
    WrongLength(-7),
]
STEPS = {
    "snapshot": ("GET", MODELS, 0),
    "load": ("POST", LOAD, 0),
    "verifying listing": ("GET", MODELS, 1),
    "chat": ("POST", CHAT, 0),
    "unload": ("POST", UNLOAD, 0),
    "last listing": ("GET", MODELS, 2),
}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("fault", ONCE, ids=repr)
def test_one_fault_at_any_step_leaves_nothing_of_ours_and_all_of_others(
    tmp_path: Path, step: str, fault: Fault
) -> None:
    method, path, after = STEPS[step]
    with stage(tmp_path) as scene:
        scene.proxy.on(method, path, fault, after=after, times=1)
        scene.play()
        assert fault in [passed.fault for passed in scene.proxy.passed]
        scene.check()
        end = time.monotonic() + STORY_S  # On a busy machine the reaper is still at it when the run goes on.
        while scene.left and time.monotonic() < end:
            time.sleep(0.05)
        assert scene.left == []


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("fault", ONCE, ids=repr)
def test_a_fault_that_comes_again_leaves_nothing_of_ours_unnoticed(tmp_path: Path, step: str, fault: Fault) -> None:
    method, path, after = STEPS[step]
    with stage(tmp_path) as scene:
        scene.proxy.on(method, path, fault, after=after, times=2)
        scene.play()
        scene.check()


@pytest.mark.parametrize("fault", [Drop(after_effect=True), Hang(), Status(500, ""), Abandon()], ids=repr)
def test_a_load_that_is_always_lost_is_sent_once_and_what_it_made_is_ours_or_gone(tmp_path: Path, fault: Fault) -> None:
    with stage(tmp_path) as scene:
        scene.proxy.on("POST", LOAD, fault)
        scene.play()
        assert [passed.path for passed in scene.proxy.passed].count(LOAD) == 1
        scene.check()
        assert scene.left == []


@pytest.mark.parametrize(
    "fault",
    [
        Drop(),
        Hang(),
        Reset(),
        Status(200, HTML, "text/html"),
    ],
    ids=repr,
)
def test_an_unload_that_never_gets_through_is_an_error_that_names_what_is_left(tmp_path: Path, fault: Fault) -> None:
    with stage(tmp_path) as scene:
        scene.proxy.on("POST", UNLOAD, fault)
        scene.play()
        assert scene.left == [f"{KEY}:2"]
        assert f"lms-harness unload --instance '{KEY}:2'" in "\n".join(map(str, scene.errors))
        scene.check()


def test_a_server_that_goes_away_for_good_after_a_load_is_reported(tmp_path: Path) -> None:
    with stage(tmp_path) as scene:
        lease = scene.leases.acquire(KEY, LoadConfig(context_length=8192))
        with scene.proxy.refusing(), pytest.raises(HarnessError, match=f"{KEY}:2 may still be loaded"):
            scene.leases.release(lease)
        assert scene.leases.release(lease).is_verified
        assert scene.left == []


def test_harmless_faults_everywhere_change_nothing(tmp_path: Path) -> None:
    with stage(tmp_path) as scene:
        scene.proxy.on(ANY, ANY, Trickle())
        scene.play()
        assert scene.errors == []
        assert scene.left == []


def then() -> st.SearchStrategy[Then]:
    return st.sampled_from(["close", "reset", "hang", "half_close"])


def faults() -> st.SearchStrategy[Fault]:
    sizes = st.integers(0, 600)
    return st.one_of(
        st.builds(Drop, after_effect=st.booleans()),
        st.builds(Reset, after_effect=st.booleans()),
        st.builds(Hang, after_effect=st.booleans()),
        st.builds(Abandon),
        st.builds(Delay, st.floats(0, LATE_S), after_effect=st.booleans()),
        st.builds(Status, st.sampled_from([500, 503]), st.just(""), after_effect=st.booleans()),
        st.builds(Status, st.sampled_from([200, 502]), st.just(HTML), st.just("text/html"), st.booleans()),
        st.builds(Cut, sizes, then(), with_head=st.booleans()),
        st.builds(CutEvent, st.integers(0, 12), then()),
        st.builds(Pause, sizes, st.floats(0, LATE_S)),
        st.builds(Raw, st.lists(st.binary(max_size=40), max_size=3), then=then(), after_effect=st.booleans()),
        st.builds(WrongLength, st.integers(-20, 20)),
        st.builds(Trickle),
        st.builds(Repeat),
        st.builds(Garbage, st.binary(min_size=1, max_size=40)),
    )


STEP = st.tuples(st.sampled_from(sorted(STEPS)), faults(), st.integers(0, 2), st.sampled_from([1, 2, None]))


PLANS = st.lists(STEP, min_size=1, max_size=3)


@given(plan=PLANS)
@settings(max_examples=6)
def test_no_plan_of_faults_hangs_a_run_touches_others_or_leaves_anything_unnoticed(
    plan: list[tuple[str, Fault, int, int | None]],
) -> None:
    play_planned(plan)


@pytest.mark.torture
@pytest.mark.timeout(3600)
@given(plan=PLANS)
@settings(max_examples=300)
def test_many_plans_of_faults_hang_no_run_touch_no_others_and_leave_nothing_unnoticed(
    plan: list[tuple[str, Fault, int, int | None]],
) -> None:
    play_planned(plan)


def play_planned(plan: list[tuple[str, Fault, int, int | None]]) -> None:
    with TemporaryDirectory() as directory, stage(Path(directory)) as scene:
        for step, fault, more, times in plan:
            method, path, after = STEPS[step]
            scene.proxy.on(method, path, fault, after=after + more, times=times)
        started = time.monotonic()
        scene.play()
        assert time.monotonic() - started < STORY_S
        scene.check()


@pytest.mark.parametrize("seed", [*range(2), *(pytest.param(seed, marks=pytest.mark.torture) for seed in range(2, 30))])
def test_a_campaign_at_random_ends_and_leaves_nothing_unnoticed(tmp_path: Path, seed: int) -> None:
    with stage(tmp_path) as scene:
        scene.proxy.at_random(seed, rate=0.3, make=random_fault)
        started = time.monotonic()
        for _ in range(3):
            scene.play()
        assert time.monotonic() - started < 3 * STORY_S
        scene.check()
