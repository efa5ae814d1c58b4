import os
import subprocess
import sys

from harness.reaper import identity


def test_this_process_is_alive_by_its_own_entry() -> None:
    assert identity.is_alive(identity.owner())


def test_a_process_that_ended_is_not_alive_nor_is_a_zombie() -> None:
    child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    entry = {**identity.owner(), "pid": child.pid, "process_start": identity.process_start(child.pid)}
    assert entry["process_start"] is not None
    assert identity.is_alive(entry)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # It stays a zombie until it is waited for.
    assert not identity.is_alive(entry)
    child.communicate(timeout=30)
    assert not identity.is_alive(entry)


def test_a_pid_that_was_given_out_anew_is_another_process() -> None:
    entry = identity.owner()
    assert not identity.is_alive({**entry, "process_start": "1"})


def test_after_a_new_boot_nobody_of_before_is_alive() -> None:
    assert not identity.is_alive({**identity.owner(), "boot_id": "another boot"})


def test_an_entry_that_names_nobody_is_nobody() -> None:
    for entry in ({}, {"pid": "1"}, {"pid": os.getpid()}, {**identity.owner(), "process_start": None}):
        assert not identity.is_alive(entry)


def test_a_boot_has_one_id() -> None:
    assert identity.boot_id() == identity.boot_id()
