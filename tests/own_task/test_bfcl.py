"""`format = "bfcl"`: files of the Berkeley Function-Calling Leaderboard's shape, read as docs/formats.md says."""

import json
from pathlib import Path
from typing import Any

import pytest

from harness.errors import StoreError, TaskError
from harness.own_task.own_task import load_own_tasks
from harness.own_task.target import ideal_answer
from harness.task.tool_prompt import asked_text
from tests.own_task.published import BREW, DEFINITIONS, TEA, TIMER, lines, load, make


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make(tmp_path)


def test_bfcl_offers_the_functions_in_json_schema_and_judges_the_calls(folder: Path) -> None:
    own = load(folder, "bfcl")
    assert (own.task.name, own.task.scorer.name) == ("bfcl", "tool_calls")
    found = {sample.item_id: sample for sample in own.rows.samples}
    assert {name: sample.stratum for name, sample in found.items()} == {
        "bfcl-irrelevance_0": "irrelevance",
        "bfcl-multiple_0": "multiple",
        "bfcl-multiple_1": "multiple",
        "bfcl-parallel_multiple_0": "parallel_multiple",
    }
    sample = found["bfcl-multiple_0"]
    assert (sample.prompt, sample.tags["category"]) == ("Brew some green tea.", "multiple")
    tea, timer = sample.tools
    assert tea["parameters"]["type"] == "object"
    assert tea["parameters"]["properties"]["litres"] == {"type": "number"}
    assert tea["parameters"]["properties"]["extras"]["type"] == "object"
    assert timer["parameters"]["properties"]["minutes"] == {"type": "array", "items": {"type": "number"}}
    assert timer["parameters"]["properties"]["type"] == {}
    assert asked_text(sample).startswith("Functions:\ntea.brew(kind: string (Kind of tea.), litres?: number, ")
    assert sample.target["calls"] == [
        {
            "name": "tea.brew",
            "arguments": {"kind": ["green", "Green tea"], "litres": [0.5], "extras": [{"milk": ["oat", ""]}]},
            "optional": ["litres", "extras"],
        }
    ]
    assert own.task.chance == 0.25  # no call at all
    for sample in found.values():
        assert own.task.scorer(ideal_answer("tool_calls", sample.target) or "", sample.target).passed


@pytest.mark.parametrize(
    ("item", "answer", "is_right"),
    [
        ("multiple_0", [{"name": "tea.brew", "arguments": {"kind": "GREEN-tea"}}], True),
        ("multiple_0", [{"name": "tea.brew", "arguments": {"kind": "green", "extras": {}, "litres": 0.5}}], True),
        ("multiple_0", [{"name": "tea.brew", "arguments": {"kind": "green", "extras": {"milk": "soy"}}}], False),
        ("multiple_0", [{"name": "tea.brew", "arguments": {"kind": "green", "extras": {"sugar": 1}}}], False),
        ("multiple_0", [{"name": "tea.brew", "arguments": {"kind": "green", "litres": ""}}], False),
        ("multiple_0", [{"name": "brew", "arguments": {"kind": "green"}}], False),
        ("multiple_1", [{"name": "set_timer", "arguments": {"minutes": [3.0]}}], True),
        (
            "parallel_multiple_0",
            [
                {"name": "tea.brew", "arguments": {"kind": "green"}},
                {"name": "set_timer", "arguments": {"minutes": [3, 5], "type": ""}},
            ],
            True,
        ),
        ("parallel_multiple_0", [{"name": "tea.brew", "arguments": {"kind": "green"}}], False),
        ("irrelevance_0", [], True),
        ("irrelevance_0", "None of these functions tells who won.", True),
        ("irrelevance_0", [{"name": "set_timer", "arguments": {"minutes": [3]}}], False),
    ],
)
def test_bfcl_is_judged_as_its_authors_do(folder: Path, item: str, answer: Any, is_right: Any) -> None:
    own = load(folder, "bfcl")
    (sample,) = [sample for sample in own.rows.samples if sample.item_id == f"bfcl-{item}"]
    text = answer if isinstance(answer, str) else json.dumps(answer)
    assert own.task.scorer(text, sample.target).passed is is_right


def test_bfcl_reads_one_category_and_messages_with_roles(folder: Path) -> None:
    definition = folder / "bfcl/bfcl.toml"
    definition.write_text(DEFINITIONS["bfcl"].replace('"data"', '"data/BFCL_v4_multiple.json"'))
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Tea!"}]
    question = {"id": "multiple_0", "question": [messages], "function": TEA}
    (folder / "bfcl/data/BFCL_v4_multiple.json").write_text(lines(question))
    (sample,) = load(folder, "bfcl").rows.samples
    assert (sample.prompt, len(sample.tools)) == ("System: Be brief.\n\nUser: Tea!", 1)


def asked(**changed: Any) -> str:
    question = {"id": "multiple_0", "question": [[{"role": "user", "content": "x"}]], "function": [TEA]}
    return lines({**question, **changed})


def truth(*calls: Any, times: int = 1) -> str:
    return lines({"id": "multiple_0", "ground_truth": [*calls]}) * times


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("", "[1]\n", "BFCL_v4_multiple.json: element 1: expected a JSON object"),
        ("", "{\n", "multiple.json:1: expected a JSON object, got {"),
        ("", asked(id=7), "multiple.json:1: field id: expected a text such as 'multiple_0', got 7"),
        ("", asked(id="multiple_9"), "multiple.json:1: field id: there is no answer to multiple_9 in "),
        ("", asked() * 2, ""),
        ("", asked() + asked(function=[TEA, TIMER]), "multiple.json:2: field id: "),
        ("", asked(id="multi_turn_base_0"), "field id: the category multi_turn_base is not read"),
        ("", asked(id="simple_java_0"), "field id: the category simple_java is not read"),
        ("", asked(id="live_relevance_0-0-0"), "field id: the category live_relevance is not read"),
        ("", truth(BREW), "field question: this is an answer: name the file of questions beside the folder possible_"),
        ("", asked(question="x"), "field question: expected one turn of messages"),
        ("", asked(question=[[], []]), "field question: expected one turn of messages"),
        ("", asked(question=[["x"]]), "field question: expected one turn of messages"),
        ("", asked(function="x"), "field function: expected a list of functions with name and parameters, got 'x'"),
        ("", asked(function=["x"]), "field function: expected a function with name and parameters, got 'x'"),
        ("", asked(function=[TEA, TEA]), "field function: there are two functions tea.brew"),
        ("", asked(function=[{"name": "x", "parameters": 1}]), "field function: expected a function"),
        ("", asked(deep=json.loads("[" * 150 + "]" * 150)), "expected at most 100 levels of JSON"),
        ("possible_answer", None, "possible_answer/BFCL_v4_multiple.json does not exist: it has the right calls of"),
        ("possible_answer", "{}\n", "multiple.json:1: expected an object with id and ground_truth, got {}"),
        ("possible_answer", "x\n", "multiple.json:1: expected a JSON object, got x"),
        ("possible_answer", truth(BREW, times=2), "multiple.json:2: field id: "),
        ("possible_answer", lines({"id": "multiple_0", "ground_truth": "x"}), "field ground_truth: expected calls"),
        ("possible_answer", truth({"tea.brew": {"kind": "green"}}), "field ground_truth: expected calls such as"),
        ("possible_answer", truth({"tea.brew": {"kind": []}}), '"unit": ["C", ""]}}], got {\'kind\': []}'),
        ("possible_answer", truth({}), "possible_answer/BFCL_v4_multiple.json:1: field ground_truth: expected calls"),
        ("possible_answer", truth({"brew": {"kind": ["x"]}}), "brew is not a function of the question: tea.brew, set_"),
    ],
)
def test_bfcl_names_what_is_wrong_with_questions_and_answers(
    folder: Path, file: str, text: str | None, said: str
) -> None:
    path = folder / "bfcl/data" / file / "BFCL_v4_multiple.json"
    if text is None:
        path.unlink()
    else:
        path.write_text(text, encoding="utf-8")
    if not said:
        assert len(load(folder, "bfcl").repeated) == 1
        return
    with pytest.raises((StoreError, TaskError)) as caught:
        load(folder, "bfcl")
    assert said in str(caught.value)


def test_bfcl_reads_no_allowed_value_for_a_list_as_an_empty_list(folder: Path) -> None:
    """Two rows of live_simple (106-63-0, 112-68-0) say so for the labels that no text has."""
    path = folder / "bfcl/data/possible_answer/BFCL_v4_multiple.json"
    other = lines({"id": "multiple_1", "ground_truth": [{"set_timer": {"minutes": []}}]})
    path.write_text(truth(BREW) + other, encoding="utf-8")
    own = load(folder, "bfcl")
    (sample,) = [sample for sample in own.rows.samples if sample.item_id == "bfcl-multiple_1"]
    answers = ([{"name": "set_timer", "arguments": {"minutes": minutes}}] for minutes in ([], [3]))
    assert [own.task.scorer(json.dumps(answer), sample.target).passed for answer in answers] == [True, False]


def test_bfcl_names_all_files_of_a_folder_that_it_does_not_read(folder: Path) -> None:
    for category in ("memory", "live_relevance"):
        (folder / f"bfcl/data/BFCL_v4_{category}.json").write_text("{}")
    with pytest.raises(StoreError, match=r"data: not read: BFCL_v4_live_relevance\.json, BFCL_v4_memory\.json"):
        load(folder, "bfcl")


def test_bfcl_shows_defaults_and_the_choices_of_a_lists_elements(folder: Path) -> None:
    kinds = {"type": "array", "items": {"type": "string"}, "enum": ["green", "black"]}
    litres = {"type": "float", "default": 0.5}
    schema = {"type": "dict", "properties": {"kinds": kinds, "litres": litres}, "required": ["kinds"]}
    (folder / "bfcl/data/BFCL_v4_multiple.json").write_text(asked(function=[{"name": "brew", "parameters": schema}]))
    answer = truth({"brew": {"kinds": [["green"]], "litres": [0.5, ""]}})
    (folder / "bfcl/data/possible_answer/BFCL_v4_multiple.json").write_text(answer)
    (sample,) = [sample for sample in load(folder, "bfcl").rows.samples if sample.item_id == "bfcl-multiple_0"]
    assert asked_text(sample).startswith('Functions:\nbrew(kinds: ("green"|"black")[], litres?: number = 0.5)\n')


def test_bfcl_reads_a_type_that_is_a_list(folder: Path) -> None:
    tea = {"name": "tea.brew", "parameters": {"type": "dict", "properties": {"kind": {"type": ["string", "null"]}}}}
    (folder / "bfcl/data/BFCL_v4_multiple.json").write_text(asked(function=[tea]))
    (folder / "bfcl/data/possible_answer/BFCL_v4_multiple.json").write_text(truth({"tea.brew": {"kind": ["green"]}}))
    (sample,) = [sample for sample in load(folder, "bfcl").rows.samples if sample.item_id == "bfcl-multiple_0"]
    assert "kind?: string|null" in asked_text(sample)


def test_bfcl_reads_no_answers_outside_the_folder_of_the_definition(folder: Path) -> None:
    answers = folder / "bfcl/data/possible_answer/BFCL_v4_multiple.json"
    answers.rename(folder / "private.json")
    answers.symlink_to(folder / "private.json")
    with pytest.raises(TaskError, match=r"BFCL_v4_multiple\.json is outside"):
        load_own_tasks(folder / "bfcl")
