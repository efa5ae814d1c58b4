"""What is drawn at the bottom of a terminal while a run goes on."""

import io
import threading
from collections.abc import Callable
from typing import Any

import pytest

from harness.domain.answer import Answer
from harness.domain.generation import Outcome
from harness.domain.record import SummaryRecord
from harness.report.live.picture import Screen as Size
from harness.report.live.progress import LiveProgress
from harness.report.live.standing import PlannedCell, PlannedModel
from harness.testing.clock import FakeClock
from tests.verdict.recorded import cell as recorded
from tests.verdict.recorded import lost

from .screen import Screen
from .test_standing import answer

TASKS = ("extract", "classify", "summarise")
HOSTILE = "acme/evil\x1b[2J[bold]\u202e::error::漢字"


class Terminal(io.StringIO):
    """A file that shows on a screen what was written; `rows` is its height."""

    def __init__(self, columns: int = 80, rows: int = 24) -> None:
        super().__init__()
        self.screen = Screen(columns)
        self.rows = rows
        self.writes = 0
        self.error: BaseException | None = None
        self.written = threading.Event()

    def write(self, text: str) -> int:
        if self.error is not None:
            raise self.error
        self.writes += 1
        self.written.set()
        self.screen.feed(text)
        return len(text)


class Bench:
    """A live view on a terminal that is only text, and a clock that stands still."""

    def __init__(self, *, columns: int = 80, rows: int = 24, tick_s: float = 60.0) -> None:
        self.terminal = Terminal(columns, rows)
        self.said: list[str] = []
        self.clock = FakeClock()
        self.column = 0
        self.view = LiveProgress(
            self.terminal,
            say=self.say,
            clock=self.clock,
            column=lambda: self.column,
            size=lambda: Size(columns=self.terminal.screen.columns, rows=self.terminal.rows),
            tick_s=tick_s,
        )

    def say(self, text: str) -> None:
        self.said.append(text)
        self.terminal.write(text + "\n")

    def expect(self, *keys: str, tasks: tuple[str, ...] = TASKS, total: int = 12) -> None:
        cells = [PlannedCell(task=task, total=total, guess_s=1.0) for task in tasks]
        self.view.expect([PlannedModel(key=key, cells=cells) for key in keys])

    @property
    def text(self) -> str:
        return self.terminal.screen.text


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> type[Bench]:
    monkeypatch.setenv("TERM", "xterm-256color")
    return Bench


def ask(bench: Bench, key: str, task: str, count: int, *, total: int = 12) -> str:
    """Ask so many samples, a second each; return what was on the screen then."""
    with bench.view.task(key, task, total) as advance:
        for _ in range(count):
            bench.clock.sleep(1.0)
            advance(answer(0.5))
        bench.view._draw()
        return bench.text


def test_all_models_and_tasks_with_counts_scores_and_the_time_left(make: type[Bench]) -> None:
    bench = make()
    bench.expect("acme/small", "acme/large")
    with bench.view.shown():
        seen = ask(bench, "acme/small", "extract", 6)
    head, extract, classify, summarise, now, bar = seen.strip("\n").splitlines()
    assert head.split() == ["small", "large"]
    assert extract.split() == ["extract", "6/12", "0.50", "0/12"]
    assert classify.split() == ["classify", "0/12", "0/12"]
    assert summarise.split() == ["summarise", "0/12", "0/12"]
    assert now == "acme/small: extract  (model 1 of 2)"
    assert "6/72 samples  6 s, about 1 min left" in bar


def test_nothing_of_it_is_left_at_the_end_and_the_cursor_is_shown(make: type[Bench]) -> None:
    bench = make()
    bench.terminal.write("before\n")
    bench.expect("acme/small")
    with bench.view.shown():
        ask(bench, "acme/small", "extract", 3)
        assert not bench.terminal.screen.is_cursor_shown
    assert bench.text == "before"
    assert bench.terminal.screen.is_cursor_shown


def interrupt_after(advance: Callable[[Answer], None]) -> None:
    advance(answer())
    raise KeyboardInterrupt


def test_an_interruption_leaves_the_terminal_as_it_was_and_a_line_about_what_was_stopped(make: type[Bench]) -> None:
    bench = make()
    bench.expect("acme/small")
    with pytest.raises(KeyboardInterrupt), bench.view.shown(), bench.view.task("acme/small", "extract", 12) as advance:
        interrupt_after(advance)
    assert bench.text == "acme/small extract: stopped after 1 of 12 samples"
    assert bench.terminal.screen.is_cursor_shown


def test_what_has_ended_becomes_a_line_that_stays(make: type[Bench]) -> None:
    bench = make()
    bench.expect("acme/small")
    with bench.view.shown():
        ask(bench, "acme/small", "extract", 12)
        head: dict[str, Any] = {"run_id": "r", "at": "2026-11-28T00:00:00.000Z"}
        bench.view.ended(
            SummaryRecord(
                **head,
                model_key="acme/small",
                task="extract",
                task_class="extract",
                scorer="exact",
                n=12,
                unscored=0,
                score=0.5,
                outcomes={Outcome.OK: 10, Outcome.TRUNCATED: 2},
            )
        )
        assert bench.text.startswith("acme/small extract: score 0.50, 12 samples in 12.0 s (2 truncated)\n")
    assert bench.text == "acme/small extract: score 0.50, 12 samples in 12.0 s (2 truncated)"


def test_the_line_of_a_task_names_the_reasoning_level_that_was_asked(make: type[Bench]) -> None:
    bench = make()
    bench.expect("acme/small@low")
    ask(bench, "acme/small@low", "extract", 12)
    cell = recorded([0.5], key="acme/small", task="extract")[-1]
    assert isinstance(cell, SummaryRecord)
    bench.view.ended(cell.model_copy(update={"reasoning_level": "low"}))
    assert bench.said == ["acme/small@low extract: score 0.50, 12 samples in 12.0 s"]


def test_of_a_task_that_lost_too_many_answers_no_score_is_named(make: type[Bench]) -> None:
    bench = make()
    bench.expect("acme/small")
    ask(bench, "acme/small", "extract", 12)
    (cell,) = lost(recorded([1.0, None], key="acme/small", task="extract")[-1:], 1)
    assert isinstance(cell, SummaryRecord)
    bench.view.ended(cell)
    assert bench.said == ["acme/small extract: no score, 12 samples in 12.0 s"]


def test_the_cursor_is_shown_at_the_end_even_if_ctrl_c_came_while_the_picture_was_erased(make: type[Bench]) -> None:
    bench = make()
    bench.expect("acme/small")
    with pytest.raises(KeyboardInterrupt), bench.view.shown():
        bench.terminal.error = KeyboardInterrupt()
    assert not bench.terminal.screen.is_cursor_shown
    bench.terminal.error = None
    bench.view.close()
    assert bench.terminal.screen.is_cursor_shown


def test_a_line_of_pytest_that_has_not_ended_is_continued_afterwards(make: type[Bench]) -> None:
    bench = make()
    bench.expect("acme/small")
    bench.terminal.write("suites/test_extract.py .")
    bench.column = len("suites/test_extract.py .")
    with bench.view.shown():
        assert ask(bench, "acme/small", "extract", 3).startswith("suites/test_extract.py .\n")
    bench.terminal.write("F")
    assert bench.text == "suites/test_extract.py .F"


@pytest.mark.parametrize("columns", [40, 79, 81, 119, 250])
def test_after_a_resize_nothing_is_left_of_the_old_picture(make: type[Bench], columns: int) -> None:
    bench = make(columns=110)
    bench.terminal.write("before\n")
    bench.expect("acme/small", "acme/large")
    with bench.view.shown():
        ask(bench, "acme/small", "extract", 3)
        bench.terminal.screen.resize(columns)
        bench.view._draw()
        assert bench.text.count("/63") == 1
        assert bench.text.startswith("before\n\n")
    assert bench.text == "before"


@pytest.mark.parametrize("columns", [1, 8, 20, 40, 80, 120, 250])
@pytest.mark.parametrize("rows", [1, 3, 8, 24, 60])
@pytest.mark.parametrize("count", [1, 3, 12])
def test_it_fits_on_any_screen(make: type[Bench], columns: int, rows: int, count: int) -> None:
    bench = make(columns=columns, rows=rows)
    tasks = tuple(f"task{number}" for number in range(11))
    bench.expect(*(f"publisher/{'long-' * number}model" for number in range(count)), tasks=tasks, total=1000)
    with bench.view.shown():
        seen = ask(bench, "publisher/model", "task0", 7, total=1000)
    assert len(seen.splitlines()) <= max(1, rows - 1)
    assert not bench.view._closed.is_set()


def test_of_more_models_than_fit_the_current_one_is_shown_and_which_one_it_is(make: type[Bench]) -> None:
    bench = make()
    keys = [f"acme/model-{number}" for number in range(12)]
    bench.expect(*keys)
    with bench.view.shown():
        seen = ask(bench, keys[4], "extract", 6)
    assert "extract     6/12  0.50" in seen
    assert "acme/model-4: extract  (model 5 of 12, 4 skipped)" in seen
    assert "model-5" not in seen


def test_a_wide_terminal_shows_twelve_models_at_once(make: type[Bench]) -> None:
    bench = make(columns=200)
    bench.expect(*(f"acme/model-{number}" for number in range(12)))
    with bench.view.shown():
        seen = ask(bench, "acme/model-4", "extract", 6)
    assert all(f"model-{number}" in seen for number in range(12))


def test_a_hostile_name_draws_nothing_of_its_own(make: type[Bench]) -> None:
    bench = make()
    bench.expect(HOSTILE, "acme/small")
    with bench.view.shown():
        seen = ask(bench, HOSTILE, "extract", 6)
        bench.view.note(f"{HOSTILE}: loading")
    assert "\x1b" not in seen
    assert "\u202e" not in seen
    assert r"\x1b[2J[bold]\u202e" in seen
    assert "\x1b" not in "".join(bench.said)


@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), ValueError("closed"), RuntimeError("a defect")])
def test_a_picture_that_cannot_be_drawn_ends_the_drawing_and_not_the_run(make: type[Bench], error: Exception) -> None:
    bench = make()
    bench.expect("acme/small")
    with bench.view.shown(), bench.view.task("acme/small", "extract", 12) as advance:
        bench.terminal.error = error
        bench.view._show(is_shown=True, is_still=False)
        bench.terminal.error = None
        before = bench.terminal.writes
        advance(answer())
    with bench.view.shown():
        bench.view.note("a line")
    assert bench.said == ["a line"]
    assert bench.terminal.writes == before + 1


def test_answers_are_counted_while_the_terminal_is_stopped(make: type[Bench]) -> None:
    bench = make()
    bench.expect("acme/small")
    stopped, go = threading.Event(), threading.Event()
    with bench.view.shown(), bench.view.task("acme/small", "extract", 12) as advance:

        def hold() -> None:
            with bench.view._drawing:
                stopped.set()
                go.wait(30)

        thread = threading.Thread(target=hold)
        thread.start()
        assert stopped.wait(30)
        advance(answer())
        go.set()
        thread.join()
    assert bench.view._standing.counts()[0] == 1


def test_while_something_is_measured_it_is_drawn_once(make: type[Bench]) -> None:
    bench = make(tick_s=0.001)
    bench.expect("acme/small")
    with bench.view.task("acme/small", "extract", 12) as advance:
        with bench.view.shown(is_still=True):
            bench.terminal.written.clear()
            advance(answer())
            assert not bench.terminal.written.wait(0.1)
        with bench.view.shown():
            bench.terminal.written.clear()
            advance(answer())
            assert bench.terminal.written.wait(30)


def test_a_stop_in_the_middle_of_printing_waits_until_it_has_been_printed(make: type[Bench]) -> None:
    bench = make()
    bench.expect("acme/small")
    later: list[str] = []
    with bench.view.shown():
        with bench.view.hidden():
            assert not bench.view.suspend(lambda: later.append("again"))
            assert later == []
        assert later == ["again"]
        assert bench.view.suspend(lambda: None)
        assert (bench.text, bench.terminal.screen.is_cursor_shown) == ("", True)
        bench.view.resume()
        assert "small" in bench.text


def test_a_second_stop_does_not_wait_for_a_terminal_that_is_held(make: type[Bench]) -> None:
    bench = make()
    with bench.view.hidden():
        assert not bench.view.suspend(lambda: None)
        assert bench.view.suspend(lambda: None)
