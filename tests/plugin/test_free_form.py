"""Tests that ask with `lms_ask`, as their authors meet them: in a pytest of their own, against a scripted LM Studio."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.domain.record import EndRecord, RunRecord, SampleRecord, SummaryRecord
from harness.testing.fault import Status
from harness.testing.message import Request
from harness.testing.scripted import ScriptedServer
from tests.plugin.own_pytest import Ended, run_pytest

KEY = "acme/tiny-1b"
OTHER = "acme/small-4b"
CHAT = "/api/v1/chat"

TESTS = """
import json
import pytest
from harness import Ask, Check, Number

def test_capital(lms_ask: Ask) -> None:
    assert "Paris" in lms_ask("What is the capital of France?")

@pytest.mark.parametrize(("question", "target"), [("6 x 7", 42), ("6 x 8", 48)], ids=["seven", "eight"])
def test_product(lms_ask: Ask, lms_check: Check, question: str, target: int) -> None:
    answer = lms_ask(f"{question} = ?", max_output_tokens=50)
    assert 0 <= answer.seconds == answer.generation.times.e2e_s
    lms_check(answer, Number(), target)

class TestGreeting:
    pytestmark = pytest.mark.lms_task("greeting")

    @pytest.mark.parametrize("word", ["hello", "by-the-way"])
    def test_word(self, lms_ask, word):
        assert lms_ask(f"Say {word}") == word

    def test_twice(self, lms_ask):
        assert lms_ask("Say hello") == lms_ask("Say hello")

def test_needs_no_model():
    pass
"""
ENDINGS = """
import json
import pytest

def test_not_json(lms_ask):
    json.loads(lms_ask("Say hello"))

def test_own_bug(lms_ask):
    lms_ask("Say hello")
    undefined

def test_cut_off(lms_ask):
    lms_ask("Say one two three", max_output_tokens=2)

def test_empty(lms_ask):
    lms_ask("Say nothing")

@pytest.mark.xfail
def test_expected(lms_ask):
    assert lms_ask("Say hello") == "by"

def test_decides_nothing(lms_ask):
    lms_ask("Say hello")
    pytest.skip("enough")

def test_parts(lms_ask, subtests):
    for word in ("hello", "by"):
        with subtests.test(word):
            assert lms_ask(f"Say {word}") == "hello"

def test_graded(lms_ask, lms_check):
    answer = lms_ask("Say hello big world")
    assert lms_check(answer, "token_f1", "hello world", at_least=0.7).value == pytest.approx(0.8)
    lms_check(answer, "exact", "hello")

def test_changed_text(lms_ask, lms_check):
    lms_check(lms_ask("Say 3").strip(), "number", 3)

def test_no_such_target(lms_ask, lms_check):
    lms_check(lms_ask("Say 3"), "number", "three apples")

def test_no_question(lms_ask):
    lms_ask(" ")

def test_hostile(lms_ask):
    assert lms_ask("Say \\x1b[31mred") == "blue"
"""


def speak(request: Request) -> str:
    prompt = request.prompt
    if prompt.endswith("= ?"):
        return "The answer is 42."
    if "France" in prompt:
        return "It is Paris."
    if prompt == "Say nothing":
        return ""
    return prompt.removeprefix("Say ")


Pytest = Callable[..., Ended]


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as scripted:
        scripted.reply_with(speak)
        yield scripted


@pytest.fixture
def run(server: ScriptedServer, tmp_path: Path) -> Pytest:
    def call(*words: str, code: str = TESTS) -> Ended:
        return run_pytest(server, tmp_path, *words, code=code)

    return call


def test_a_test_function_is_a_task_and_its_cases_are_the_items(run: Pytest, server: ScriptedServer) -> None:
    result = run("--lms-model=all")
    assert result.code == 1, result.out
    assert "2 failed, 11 passed" in result.out
    assert [body["model"] for body in server.asked("POST", "/api/v1/models/load")] == [KEY, OTHER]
    product, capital = "test_own.py::test_product", "test_own.py::test_capital"
    greeting = "test_own.py::TestGreeting::test_"
    expected = {
        (capital, "test_capital"): 1,
        (product, "seven"): 1,
        (product, "eight"): 0,
        ("greeting", f"{greeting}word[hello]"): 1,
        ("greeting", f"{greeting}word[by-the-way]"): 1,
        ("greeting", f"{greeting}twice"): 1,
        ("greeting", f"{greeting}twice #2"): 1,
    }
    found = {place: score.value for place, score in result.scores().items()}
    assert found == {(model, *place): value for place, value in expected.items() for model in (KEY, OTHER)}
    cells = {place: (cell.n, cell.score, cell.planned) for place, cell in result.cells().items()}
    assert cells[KEY, product] == cells[OTHER, product] == (2, 0.5, 2)
    assert cells[KEY, "greeting"] == (4, 1.0, 4)
    assert {cell.task_class for cell in result.records_of(SummaryRecord)} == {capital, product, "greeting"}
    wrong = result.scores()[KEY, product, "eight"]
    assert (wrong.scorer, wrong.details["scorer"], wrong.passed) == ("test", "number", False)
    sample = next(sample for sample in result.records_of(SampleRecord) if sample.item_id == "eight")
    assert (sample.target, sample.output_text, sample.cluster_id) == (48, "The answer is 42.", "eight")
    assert "number scored 0.00" in result.out
    assert "target: 48" in result.out
    assert f"\n{capital} " in result.out.partition("hand it to")[2]
    assert server.loaded == []


def test_how_a_test_ends_is_the_score_of_what_it_asked(run: Pytest, server: ScriptedServer) -> None:
    result = run(code=ENDINGS)
    found = {item: (score.value, score.reason) for (_, _, item), score in result.scores().items()}
    assert found["test_not_json"] == (0.0, "json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)")
    assert found["test_own_bug"] == (None, "the test itself failed: NameError: name 'undefined' is not defined")
    assert found["test_cut_off"] == (0.0, "truncated")
    assert found["test_empty"] == (0.0, "empty")
    assert found["test_expected"] == (0.0, "AssertionError: assert 'hello' == 'by'")
    assert found["test_decides_nothing"] == (None, "the test decided nothing: Skipped: enough")
    assert (found["test_parts"][0], found["test_parts #2"][0]) == (1.0, 0.0)
    assert found["test_graded"][0] == 0.0
    assert found["test_changed_text"][0] is found["test_no_such_target"][0] is None
    assert "test_no_question" not in found
    cells = {task.rpartition("::")[2]: (cell.n, cell.unscored) for (_, task), cell in result.cells().items()}
    assert cells["test_no_question"] == (0, 1)
    assert cells["test_parts"] == (2, 0)
    out = result.out
    assert "the answer was cut off after 2 tokens, so it counts as wrong. Allow more with lms_ask(" in out
    assert "max_output_tokens=4)" in out
    assert "expected an answer of lms_ask, got str" in out
    assert 'lms_check(lms_ask("Say 3").strip(), "number", 3)' in out  # the line of the test
    assert "lms_ask: expected a question, got ' '" in out
    assert "harness/run/question.py" not in out
    assert "\x1b" not in out


def test_a_task_of_tests_can_be_selected_and_has_a_floor(run: Pytest) -> None:
    result = run("--lms-task=greeting", "--lms-floor=greeting=0.9", "-k", "word")
    assert result.code == 0, result.out
    assert [task for _, task in result.cells()] == ["greeting"]
    assert "Floor not decided: acme/tiny-1b greeting (0.9)" in result.out
    graded = """
def test_near(lms_ask, lms_check):
    lms_check(lms_ask("Say hello big world"), "token_f1", "hello world", at_least=0.5)
"""
    below = run("--lms-floor=test_own.py::test_near=0.9", code=graded)
    assert below.code == 1
    assert f"BELOW THE FLOOR: {KEY} scored 0.800 on test_own.py::test_near, below the floor of 0.9" in below.out
    plan = run("--collect-only", "-k", "capital or twice").out
    assert "Not in these figures is what tests ask with lms_ask: test_own.py::test_capital, greeting." in plan
    unknown = run("--lms-task=greetings")
    assert unknown.code == 2
    assert "no such task: greetings; collected are: greeting, test_own.py::test_capital" in unknown.out


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("@pytest.mark.lms_task\ndef test_a(lms_ask): ...", "expected the name of a task"),
        ("@pytest.mark.lms_task(3)\ndef test_a(lms_ask): ...", "because the test uses lms_ask, got 3"),
        ("@pytest.mark.lms_task('x')\ndef test_a(lms_run_task): ...", "expected a harness.Task, got 'x'"),
        ("def test_a(request): request.getfixturevalue('lms_ask')", "among the test's parameters, got getfixturevalue"),
    ],
)
def test_a_wrong_use_is_one_message(run: Pytest, code: str, said: str) -> None:
    result = run(code=f"import pytest\n{code}")
    assert result.code != 0
    assert said in result.out
    assert "Traceback" not in result.out


def test_a_task_that_did_not_come_to_its_end_has_no_summary(run: Pytest) -> None:
    result = run("-x", code=TESTS.replace('("6 x 7", 42)', '("6 x 7", 41)'))
    assert "1 failed" in result.out
    assert {task for _, task in result.cells()} == {"test_own.py::test_capital"}
    assert len(result.scores()) == 2


def test_a_server_that_fails_leaves_answers_unscored(run: Pytest, server: ScriptedServer) -> None:
    class AfterTheWarmUp:
        asked = 0

        def apply(self, call: object) -> None:
            self.asked += 1
            if self.asked == 1:
                call.send(call.answer())  # type: ignore[attr-defined]
            else:
                Status(400, {"error": {"message": "the prompt is longer than the context"}}).apply(call)  # type: ignore[arg-type]

    server.on("POST", CHAT, AfterTheWarmUp())
    result = run("-k", "capital")
    assert "the server gave no answer, so nothing is counted" in result.out
    assert "longer than the context" in result.out
    (score,) = result.scores().values()
    assert score.value is None
    assert [(cell.n, cell.unscored) for cell in result.cells().values()] == [(0, 1)]


def test_an_interruption_cancels_the_question_and_counts_nothing(run: Pytest, server: ScriptedServer) -> None:
    code = """
import os, signal, threading

def test_first(lms_ask):
    assert lms_ask("Say hello")

def test_slow(lms_ask):
    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
    lms_ask("Say " + "word " * 400)
"""
    server._world.token_s = 0.02
    result = run(code=code)
    assert result.code == 2, result.out
    outcomes = [(sample.item_id, sample.outcome) for sample in result.records_of(SampleRecord)]
    assert outcomes == [("test_first", "ok"), ("test_slow", "cancelled")]
    assert [cell.task for cell in result.records_of(SummaryRecord)] == ["test_own.py::test_first"]
    assert server.loaded == []


def test_a_resumed_run_takes_over_what_passed_and_asks_the_rest(run: Pytest, server: ScriptedServer) -> None:
    first = run("--lms-model=all")
    lines = first.path.read_bytes().splitlines(keepends=True)
    # As if it had died within the second model, after the test of the capital.
    second = next(
        number for number, line in enumerate(lines) if b'"kind":"instance"' in line and OTHER.encode() in line
    )
    died = next(number for number, line in enumerate(lines) if number > second and b'"kind":"item"' in line)
    first.path.write_bytes(b"".join(lines[: died + 1]))
    before = len(server.asked("POST", CHAT))
    result = run("--lms-resume=last", "--lms-model=all")
    assert result.code == 1, result.out
    # The first model has a test that failed, which is run again.
    asked = [body["input"] for body in server.asked("POST", CHAT)[before:] if body["input"].endswith(("?", "hello"))]
    assert asked == ["6 x 8 = ?", "6 x 7 = ?", "6 x 8 = ?", "Say hello", "Say hello", "Say hello"]
    assert "2 failed, 5 passed, 6 skipped" in result.out
    assert len(result.scores()) == 14
    cells = {place: (cell.n, cell.score, cell.planned) for place, cell in result.cells().items()}
    assert len(cells) == 6
    assert cells[KEY, "greeting"] == cells[OTHER, "greeting"] == (4, 1.0, 4)
    assert cells[KEY, "test_own.py::test_product"] == (2, 0.5, 2)
    assert result.records_of(RunRecord)[0].parent_run_id is not None
    assert [end.exit_code for end in result.records_of(EndRecord)] == [1]
    changed = run(f"--lms-resume={first.path}", "--lms-model=all", code=TESTS.replace('"Paris"', '"paris"'))
    assert "the capital" in str([body["input"] for body in server.asked("POST", CHAT)[-20:]])
    assert "assert 'paris' in 'It is Paris.'" in changed.out


HALVES = """
import pytest
from harness import Score

class Kind:
    name, version = "kind", "1"

    def __call__(self, output, target):
        return Score(value=1.0)

def test_target(lms_ask, lms_check):
    lms_check(lms_ask("Say 3"), Kind(), "\\ud83d")

def test_question(lms_ask):
    lms_ask("Say \\ud83d")

def test_system_prompt(lms_ask):
    lms_ask("Say 3", system_prompt=3)

def test_bare_function(lms_ask, lms_check):
    lms_check(lms_ask("Say 3"), lambda output, target: Score(value=1.0), 3)

def test_last(lms_ask):
    assert lms_ask("Say 3") == "3"
"""


def test_half_a_character_or_a_bare_function_fails_its_own_test_and_not_the_run(run: Pytest) -> None:
    """Cut JSON holds half of an emoji: it cannot be recorded, and ended the whole session with an INTERNALERROR."""
    result = run(code=HALVES)
    assert "4 failed, 1 passed" in result.out
    assert "kind cannot use the target" in result.out
    assert "lms_ask: the question: expected Unicode, got half of a surrogate pair" in result.out
    assert "lms_ask: system_prompt: expected a text, got 3" in result.out
    assert "lms_check: expected a scorer, such as Number() or its name, got <function" in result.out
    named = HALVES.replace("def test_last", '@pytest.mark.lms_task("\\ud83d")\ndef test_last')
    assert "lms_task: expected the name of a task" in run(code=named).out
