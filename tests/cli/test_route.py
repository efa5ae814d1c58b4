"""`route` for scripts: the key, the exit code, and nothing slow on the way to it."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.testing.library import DEFAULT_MODELS
from harness.testing.scripted import ScriptedServer
from tests.store.routed import EVIDENCE, MODEL, routing, task

from .conftest import Call

LONG = {**EVIDENCE, "valid_until": "2999-01-01T00:00:00.000Z"}
TINY, SMALL = (str(model.key) for model in DEFAULT_MODELS[:2])
SLOW = {
    "pydantic",
    "httpx",
    "numpy",
    "scipy",
    "rich",
    "tabulate",
    "jsonschema",
    "pytest",
    "rapidfuzz",
    "regex",
}


def model(key: str, **more: Any) -> dict[str, Any]:
    unknown = {"variant": None, "quantisation": None, "size_bytes": None}
    return {**MODEL, **unknown, "model_key": key, **more}


def sure(*models: Mapping[str, Any]) -> dict[str, Any]:
    return task(suffices=models, model_key=models[0]["model_key"], evidence=LONG)


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "routing.json"
    path.write_text(
        json.dumps(
            routing(
                extract=sure(model(SMALL), model(TINY)),
                classify=task("certified", evidence=LONG),
                summarise=task("open", evidence=LONG, items_to_settle=120),
                reason=task("primary", evidence=LONG),
                rewrite=task(evidence={**EVIDENCE, "valid_until": "2026-01-31T12:00:00.000Z"}),
                review=sure(model(SMALL, quantisation="Q8_0"), model(TINY)),
                instruct=sure(model("gone/away"), model(SMALL, variant="x", size_bytes=1)),
            )
        )
    )
    return str(path)


def test_the_key_alone_is_printed(call: Call, file: str) -> None:
    done = call("route", "--task", "extract", file)
    assert (done.code, done.out, done.err) == (0, f"{SMALL}\n", "")
    assert call("route", "--task", "classify", file).out == "acme/tiny\n"


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("reason", 1, "reason: keep what you use now, your primary: no local model suffices; the best is acme/tiny."),
        (
            "summarise",
            8,
            "summarise: open: no model is sure to do it well enough; the best is acme/tiny. About 120 items",
        ),
        ("rewrite", 9, "the answer for rewrite is stale: it was valid until 2026-01-31 12:00 UTC"),
        ("brew", 9, "does not know the task 'brew'"),
    ],
)
def test_each_other_answer_has_its_code_and_says_why_first(
    call: Call, file: str, name: str, code: int, said: str
) -> None:
    done = call("route", "--task", name, file)
    assert (done.code, done.out) == (code, "")
    assert said in done.err.splitlines()[0]
    as_json = call("route", "--task", name, file, "--json")
    assert as_json.code == code
    found = json.loads(as_json.out or as_json.err)
    assert found["exit_code"] == code


def test_a_missing_file_is_9_and_one_that_is_broken_2(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = call("route", "--task", "extract")
    assert done.code == 9
    assert "there is no routing file routing.json" in done.err.splitlines()[0]
    (tmp_path / "routing.json").write_text('{"schema": "lms-harness-routing/1", "tasks": {"extract": NaN}}')
    done = call("route", "--task", "extract")
    assert done.code == 2
    assert "is not a routing file: expected JSON" in done.err


def test_a_loaded_one_goes_before_a_better_one(call: Call, server: ScriptedServer, file: str) -> None:
    words = ("route", "--task", "extract", "--loaded", file)
    assert call(*words).out == f"{SMALL}\n"
    server.load(TINY)
    assert call(*words).out == f"{TINY}\n"
    assert call(*words, "--json").json["instance_id"] == TINY
    assert call("route", "--task", "extract", file).out == f"{SMALL}\n"


def test_another_file_of_a_model_is_not_the_model_that_was_measured(
    call: Call, server: ScriptedServer, file: str
) -> None:
    server.load(SMALL)
    assert call("route", "--task", "review", "--loaded", file).out == f"{TINY}\n"
    done = call("route", "--task", "instruct", "--loaded", file)
    assert done.code == 9
    assert f"is on the server as it was measured: gone/away, {SMALL}" in done.err.splitlines()[0]


def test_another_selected_variant_is_another_model(call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "routing.json"
    path.write_text(json.dumps(routing(a=sure(model(TINY, variant=f"{TINY}@q4")))))
    for selected, code in ((f"{TINY}@q4", 0), (f"{TINY}@q8", 9)):
        listed = replace(DEFAULT_MODELS[0], variants=(f"{TINY}@q4", f"{TINY}@q8"), selected_variant=selected)
        with ScriptedServer([listed]) as server:
            monkeypatch.setenv("LM_STUDIO_API_URL", server.url)
            assert call("route", "--task", "a", "--loaded", f"--url={server.url}", str(path)).code == code


def test_without_a_server_loaded_is_an_error_and_not_a_guess(call: Call, file: str) -> None:
    done = call("route", "--task", "extract", "--loaded", "--url", "http://127.0.0.1:9", file)
    assert (done.code, done.out) == (3, "")


def test_demonstration_models_are_named_as_such(call: Call, tmp_path: Path) -> None:
    path = tmp_path / "routing.json"
    path.write_text(json.dumps(routing(a=task(evidence=LONG, is_demonstration=True))))
    assert "a demonstration" in call("route", "--task", "a", str(path)).err


def test_nothing_slow_is_imported(file: str) -> None:
    """The time itself is measured elsewhere: on a busy machine it says nothing."""
    code = (
        "import sys; from harness.cli import main\n"
        "try: main()\n"
        "finally: print(*{name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, "route", "--task", "extract", file],
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    )
    key, modules = done.stdout.split("\n", 1)
    assert key == SMALL
    assert {*modules.split()} & SLOW == set()
    assert "click" in modules
