"""From rows to samples."""

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.errors import StoreError, TaskError
from harness.own_task.own_task import load_own_tasks, tools_tokens
from harness.scoring.registry import scorer_names

from .written import CSV, TOML, load, write


def test_a_row_becomes_a_sample_with_its_label_and_all_labels(tmp_path: Path) -> None:
    own = load(tmp_path)
    first = own.rows.samples[0]
    assert first.prompt == "Ticket: I paid twice"
    assert first.target == {"label": "billing", "labels": ["billing", "login", "shipping"]}
    assert first.tags == {"row": 1}
    assert (own.task.name, own.task.task_class, own.task.chance) == ("desk", "desk", 0.5)
    assert own.task.description == "4 rows of rows.csv"


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_a_csv_may_have_any_usual_separator_and_a_byte_order_mark(tmp_path: Path, separator: str) -> None:
    own = load(tmp_path, rows="\ufeff" + CSV.replace(",", separator))
    assert [sample.prompt for sample in own.rows.samples][1] == "Ticket: I cannot log in"


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.json", "rows.tsv", "rows.csv.gz"])
def test_data_may_be_jsonl_json_tsv_or_packed(tmp_path: Path, name: str) -> None:
    objects = [{"text": "a", "desk": "x"}, {"text": "b", "desk": "y"}]
    text = {
        "rows.jsonl": "\n".join(map(json.dumps, objects)),
        "rows.json": json.dumps(objects),
        "rows.tsv": "text\tdesk\na\tx\nb\ty\n",
    }.get(name, "text,desk\na,x\nb,y\n")
    write(tmp_path, TOML.replace("rows.csv", name), rows=text, name=name)
    if name.endswith(".gz"):
        (tmp_path / name).write_bytes(gzip.compress(text.encode()))
    (own,) = load_own_tasks(tmp_path)
    assert [sample.prompt for sample in own.rows.samples] == ["Ticket: a", "Ticket: b"]


def test_ids_and_order_stay_where_rows_are_added_or_moved(tmp_path: Path) -> None:
    rows = [f"ticket {number},{'ab'[number % 2]}" for number in range(40)]
    before = load(tmp_path, rows="text,desk\n" + "\n".join(rows)).task.samples(seed=3, limit=40)
    after = load(tmp_path, rows="text,desk\nnew,a\n" + "\n".join(reversed(rows))).task.samples(seed=3, limit=41)
    ids = [sample.item_id for sample in before]
    assert [sample.item_id for sample in after if sample.item_id in ids] == ids


def test_the_limit_takes_a_part_that_the_seed_decides(tmp_path: Path) -> None:
    own = load(tmp_path, rows="text,desk\n" + "".join(f"ticket {n},{'ab'[n % 2]}\n" for n in range(200)))
    parts = [[sample.prompt for sample in own.task.samples(seed=seed, limit=20)] for seed in (0, 0, 1)]
    assert parts[0] == parts[1] != parts[2]
    assert parts[0] == [sample.prompt for sample in own.task.samples(seed=0, limit=50)][:20]
    assert parts[0] != [f"Ticket: ticket {n}" for n in range(20)]


def test_the_first_rows_are_taken_where_the_definition_says_so(tmp_path: Path) -> None:
    own = load(tmp_path, TOML + "sampling = 'first'\n")
    assert [sample.tags["row"] for sample in own.task.samples(seed=9, limit=2)] == [1, 2]


def test_every_part_has_each_stratum_in_about_its_share(tmp_path: Path) -> None:
    rows = "text,desk,kind\n" + "".join(
        f"t{n},{'ab'[n % 2]},{'rare' if n % 10 == 0 else 'usual'}\n" for n in range(400)
    )
    own = load(tmp_path, TOML + "strata = 'kind'\n", rows=rows)
    for limit in (20, 50, 100, 390):
        rare = sum(sample.stratum == "rare" for sample in own.task.samples(seed=1, limit=limit))
        assert abs(rare - limit / 10) <= 1


def test_clusters_tags_and_ids_come_from_their_columns(tmp_path: Path) -> None:
    rows = "no,text,desk,customer\n7,a,x,Acme\n8,b,y,Acme\n"
    own = load(tmp_path, TOML + "id = 'no'\ncluster = 'customer'\ntags = ['customer']\n", rows=rows)
    assert [sample.item_id for sample in own.rows.samples] == ["desk-7", "desk-8"]
    assert {sample.cluster_id for sample in own.rows.samples} == {"Acme"}
    assert own.rows.samples[0].tags == {"row": 1, "customer": "Acme"}


def test_rows_that_repeat_others_are_left_out_and_named(tmp_path: Path) -> None:
    own = load(tmp_path, rows=CSV + "I paid twice,billing\nI paid twice,login\n")
    assert len(own.rows.samples) == 5
    assert [(Path(found.place).name, Path(found.earlier).name) for found in own.repeated] == [
        ("rows.csv:6", "rows.csv:2")
    ]


def test_up_to_five_wrong_rows_are_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(TaskError) as caught:
        load(tmp_path, rows="text,desk\n" + "a,\n" * 9 + "b,x\n")
    lines = caught.value.message.splitlines()
    assert [line.partition("rows.csv:")[2] for line in lines] == [
        f"{line}: field desk: expected a target, but it is empty" for line in range(2, 7)
    ]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("", "has no rows"),
        ("text,desk\n", "has no rows"),
        ("text,desk\na\n", r"rows.csv:2: expected 2 cells, as in the first row, separated by commas, got 1"),
        ("text,desk\na,x,y,z\n", r"rows.csv:2: .*, got 4"),
        ("text,desk\na,x\nb,x\n", "field desk: expected 2 to 500 different labels in the data, got 1"),
        ('text,desk\n"a,x\n', r"rows.csv:\d: expected CSV"),
    ],
)
def test_data_that_cannot_be_used_is_named_with_its_line(tmp_path: Path, rows: str, message: str) -> None:
    with pytest.raises(TaskError, match=message):
        load(tmp_path, rows=rows)


def test_data_that_is_not_utf8_names_line_and_byte(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "rows.csv").write_bytes("text,desk\nfür,x\n".encode("latin-1"))
    with pytest.raises(StoreError, match="it is not UTF-8: line 2, byte 2 is 0xfc"):
        load_own_tasks(tmp_path)


def test_a_named_pipe_as_data_is_refused_at_once(tmp_path: Path) -> None:
    import os

    write(tmp_path)
    (tmp_path / "rows.csv").unlink()
    os.mkfifo(tmp_path / "rows.csv")
    with pytest.raises(TaskError, match=r"field data: expected a file, but .* is not a file"):
        load_own_tasks(tmp_path)


@pytest.mark.parametrize(
    ("scorer", "target", "wanted"),
    [
        ("number", "target = 'n'", "12"),
        ("number", "target = { value = '{n}', rel = 0.1 }", {"value": "12", "rel": 0.1}),
        ("exact", "target = 'several'\ntarget_separator = ';'", ["a", "b"]),
        ("choices", "target = 'several'\ntarget_separator = ';'", {"right": ["a", "b"], "labels": ["a", "b", "c"]}),
        ("choices", "target = 'one'\nlabels = ['c', 'd']", {"right": ["c"], "labels": ["c", "d"]}),
        ("labels", "target = 'one'\nlabels = ['c', 'd']", {"label": "c", "labels": ["c", "d"]}),
        ("fields", "target = 'json'\njson_columns = ['json']", {"a": 1}),
        ("fields", "target = { a = '{n}', b = ['{one}!'] }", {"a": "12", "b": ["c!"]}),
        (
            "constraints",
            "target = { constraints = [{ kind = 'includes', words = ['{one}'] }] }",
            {"constraints": [{"kind": "includes", "words": ["c"]}]},
        ),
    ],
)
def test_a_target_has_the_form_that_its_scorer_wants(tmp_path: Path, scorer: str, target: str, wanted: object) -> None:
    toml = f"data = 'rows.csv'\nprompt = '{{q}}'\nscorer = '{scorer}'\n{target}\n"
    own = load(tmp_path, toml, rows='q,n,several,one,json\nhow?,12,a;b,c,"{""a"": 1}"\nwhy?,13,c,d,"{""a"": 2}"\n')
    assert own.rows.samples[0].target == wanted
    assert own.task.samples(seed=0, limit=2)


def test_a_target_that_the_scorer_refuses_is_named_with_its_row_before_anything_is_asked(tmp_path: Path) -> None:
    toml = "data = 'rows.csv'\nprompt = '{q}'\nscorer = 'number'\ntarget = 'n'\n"
    own = load(tmp_path, toml, rows="q,n\na,12\nb,many\n")
    with pytest.raises(TaskError, match=r"rows\.csv:3: field n: number: expected"):
        own.task.samples(seed=0, limit=2)
    hinted = load(tmp_path, toml.replace("number", "fields"), rows='q,n\na,"{""x"": 1}"\n')
    with pytest.raises(TaskError, match="fields: expected"):
        hinted.task.samples(seed=0, limit=1)


def test_examples_stand_before_the_prompt_and_are_not_asked(tmp_path: Path) -> None:
    own = load(tmp_path, TOML + "[few_shot]\nrows = [2]\n")
    assert own.rows.samples[0].prompt == "Ticket: I cannot log in\nlogin\n\nTicket: I paid twice"
    assert [sample.tags["row"] for sample in own.rows.samples] == [1, 3, 4]
    formed = load(tmp_path, TOML + "[few_shot]\ncount = 1\ntemplate = '{desk} <- {text}. '\n")
    assert formed.rows.samples[0].prompt == "billing <- I paid twice. Ticket: I cannot log in"
    (tmp_path / "more.csv").write_text("text,desk\nHi,login\n")
    other = load(tmp_path, TOML + "[few_shot]\ndata = 'more.csv'\n")
    assert other.rows.samples[0].prompt == "Ticket: Hi\nlogin\n\nTicket: I paid twice"
    assert len(other.rows.samples) == 4


def test_turns_are_templates_or_a_column_with_messages(tmp_path: Path) -> None:
    own = load(tmp_path, TOML + "turns = ['I am {desk}.', 'Hello']\n")
    assert own.rows.samples[0].turns == ("I am billing.", "Hello")
    toml = "data = 'rows.jsonl'\nturns = 'messages'\ntarget = 'name'\nscorer = 'exact'\n"
    rows = [
        {"messages": ["I am Ada.", "Who am I?"], "name": "Ada"},
        {"messages": [{"role": "user", "content": "Say Bo."}], "name": "Bo"},
    ]
    talk = load(tmp_path, toml, rows="\n".join(map(json.dumps, rows)), name="rows.jsonl")
    assert [(sample.turns, sample.prompt) for sample in talk.rows.samples] == [
        (("I am Ada.",), "Who am I?"),
        ((), "Say Bo."),
    ]
    for wrong in ("Hi", [], [3], [{"role": "assistant", "content": "Hi"}], [" "]):
        with pytest.raises(TaskError, match=r"rows\.jsonl:1: field messages: expected a list of the user's messages"):
            load(tmp_path, toml, rows=json.dumps({"messages": wrong, "name": "x"}), name="rows.jsonl")


def test_json_values_stand_in_prompts_and_ids(tmp_path: Path) -> None:
    rows = json.dumps({"text": {"a": [1, None]}, "desk": 3}) + "\n" + json.dumps({"text": "b", "desk": 4})
    own = load(tmp_path, TOML.replace("rows.csv", "rows.jsonl"), rows=rows, name="rows.jsonl")
    assert own.rows.samples[0].prompt == 'Ticket: {"a": [1, null]}'
    assert own.rows.samples[0].target == {"label": "3", "labels": ["3", "4"]}


def test_an_answer_gets_the_room_that_its_target_needs(tmp_path: Path) -> None:
    assert load(tmp_path).task.max_output_tokens == 64
    long = load(tmp_path, TOML.replace("choice", "exact"), rows=f"text,desk\na,{'word ' * 300}\n")
    assert 700 < long.task.max_output_tokens < 1100
    own = load(tmp_path, TOML + "max_output_tokens = 9\nprompt_tokens = 77\n")
    assert (own.task.max_output_tokens, own.task.prompt_tokens) == (9, 77)


def test_the_longest_prompt_decides_the_room(tmp_path: Path) -> None:
    assert load(tmp_path, rows=CSV + f"{'long ' * 3000},login\n").task.prompt_tokens > 5000


@pytest.mark.parametrize("scorer", [name for name in scorer_names() if name not in {"choice", "choices", "labels"}])
def test_every_scorer_can_be_named(tmp_path: Path, scorer: str) -> None:
    own = load(tmp_path, TOML.replace("choice", scorer))
    assert own.task.scorer.name == scorer
    assert 0 <= own.task.chance <= 1


TOOLS = """
data = "rows.jsonl"
prompt = "{text}"
tools = "functions"
target = { calls = "{calls}" }
scorer = "tool_calls"
"""
FUNCTION = {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}


def tool_row(functions: Any) -> str:
    calls = [{"name": "get_weather", "arguments": {"city": ["Oslo"]}}]
    return json.dumps({"text": "Is it cold in Oslo?", "functions": functions, "calls": calls}) + "\n"


def test_a_column_of_functions_is_offered_with_the_prompt(tmp_path: Path) -> None:
    own = load(tmp_path, TOOLS, rows=tool_row([FUNCTION]), name="rows.jsonl")
    (sample,) = own.task.samples(seed=0, limit=1)
    assert sample.tools == (FUNCTION,)
    assert own.task.tools_tokens > 100  # Where it is sent as JSON, with how to call it.
    assert tools_tokens(replace(sample, turns=("Hello",))) == 0
    assert own.task.scorer('[{"name": "get_weather", "arguments": {"city": "Oslo"}}]', sample.target).passed


def test_a_column_with_a_list_of_calls_is_a_target_as_it_stands(tmp_path: Path) -> None:
    toml = TOOLS.replace('{ calls = "{calls}" }', '"calls"')
    named, written = (load(tmp_path, text, rows=tool_row([FUNCTION]), name="rows.jsonl") for text in (toml, TOOLS))
    assert named.rows.samples[0].target == written.rows.samples[0].target


def test_an_argument_without_its_list_of_allowed_values_is_named_with_what_to_write(tmp_path: Path) -> None:
    """As logs of an agent have it. A list is not put around it: an argument's value may be a list itself."""
    with pytest.raises(TaskError) as caught:
        load(tmp_path, TOOLS, rows=tool_row([FUNCTION]).replace('["Oslo"]', '"Oslo"'), name="rows.jsonl")
    assert "field target: argument 'city' of 'get_weather': expected the list of its allowed values" in str(
        caught.value
    )
    assert 'such as ["Oslo"], got Oslo' in str(caught.value)


def test_functions_may_stand_as_in_a_request_to_openais_api(tmp_path: Path) -> None:
    rows = tool_row([{"type": "function", "function": FUNCTION}])
    assert load(tmp_path, TOOLS, rows=rows, name="rows.jsonl").rows.samples[0].tools == (FUNCTION,)


@pytest.mark.parametrize(
    ("functions", "said"),
    [
        (7, "field functions: expected a list of functions, such as"),
        ("[]", "is it JSON? Then add json_columns = ['functions']"),
        ([{"parameters": {}}], "expected a list of functions"),
        ([{"name": "x", "parameters": 1}], "expected a list of functions"),
        ([{"name": " "}], "expected a list of functions"),
        ([{"name": "x", "parameters": {"properties": ["city"]}}], "expected a list of functions"),
        ([{"name": "x", "parameters": {"required": "city"}}], "expected a list of functions"),
        (["x"], "got 'x'"),
        ([{"type": "function", "function": {"name": 1}}], "expected a list of functions"),
        ([FUNCTION, FUNCTION], "field functions: there are two functions 'get_weather'"),
        ([{"name": "get_news"}], "field target: 'get_weather' is not a function of the row: get_news"),
        ([], "'get_weather' is not a function of the row: it has none"),
    ],
)
def test_a_cell_without_functions_is_named(tmp_path: Path, functions: Any, said: str) -> None:
    with pytest.raises(TaskError) as caught:
        load(tmp_path, TOOLS, rows=tool_row(functions), name="rows.jsonl")
    assert said in str(caught.value)


def test_examples_are_refused_beside_functions(tmp_path: Path) -> None:
    toml = TOOLS + "few_shot = { count = 1 }\n"
    with pytest.raises(TaskError, match="this task has tools"):
        load(tmp_path, toml, rows=tool_row([FUNCTION]), name="rows.jsonl")
