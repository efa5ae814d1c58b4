"""Whose instance it is, as a person sees it: the model is gone, or the command names what is left and ends with 7."""

from typing import TYPE_CHECKING

import pytest

from harness.domain.model import LoadConfig
from harness.testing.fault import ScriptedCall, Status
from harness.testing.scripted import ScriptedServer

if TYPE_CHECKING:
    from tests.cli.conftest import Call

KEY = "acme/tiny-1b"
CHAT = "/api/v1/chat"
UNLOAD = "/api/v1/models/unload"
COMMANDS = [("chat", KEY, "x", "--unload-after"), ("chat", KEY, "x", "--stream", "--unload-after"), ("smoke", KEY)]


class Drifts:
    """The server changes the context of the instance during its first chat."""

    def __init__(self, server: ScriptedServer) -> None:
        self._server = server

    def apply(self, call: ScriptedCall) -> None:
        self._server.reconfigure(KEY, LoadConfig(context_length=1234, parallel=1))
        call.send(call.answer())


class EvictedAndLoadedByAnother:
    """Ours is evicted, another client loads the model with the same config, and our chat ends with an error."""

    def __init__(self, server: ScriptedServer) -> None:
        self._server = server

    def apply(self, call: ScriptedCall) -> None:
        config = self._server._world.library.instances[KEY].config  # type: ignore[index]
        self._server.unload(KEY)
        self._server.load(KEY, config)
        Status(500, {"error": {"message": "Model unloaded", "type": "internal_error"}}).apply(call)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_an_instance_whose_config_drifts_is_unloaded(
    call: "Call", server: ScriptedServer, command: tuple[str, ...]
) -> None:
    server.on("POST", CHAT, Drifts(server), times=1)
    result = call(*command)
    assert (result.code, server.loaded) == (0, [])


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_what_another_client_loaded_in_the_place_of_ours_is_named_with_7_and_not_touched(
    call: "Call", server: ScriptedServer, command: tuple[str, ...]
) -> None:
    server.on("POST", CHAT, EvictedAndLoadedByAnother(server), times=1)
    result = call(*command)
    assert server.asked("POST", UNLOAD) == []
    assert server.loaded == [KEY]
    assert result.code == 7
    assert "may belong to another client" in result.err
    assert f"lms-harness unload --instance '{KEY}'" in result.err
    left = call("doctor")
    assert KEY in left.out
