"""What becomes of a test's result: its record, its error as a message, and the table at the end."""

import sys
from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

from harness.errors import HarnessError, ReleaseFailed, ServerUnreachable, StoreError, TaskError
from harness.pytest_plugin.asking import disarm, settle
from harness.pytest_plugin.benchmark import SLOWER, notes, take_slower
from harness.pytest_plugin.gating import gate, show_night
from harness.pytest_plugin.item import (
    PUT_OFF,
    is_free_form,
    is_measurement,
    model_key_of,
    model_of,
    needs_server,
    task_name_of,
)
from harness.pytest_plugin.live import showing
from harness.pytest_plugin.state import or_exit, printed, session_if_any
from harness.pytest_plugin.terminal import say

if TYPE_CHECKING:
    from harness.run.session import Session

_CANNOT_RECORD = "results can no longer be recorded"
_SERVER_GONE = "the server went away"


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test on a model for which no time is left; unload the model before, if no other level of it is asked."""
    session = session_if_any(item.config)
    model = model_of(item)
    if session is None or model is None or PUT_OFF in item.stash:
        return
    if session.run is not None:
        try:
            session.run.kept_lease.let_go(unless=model)
        except ReleaseFailed as exc:
            # Raised here, it would be this test's failure, and the exit code would not show it.
            session.note_failure(exc)
    what = task_name_of(item) or ("latency" if is_measurement(item) else None)
    if reason := or_exit(item.config, lambda: session.why_not(model, what, is_measurement=is_measurement(item))):
        item.stash[PUT_OFF] = True
        pytest.skip(printed(item.config, reason))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test that passed although its instance went away meanwhile."""
    result = yield
    used = getattr(item, "funcargs", {})
    session = session_if_any(item.config)
    if "lms_instance" in used and session is not None and session.run is not None:
        session.run.check(used["lms_instance"].lease)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show an error of the harness as its message and hint, without a traceback.

    Once results can no longer be recorded (a full disk), or the server of an open run is gone, no further test runs.
    """
    report = yield
    # A test that needs no server, but reads run files, may raise a StoreError of its own.
    session = session_if_any(item.config) if needs_server(item) else None
    if session is not None and call.excinfo is not None and isinstance(call.excinfo.value, StoreError):
        _stop(session, item, call.excinfo.value)
    if session is not None and session.run is not None:
        if call.excinfo is not None and isinstance(call.excinfo.value, ServerUnreachable):
            item.session.shouldfail = _SERVER_GONE
        _record_item(session, item, report, call)
    # A wrong use of lms_ask or lms_check is shown with the line of the test.
    is_shown_whole = call.excinfo is None or (is_free_form(item) and isinstance(call.excinfo.value, TaskError))
    if call.excinfo is not None and isinstance(call.excinfo.value, HarnessError) and not is_shown_whole:
        report.longrepr = f"{type(call.excinfo.value).__name__}: {printed(item.config, str(call.excinfo.value))}"
    elif needs_server(item):
        disarm(report)
    return report


def _record_item(session: "Session", item: pytest.Item, report: pytest.TestReport, call: pytest.CallInfo[None]) -> None:
    """Record that a test has ended, unless it was put off, and before that what a free-form test was answered."""
    is_end = report.when == "call" or (report.when == "setup" and not report.passed)
    key = model_key_of(item)
    if not is_end or PUT_OFF in item.stash or key in session.put_off or session.run is None:
        return
    try:
        settle(item, call)
        session.free_form.end(item.nodeid, has_failed=report.failed)
        session.run.recorder.item(item.nodeid, report.outcome, model_key=key)
    except StoreError as exc:
        _stop(session, item, exc)


def _stop(session: "Session", item: pytest.Item, error: StoreError) -> None:
    session.note_failure(error)
    item.session.shouldfail = _CANNOT_RECORD


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    """After the tests, ask what is still open, if the run goes on until its tasks are decided; then compare it."""
    result = yield
    ours = session_if_any(session.config)
    if ours is not None and not (session.config.option.collectonly or session.shouldfail or session.shouldstop):
        try:
            with showing(session.config):
                ours.go_on()
        except HarnessError as exc:
            # Not pytest.exit: after that pytest prints no summary, and so not what was found out.
            say(session.config, f"{type(exc).__name__}: {exc}")
            session.testsfailed += 1
            if isinstance(exc, StoreError):
                ours.note_failure(exc)
            return result
    if not (session.config.option.collectonly or session.shouldfail or session.shouldstop):
        gate(session)
    return result


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """End the run after all fixtures are torn down."""
    if (ours := session_if_any(session.config)) is not None:
        if exitstatus == pytest.ExitCode.OK and not session.config.option.collectonly:
            ours.complete_file()
        # A second Ctrl-C may arrive before pytest has noted the first: then it is on its way through here.
        interrupted = exitstatus == pytest.ExitCode.INTERRUPTED or isinstance(sys.exception(), KeyboardInterrupt)
        exitstatus = pytest.ExitCode.INTERRUPTED if interrupted else exitstatus
        if take_slower(session.config) and exitstatus == pytest.ExitCode.OK:
            exitstatus = pytest.ExitCode.TESTS_FAILED
        session.exitstatus = ours.close(exit_code=int(exitstatus), interrupted=interrupted)
        _write_review(session, ours)


def _write_review(session: pytest.Session, ours: "Session") -> None:
    """Write the answers that a person is to grade, where the user wants them."""
    target, path = ours.settings.review, ours.path
    if target is None or path is None or session.config.option.collectonly:
        return
    from harness.command.review import write_review
    from harness.domain.count import counted

    try:
        count = write_review(path, target, is_shared=ours.settings.share_results)
    except HarnessError as exc:
        say(session.config, f"NOT WRITTEN: {target}: {exc}")
        session.exitstatus = session.exitstatus or exc.exit_code
        return
    to_grade = counted(count, "answer to grade is", several="answers to grade are")
    say(
        session.config,
        f"{to_grade} in {target}: fill in the column grade, from 0 to 1, then run\n"
        f"lms-harness score {path} --grades {target}",
    )


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> Generator[None, object, object]:
    """Print the answers after what other plugins have to say, even if one of them fails."""
    try:
        return (yield)
    finally:
        _print_ending(terminalreporter, config)


def _print_ending(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the answers, where the run file is, and what could not be released."""
    session = session_if_any(config)
    if session is None or (path := session.path) is None or config.option.collectonly:
        return
    from harness.report.ending import how_to_resume, how_to_see_more, render_ending
    from harness.report.layout import terminal_width
    from harness.store.run_file import RunFile

    terminalreporter.section("local models")
    is_detailed, more, resume = session.settings.details, "", ""
    try:
        seen = RunFile.read(path) if session.run is None else session.run.view()
        supply = session.run.supply if session.run is not None else None
        ending = render_ending(seen, width=terminal_width(), is_detailed=is_detailed, supply=supply)
        more = "" if is_detailed else how_to_see_more(seen)
        resume = printed(config, how_to_resume(seen))
    except StoreError as exc:
        ending = str(exc)
    say(config, ending)
    show_night(config)
    if session.run is None:
        say(config, "\nThe run is already complete; nothing to do.")
    say(config, "\n" + "\n".join(filter(None, [f"Records: {path}", more, resume])))
    for note in notes(config):
        terminalreporter.write_line(printed(config, note), yellow=True)
    for slower in config.stash.get(SLOWER, ()):
        terminalreporter.write_line(f"SLOWER: {printed(config, slower)}", red=True)
    for gap in session.gaps:
        label = "BELOW THE FLOOR" if "below the floor" in gap else "NOT MEASURED"
        terminalreporter.write_line(f"{label}: {printed(config, gap)}", red=True)
    for failure in session.failures:
        what = "NOT RECORDED" if isinstance(failure, StoreError) else "NOT RELEASED"
        terminalreporter.write_line(f"{what}: {printed(config, str(failure))}", red=True)
