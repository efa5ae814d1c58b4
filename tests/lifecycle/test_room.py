"""What a load does for want of memory, and what is left alone because it is not ours any more."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.clock import SystemClock
from harness.domain.model import LoadConfig
from harness.errors import LoadFailed, StoreError
from harness.lifecycle.leases import Leases
from harness.reaper.journal import Journal, replay
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


def test_what_has_the_id_of_ours_with_another_config_is_somebody_elses(
    server: ScriptedServer, make: Callable[..., Leases], journal: Journal
) -> None:
    leases = make()
    lease = leases.acquire(KEY, LoadConfig(context_length=2048))
    server.unload(KEY)
    assert server.load(KEY, LoadConfig(context_length=4096)) == lease.instance.id
    assert leases.release(lease).is_verified is None
    assert server.loaded == [KEY]
    assert not replay(journal.path).open_leases


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root, to give a folder away")
def test_a_state_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "journals"
    folder.mkdir()
    os.chown(folder, 12345, 12345)
    with pytest.raises(StoreError, match="belongs to another user"):
        Journal("run", url="http://127.0.0.1:1234", clock=SystemClock(), directory=folder).open()
