"""The listing as people and programs get it."""

from dataclasses import replace
from typing import Any

import httpx

from harness.client.http import Client
from harness.domain.model import LoadConfig, Model
from harness.report.models import listed, render_models
from harness.testing.library import DEFAULT_MODELS
from harness.testing.scripted import ScriptedServer

DERIVED = {"is_loaded", "total_parameters", "active_parameters", "resident_bytes"}


def told(entry: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if value is not None and name not in DERIVED}


def test_json_has_what_the_server_listed_and_nothing_but_the_derived_fields_besides() -> None:
    models = [*DEFAULT_MODELS, replace(DEFAULT_MODELS[0], key="acme/many", variants=("acme/many@q4",))]  # type: ignore[arg-type]
    with ScriptedServer(models) as server, Client(server.url) as client:
        server.load("acme/small-4b", LoadConfig(context_length=4096))
        raw = httpx.get(f"{server.url}/api/v1/models", trust_env=False).json()
        ours = [listed(model) for model in client.models()]
    assert [told(model) for model in ours] == [told(model) for model in raw["models"]]
    assert all(set(model) >= DERIVED for model in ours)


def test_no_models_is_said() -> None:
    assert render_models([]) == "No models."


def test_the_columns_that_go_first_are_those_that_matter_least() -> None:
    listing: list[Model] = list(DEFAULT_MODELS)
    full = render_models(listing).splitlines()
    for spare, gone in ((0, ()), (1, ("params",)), (12, ("params", "quant"))):
        header = render_models(listing, width=max(map(len, full)) - spare).splitlines()[0]
        missing = [name for name in ("params", "quant", "max context", "kind") if name not in header]
        assert missing == list(gone)


def test_models_that_are_never_asked_are_listed_with_their_type_and_one_line_says_so() -> None:
    decision = replace(DEFAULT_MODELS[0], key="acme/verdict", type="decision")  # type: ignore[arg-type]
    for width in (None, 80, 40):
        shown = render_models([*DEFAULT_MODELS, decision], width=width)
        assert "Left alone, as only llm and embedding models are asked: acme/verdict (decision)." in " ".join(
            shown.split()
        )
        assert "Left alone" not in render_models(DEFAULT_MODELS, width=width)
