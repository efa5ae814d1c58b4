"""Finishing an open lease, as a function of a server and a clock that both are made up."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.reaper.answer import Listed, ServerTrouble
from harness.reaper.lease import OpenLease
from harness.reaper.reconcile import JIT_S, SETTLE_S, UNREACHABLE_S, Ending, candidates, finish
from harness.testing.clock import FakeClock

KEY = "key"
OURS = {"context_length": 2048}
THEIRS = {"context_length": 1024}


@dataclass
class MadeUp:
    """A server whose state is a dict; things happen to it at given moments of its clock."""

    clock: FakeClock
    loaded: dict[str, Listed] = field(default_factory=dict)
    happens: list[tuple[float, Callable[["MadeUp"], None]]] = field(default_factory=list)
    unloaded: list[str] = field(default_factory=list)
    is_up: bool = True
    ignores_unloads: int = 0
    breaks_unloads: int = 0
    lag_s: float = 0.0
    leaving: list[tuple[float, str]] = field(default_factory=list)

    def listing(self) -> list[Listed]:
        self._advance()
        if not self.is_up:
            raise ServerTrouble("refused", is_refused=True)
        return list(self.loaded.values())

    def unload(self, instance_id: str) -> None:
        self._advance()
        if not self.is_up:
            raise ServerTrouble("refused", is_refused=True)
        self.unloaded.append(instance_id)
        if self.ignores_unloads:
            self.ignores_unloads -= 1
            return
        if self.breaks_unloads:
            self.breaks_unloads -= 1
            raise ServerTrouble("broken")
        self.leaving.append((self.clock.monotonic() + self.lag_s, instance_id))
        self._advance()

    def load(self, instance_id: str, config: dict[str, int], key: str = KEY) -> None:
        self.loaded[instance_id] = Listed(id=instance_id, model_key=key, config=config)

    def _advance(self) -> None:
        now = self.clock.monotonic()
        for at, event in [event for event in self.happens if event[0] <= now]:
            self.happens.remove((at, event))
            event(self)
        for at, instance_id in [leave for leave in self.leaving if leave[0] <= now]:
            self.leaving.remove((at, instance_id))
            self.loaded.pop(instance_id, None)


def lease(**facts: object) -> OpenLease:
    return replace(OpenLease(number=1, model_key=KEY, config=OURS, is_sent=True, deadline_s=600.0), **facts)  # type: ignore[arg-type]


@pytest.fixture
def server() -> MadeUp:
    return MadeUp(FakeClock())


def end(server: MadeUp, one: OpenLease, **how: object) -> Ending:
    return finish(one, server, server.clock, **{"claimed": frozenset, **how})  # type: ignore[arg-type]


def passed(server: MadeUp) -> float:
    return server.clock.monotonic()


def test_a_granted_instance_is_unloaded_and_seen_to_be_gone(server: MadeUp) -> None:
    server.load("key", OURS)
    server.load("key:2", OURS)
    assert end(server, lease(instance_id="key")) == Ending(how="released", instances=("key",))
    assert list(server.loaded) == ["key:2"]
    assert passed(server) == 0


def test_an_unload_that_takes_its_time_is_waited_for(server: MadeUp) -> None:
    server.load("key", OURS)
    server.lag_s = SETTLE_S / 4
    assert end(server, lease(instance_id="key")).how == "released"
    assert server.unloaded == ["key"]


@pytest.mark.parametrize("kind", ["ignores_unloads", "breaks_unloads"])
def test_an_unload_that_does_nothing_is_tried_three_times_then_named(server: MadeUp, kind: str) -> None:
    server.load("key", OURS)
    setattr(server, kind, 2)
    assert end(server, lease(instance_id="key")).how == "released"
    server.load("key", OURS)
    setattr(server, kind, 3)
    ending = end(server, lease(instance_id="key"))
    assert (ending.how, ending.is_final, ending.instances) == ("unreachable", False, ("key",))
    assert ending.why


def test_what_went_away_by_itself_is_gone_and_no_unload_is_sent(server: MadeUp) -> None:
    assert end(server, lease(instance_id="key")).how == "gone"
    assert server.unloaded == []
    assert passed(server) == pytest.approx(SETTLE_S, abs=1)


def test_a_granted_instance_that_is_listed_late_is_waited_for(server: MadeUp) -> None:
    server.happens = [(SETTLE_S / 2, lambda it: it.load("key", OURS))]
    assert end(server, lease(instance_id="key")).how == "released"


def test_an_id_that_was_given_to_another_config_is_not_touched(server: MadeUp) -> None:
    server.load("key", THEIRS)
    ending = end(server, lease(instance_id="key", effective=OURS))
    assert (ending.how, ending.instances) == ("doubtful", ("key",))
    assert server.unloaded == []


def test_an_id_that_is_given_away_between_two_unloads_is_not_touched_again(server: MadeUp) -> None:
    server.load("key", OURS)
    server.ignores_unloads = 1
    server.happens = [(SETTLE_S / 6, lambda it: it.load("key", THEIRS))]
    assert end(server, lease(instance_id="key", effective=OURS)).how == "doubtful"
    assert server.unloaded == ["key"]


def test_a_config_that_the_run_saw_changing_is_ours(server: MadeUp) -> None:
    """The run writes what it has listed, so the journal's config is the last one that was seen."""
    server.load("key", THEIRS)
    assert end(server, lease(instance_id="key", effective=THEIRS)).how == "released"


def test_what_was_absent_in_between_is_not_touched_though_its_config_is_ours(server: MadeUp) -> None:
    server.load("key", OURS)
    ending = end(server, lease(instance_id="key", effective=OURS, absence="a listing did not show it"))
    assert (ending.how, ending.instances) == ("doubtful", ("key",))
    assert "a listing did not show it" in ending.why
    assert server.unloaded == []


def test_what_turns_up_after_it_was_listed_and_gone_is_named_not_unloaded(server: MadeUp) -> None:
    server.happens = [(SETTLE_S / 2, lambda it: it.load("key", OURS))]
    ending = end(server, lease(instance_id="key", effective=OURS))
    assert (ending.how, ending.instances) == ("doubtful", ("key",))
    assert server.unloaded == []


def test_an_id_that_belongs_to_another_model_is_named_not_unloaded(server: MadeUp) -> None:
    server.load("key", OURS, "another key")
    ending = end(server, lease(instance_id="key", effective=OURS))
    assert (ending.how, ending.why) == ("doubtful", "its id belongs to another key now")
    assert server.unloaded == []


def test_what_was_asked_when_the_run_died_is_waited_for_longer(server: MadeUp) -> None:
    asked = lease(instance_id="key", effective=OURS, is_asked=True)
    assert end(server, asked, patience_s=SETTLE_S).how == "pending"
    server.happens = [(JIT_S - 5, lambda it: it.load("key", OURS))]
    assert end(server, asked).how == "doubtful"
    assert server.unloaded == []


def test_what_was_absent_and_is_not_there_is_gone(server: MadeUp) -> None:
    assert end(server, lease(instance_id="key", effective=OURS, absence="it crashed")).how == "gone"


def test_what_a_request_was_loading_again_is_waited_for_and_named(server: MadeUp) -> None:
    loading = lease(instance_id="key", effective=None, loading_at="2026-01-01T00:00:00.000Z")
    server.happens = [(JIT_S - 5, lambda it: it.load("key", OURS))]
    ending = end(server, loading)
    assert (ending.how, ending.instances) == ("doubtful", ("key",))
    assert server.unloaded == []


def test_a_sweep_that_waits_less_than_such_a_load_may_take_leaves_it_pending(server: MadeUp) -> None:
    loading = lease(instance_id="key", effective=None, loading_at="2026-01-01T00:00:00.000Z")
    assert end(server, loading, patience_s=SETTLE_S).how == "pending"
    assert end(server, loading, patience_s=SETTLE_S, age_s=JIT_S).how == "gone"


def test_a_load_that_was_not_sent_made_nothing(server: MadeUp) -> None:
    server.load("key", OURS)
    assert end(server, lease(is_sent=False)).how == "denied"
    assert server.unloaded == []


@pytest.mark.parametrize(("status", "is_over"), [(400, True), (404, True), (500, False), (200, False)])
def test_a_refusal_made_nothing_another_failure_may_have(server: MadeUp, status: int, *, is_over: bool) -> None:
    assert end(server, lease(status=status)).how == "denied"
    assert (passed(server) == 0) is is_over


def test_the_only_new_instance_with_our_config_is_ours_after_a_while(server: MadeUp) -> None:
    server.load("old", OURS)
    server.load("key:2", OURS)
    assert end(server, lease(resident=("old",))).how == "released"
    assert server.unloaded == ["key:2"]
    assert passed(server) >= SETTLE_S


def test_one_that_comes_while_another_is_being_looked_at_makes_both_doubtful(server: MadeUp) -> None:
    server.load("key", OURS)
    server.happens = [(SETTLE_S - 1, lambda it: it.load("key:2", OURS))]
    ending = end(server, lease())
    assert (ending.how, ending.instances) == ("doubtful", ("key", "key:2"))
    assert server.unloaded == []


def test_a_load_that_is_slow_is_waited_for_as_long_as_it_may_take(server: MadeUp) -> None:
    server.happens = [(500.0, lambda it: it.load("key", OURS))]
    assert end(server, lease()).how == "released"


def test_patience_ends_the_wait_and_says_so(server: MadeUp) -> None:
    assert end(server, lease(), patience_s=30.0).how == "pending"
    assert passed(server) == pytest.approx(30.0, abs=1)
    assert end(server, lease(), age_s=590.0, patience_s=30.0).how == "denied"


def test_another_config_alone_is_doubtful_and_not_touched(server: MadeUp) -> None:
    server.load("key", THEIRS)
    ending = end(server, lease())
    assert (ending.how, ending.instances) == ("doubtful", ("key",))
    assert server.unloaded == []


def test_what_other_runs_claim_is_no_candidate(server: MadeUp) -> None:
    server.load("key", OURS)
    assert end(server, lease(), claimed=lambda: frozenset({"key"})).how == "denied"
    assert server.unloaded == []


def test_a_load_by_chat_is_never_guessed(server: MadeUp) -> None:
    server.load("key", OURS)
    assert end(server, lease(mode="jit")).how == "doubtful"
    assert server.unloaded == []


def test_a_load_by_chat_shows_within_a_minute_or_not_at_all(server: MadeUp) -> None:
    assert end(server, lease(mode="jit")).how == "denied"
    assert passed(server) == pytest.approx(JIT_S, abs=1)


def test_a_server_that_starts_anew_is_waited_for(server: MadeUp) -> None:
    server.is_up = False

    def back(it: MadeUp) -> None:
        it.is_up = True

    server.happens = [(UNREACHABLE_S / 2, back)]
    assert end(server, lease(instance_id="key")).how == "gone"


def test_a_server_that_is_gone_for_good_is_unreachable(server: MadeUp) -> None:
    server.is_up = False
    ending = end(server, lease(instance_id="key"))
    assert (ending.how, ending.instances, ending.is_final) == ("unreachable", ("key",), False)
    assert passed(server) == pytest.approx(UNREACHABLE_S, abs=2)


def test_long_after_a_lost_answer_nothing_is_taken_for_ours(server: MadeUp) -> None:
    server.load("key", OURS)
    ending = end(server, lease(), age_s=86_400.0)
    assert (ending.how, ending.instances) == ("doubtful", ("key",))
    assert server.unloaded == []


def test_a_doubt_is_for_a_person_to_end(server: MadeUp) -> None:
    doubted = lease(doubt="several", doubtful_ids=("key", "key:2"))
    server.load("key", OURS)  # One is left, or somebody else has its id by now.
    assert end(server, doubted).how == "doubtful"
    server.loaded.clear()
    server.load("key:3", OURS)
    assert end(server, doubted) == Ending(
        how="gone", why="nothing that was in doubt is still loaded", instances=("key", "key:2")
    )
    assert server.unloaded == []


def test_a_server_that_was_away_gets_the_whole_time_to_list_it(server: MadeUp) -> None:
    server.is_up = False

    def back(it: MadeUp) -> None:
        it.is_up = True

    server.happens = [(SETTLE_S + 5, back), (SETTLE_S + 10, lambda it: it.load("key", OURS))]
    assert end(server, lease(deadline_s=1.0)).how == "released"


configs = st.sampled_from([OURS, THEIRS, {}, {"context_length": 2048, "parallel": 4}])
ids = st.sampled_from(["key", "key:2", "key:3", "alias", "other"])
keys = st.sampled_from([KEY, "another key"])


leases = st.builds(
    lease,
    config=st.sampled_from([OURS, {}]),
    resident=st.lists(ids, max_size=2, unique=True).map(tuple),
    mode=st.sampled_from(["explicit", "jit"]),
    is_sent=st.booleans(),
    status=st.sampled_from([None, None, 200, 400, 500]),
    deadline_s=st.sampled_from([5.0, 600.0]),
    instance_id=st.one_of(st.none(), ids),
    effective=st.sampled_from([None, OURS, {}]),
    absence=st.sampled_from(["", "", "it was gone"]),
    loading_at=st.sampled_from(["", "", "2026"]),
    is_asked=st.booleans(),
)


@st.composite
def servers(draw: st.DrawFn) -> MadeUp:
    """A server on which others load and unload meanwhile, and which is away at times."""
    server = MadeUp(FakeClock())
    for instance_id in draw(st.lists(ids, max_size=3, unique=True)):
        server.load(instance_id, draw(configs), draw(keys))
    for _ in range(draw(st.integers(0, 4))):
        instance_id, config, key, is_up = draw(ids), draw(configs), draw(keys), draw(st.booleans())

        def load(it: MadeUp, instance_id: str = instance_id, config: dict[str, int] = config, key: str = key) -> None:
            if instance_id not in it.loaded:
                it.load(instance_id, config, key)

        def unload(it: MadeUp, instance_id: str = instance_id) -> None:
            it.loaded.pop(instance_id, None)

        def turn(it: MadeUp, *, is_up: bool = is_up) -> None:
            it.is_up = is_up

        events: list[Callable[[MadeUp], None]] = [load, unload, turn]
        server.happens.append((draw(st.floats(0, 700)), draw(st.sampled_from(events))))
    server.ignores_unloads = draw(st.integers(0, 4))
    server.breaks_unloads = draw(st.integers(0, 2))
    server.lag_s = draw(st.sampled_from([0.0, 3.0]))
    return server


class Watched(MadeUp):
    """Checks each unload at the moment when it is asked for."""

    def __init__(self, server: MadeUp, one: OpenLease, claimed: frozenset[str]) -> None:
        super().__init__(**vars(server))
        self._lease, self._claimed = one, claimed
        self._first: list[str] | None = None

    def listing(self) -> list[Listed]:
        listed = super().listing()
        if self._first is None:
            self._first = [instance.id for instance in listed]
        return listed

    def unload(self, instance_id: str) -> None:
        shown = self.loaded.get(instance_id)
        assert shown is not None, "only what is listed"
        assert not (self._lease.instance_id and self._lease.absence), "never what was absent in between"
        assert not (self._lease.instance_id and self._lease.is_loading), "never what may still be loading"
        if self._lease.instance_id is not None:
            assert instance_id == self._lease.instance_id, "only what was granted"
            assert not self._lease.effective or instance_id in (self._first or ()), "never what has been gone"
            assert self._lease.mode == "jit" or shown.model_key == self._lease.model_key, "never another model"
            wanted = self._lease.effective
        else:
            assert instance_id in candidates(self._lease, list(self.loaded.values()), self._claimed)[0]
            wanted = self._lease.config
        assert wanted is None or wanted.items() <= {**wanted, **shown.config}.items(), "never another config"
        assert self._lease.is_sent or self._lease.instance_id is not None
        super().unload(instance_id)


@given(leases, servers(), st.frozensets(ids, max_size=1))
def test_nothing_is_unloaded_but_what_is_ours_and_it_ends_by_the_clock(
    one: OpenLease, server: MadeUp, claimed: frozenset[str]
) -> None:
    watched = Watched(server, one, claimed)
    ending = finish(one, watched, watched.clock, claimed=lambda: claimed)
    # A load that may still show up, then a server that is away at each of a few looks, and the unloads.
    assert watched.clock.monotonic() <= 600.0 + 8 * (UNREACHABLE_S + SETTLE_S)
    if ending.how == "released":
        assert set(ending.instances) <= set(watched.unloaded)
    if ending.how in {"denied", "gone", "pending"}:
        assert watched.unloaded == []
    if not ending.is_final:
        assert ending.why


@given(leases, servers(), st.floats(0, 100))
def test_patience_is_kept(one: OpenLease, server: MadeUp, patience_s: float) -> None:
    finish(one, server, server.clock, claimed=frozenset, patience_s=patience_s)
    assert server.clock.monotonic() <= patience_s + max(JIT_S, SETTLE_S) + 8 * (UNREACHABLE_S + SETTLE_S)
