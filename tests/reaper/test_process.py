"""The reaper by its protocol: a real process, a real server, and a run that dies by closing the pipe."""

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.domain.model import LoadConfig
from harness.reaper.filelock import FileLock
from harness.reaper.journal import replay
from harness.reaper.process import key_lock
from harness.testing.fault import Delay, Drop, Fault, Ignore, Lag, Reset, Status
from harness.testing.scripted import ScriptedServer

if TYPE_CHECKING:
    from tests.reaper.conftest import ReaperByHand

Start = Callable[..., "ReaperByHand"]
KEY = "acme/tiny-1b"
OTHER = "acme/small-4b"
LOAD = "/api/v1/models/load"
UNLOAD = "/api/v1/models/unload"
MODELS = "/api/v1/models"
NOBODY = "http://127.0.0.1:9"
CONFIG = LoadConfig(context_length=2048)


def test_it_says_who_it_is_and_holds_the_journal_from_then_on(server: ScriptedServer, reaper: Start) -> None:
    one = reaper(server.url)
    assert one.ready["ok"] is True
    assert one.ready["pid"] == one.process.pid
    assert not FileLock(one.journal.path).try_acquire(create=False)
    assert server.requests == []


def test_a_key_is_locked_for_one_run_at_a_time_and_the_other_is_told_who_has_it(
    server: ScriptedServer, reaper: Start
) -> None:
    one, two = reaper(server.url, run_id="one"), reaper(server.url, run_id="two")
    assert one.ask("lock", key=KEY, within_s=0)["ok"] is True
    number = two.send("lock", key=KEY.upper(), within_s=30)  # Keys match in any case, as in LM Studio.
    assert two.reply(number)["waiting"].startswith("process ")
    assert two.ask("lock", key=OTHER, within_s=0)["ok"] is True
    assert one.ask("unlock", key=KEY)["ok"] is True
    assert two.reply(number)["ok"] is True


def test_a_lock_that_is_not_to_be_had_is_refused_after_its_deadline(server: ScriptedServer, reaper: Start) -> None:
    one, two = reaper(server.url, run_id="one"), reaper(server.url, run_id="two")
    one.ask("lock", key=KEY, within_s=0)
    number = two.send("lock", key=KEY, within_s=0.1)
    assert "waiting" in two.reply(number)
    assert two.reply(number)["ok"] is False


def test_a_lock_ends_with_its_reaper(server: ScriptedServer, reaper: Start, tmp_path: Path) -> None:
    one = reaper(server.url)
    one.ask("lock", key=KEY, within_s=0)
    lock = FileLock(key_lock(tmp_path / "locks", server.url, KEY))
    assert not lock.try_acquire()
    one.end()
    assert lock.try_acquire()
    lock.release()


def test_a_load_is_noted_before_and_after_and_its_answer_passed_on(server: ScriptedServer, reaper: Start) -> None:
    one = reaper(server.url)
    lease = one.journal.intent(KEY, resident=())
    answer = one.reply(one.load(lease, KEY, context_length=2048))
    assert answer["status"] == 200
    assert json.loads(answer["body"])["instance_id"] == KEY
    kinds = [json.loads(line)["kind"] for line in one.journal.path.read_text().splitlines() if line]
    assert kinds == ["owner", "intent", "sent", "grant"]
    assert one.left()[lease].instance_id == KEY


def test_a_refused_load_has_made_nothing(server: ScriptedServer, reaper: Start) -> None:
    one = reaper(server.url)
    lease = one.journal.intent("no/such", resident=())
    answer = one.reply(one.load(lease, "no/such"))
    assert answer["status"] == 404
    assert one.ask("undo", lease=lease)["how"] == "denied"
    assert one.left() == {}


def test_where_nobody_listens_nothing_was_made(reaper: Start) -> None:
    one = reaper(NOBODY)
    lease = one.journal.intent(KEY, resident=())
    answer = one.reply(one.load(lease, KEY))
    assert answer["is_refused"] is True
    assert one.ask("undo", lease=lease)["how"] == "denied"


def test_undo_unloads_what_was_granted_and_only_that(server: ScriptedServer, reaper: Start) -> None:
    foreign = server.load(KEY, CONFIG)
    one = reaper(server.url)
    lease = one.journal.intent(KEY, resident=(foreign,))
    one.reply(one.load(lease, KEY, context_length=2048))
    assert server.loaded == [foreign, f"{KEY}:2"]
    undone = one.ask("undo", lease=lease)
    assert (undone["how"], undone["instances"]) == ("released", [f"{KEY}:2"])
    assert server.loaded == [foreign]
    assert one.ask("undo", lease=lease)["how"] == "released"
    assert server.asked("POST", UNLOAD) == [{"instance_id": f"{KEY}:2"}]


def test_it_ends_by_itself_where_nothing_is_open_and_removes_the_journal(server: ScriptedServer, reaper: Start) -> None:
    one = reaper(server.url)
    one.journal.close_lease(one.journal.intent(KEY, resident=()), "released")
    one.end()
    assert one.process.returncode == 0
    assert not one.journal.path.exists()
    assert server.requests == []


def test_it_is_deaf_to_the_signals_of_a_terminal(server: ScriptedServer, reaper: Start) -> None:
    one = reaper(server.url)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        one.process.send_signal(number)
    assert one.ask("lock", key=KEY, within_s=0)["ok"] is True
    assert one.process.poll() is None


def test_an_intent_that_was_never_sent_leaves_what_somebody_loaded_meanwhile(
    server: ScriptedServer, reaper: Start
) -> None:
    one = reaper(server.url)
    one.journal.intent(KEY, resident=(), config=CONFIG.as_dict())
    foreign = server.load(KEY, CONFIG)
    one.end()
    assert server.loaded == [foreign]
    assert server.requests == []
    assert not one.journal.path.exists()


def test_a_load_in_flight_is_waited_for_and_exactly_its_instance_unloaded(reaper: Start) -> None:
    with ScriptedServer(load_s=1.0) as server:
        one = reaper(server.url)
        lease = one.journal.intent(KEY, resident=(), config=CONFIG.as_dict())
        one.load(lease, KEY, context_length=2048)
        while not server.asked("POST", LOAD):
            time.sleep(0.01)
        one.run_dies()
        foreign = server.load(KEY, CONFIG)  # The same key with the same config, and listed first.
        one.end()
        assert server.asked("POST", UNLOAD) == [{"instance_id": f"{KEY}:2"}]
        assert server.loaded == [foreign]
    assert not one.journal.path.exists()


def test_what_was_granted_is_unloaded(server: ScriptedServer, reaper: Start) -> None:
    one = reaper(server.url)
    one.reply(one.load(one.journal.intent(KEY, resident=()), KEY))
    foreign = server.load(KEY)
    one.end()
    assert server.loaded == [foreign]
    assert not one.journal.path.exists()


def test_an_id_that_names_another_config_now_is_not_touched_and_in_doubt(server: ScriptedServer, reaper: Start) -> None:
    one = reaper(server.url)
    lease = one.journal.intent(KEY, resident=(), config=CONFIG.as_dict())
    one.reply(one.load(lease, KEY, context_length=2048))
    one.journal.verified(lease, {"context_length": 2048})
    server.unload(KEY)  # It crashed, or somebody unloaded it ...
    server.load(KEY, LoadConfig(context_length=1024))  # ... and somebody else loaded the model.
    one.end()
    assert server.loaded == [KEY]
    assert server.asked("POST", UNLOAD) == []
    assert "another config" in one.left()[lease].doubt
    assert one.left()[lease].doubtful_ids == (KEY,)


def test_a_listing_that_lags_is_waited_for(server: ScriptedServer, reaper: Start) -> None:
    one = reaper(server.url)
    one.reply(one.load(one.journal.intent(KEY, resident=()), KEY))
    server.on("GET", MODELS, Lag(), times=1)
    one.end()
    assert server.loaded == []
    assert not one.journal.path.exists()


@pytest.mark.parametrize(
    "fault",
    [Ignore(), Drop(), Reset(), Status(500, {"error": "no"}), Delay(0.5), Drop(after_effect=True)],
    ids=lambda fault: f"{type(fault).__name__}{fault.after_effect if hasattr(fault, 'after_effect') else ''}",
)
def test_an_unload_that_goes_wrong_once_is_asked_again(server: ScriptedServer, reaper: Start, fault: Fault) -> None:
    one = reaper(server.url)
    one.reply(one.load(one.journal.intent(KEY, resident=()), KEY))
    server.on("POST", UNLOAD, fault, times=1)
    one.end()
    assert server.loaded == []
    assert not one.journal.path.exists()


def test_an_unload_that_never_works_stays_in_the_journal(server: ScriptedServer, reaper: Start) -> None:
    one = reaper(server.url)
    lease = one.journal.intent(KEY, resident=())
    one.reply(one.load(lease, KEY))
    server.on("POST", UNLOAD, Ignore())
    one.end()
    assert server.loaded == [KEY]
    assert one.left()[lease].instance_id == KEY


def test_a_server_that_is_away_for_a_moment_and_empty_afterwards_ends_well(reaper: Start) -> None:
    with ScriptedServer() as first:
        port = int(first.url.rpartition(":")[2])
        one = reaper(first.url)
        one.reply(one.load(one.journal.intent(KEY, resident=()), KEY))
    one.run_dies()
    time.sleep(1.0)  # It is away for that long.
    with ScriptedServer(port=port) as second:
        one.end()
        assert {request.path for request in second.requests} <= {MODELS, UNLOAD}
    assert not one.journal.path.exists()


def test_a_load_by_chat_that_was_told_to_be_done_is_unloaded(server: ScriptedServer, reaper: Start) -> None:
    one = reaper(server.url)
    lease = one.journal.intent(KEY, resident=(), mode="jit")
    one.journal.sent(lease)
    one.journal.grant(lease, KEY)
    one.journal.verified(lease, {})
    server.load(KEY)
    one.end()
    assert server.loaded == []


def test_an_id_that_a_chat_was_about_to_load_is_left_to_whoever_has_it_now(
    server: ScriptedServer, reaper: Start
) -> None:
    one = reaper(server.url)
    lease = one.journal.intent(KEY, resident=(), mode="jit", deadline_s=0.5)
    one.journal.sent(lease)
    one.journal.grant(lease, KEY)
    foreign = server.load(KEY)  # The server broke ours off when the run died, and gave its id to the next one.
    one.end()
    assert server.loaded == [foreign]
    assert one.left()[lease].doubtful_ids == (foreign,)


def test_an_id_that_a_chat_was_about_to_load_and_nobody_has_is_gone(server: ScriptedServer, reaper: Start) -> None:
    one = reaper(server.url)
    lease = one.journal.intent(KEY, resident=(), mode="jit", deadline_s=0.5)
    one.journal.sent(lease)
    one.journal.grant(lease, KEY)
    one.end()
    assert not one.journal.path.exists()


def test_a_load_by_chat_that_named_nothing_is_in_doubt_when_something_is_new(
    server: ScriptedServer, reaper: Start
) -> None:
    one = reaper(server.url)
    lease = one.journal.intent(KEY, resident=(), mode="jit", deadline_s=0.5)
    one.journal.sent(lease)
    foreign = server.load(KEY)
    one.end()
    assert server.loaded == [foreign]
    assert one.left()[lease].doubtful_ids == (foreign,)


def test_a_load_by_chat_that_named_nothing_and_made_nothing_is_over_in_time(
    server: ScriptedServer, reaper: Start
) -> None:
    one = reaper(server.url)
    one.journal.sent(one.journal.intent(KEY, resident=(), mode="jit", deadline_s=0.5))
    one.end()
    assert not one.journal.path.exists()


def test_a_lost_answer_leaves_the_only_new_instance_to_it(server: ScriptedServer, reaper: Start) -> None:
    one = reaper(server.url)
    server.on("POST", LOAD, Drop(after_effect=True), times=1)
    lease = one.journal.intent(KEY, resident=(), config=CONFIG.as_dict())
    answer = one.reply(one.load(lease, KEY, context_length=2048))
    assert "lost" in answer
    assert not answer["is_refused"]
    one.end()
    assert server.loaded == []


def test_after_a_lost_answer_two_new_instances_are_both_left_alone_and_named(
    server: ScriptedServer, reaper: Start
) -> None:
    one = reaper(server.url)
    server.on("POST", LOAD, Drop(after_effect=True), times=1)
    lease = one.journal.intent(KEY, resident=(), config=CONFIG.as_dict())
    one.reply(one.load(lease, KEY, context_length=2048))
    server.load(KEY, CONFIG)
    one.end()
    assert server.loaded == [KEY, f"{KEY}:2"]
    assert server.asked("POST", UNLOAD) == []
    assert one.left()[lease].doubtful_ids == (KEY, f"{KEY}:2")


def test_a_torn_message_is_the_end_of_the_run(server: ScriptedServer, reaper: Start) -> None:
    one = reaper(server.url)
    one.reply(one.load(one.journal.intent(KEY, resident=()), KEY))
    assert one.process.stdin is not None
    one.process.stdin.write(b'{"op": "loa')
    one.end()
    assert server.loaded == []


def test_several_leases_are_finished_side_by_side(server: ScriptedServer, reaper: Start) -> None:
    one = reaper(server.url)
    for key in (KEY, OTHER, KEY):
        one.reply(one.load(one.journal.intent(key, resident=tuple(server.loaded)), key))
    assert len(server.loaded) == 3
    one.end()
    assert server.loaded == []
    assert not one.journal.path.exists()


def test_the_token_is_in_no_process_list_and_no_file(reaper: Start, tmp_path: Path) -> None:
    canary = "sk-canary-77aa"
    with ScriptedServer(token=canary) as server:
        one = reaper(server.url, token=canary)
        assert one.reply(one.load(one.journal.intent(KEY, resident=()), KEY))["status"] == 200
        process = Path(f"/proc/{one.process.pid}")
        if process.exists():
            assert canary.encode() not in (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        kept: list[Any] = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
        assert kept
        assert not any(canary.encode() in content for content in kept)
        one.end()
        assert server.loaded == []


def test_a_journal_that_is_gone_ends_it_without_a_word(server: ScriptedServer, reaper: Start) -> None:
    one = reaper(server.url)
    one.journal.path.unlink()
    one.end()
    assert one.process.returncode == 0
    assert not one.journal.path.exists()


def test_the_state_after_a_death_is_what_the_journal_says(server: ScriptedServer, reaper: Start) -> None:
    one = reaper(server.url)
    lease = one.journal.intent(KEY, resident=())
    one.reply(one.load(lease, KEY))
    one.journal.close_lease(lease, "handed_over")
    one.end()
    assert server.loaded == [KEY]
    assert not one.journal.path.exists() or replay(one.journal.path).open_leases == {}
