"""The routing file: written whole, read without pydantic, and refused by name where it is not what it should be."""

import json
import stat
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from harness.domain.schema import routing_schema
from harness.errors import EvidenceMissing, StoreError
from harness.store.routing import RoutedKey, read_routing
from harness.store.whole_file import write_whole
from tests.store.routed import EVIDENCE, MODEL, routing, task


def written(folder: Path, value: Any) -> Path:
    path = folder / "routing.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return path


def test_the_schema_is_valid_and_fits_the_files_of_these_tests() -> None:
    Draft202012Validator.check_schema(routing_schema())
    Draft202012Validator(routing_schema()).validate(routing(a=task(), b=task("open")))
    assert not Draft202012Validator(routing_schema()).is_valid({**routing(), "schema": "lms-harness/1"})


def test_routes_are_read_with_every_model_that_suffices(tmp_path: Path) -> None:
    found = read_routing(written(tmp_path, routing(a=task("certified"), b=task("primary"))))
    assert found["a"].suffices == (RoutedKey(key="acme/tiny", variant="acme/tiny@q4", quantisation="Q4", size_bytes=5),)
    assert (found["b"].answer, found["b"].suffices, found["b"].rejected) == ("primary", (), ("acme/tiny",))


def test_fields_of_later_versions_are_passed_over(tmp_path: Path) -> None:
    later = routing(a=task(later=[1], evidence={**EVIDENCE, "later": 2}))
    assert read_routing(written(tmp_path, {**later, "later": {}}))["a"].answer == "model"


BROKEN: Mapping[str, tuple[Any, str]] = {
    "empty": ("", "expected JSON"),
    "torn": (json.dumps(routing(a=task()))[:-9], "expected JSON"),
    "a list": ([], "expected a JSON object"),
    "NaN": (json.dumps(routing(a=task())).replace("30", "NaN"), "NaN is not JSON"),
    "deep": ("[" * 100_000, "expected JSON"),
    "not UTF-8": ("\udcff", "expected JSON"),
    "a run file": ('{"kind":"run","schema":"lms-harness/1"}', "expected the schema lms-harness-routing/1"),
    "of a later version": ({**routing(), "schema": "lms-harness-routing/2"}, "has the schema lms-harness-routing/2"),
    "without tasks": ({**routing(), "tasks": None}, "tasks: expected dict, got null"),
    "a task that is a text": (routing(a="x"), "task 'a': expected an object, got str"),  # type: ignore[arg-type]
    "an unknown answer": (routing(a=task("maybe")), "answer is 'maybe'"),
    "a model without any": (routing(a=task(suffices=[])), "answer is 'model' with 0 models"),
    "another model first": (routing(a=task(model_key="b")), "model_key is not the first"),
    "a size that is a text": (routing(a=task(suffices=[{**MODEL, "size_bytes": "5"}])), "size_bytes: expected int"),
    "a model that is a text": (routing(a=task(suffices=["x"])), "expected a model, got str"),
    "no date": (routing(a=task(evidence={**EVIDENCE, "valid_until": "soon"})), "valid_until: expected a date"),
    "no time zone": (routing(a=task(evidence={**EVIDENCE, "valid_until": "2026-12-01"})), "with its time zone"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_not_a_routing_file_is_refused_with_what_was_expected(tmp_path: Path, name: str) -> None:
    value, said = BROKEN[name]
    path = tmp_path / "routing.json"
    path.write_bytes((value if isinstance(value, str) else json.dumps(value)).encode(errors="surrogateescape"))
    with pytest.raises(StoreError) as caught:
        read_routing(path)
    assert said in caught.value.message
    assert len(caught.value.message) < 300 + len(str(path))


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "routing.json"
    with path.open("wb") as file:
        file.truncate(10**10)
    with pytest.raises(StoreError, match="larger than 20 MB"):
        read_routing(path)


def test_a_missing_file_has_an_error_of_its_own_and_a_folder_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(EvidenceMissing, match="there is no routing file"):
        read_routing(tmp_path / "routing.json")
    with pytest.raises(StoreError, match="cannot read"):
        read_routing(tmp_path)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
PLACES: tuple[Callable[[Any], Any], ...] = (
    lambda value: value,
    lambda value: {**routing(), "tasks": value},
    lambda value: routing(a=value),
    *(lambda value, name=name: routing(a={**task(), name: value}) for name in task()),
    *(lambda value, name=name: routing(a=task(suffices=[{**MODEL, name: value}])) for name in MODEL),
)


@settings(max_examples=150)
@given(value=JSON, place=st.sampled_from(PLACES))
def test_whatever_stands_in_it_nothing_but_our_own_errors_come(
    tmp_path_factory: pytest.TempPathFactory, value: Any, place: Callable[[Any], Any]
) -> None:
    path = written(tmp_path_factory.getbasetemp(), place(value))
    with suppress(StoreError):
        read_routing(path)


def test_a_file_is_replaced_whole_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "routing.json"
    for text, is_shared, mode in (("old", True, 0o644), ("new", False, 0o600)):
        write_whole(path, text, is_shared=is_shared)
        assert path.read_text() == text
        assert stat.S_IMODE(path.stat().st_mode) == mode
    assert [found.name for found in tmp_path.iterdir()] == ["routing.json"]


def test_a_link_stays_a_link_and_what_is_not_a_file_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("target")
    write_whole(tmp_path / "link", "text")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_text() == "text"
    for place, why in ((Path("/dev/null"), "not a regular file"), (tmp_path / "no" / "x", "No such file")):
        with pytest.raises(StoreError, match=why):
            write_whole(place, "text")
    assert not Path("/dev/null").is_file()
