import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.domain.model import Capabilities, LoadConfig, Model, ModelKey
from harness.testing.library import DEFAULT_MODELS
from harness.testing.scripted import ScriptedServer
from tests.store.routed import EVIDENCE, MODEL, routing, task

TINY, SMALL, EMBEDDING = DEFAULT_MODELS
MOE = replace(SMALL, key=ModelKey("acme/moe-26b-a4b"), params_string="26B-A4B", size_bytes=16_000_000_000)
EYES = replace(
    SMALL,
    key=ModelKey("acme/eyes-8b"),
    params_string="8B",
    size_bytes=5_000_000_000,
    capabilities=Capabilities(vision=True),
)

Call = Callable[..., Any]


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer([MOE, EYES, SMALL, TINY, EMBEDDING]) as scripted:
        yield scripted


def test_it_prints_the_key_alone_and_the_reason_apart_and_loads_nothing(call: Call, server: ScriptedServer) -> None:
    result = call("select", "--task", "classify")
    assert (result.code, result.out) == (0, f"{TINY.key}\n")
    assert result.err.startswith(f"{TINY.key}: not loaded; first of 4 of 5 that fit")
    assert server.loaded == []


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), TINY.key),
        (("--task", "vision"), EYES.key),
        (("--task", "embedding"), EMBEDDING.key),
        (("--task", "tools"), SMALL.key),
        (("--task", "reason"), MOE.key),
        (("--prefer", "reasoning", "--max-size", "6GB"), EYES.key),
        (("--task", "classify", "--min-context", "20000", "--exclude", "acme/sm*"), MOE.key),
        (("--task", "tools", "--task", "review"), MOE.key),
    ],
)
def test_needs_context_preference_and_exclusion_decide(call: Call, words: tuple[str, ...], expected: str) -> None:
    assert call("select", *words).out.strip() == expected


def test_what_is_loaded_with_enough_context_comes_first(call: Call, server: ScriptedServer) -> None:
    server.load(EYES.key, LoadConfig(context_length=4096))
    assert call("select", "--task", "classify").out.strip() == EYES.key
    told = call("select", "--task", "classify", "--json").json
    assert (told["model"], told["instance_id"]) == (EYES.key, EYES.key)
    assert call("select", "--task", "classify", "--min-context", "8192").out.strip() == TINY.key
    assert call("select", "--prefer", "size", "--prefer", "loaded").out.strip() == TINY.key


def test_where_none_fits_it_says_to_use_the_primary_model_and_why(call: Call) -> None:
    result = call("select", "--task", "vision", "--max-size", "1GB")
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("Use your primary model: of 5 downloaded models, none fits.")
    assert "acme/tiny-1b has no vision" in result.err
    assert "acme/eyes-8b is excluded, or larger than the maximum size" in result.err
    told = call("select", "--task", "vision", "--max-size", "1GB", "--json")
    assert (told.code, told.json["model"], told.json["use_primary"]) == (1, None, True)


def test_json_ranks_all_that_fit_and_says_why_each_other_does_not(call: Call) -> None:
    told = call("select", "--task", "tools", "--json").json
    assert [candidate["model"] for candidate in told["ranking"]] == [SMALL.key, MOE.key, TINY.key, EYES.key]
    assert told["ranking"][1]["active_parameters"] == 4_000_000_000
    assert told["ranking"][1]["total_parameters"] == 26_000_000_000
    assert {left_out["model"] for left_out in told["left_out"]} == {EMBEDDING.key}
    assert all(left_out["reason"] for left_out in told["left_out"])


def test_the_key_can_be_given_to_chat(call: Call, server: ScriptedServer) -> None:
    server.reply_with(lambda _: "spam")
    key = call("select", "--task", "classify").out.strip()
    assert call("chat", key, "x", "--unload-after").out == "spam\n"


@pytest.mark.parametrize(
    "words",
    [
        ("--task", "nonsense"),
        ("--task", "embedding", "--task", "extract"),
        ("--min-context", "0"),
        ("--prefer", "beauty"),
        ("--max-size", "big"),
    ],
)
def test_wrong_words_are_usage_errors(call: Call, server: ScriptedServer, words: tuple[str, ...]) -> None:
    result = call("select", *words)
    assert result.code == 2
    assert result.err
    assert server.requests == []


def evidence_file(folder: Path, **tasks: tuple[list[Model], list[Model]]) -> str:
    """Write a routing file: for each task the models that suffice and those that were rejected."""
    made = {}
    for name, (suffices, rejected) in tasks.items():
        measured, others = ([measurement(model) for model in models] for models in (suffices, rejected))
        made[name] = task(
            "model" if measured else "open",
            suffices=measured,
            rejected=others,
            model_key=measured[0]["model_key"] if measured else None,
            evidence={**EVIDENCE, "valid_until": "2000-01-01T00:00Z" if name == "rewrite" else "2999-01-01T00:00Z"},
        )
    path = folder / "routing.json"
    path.write_text(json.dumps(routing(**made)))
    return str(path)


def measurement(model: Model) -> dict[str, Any]:
    return {**MODEL, "model_key": model.key, "variant": None, "quantisation": None, "size_bytes": model.size_bytes}


def test_what_was_measured_goes_before_the_old_rules_which_break_ties(
    call: Call, server: ScriptedServer, tmp_path: Path
) -> None:
    file = evidence_file(tmp_path, classify=([SMALL, MOE], [TINY]), extract=([MOE], []), reason=([], [TINY, SMALL]))
    server.load(EYES.key)
    told = call("select", "--task", "classify", "--evidence", file, "--json").json
    assert [model["model"] for model in told["ranking"]] == [SMALL.key, MOE.key, EYES.key, TINY.key]
    assert told["evidence"] == ["classify"]
    assert told["ranking"][0]["suffices_for"] == ["classify"]
    assert "ordered by: what was measured, then already loaded" in told["reason"]
    both = call("select", "--task", "classify", "--task", "extract", "--evidence", file)
    assert both.out.strip() == MOE.key
    assert call("select", "--evidence", file).out.strip() == MOE.key
    assert call("select", "--task", "reason", "--evidence", file).out.strip() == EYES.key


def test_evidence_about_another_file_of_the_model_or_that_is_stale_does_not_count(call: Call, tmp_path: Path) -> None:
    bigger = replace(MOE, size_bytes=1)
    file = evidence_file(tmp_path, classify=([bigger], []), rewrite=([MOE], []))
    assert call("select", "--task", "classify", "--evidence", file).out.strip() == TINY.key
    done = call("select", "--task", "rewrite", "--task", "chat", "--evidence", file)
    assert done.out.strip() == TINY.key
    assert "has no current answer for rewrite, chat: the other rules alone rank models for these" in done.err


def test_a_missing_or_broken_file_of_evidence_is_not_passed_over(call: Call, tmp_path: Path) -> None:
    assert call("select", "--evidence", str(tmp_path / "no.json")).code == 9
    (tmp_path / "bad.json").write_text("[]")
    assert call("select", "--evidence", str(tmp_path / "bad.json")).code == 2
