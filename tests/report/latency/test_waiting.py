"""What a person waits for, in plain words: a line for each model, with how many times it rests on."""

from dataclasses import replace

import pytest

from harness.domain.record import MeasureRecord, RunRecord
from harness.report.answer import TaskAnswer, reasons, render_answers
from harness.report.latency.waiting import render_waits
from harness.report.layout import fits
from harness.verdict.contender import DEFAULT_RULE
from harness.verdict.load import LoadKind
from harness.verdict.task_choice import choices_of
from harness.verdict.waiting import waitings
from tests.store.written import written
from tests.verdict.test_load import HEAD, a_run, cell, load, use

LARGE = "acme/large-70b-instruct-with-a-long-name"


def flat(text: str) -> str:
    return " ".join(text.split())


def test_each_model_has_a_line_with_its_three_waits_and_from_when_its_load_pays() -> None:
    loads = [load("acme/small", 9.0, cold=True), load("acme/small", 2.0, cold=False), load(LARGE, 18.0, cold=True)]
    run = a_run(*cell("acme/small"), *cell(LARGE, e2e_s=4.0), *loads)
    text = render_waits(run, width=110)
    assert "acme/small 0.20 s (1) 1.00 s (1) 9.00 s (1) answer 81" in flat(text)
    assert f"{LARGE} 0.20 s (1) 4.00 s (1) 18.0 s (1) answer 41" in flat(text)
    assert "load, cold: the file was read from the disk." in flat(text)
    assert "first word: while the tasks were answered." in flat(text)


def test_the_reference_or_what_was_loaded_before_is_what_a_load_must_beat() -> None:
    small, large = [*cell("small"), load("small", 9.0, cold=False)], [*cell(LARGE, e2e_s=4.0)]
    resident = use(LARGE, load_mode="preloaded")
    text = flat(render_waits(a_run(*small, *large, resident), width=None))
    assert f"{LARGE} 0.20 s (1) 4.00 s (1) is loaded -" in text
    assert f"Where {LARGE} is loaded already, loading another one saves time: small from answer 4 on." in text
    facts = {"harness_version": "0", "server_kind": "x", "server_url": "u", "plan": {"reference": "small"}}
    text = flat(render_waits(written(RunRecord.model_validate({**HEAD, **facts}), *small, *large), width=None))
    assert "saves time" not in text, "the slower one never does"


def test_a_model_that_does_none_of_the_tasks_of_what_is_loaded_saves_no_time_there() -> None:
    embeds = [*cell("embed", task="retrieval", e2e_s=0.01), load("embed", 1.0, cold=False)]
    large = [*cell(LARGE, e2e_s=4.0), use(LARGE, load_mode="preloaded")]
    assert "saves time" not in flat(render_waits(a_run(*embeds, *large), width=None))


@pytest.mark.parametrize("width", [20, 40, 80, 120])
def test_it_fits_into_the_terminal_with_names_that_stay_distinct(width: int) -> None:
    keys = [f"publisher/{'very-' * 8}long-{number}b\x1b[31m" for number in range(3)]
    run = a_run(*(record for key in keys for record in (*cell(key), load(key, 2.0, cold=None))))
    text = render_waits(run, width=width)
    assert fits(text, width)
    assert "\x1b" not in text
    assert "uncontrolled" in text
    assert [f"long-{number}b" in flat(text).replace(" ", "") for number in range(3)] == [True] * 3 or width > 40


def test_a_model_without_a_load_has_no_load_that_pays() -> None:
    run = a_run(*cell("m"))
    (waiting,) = waitings(run)
    assert waiting.load_kind is None
    assert waiting.small_from is None
    assert replace(waiting, load_kind=LoadKind.WARM).quicker_from(waiting) is None
    assert "m 0.20 s (1) 1.00 s (1) - -" in flat(render_waits(run, width=None))


def test_answers_that_come_in_one_block_have_no_first_word_of_their_own() -> None:
    def at_once(tokens: int) -> str:
        return flat(render_waits(a_run(*cell("m", e2e_s=0.2, tokens=tokens)), width=None))

    assert "m with the last 0.20 s (1)" in at_once(40)
    assert "m 0.20 s (1) 0.20 s (1)" in at_once(2), "two tokens say nothing of that"


def test_a_run_that_timed_nothing_says_nothing() -> None:
    assert render_waits(a_run(), width=80) == ""


def test_first_words_that_noise_does_not_tell_apart_are_marked() -> None:
    def measured(key: str, *values: float) -> list[MeasureRecord]:
        facts = {**HEAD, "name": "ttft_s", "unit": "s", "model_key": key, "cold": False, "params": {"concurrency": 1}}
        return [
            MeasureRecord.model_validate({**facts, "value": value, "round": number})
            for number, value in enumerate(values)
        ]

    rough, others = (0.2, 0.25, 0.2, 0.25), (0.21, 0.26, 0.21, 0.26)
    text = flat(render_waits(a_run(*measured("one", *rough), *measured("other", *others)), width=110))
    assert "0.23 s (4)?" in text
    assert "? : another model's is no further away than noise" in text
    apart = flat(render_waits(a_run(*measured("one", *rough), *measured("other", 2.0, 2.0, 2.0, 2.0)), width=110))
    assert "?" not in apart


def test_choose_says_the_three_waits_of_its_answer_and_which_loads_count() -> None:
    run = a_run(*cell("m\x1b[31m"), load("m\x1b[31m", 9.0, cold=True), load("m\x1b[31m", 1.0, cold=False))
    (found,) = choices_of(run)
    answer = TaskAnswer.of(found)
    (sentence,) = [line for line in reasons(answer, DEFAULT_RULE) if "in medians" in line]
    assert "the first word after 0.20 s (n = 1, while the tasks were answered)" in sentence
    assert "a whole answer after 1.00 s (n = 1)" in sentence
    assert "a load in 9.00 s (n = 1, cold: the file was read from the disk), which pays from answer 81 on." in sentence
    assert "\x1b" not in sentence
    assert "load, cold: the file was read from the disk." in flat(render_answers([answer], DEFAULT_RULE, width=100))


def test_absurd_times_neither_break_the_table_nor_count() -> None:
    records = [
        *cell("m", e2e_s=1e-9),
        load("m", 1e9, cold=True),
        load("m", 1e300, cold=True),
        load("m", -1.0, cold=True),
    ]
    text = render_waits(a_run(*records), width=80)
    assert fits(text, 80)
    assert "(1)" in text
