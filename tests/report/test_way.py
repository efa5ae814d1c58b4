"""How models got the functions of a task, in words."""

from harness.domain.way import NATIVE, PROMPT
from harness.report.way import way_note, way_notes
from tests.store.written import written
from tests.verdict.recorded import KEY, OTHER, cell, head, passes


def test_nothing_is_said_where_every_model_got_everything_in_the_prompt() -> None:
    assert way_note("say", {"a": {PROMPT}, "b": set()}) == ""
    assert way_note("say", {}) == ""


def test_one_way_for_all_is_named_once_and_two_with_their_models() -> None:
    assert way_note("dial", {"a": {NATIVE}, "b": {NATIVE}}) == "dial: the functions were sent through the API's tools."
    models = {"a": {NATIVE}, "b": {PROMPT}, "c": {NATIVE}, "d": {NATIVE, PROMPT}}
    assert way_note("dial", models) == (
        "dial: each model got the functions in its own way: a, c through the API's tools, b in the prompt, d through "
        "the API's tools and in the prompt."
    )


def test_many_models_and_hostile_names_stay_short() -> None:
    note = way_note("dial\x1b[31m", {**{f"m{number}": {NATIVE} for number in range(9)}, "x\n\x1b]0;y": {PROMPT}})
    assert "m0, m1, m2, m3 and 5 more through" in note
    assert note.isprintable()


def test_a_run_has_a_note_for_each_such_task() -> None:
    run = written(
        head(), *cell(passes(9)), *cell(passes(9), task="dial", way="native"), *cell(passes(9), task="dial", key=OTHER)
    )
    assert list(way_notes(run)) == [
        f"dial: each model got the functions in its own way: {KEY} through the API's tools, {OTHER} in the prompt."
    ]
