"""Random stories of leases, faults, foreign clients, restarts and deaths; after each step nothing of others is touched.

Foreign instances get a context length that nobody else asks for, but where a step says otherwise. An instance that took
the id of ours is known as foreign only if a listing or an error told of an absence in between (adr-0003), so a foreign
client never loads into a place that nobody has seen empty.
"""

import contextlib
import itertools
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from harness.client.deadline import Deadlines
from harness.client.http import Client
from harness.domain.generation import ChatRequest
from harness.domain.model import InstanceId, LoadConfig
from harness.errors import HarnessError
from harness.lifecycle.lease import Lease
from harness.lifecycle.leases import Leases
from harness.reaper.journal import Journal, replay
from harness.reaper.lease import OpenLease
from harness.reaper.link import ReaperLink
from harness.reaper.sweep import left_journals, sweep
from harness.testing.clock import FakeClock
from harness.testing.fault import Drop, Fault
from harness.testing.reaper import ReaperThread
from harness.testing.scripted import ScriptedServer

from .trouble import Meanwhile, bad_lists, bad_unloads, lost_loads

KEYS = ("acme/tiny-1b", "acme/small-4b")
LOAD, UNLOAD, MODELS = "/api/v1/models/load", "/api/v1/models/unload", "/api/v1/models"
CHAT = "/api/v1/chat"
SETTLE_S = 1.0
TIMES_LISTED = 3
TROUBLE_LASTS = 4
"""Steps after which faults that met no request are forgotten: else hardly any load would go well."""

GROWN_UP = 5
"""Steps after which a run may die: else most would die before they hold anything."""

keys = st.sampled_from(KEYS)
contexts = st.sampled_from([1024, 2048])
picks = st.integers(0, 7)


class Story(RuleBasedStateMachine):
    """One server, one run at a time, and others."""

    def __init__(self) -> None:
        super().__init__()
        self.exits = contextlib.ExitStack()
        self.folder = Path(self.exits.enter_context(tempfile.TemporaryDirectory()))
        self.server = self.exits.enter_context(ScriptedServer())
        self.clock = FakeClock()
        self.foreign: dict[str, LoadConfig] = {}
        self.handed: set[str] = set()
        self.runs = itertools.count()
        self.their_contexts = itertools.count(100)
        self.begin()

    def begin(self) -> None:
        """Start a run."""
        self.age = 0
        self.drifted: set[int | None] = set()
        self.client = Client(self.server.url, deadlines=Deadlines(load_s=0.25, list_s=5.0, unload_s=0.25, total_s=5.0))
        name = f"run-{next(self.runs)}"
        self.journal = Journal(name, url=self.server.url, clock=self.clock, directory=self.folder)
        self.reapers: list[ReaperThread] = []
        link = ReaperLink(self.journal, token=self.client.token, settle_s=SETTLE_S, launch=self.launch)
        self.leases = Leases(
            self.client, self.journal, link=link, clock=self.clock, load_deadline_s=3.0, settle_s=SETTLE_S
        )

    def launch(self, _: Journal) -> ReaperThread:
        """Start a reaper whose waits take no time, and remember it, so that it can be killed."""
        self.reapers.append(ReaperThread(self.clock))
        return self.reapers[-1]

    def teardown(self) -> None:
        """Let the run end well, then what is left of others must be all there is."""
        with contextlib.suppress(HarnessError):
            for lease in self.leases.held:
                self.leases.release(lease)
            self.leases.release_strays()
        self.nothing_of_others_is_touched()
        self.everything_else_is_named()
        self.leases.close()
        for reaper in self.reapers:
            reaper.wait()
        self.client.close()
        self.exits.close()

    # What our run does.

    @rule(key=keys, context=contexts, is_new=st.booleans())
    def acquire(self, key: str, context: int, *, is_new: bool) -> None:
        with contextlib.suppress(HarnessError):
            self.leases.acquire(key, LoadConfig(context_length=context), reuse=not is_new)

    @rule(key=keys, context=contexts)
    def acquire_by_chat(self, key: str, context: int) -> None:
        request = ChatRequest(model=key, input="Hello.", max_output_tokens=4, context_length=context)
        with contextlib.suppress(HarnessError):
            self.leases.acquire_jit(key, request, despite_others=True)

    @rule(pick=picks)
    def borrow(self, pick: int) -> None:
        with contextlib.suppress(HarnessError):
            self.leases.borrow(InstanceId(self.picked(pick, self.server.loaded or ["nothing"])))

    @precondition(lambda self: self.leases.held)
    @rule(pick=picks)
    def ask(self, pick: int) -> None:
        """A request to an instance that went away makes the server load its model anew."""
        request = ChatRequest(model=self.held(pick).instance.id, input="Hello.", max_output_tokens=4)
        with contextlib.suppress(HarnessError):
            self.client.chat(request, stream=True)

    @precondition(lambda self: self.leases.held)
    @rule(pick=picks)
    def release(self, pick: int) -> None:
        lease = self.held(pick)
        with contextlib.suppress(HarnessError):
            self.leases.release(lease)
            if lease.is_owned and lease.instance.id not in {*self.foreign, *self.handed}:
                assert lease.instance.id not in self.server.loaded

    @precondition(lambda self: self.leases.held)
    @rule(pick=picks)
    def hand_over(self, pick: int) -> None:
        lease = self.held(pick)
        is_loaded = lease.instance.id in self.server.loaded
        self.leases.hand_over(lease)
        if is_loaded and lease.instance.id not in self.foreign:
            self.handed.add(lease.instance.id)

    # What goes wrong.

    @rule(fault=lost_loads)
    def a_load_will_go_wrong(self, fault: Fault) -> None:
        self.server.on("POST", LOAD, fault, times=1)

    @rule(fault=bad_lists, times=st.integers(1, TIMES_LISTED))
    def a_listing_will_go_wrong(self, fault: Fault, times: int) -> None:
        self.server.on("GET", MODELS, fault, times=times)

    @rule(fault=bad_unloads)
    def an_unload_will_go_wrong(self, fault: Fault) -> None:
        self.server.on("POST", UNLOAD, fault, times=1)

    @rule(is_same=st.booleans(), key=keys, context=contexts)
    def somebody_will_load_too_while_our_answer_is_lost(self, key: str, context: int, *, is_same: bool) -> None:
        if is_same:  # Just as we ask, beside ours.
            lost: Fault = Drop(after_effect=True)
            self.server.on("POST", LOAD, Meanwhile(lambda: self.they_load(key, context), lost), times=1)
        else:
            self.server.on("POST", LOAD, Meanwhile(lambda: self.they_load(key), Drop()), times=1)

    @rule(key=keys)
    def somebody_will_load_while_we_chat(self, key: str) -> None:
        self.server.on("POST", CHAT, Meanwhile(lambda: self.they_load(key), Drop()), times=1)

    @rule()
    def the_server_starts_anew(self) -> None:
        for instance_id in self.server.loaded:
            self.server.unload(instance_id)
        self.foreign.clear()
        self.handed.clear()

    @rule(pick=picks)
    def an_instance_crashes(self, pick: int) -> None:
        if self.server.loaded:
            instance_id = self.picked(pick, self.server.loaded)
            self.server.unload(instance_id)
            self.foreign.pop(instance_id, None)
            self.handed.discard(instance_id)

    @rule(key=keys, context=contexts, dies=st.booleans())
    def somebody_takes_the_place_of_ours(self, key: str, context: int, *, dies: bool) -> None:
        """It crashes, and its id is given to whoever loads the model next; then our run dies, or goes on."""
        self.acquire(key, context, is_new=True)
        for lease in self.leases.held:
            if lease.is_owned and lease.instance.id in self.server.loaded and lease.instance.id not in self.foreign:
                self.server.unload(lease.instance.id)
                self.they_load(lease.model.key, context)
        if dies:
            self.another_run()

    @rule(seconds=st.sampled_from([0.1, 1.0, 100.0]))
    def time_passes(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @precondition(lambda self: self.leases.held)
    @rule(pick=picks, context=contexts)
    def the_config_of_ours_drifts(self, pick: int, context: int) -> None:
        lease = self.held(pick)
        if lease.is_owned and lease.instance.id in self.server.loaded and lease.instance.id not in self.foreign:
            self.server.reconfigure(lease.instance.id, LoadConfig(context_length=context, parallel=1))
            self.drifted.add(lease.number)

    # What others do.

    @rule(key=keys)
    def somebody_loads(self, key: str) -> None:
        self.they_load(key)

    @precondition(lambda self: self.foreign)
    @rule(pick=picks)
    def somebody_unloads_theirs(self, pick: int) -> None:
        instance_id = self.picked(pick, list(self.foreign))
        del self.foreign[instance_id]
        self.server.unload(instance_id)

    # Death.

    @precondition(lambda self: self.age >= GROWN_UP)
    @rule(reaper_dies=st.booleans())
    def the_run_dies(self, *, reaper_dies: bool) -> None:
        self.another_run(reaper_dies=reaper_dies)

    @precondition(lambda self: self.age >= GROWN_UP)
    @rule(
        key=keys, context=contexts, stage=st.sampled_from(["intent", "sent", "made", "granted"]), is_raced=st.booleans()
    )
    def the_run_dies_within_a_load(self, key: str, context: int, stage: str, *, is_raced: bool) -> None:
        config = LoadConfig(context_length=context)
        is_raced &= not self.has_lost(key)
        number = self.journal.intent(key, resident=tuple(self.server.loaded), config=config.as_dict(), deadline_s=0.25)
        if stage != "intent":
            self.journal.sent(number)
        if stage in {"made", "granted"}:
            made = self.server.load(key, config)
            if stage == "granted":
                self.journal.grant(number, made)
        if is_raced and stage != "sent":  # Sent and not made, and theirs just as ours: given up, see adr-0003.
            self.they_load(key, context)
        self.another_run()

    # What is true after each step.

    @invariant()
    def it_grows_older(self) -> None:
        self.age += 1
        if self.age % TROUBLE_LASTS == 0:
            self.server.heal()

    @invariant()
    def nothing_of_others_is_touched(self) -> None:
        for instance_id, config in self.foreign.items():
            assert instance_id in self.server.loaded, f"{instance_id} is somebody else's"
            assert self.config_of(instance_id).context_length == config.context_length

    @invariant()
    def everything_else_is_named(self) -> None:
        """The owned set is exact: what is loaded is others', held, handed over, or named by an open lease."""
        held = {lease.instance.id for lease in self.leases.held}
        named = self.named()
        for instance_id in self.server.loaded:
            if instance_id in {*self.foreign, *self.handed, *held}:
                continue
            key = instance_id.partition(":")[0]
            assert any(lease.claims(instance_id, key) or instance_id in lease.doubtful_ids for lease in named), (
                instance_id
            )

    @invariant()
    def the_journal_replays_to_the_truth(self) -> None:
        owned = {lease.number: lease for lease in self.leases.held if lease.is_owned}
        written = self.open_leases()
        for number, lease in owned.items():
            assert number is not None
            assert written[number].instance_id == lease.instance.id
            if (
                not self.leases.is_lost(lease) and number not in self.drifted
            ):  # What a request of ours loaded in its place has a config of its own.
                assert written[number].effective == lease.instance.config.as_dict()
        doubted = {number for number, lease in written.items() if lease.doubt}
        assert set(written) - doubted == set(self.journal.open_leases) - doubted

    def another_run(self, *, reaper_dies: bool = True) -> None:
        """End the run by death, let its reaper or a sweep finish what it left, and begin another."""
        self.die(reaper_dies=reaper_dies)
        if reaper_dies:
            self.sweep()
        self.begin()

    def die(self, *, reaper_dies: bool) -> None:
        """End the run as a kill does: nothing is released, and its process is not there any more."""
        self.client.on_load = None
        path = self.journal.path
        if path.exists():
            head, *rest = [line for line in path.read_text().splitlines() if line]
            owner = {**json.loads(head), "pid": 2**22 + 1, "process_start": "1"}
            path.write_text("\n".join([json.dumps(owner), *rest]) + "\n")
        if reaper_dies:
            for reaper in self.reapers:
                reaper.kill()
        self.leases.close()  # Which ends the pipe.
        for reaper in self.reapers:
            reaper.wait()
        self.client.close()

    def sweep(self) -> None:
        """Finish what dead runs left; what certainly was theirs is gone then."""
        before = [
            (journal.path, number, lease)
            for journal in left_journals(self.folder)
            for number, lease in journal.state.open_leases.items()
        ]
        done = list(
            sweep(self.folder, url=self.server.url, token="t", clock=self.clock, settle_s=SETTLE_S, patience_s=3)
        )
        assert len(done) == len(before)
        for swept in done:
            if swept.ending.how == "released":
                assert not {*swept.ending.instances} & {*self.server.loaded}

    def named(self) -> list[OpenLease]:
        """Return all open leases of all journals."""
        return [lease for left in left_journals(self.folder) for lease in left.state.open_leases.values()]

    def open_leases(self) -> Mapping[int, OpenLease]:
        return replay(self.journal.path).open_leases if self.journal.path.exists() else {}

    def they_load(self, key: str, context: int | None = None) -> None:
        is_like_ours = context is not None
        if self.has_lost(key) and not self.has_seen_the_loss(key):
            return
        config = LoadConfig(context_length=context if is_like_ours else next(self.their_contexts))
        self.foreign[self.server.load(key, config)] = config

    def has_lost(self, key: str) -> bool:
        """Tell whether an instance of ours went away: its id is given to the next one, maybe with the same config."""
        return any(lease.model.key == key and lease.instance.id not in self.server.loaded for lease in self.leases.held)

    def has_seen_the_loss(self, key: str) -> bool:
        """List the models, and tell whether the run knows of each instance of this model that it is gone."""
        for _ in range(TIMES_LISTED + 1):
            with contextlib.suppress(HarnessError):
                self.client.models()
        custody = self.leases._custody
        return all(
            custody.absence(lease.instance.id)
            for lease in self.leases.held
            if lease.is_owned and lease.model.key == key and lease.instance.id not in self.server.loaded
        )

    def config_of(self, instance_id: str) -> LoadConfig:
        return self.server._world.library.instances[InstanceId(instance_id)].config

    def held(self, pick: int) -> Lease:
        return self.leases.held[pick % len(self.leases.held)]

    @staticmethod
    def picked(pick: int, of: list[str]) -> str:
        return of[pick % len(of)]


def tell(stories: int, *, anew: bool) -> None:
    """Live through so many stories of 40 steps; always the same ones, or new ones each time."""
    # Shrinking a story takes many minutes, as each step asks a real server.
    phases = (Phase.explicit, Phase.generate)
    run_state_machine_as_test(
        Story,
        settings=settings(
            max_examples=stories,
            stateful_step_count=40,
            deadline=None,
            phases=phases,
            derandomize=not anew,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_whatever_happens_nothing_of_others_is_touched() -> None:
    tell(12, anew=False)


@pytest.mark.torture
@pytest.mark.timeout(3600)
def test_whatever_happens_in_ten_thousand_steps_nothing_of_others_is_touched() -> None:
    tell(300, anew=True)
