"""What dead runs have left, against a scripted server: journals written as their runs would have left them."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from harness.clock import SystemClock
from harness.domain.model import LoadConfig
from harness.reaper import identity
from harness.reaper.filelock import FileLock
from harness.reaper.journal import Journal, replay
from harness.reaper.lease import OpenLease
from harness.reaper.sweep import Swept, forget, left_journals, sweep
from harness.testing.clock import FakeClock
from harness.testing.fault import Drop, Ignore
from harness.testing.scripted import ScriptedServer

KEY = "acme/tiny-1b"
UNLOAD = "/api/v1/models/unload"
MODELS = "/api/v1/models"
CONFIG = LoadConfig(context_length=2048)
DEAD: dict[str, Any] = {"pid": 2**22 + 1, "process_start": "1", "boot_id": identity.boot_id()}

Write = Callable[..., Path]


@pytest.fixture
def left(tmp_path: Path) -> Write:
    """Write a journal as a run left it: its owner, then an entry for each argument."""

    def write(url: str, *entries: Mapping[str, Any], run_id: str = "run", **owner: Any) -> Path:
        head = {"kind": "owner", "run_id": run_id, "url": url, "is_server_ours": False, **DEAD, **owner}
        path = tmp_path / f"{run_id}.jsonl"
        path.write_text("".join(f"{json.dumps(entry)}\n" for entry in (head, *entries)))
        return path

    return write


def intent(number: int = 1, **more: Any) -> dict[str, Any]:
    now = FakeClock().now().isoformat()
    return {
        "kind": "intent",
        "lease": number,
        "model_key": KEY,
        "resident": [],
        "mode": "explicit",
        "config": CONFIG.as_dict(),
        "deadline_s": 600.0,
        "at": now,
        **more,
    }


def grant(number: int = 1, instance_id: str = KEY) -> dict[str, Any]:
    return {"kind": "grant", "lease": number, "instance_id": instance_id}


def swept(folder: Path, url: str, **how: Any) -> list[Swept]:
    return list(sweep(folder, url=url, token="lmstudio", clock=FakeClock(), **how))


def hows(done: list[Swept]) -> list[str]:
    return [settled.ending.how for settled in done]


def test_a_granted_instance_of_a_dead_run_is_unloaded_and_its_journal_removed(
    server: ScriptedServer, left: Write, tmp_path: Path
) -> None:
    path = left(server.url, intent(), {"kind": "sent", "lease": 1}, grant())
    server.load(KEY, CONFIG)
    foreign = server.load(KEY, CONFIG)
    begun: list[OpenLease] = []
    done = swept(tmp_path, server.url, on_begin=begun.append)
    assert [str(settled) for settled in done] == [f"Left by the run run, which died: unloaded {KEY}"]
    assert [settled.instance_id for settled in begun] == [KEY]
    assert server.loaded == [foreign]
    assert not path.exists()


def test_an_intent_that_was_not_sent_leaves_what_is_new_alone(
    server: ScriptedServer, left: Write, tmp_path: Path
) -> None:
    path = left(server.url, intent())
    foreign = server.load(KEY, CONFIG)
    assert hows(swept(tmp_path, server.url)) == ["denied"]
    assert server.loaded == [foreign]
    assert server.requests == []
    assert not path.exists()


def test_a_lost_answer_gives_the_only_fitting_new_instance(server: ScriptedServer, left: Write, tmp_path: Path) -> None:
    left(server.url, intent(), {"kind": "sent", "lease": 1})
    server.load(KEY, CONFIG)
    assert hows(swept(tmp_path, server.url)) == ["released"]
    assert server.loaded == []


def test_two_that_fit_are_both_left_and_named_until_a_person_has_seen_to_them(
    server: ScriptedServer, left: Write, tmp_path: Path
) -> None:
    path = left(server.url, intent(), {"kind": "sent", "lease": 1})
    server.load(KEY, CONFIG)
    server.load(KEY, CONFIG)
    (done,) = swept(tmp_path, server.url)
    assert done.ending.how == "doubtful"
    assert "may belong to another client, so it was not touched" in str(done)
    assert server.asked("POST", UNLOAD) == []
    assert replay(path).open_leases[1].doubtful_ids == (KEY, f"{KEY}:2")
    server.unload(KEY)  # Whose it was, and whose the other one is, nobody can tell.
    assert hows(swept(tmp_path, server.url)) == ["doubtful"]
    assert server.asked("POST", UNLOAD) == []
    server.unload(f"{KEY}:2")
    assert hows(swept(tmp_path, server.url)) == ["gone"]
    assert not path.exists()


def test_what_another_run_was_granted_is_no_candidate(server: ScriptedServer, left: Write, tmp_path: Path) -> None:
    left(server.url, intent(), {"kind": "sent", "lease": 1}, run_id="a")
    living = Journal("b", url=server.url, clock=SystemClock(), directory=tmp_path)
    living.grant(living.intent(KEY, resident=()), server.load(KEY, CONFIG))
    assert hows(swept(tmp_path, server.url, patience_s=1.0)) == ["pending"]
    assert server.loaded == [KEY]
    living.finish()


def test_an_id_in_doubt_elsewhere_does_not_make_another_candidate_certain(
    server: ScriptedServer, left: Write, tmp_path: Path
) -> None:
    doubt = {"kind": "doubt", "lease": 1, "why": "another config", "instances": [KEY]}
    left(server.url, intent(), grant(), doubt, run_id="a")
    left(server.url, intent(), {"kind": "sent", "lease": 1}, run_id="b")
    server.load(KEY, CONFIG)
    server.load(KEY, CONFIG)
    assert hows(swept(tmp_path, server.url)) == ["doubtful", "doubtful"]
    assert server.asked("POST", UNLOAD) == []


def test_a_load_that_may_go_on_is_pending_and_stays_in_the_journal(
    server: ScriptedServer, left: Write, tmp_path: Path
) -> None:
    path = left(server.url, intent(deadline_s=60.0), {"kind": "sent", "lease": 1})
    assert hows(swept(tmp_path, server.url, patience_s=1.0)) == ["pending"]
    assert list(replay(path).open_leases) == [1]
    assert hows(swept(tmp_path, server.url, patience_s=900.0)) == ["denied"]
    assert not path.exists()


def test_a_living_run_is_left_alone(server: ScriptedServer, left: Write, tmp_path: Path) -> None:
    path = left(server.url, intent(), grant(), **identity.owner())
    server.load(KEY, CONFIG)
    (found,) = left_journals(tmp_path)
    assert found.keeper == "run"
    assert swept(tmp_path, server.url) == []
    assert server.requests == []
    assert path.exists()


def test_a_reaper_at_work_is_left_alone(server: ScriptedServer, left: Write, tmp_path: Path) -> None:
    path = left(server.url, intent(), grant())
    lock = FileLock(path)
    assert lock.try_acquire()
    try:
        (found,) = left_journals(tmp_path)
        assert found.keeper == "reaper"
        assert swept(tmp_path, server.url) == []
    finally:
        lock.release()
    assert [left.keeper for left in left_journals(tmp_path)] == ["nobody"]
    assert hows(swept(tmp_path, server.url)) == ["gone"]


def test_another_server_is_left_alone(server: ScriptedServer, left: Write, tmp_path: Path) -> None:
    path = left("http://127.0.0.1:9", intent(), grant())
    assert swept(tmp_path, server.url) == []
    assert path.exists()


def test_after_a_new_boot_loopback_is_empty_and_a_far_server_is_for_a_person(left: Write, tmp_path: Path) -> None:
    near = left("http://127.0.0.1:9", intent(), grant(), run_id="near", boot_id="before")
    far = left("http://192.0.2.1:1234", intent(), grant(), run_id="far", boot_id="before")
    assert hows(swept(tmp_path, "http://127.0.0.1:9")) == ["gone"]
    assert not near.exists()
    (done,) = swept(tmp_path, "http://192.0.2.1:1234")
    assert (done.ending.how, done.ending.instances) == ("doubtful", (KEY,))
    assert "restarted" in replay(far).open_leases[1].doubt


def test_a_server_that_ended_with_its_run_holds_nothing(left: Write, tmp_path: Path) -> None:
    path = left("http://127.0.0.1:9", intent(), grant(), is_server_ours=True)
    assert hows(swept(tmp_path, "http://127.0.0.1:9")) == ["gone"]
    assert not path.exists()


def test_a_server_that_is_gone_for_good_ends_by_the_clock_and_stays_named(left: Write, tmp_path: Path) -> None:
    path = left("http://127.0.0.1:9", intent(), grant())
    (done,) = swept(tmp_path, "http://127.0.0.1:9")
    assert done.ending.how == "unreachable"
    assert "could not be unloaded" in str(done)
    assert replay(path).open_leases[1].instance_id == KEY


def test_an_instance_that_will_not_go_stays_named(server: ScriptedServer, left: Write, tmp_path: Path) -> None:
    path = left(server.url, intent(), grant())
    server.load(KEY, CONFIG)
    server.on("POST", UNLOAD, Ignore())
    assert hows(swept(tmp_path, server.url)) == ["unreachable"]
    assert list(replay(path).open_leases) == [1]


def test_a_listing_that_fails_a_few_times_is_asked_again(server: ScriptedServer, left: Write, tmp_path: Path) -> None:
    left(server.url, intent(), grant())
    server.load(KEY, CONFIG)
    server.on("GET", MODELS, Drop(), times=5)
    assert hows(swept(tmp_path, server.url)) == ["released"]
    assert server.loaded == []


def test_an_id_with_another_config_is_not_touched(server: ScriptedServer, left: Write, tmp_path: Path) -> None:
    left(server.url, intent(), grant(), {"kind": "verified", "lease": 1, "config": CONFIG.as_dict()})
    server.load(KEY, LoadConfig(context_length=1024))
    (done,) = swept(tmp_path, server.url)
    assert done.ending.how == "doubtful"
    assert server.loaded == [KEY]
    assert server.asked("POST", UNLOAD) == []


def test_settled_journals_of_dead_runs_are_removed_and_torn_ones_read(
    server: ScriptedServer, left: Write, tmp_path: Path
) -> None:
    settled = left(server.url, intent(), {"kind": "released", "lease": 1}, run_id="settled")
    torn = left(server.url, intent(), grant(), run_id="torn")
    with torn.open("a") as file:
        file.write('{"kind": "released", "lea')
    assert [left.run_id for left in left_journals(tmp_path)] == ["torn"]
    assert not settled.exists()
    server.load(KEY, CONFIG)
    assert hows(swept(tmp_path, server.url)) == ["released"]


def test_a_journal_whose_owner_is_not_written_yet_is_not_removed(tmp_path: Path) -> None:
    begun = tmp_path / "begun.jsonl"
    begun.write_bytes(b"")
    assert list(left_journals(tmp_path)) == []
    assert begun.exists()


def test_to_forget_closes_the_leases_and_touches_nothing(server: ScriptedServer, left: Write, tmp_path: Path) -> None:
    path = left(server.url, intent(), grant(), intent(2), grant(2, f"{KEY}:2"))
    (found,) = left_journals(tmp_path)
    forget(found, FakeClock())
    assert not path.exists()
    assert server.requests == []


def test_two_sweeps_at_once_do_not_get_in_each_others_way(server: ScriptedServer, left: Write, tmp_path: Path) -> None:
    left(server.url, intent(), grant(), intent(2), grant(2, f"{KEY}:2"))
    server.load(KEY, CONFIG)
    server.load(KEY, CONFIG)
    first: Iterator[Swept] = sweep(tmp_path, url=server.url, token="lmstudio", clock=FakeClock())
    assert next(first).ending.how == "released"
    assert swept(tmp_path, server.url) == []
    assert [settled.ending.how for settled in first] == ["released"]
    assert server.loaded == []
    assert list(tmp_path.iterdir()) == []
