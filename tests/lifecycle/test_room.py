"""What a load does when memory is short, and a state folder of another user."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.clock import SystemClock
from harness.errors import LoadFailed, StoreError
from harness.lifecycle.leases import Leases
from harness.reaper.journal import Journal
from harness.testing.fault import Status
from harness.testing.scripted import ScriptedServer

KEY, OTHER = "acme/tiny-1b", "acme/small-4b"
LOAD = "/api/v1/models/load"
NO_MEMORY = Status(
    500,
    {
        "error": {
            "type": "model_load_failed",
            "message": "Failed to load LLM: Model loading was stopped due to insufficient system resources.",
        }
    },
)


def test_a_model_that_does_not_fit_is_tried_again_once_what_was_kept_is_unloaded(
    server: ScriptedServer, make: Callable[..., Leases]
) -> None:
    foreign = server.load(OTHER)
    leases = make("keep")
    leases.release(leases.acquire(KEY))
    assert server.loaded == [foreign, KEY]
    server.on("POST", LOAD, NO_MEMORY, times=1)
    lease = leases.acquire(OTHER, reuse=False)
    assert server.loaded == [foreign, lease.instance.id]


def test_where_nothing_can_be_unloaded_the_error_names_what_is_needed_resident_and_smaller(
    server: ScriptedServer, make: Callable[..., Leases]
) -> None:
    foreign = server.load(OTHER)
    server.on("POST", LOAD, NO_MEMORY)
    with pytest.raises(LoadFailed) as failed:
        make().acquire(OTHER, reuse=False)
    assert len(server.asked("POST", LOAD)) == 1
    for part in (f"{OTHER} needs at least", foreign, KEY):
        assert part in failed.value.hint
    assert server.loaded == [foreign]


def test_a_load_that_fails_for_another_reason_is_not_tried_again(
    server: ScriptedServer, make: Callable[..., Leases]
) -> None:
    leases = make("keep")
    leases.release(leases.acquire(KEY))
    server.on("POST", LOAD, Status(500, {"error": {"type": "model_load_failed", "message": "unknown architecture"}}))
    with pytest.raises(LoadFailed):
        leases.acquire(OTHER)
    assert server.loaded == [KEY]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root, to give a folder away")
def test_a_state_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "journals"
    folder.mkdir()
    os.chown(folder, 12345, 12345)
    with pytest.raises(StoreError, match="belongs to another user"):
        Journal("run", url="http://127.0.0.1:1234", clock=SystemClock(), directory=folder).open()
