"""Public formats: made-up files of the published shapes, read as docs/formats.md says."""

import re
from pathlib import Path

import pytest

from harness.errors import StoreError, TaskError
from harness.own_task.own_task import load_own_tasks
from tests.own_task.published import DEFINITIONS, PAGE, load, make


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make(tmp_path)


def test_the_page_has_a_definition_for_each_format_it_names() -> None:
    assert sorted(DEFINITIONS) == sorted(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE))


def test_gsm8k_shows_eight_solutions_without_annotations_and_judges_the_number(folder: Path) -> None:
    own = load(folder, "gsm8k")
    assert (own.task.name, own.task.scorer.name, own.task.max_output_tokens) == ("gsm8k", "gsm8k", 512)
    prompt = own.rows.samples[0].prompt
    assert prompt.startswith(
        "Question: train: three times 1 coins?\nAnswer: She has 3 * 1 = 3 coins.\n#### 3\n\nQuestion: train: three"
    )
    assert prompt.count("####") == 8
    assert prompt.endswith("#### 24\n\nQuestion: test: three times 1 coins?\nAnswer:")
    assert own.task.scorer("3 * 1 = 3.\n#### 3", own.rows.samples[0].target).passed
    assert own.task.chance == pytest.approx(1 / 3)  # by the most frequent number


def test_gsm8k_without_its_training_set_says_what_to_do(folder: Path) -> None:
    (folder / "gsm8k/train.jsonl").unlink()
    with pytest.raises(StoreError) as caught:
        load(folder, "gsm8k")
    assert "train.jsonl does not exist: GSM8K is asked with 8 solved questions" in str(caught.value)
    with (folder / "gsm8k/gsm8k.toml").open("a") as file:
        file.write('prompt = "{question}"\nscorer = "number"\n')
    assert load(folder, "gsm8k").rows.samples[0].prompt == "test: three times 1 coins?"


def test_ifeval_asks_the_prompt_alone_and_reports_four_accuracies(folder: Path) -> None:
    own = load(folder, "ifeval")
    first, second = own.rows.samples
    assert (first.item_id, first.prompt) == ("ifeval-1000", "Name a tea. Do not use any commas.")
    answers = {first.item_id: "Earl Grey is a tea, I think.", second.item_id: "Sure!\nhello there"}
    judged = [(sample.target, own.task.scorer(answers[sample.item_id], sample.target)) for sample in (first, second)]
    assert [score.value for _, score in judged] == [0.0, 0.0]
    assert own.task.scorer.metrics(judged) == {  # type: ignore[attr-defined]
        "prompt_strict": 0.0,
        "instruction_strict": 1 / 3,
        "prompt_loose": 0.5,
        "instruction_loose": 2 / 3,
    }


def test_mmlu_shows_five_questions_of_the_same_subject(folder: Path) -> None:
    own = load(folder, "mmlu")
    assert len(own.rows.samples) == 4
    sample = own.rows.samples[-1]
    assert (sample.item_id, sample.stratum, sample.tags["subject"]) == (
        "mmlu-world_religions-2",
        *["world_religions"] * 2,
    )
    assert sample.prompt.startswith(
        "The following are multiple choice questions (with answers) about world religions.\n\n"
        'world_religions, dev 0?\nA. one\nB. two "quoted"\nC. three\nD. four\nAnswer: A\n\n'
    )
    assert "astronomy" not in sample.prompt
    assert sample.prompt.endswith('world_religions, test 1?\nA. one\nB. two "quoted"\nC. three\nD. four\nAnswer:')
    assert own.task.scorer("B", sample.target).passed
    assert own.task.scorer("B. two", sample.target).passed
    definition = folder / "mmlu/mmlu.toml"
    definition.write_text(DEFINITIONS["mmlu"].replace('"test"', '"test/astronomy_test.csv"'))
    assert {sample.stratum for sample in load(folder, "mmlu").rows.samples} == {"astronomy"}


def test_clinc150_offers_all_intents_and_reports_both_figures(folder: Path) -> None:
    own = load(folder, "clinc150")
    assert [(sample.stratum, sample.target["label"]) for sample in own.rows.samples] == [
        ("in scope", "pay_bill"),
        ("in scope", "time"),
        ("out of scope", "oos"),
    ]
    assert "Intents: pay_bill, time\n\nRequest: please pay the gas bill" in own.rows.samples[0].prompt
    assert own.rows.samples[0].target["labels"] == ["pay_bill", "time", "oos"]
    answers = ["pay_bill", "oos", "oos"]
    judged = [
        (sample.target, own.task.scorer(answer, sample.target))
        for sample, answer in zip(own.rows.samples, answers, strict=True)
    ]
    figures = own.task.scorer.metrics(judged)  # type: ignore[attr-defined]
    assert figures == {"in_scope_accuracy": 0.5, "out_of_scope_recall": 1.0}


@pytest.mark.parametrize(
    ("name", "file", "text", "said"),
    [
        ("gsm8k", "test.jsonl", '{"question": "x"}', "answer"),
        ("gsm8k", "test.jsonl", '{"question": "x", "answer": "no number"}', "a solution that ends in '#### 18'"),
        ("gsm8k", "train.jsonl", "[]", "expected at least 8 solved questions, got 0"),
        ("gsm8k", "train.jsonl", '{"question": "x"}\n' * 8, "expected objects with question and answer in its first 8"),
        ("ifeval", "input_data.jsonl", '{"key": 1, "prompt": "x"}', "instruction_id_list"),
        (
            "ifeval",
            "input_data.jsonl",
            '{"key": 1, "prompt": "x", "instruction_id_list": ["no:such"], "kwargs": [{}]}',
            "no:such",
        ),
        (
            "mmlu",
            "test/astronomy_test.csv",
            "question,A\n",
            "expected a question, four options and a letter, got 2 cells",
        ),
        ("mmlu", "dev/astronomy_dev.csv", "x\n", "astronomy_dev.csv:1: expected a question, four options"),
        ("clinc150", "data_full.json", "[]", "expected an object with the lists test and oos_test"),
        ("clinc150", "data_full.json", '{"test": [["x"]], "oos_test": []}', "expected a request and its intent"),
        ("clinc150", "data_full.json", "{", "expected JSON"),
    ],
)
def test_a_file_of_another_shape_is_named_with_what_was_expected(
    folder: Path, name: str, file: str, text: str, said: str
) -> None:
    (folder / name / file).write_text(text)
    with pytest.raises((StoreError, TaskError)) as caught:
        load(folder, name).task.samples(seed=0, limit=5)
    assert said in str(caught.value)
    assert Path(file).name in str(caught.value)


def test_a_missing_dev_file_is_named(folder: Path) -> None:
    (folder / "mmlu/dev/astronomy_dev.csv").unlink()
    with pytest.raises(StoreError, match=r"dev/astronomy_dev\.csv does not exist: MMLU is asked with 5 answered"):
        load(folder, "mmlu")


@pytest.mark.parametrize("laid_out", ["definition within test", "dev file is a link"])
def test_no_format_reads_a_file_outside_the_folder_of_the_definition(folder: Path, laid_out: str) -> None:
    """The dev file is the format's own idea, so `data` alone says nothing about it."""
    definition = folder / "mmlu/mmlu.toml"
    if laid_out == "definition within test":
        text = definition.read_text(encoding="utf-8")
        definition = folder / "mmlu/test/mmlu.toml"
        definition.write_text(text.replace('"test"', '"astronomy_test.csv"'), encoding="utf-8")
    else:
        dev = folder / "mmlu/dev/astronomy_dev.csv"
        dev.rename(folder / "private.csv")
        dev.symlink_to(folder / "private.csv")
    with pytest.raises(TaskError, match=r"astronomy_dev\.csv is outside") as caught:
        load_own_tasks(definition)
    assert "such as both dev and test" in (caught.value.hint or "")
