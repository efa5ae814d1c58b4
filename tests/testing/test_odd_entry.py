"""A listing with odd entries, as the scripted server shows it to clients that must survive it."""

import json
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from harness.testing.library import DEFAULT_MODELS
from harness.testing.odd_entry import LOADED, NOT_LOADED, ODD_ENTRIES
from harness.testing.scripted import ScriptedServer


def listed(server: ScriptedServer) -> list[object]:
    connection = HTTPConnection(urlsplit(server.url).netloc, timeout=10)
    connection.request("GET", "/api/v1/models")
    models: list[object] = json.loads(connection.getresponse().read())["models"]
    connection.close()
    return models


@pytest.mark.parametrize("what", ODD_ENTRIES)
def test_an_odd_entry_is_listed_unchanged_after_the_models(what: str) -> None:
    with ScriptedServer(odd_entries=[ODD_ENTRIES[what]]) as server:
        *models, odd = listed(server)
    assert odd == ODD_ENTRIES[what]
    assert [model["key"] for model in models if isinstance(model, dict)] == [model.key for model in DEFAULT_MODELS]


def test_odd_entries_stay_when_something_is_loaded() -> None:
    with ScriptedServer(odd_entries=list(ODD_ENTRIES.values())) as server:
        server.load(DEFAULT_MODELS[0].key)
        assert len(listed(server)) == len(DEFAULT_MODELS) + len(ODD_ENTRIES)


def test_only_the_entries_that_are_said_to_be_loaded_have_instances() -> None:
    assert not [what for what, entry in NOT_LOADED.items() if isinstance(entry, dict) and entry.get("loaded_instances")]
    assert all(entry["loaded_instances"] for entry in LOADED.values())
