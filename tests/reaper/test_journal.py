import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.clock import SystemClock
from harness.domain.model import InstanceId
from harness.errors import StoreError
from harness.reaper import identity
from harness.reaper.journal import Journal, granted_elsewhere, replay

URL = "http://127.0.0.1:1234"


def journal(directory: Path, run_id: str = "run") -> Journal:
    return Journal(run_id, url=URL, clock=SystemClock(), directory=directory)


def test_a_run_that_loads_nothing_leaves_nothing(tmp_path: Path) -> None:
    journal(tmp_path / "journals").finish()
    assert not (tmp_path / "journals").exists()


def test_the_intent_is_on_disk_when_intent_returns(tmp_path: Path) -> None:
    written = journal(tmp_path)
    number = written.intent("key", resident=(InstanceId("other"),))
    state = replay(written.path)
    assert state.open_leases[number].model_key == "key"
    assert state.open_leases[number].resident == ("other",)
    assert state.owner["pid"] == os.getpid()


def test_a_journal_whose_leases_are_closed_is_removed_and_another_stays(tmp_path: Path) -> None:
    closed, left = journal(tmp_path, "closed"), journal(tmp_path, "left")
    closed.close_lease(closed.intent("key", resident=()), "released")
    left.grant(left.intent("key", resident=()), InstanceId("key"))
    closed.finish()
    left.finish()
    assert [path.name for path in tmp_path.iterdir()] == ["left.jsonl"]
    assert replay(left.path).open_leases[1].instance_id == "key"


def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    written = journal(tmp_path / "journals")
    written.intent("key", resident=())
    assert stat.S_IMODE(written.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(written.path.parent.stat().st_mode) == 0o700


def test_a_torn_last_line_is_dropped(tmp_path: Path) -> None:
    written = journal(tmp_path)
    written.intent("key", resident=())
    with written.path.open("a") as file:
        file.write('{"kind": "grant", "lea')
    assert list(replay(written.path).open_leases) == [1]


def test_a_torn_entry_in_the_middle_takes_no_other_one_along(tmp_path: Path) -> None:
    written = journal(tmp_path)
    number = written.intent("key", resident=())
    with written.path.open("a") as file:
        file.write('{"kind": "grant", "lea')
    written.grant(number, "key:2")
    assert replay(written.path).open_leases[number].instance_id == "key:2"


@given(st.lists(st.sampled_from(["sent", "grant", "verified", "released"]), max_size=6), st.data())
def test_every_prefix_of_a_journal_replays(kinds: list[str], data: st.DataObject) -> None:
    with TemporaryDirectory() as folder:
        written = journal(Path(folder))
        number = written.intent("key", resident=())
        for kind in kinds:
            if kind == "sent":
                written.sent(number)
            elif kind == "grant":
                written.grant(number, "key")
            elif kind == "verified":
                written.verified(number, {"context_length": 2048})
            else:
                written.close_lease(number, kind)
        whole = written.path.read_bytes()
        cut = data.draw(st.integers(0, len(whole)))
        written.path.write_bytes(whole[:cut])
        open_leases = replay(written.path).open_leases
        # An entry counts once its last brace is there; what follows it cannot take it back.
        wanted = [line for line in whole.split(b"\n") if line]
        complete = [json.loads(line)["kind"] for line in whole[:cut].split(b"\n") if line in wanted]
        assert (number in open_leases) == ("intent" in complete and "released" not in complete)
        written.finish()


def test_a_state_directory_that_cannot_be_written_stops_the_load(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot write the journal"):
        journal(tmp_path / "file" / "journals").intent("key", resident=())


def test_ids_of_other_runs_on_the_same_server_are_taken_also_when_they_died(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from harness.clock import SystemClock; from harness.reaper.journal import Journal\n"
        f"journal = Journal('other', url={URL!r}, clock=SystemClock(), directory=Path(sys.argv[1]))\n"
        "journal.grant(journal.intent('key', resident=()), 'key:2')\n"
        "print('ready', flush=True); sys.stdin.read()\n"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout is not None
    assert other.stdin is not None
    try:
        assert other.stdout.readline() == "ready\n"
        mine = tmp_path / "mine.jsonl"
        assert granted_elsewhere(tmp_path, url=URL, but=mine) == {"key:2"}
        assert granted_elsewhere(tmp_path, url="http://127.0.0.1:9", but=mine) == set()
        assert granted_elsewhere(tmp_path, url=URL, but=tmp_path / "other.jsonl") == set()
    finally:
        other.kill()
        other.communicate(timeout=10)
    # Its reaper, or the next sweep, is about to unload it.
    assert granted_elsewhere(tmp_path, url=URL, but=mine) == {"key:2"}


def test_a_process_is_known_by_pid_start_time_and_boot(tmp_path: Path) -> None:
    written = journal(tmp_path)
    written.intent("key", resident=())
    owner = replay(written.path).owner
    assert identity.is_alive(owner)
    assert not identity.is_alive({**owner, "boot_id": "another boot"})
    if owner["process_start"] is not None:
        assert not identity.is_alive({**owner, "process_start": "1"})
    assert not identity.is_alive({})


def test_lines_are_json_with_a_time(tmp_path: Path) -> None:
    written = journal(tmp_path)
    written.intent("key", resident=())
    entries = [json.loads(line) for line in written.path.read_text().splitlines() if line]
    assert [entry["kind"] for entry in entries] == ["owner", "intent"]
    assert all(entry["at"].endswith("Z") for entry in entries)


def test_what_the_run_sees_of_an_instance_is_replayed_in_its_order(tmp_path: Path) -> None:
    log = journal(tmp_path)
    number = log.intent("key", resident=())
    log.grant(number, "key")
    log.verified(number, {"context_length": 2048})
    log.verified(number, {"context_length": 1024})
    assert replay(log.path).open_leases[number].effective == {"context_length": 1024}
    log.absent(number, "a listing did not show it")
    assert replay(log.path).open_leases[number].absence == "a listing did not show it"
    log.loading(number)
    loading = replay(log.path).open_leases[number]
    assert (loading.is_loading, loading.absence, loading.effective) == (True, "", None)
    log.verified(number, {})
    loaded = replay(log.path).open_leases[number]
    assert (loaded.is_loading, loaded.absence, loaded.effective) == (False, "", {})
    log.doubt(number, "it was gone", "key")
    assert replay(log.path).open_leases[number].doubtful_ids == ("key",)
    assert log.open_leases == {}
    log.finish()
    assert log.path.exists()
