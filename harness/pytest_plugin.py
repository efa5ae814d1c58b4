"""pytest options, fixtures and collection rules for suites that ask a local model.

Nothing happens (no network, no folder) in a pytest run that collects no test with an `lms_*` fixture.

Fixtures, all of session scope but the last:

- `lms_settings`: the `Settings`.
- `lms_run`: the open `Run` on a preflighted server; its `recorder` writes records.
- `lms_client`: the run's `Client`.
- `lms_model`: a `Model`; a test that asks for it runs once for every selected model, cheapest model first.
- `lms_instance`: a `LeasedModel`: one verified lease per model for the whole run, released before the next is loaded.
- `lms_run_task`: a function that runs a `Task` on the instance and returns its `SummaryRecord`.

The marker `lms_task(TASK)` says which task a test runs, so that `--lms-task` can select it and a plan can be made;
`lms_before_load` puts a test before the model's lease is acquired, and `lms_once` runs a test on the cheapest of the
selected models only.
"""

import os
import sys
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import pytest

from harness.errors import HarnessError, LeaseError, LoadFailed, ReleaseFailed, SettingsError, StoreError
from harness.report.text import printable
from harness.settings import OPTIONS, Settings, build_settings, unknown_ini

if TYPE_CHECKING:
    from harness.client.http import Client
    from harness.domain.model import Model
    from harness.domain.record import SummaryRecord
    from harness.report.progress import LiveProgress, PlainProgress
    from harness.run.run import LeasedModel, Run
    from harness.run.session import Session
    from harness.task.task import Task

_T = TypeVar("_T")
_SETTINGS = pytest.StashKey[Settings]()
_PUT_OFF = pytest.StashKey[bool]()
_SESSION = pytest.StashKey["Session"]()
_FAILURE = pytest.StashKey[HarnessError]()
_PREFIX = "lms_"
_NOT_PARALLEL = (
    "tests of local models do not run in workers of pytest-xdist: each worker would load a copy of every model, and no "
    "figure would be true.\nRun them with -n0; --lms-concurrency says how many requests are in flight at a time."
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer every option of `harness.settings.OPTIONS` as `--lms-…` and, but for the token, as ini value `lms_…`."""
    group = parser.getgroup("lms", "local models in LM Studio")
    for option in OPTIONS:
        how: dict[str, Any] = {"action": "append" if option.repeat else "store", "metavar": option.metavar}
        if option.is_flag:
            how = {"action": "store_const", "const": "yes"}
        group.addoption(f"--lms-{option.flag}", dest=_PREFIX + option.name, help=option.help, **how)
        if option.name != "token":
            kind: Literal["args", "string"] = "args" if option.repeat else "string"
            parser.addini(_PREFIX + option.name, f"{option.help} (as --lms-{option.flag})", type=kind, default=None)


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers; complain about a wrong option at once, even if no test needs it."""
    config.addinivalue_line("markers", "lms_task(task): the test runs this harness.Task on a model")
    config.addinivalue_line("markers", "lms_before_load: the test runs before its model's lease is acquired")
    config.addinivalue_line("markers", "lms_once: the test runs on the cheapest selected model only")
    try:
        for name in _unknown_ini(config):
            raise unknown_ini(name)
        if any(config.getoption(_PREFIX + option.name) is not None for option in OPTIONS):
            _settings(config)
    except HarnessError as exc:
        raise pytest.UsageError(printable(str(exc))) from None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for `lms_model` on every selected model, or with `lms_once` on the cheapest of them.

    A worker of pytest-xdist is refused.
    """
    if hasattr(metafunc.config, "workerinput") and any(name.startswith(_PREFIX) for name in metafunc.fixturenames):
        raise pytest.Collector.CollectError(_NOT_PARALLEL)
    if "lms_model" in metafunc.fixturenames:
        is_once = metafunc.definition.get_closest_marker("lms_once") is not None
        models = _selected(metafunc.config)[: 1 if is_once else None]
        metafunc.parametrize("lms_model", models, ids=[model.key for model in models], indirect=True, scope="session")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tasks that were asked for, and put everything of one model together, cheapest model first."""
    if not any(_needs_server(item) for item in items):
        return
    if (failure := config.stash.get(_FAILURE, None)) is not None:
        pytest.exit(printable(str(failure)), returncode=failure.exit_code)
    session = _or_exit(lambda: _session(config))
    known = {task.name for item in items if (task := _task(item))}
    _check_tasks(config, "tasks", session.settings.tasks, known)
    _check_tasks(config, "floors", session.settings.floors, known)
    wanted = session.settings.tasks
    if wanted:
        dropped = [item for item in items if (task := _task(item)) and task.name not in wanted]
        if dropped:
            config.hook.pytest_deselected(items=dropped)
            items[:] = [item for item in items if item not in dropped]
    items.sort(key=_place)
    _prepare(session, [item for item in items if _needs_server(item)])


def _prepare(session: "Session", items: list[pytest.Item]) -> None:
    """Settle what is taken over and what fits into the budget; what is there already is skipped, and loads nothing."""
    from harness.run.plan.estimate import Work

    tasks = {task.name: task for item in items if (task := _task(item))}.values()
    tests: dict[str | None, list[str]] = {}
    for item in items:
        tests.setdefault(_model_key(item), []).append(item.nodeid)
    last = [item for item in items if items and _model_key(item) == _model_key(items[-1])]
    work = Work(
        tests=sum(not (_task(item) or _is_measurement(item)) for item in last),
        is_measured=any(map(_is_measurement, last)),
    )
    try:
        session.prepare(list(tasks), tests=tests, work=work)
    except HarnessError as exc:
        items[0].config.stash[_FAILURE] = exc  # pytest finishes the collection all the same: there is no plan.
        pytest.exit(printable(str(exc)), returncode=exc.exit_code)
    if (before := session.resumption) is None:
        return
    there = pytest.mark.skip(reason=f"is there already, from {before.parent.run.run_id}")
    for item in items:
        key = _model_key(item)
        if key in before.complete or (key is None and before.is_server_done):
            item.add_marker(there)
            item.stash[_PUT_OFF] = True


def pytest_collection_finish(session: pytest.Session) -> None:
    """With --collect-only, print the plan; nothing is loaded for it."""
    config = session.config
    from harness.report.layout import terminal_width

    if (
        config.option.collectonly
        and _FAILURE not in config.stash
        and any(_needs_server(item) for item in session.items)
    ):
        _say(config, "\n" + _or_exit(lambda: _session(config).plan().render(width=terminal_width())))


@pytest.fixture(scope="session")
def lms_settings(pytestconfig: pytest.Config) -> Settings:
    """The settings of this run."""
    return _session(pytestconfig).settings


@pytest.fixture(scope="session")
def lms_run(pytestconfig: pytest.Config) -> "Run":
    """The open run on a preflighted server; ends the session when the server cannot be used."""
    return _or_exit(_session(pytestconfig).open)


@pytest.fixture(scope="session")
def lms_client(lms_run: "Run") -> "Client":
    """The run's client. Whoever loads through it directly must unload too; better use `lms_instance`."""
    return lms_run.client


@pytest.fixture(scope="session")
def lms_model(request: pytest.FixtureRequest) -> "Model":
    """One of the selected models, as it was listed at the start."""
    model: Model = request.param
    return model


@pytest.fixture(scope="session")
def lms_instance(lms_run: "Run", lms_model: "Model", pytestconfig: pytest.Config) -> Iterator["LeasedModel"]:
    """A leased, warmed-up instance of the model: one for all its tests. A model that cannot be loaded is skipped."""
    from harness.run.plan.plan import load_config

    session = _session(pytestconfig)
    config = load_config(lms_model, session.tasks, session.settings)
    holding = lms_run.leased(lms_model, config)
    try:
        leased = holding.__enter__()
    except (LoadFailed, LeaseError) as exc:
        lms_run.recorder.skip(str(exc), model_key=lms_model.key)
        session.put_off.add(lms_model.key)
        pytest.skip(f"{lms_model.key} could not be loaded: {exc}")
    try:
        yield leased
    finally:
        try:
            holding.__exit__(None, None, None)
        except ReleaseFailed as exc:
            # Raised here it would end a session that is being torn down without its last records.
            session.note_failure(exc)


@pytest.fixture
def lms_run_task(
    lms_run: "Run", lms_instance: "LeasedModel", lms_settings: Settings
) -> "Callable[[Task], SummaryRecord]":
    """A function that runs a task on the instance; fails the test only on lost answers or below a floor."""
    from harness.run.plan.plan import fits
    from harness.stats.pairing import MOST_UNSCORED

    def run_task(task: "Task") -> "SummaryRecord":
        if reason := fits(task, lms_instance.model):
            lms_run.recorder.skip(reason, model_key=lms_instance.model.key, task=task.name)
            pytest.skip(reason)
        cell = lms_run.evaluate(task, lms_instance)
        asked = cell.answers
        if cell.unscored > MOST_UNSCORED * asked:
            outcomes = ", ".join(f"{count} {outcome}" for outcome, count in cell.outcomes.items())
            pytest.fail(f"{cell.unscored} of {asked} answers were lost ({outcomes}); see {lms_run.path}", pytrace=False)
        if missed := _missed_floor(cell, lms_settings.floors.get(task.name)):
            pytest.fail(f"{task.name}: {missed}", pytrace=False)
        return cell

    return run_task


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Begin no test on a model for which there is no time any more."""
    ours = item.config.stash.get(_SESSION, None)
    model = _model(item)
    if ours is None or model is None or _PUT_OFF in item.stash:
        return
    task = _task(item)
    what = task.name if task else "latency" if _is_measurement(item) else None
    if reason := _or_exit(lambda: ours.why_not(model, what, is_measurement=_is_measurement(item))):
        item.stash[_PUT_OFF] = True
        pytest.skip(reason)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test that passed although its instance went away under it."""
    result = yield
    used = getattr(item, "funcargs", {})
    if "lms_instance" in used and (run := _session(item.config).run) is not None:
        run.check(used["lms_instance"].lease)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show an error of the harness as its message and hint, without a traceback.

    Where nothing can be recorded any more (a full disk), nothing more is asked.
    """
    report = yield
    ours = item.config.stash.get(_SESSION, None) if _needs_server(item) else None
    # A test that needs no server, but reads run files, may fail as it likes.
    if ours is not None and call.excinfo is not None and isinstance(call.excinfo.value, StoreError):
        ours.note_failure(call.excinfo.value)
        item.session.shouldfail = "nothing can be recorded any more"
    if ours is not None and ours.run is not None:
        _record_item(ours, item, report)
    if call.excinfo is not None and isinstance(call.excinfo.value, HarnessError):
        report.longrepr = f"{type(call.excinfo.value).__name__}: {printable(str(call.excinfo.value))}"
    return report


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """End the run after all fixtures are torn down."""
    if (ours := session.config.stash.get(_SESSION, None)) is not None:
        if exitstatus == pytest.ExitCode.OK and not session.config.option.collectonly:
            ours.complete_file()
        interrupted = exitstatus == pytest.ExitCode.INTERRUPTED
        session.exitstatus = ours.close(exit_code=int(exitstatus), interrupted=interrupted)


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table, where the run file is, and what could not be released."""
    ours = config.stash.get(_SESSION, None)
    if ours is None or (path := ours.path) is None or config.option.collectonly:
        return
    from harness.report.layout import terminal_width
    from harness.report.table import render
    from harness.store.reader import read_run

    terminalreporter.section("local models")
    try:
        table = render(read_run(path), width=terminal_width())
    except StoreError as exc:
        table = printable(str(exc))
    # Line by line: text that the encoding lacks is escaped by pytest with all its line ends.
    for line in table.splitlines():
        terminalreporter.write_line(line)
    if ours.run is None:
        terminalreporter.write_line("\nNothing was missing, so nothing was loaded and nothing asked.")
    terminalreporter.write_line(f"\nRecords: {printable(str(path))}")
    for failure in ours.failures:
        what = "NOT RECORDED" if isinstance(failure, StoreError) else "NOT RELEASED"
        terminalreporter.write_line(f"{what}: {printable(str(failure))}", red=True)


def _unknown_ini(config: pytest.Config) -> Iterator[str]:
    """Yield the ini keys `lms_…` that nobody has registered; pytest has no public way to list an ini file's keys."""
    for name in getattr(config, "_inicfg", ()):
        if name.startswith(_PREFIX):
            try:
                config.getini(name)
            except ValueError:
                yield name


def _check_tasks(config: pytest.Config, name: str, wanted: Collection[str], known: Collection[str]) -> None:
    """End the session where an option names a task that was not collected: a floor with a typo would never fail.

    In ini it is only said, for an ini file speaks of all tasks, and a run may be of a part of them.
    """
    if missing := sorted(set(wanted) - set(known)):
        names = ", ".join(sorted(known)) or "none"
        origin = _session(config).settings.source[name]
        said = printable(f"{origin}: no such task: {', '.join(missing)}; collected are: {names}")
        if origin.startswith("ini ") and name == "floors":
            _say(config, said)
        else:
            pytest.exit(said, returncode=SettingsError.exit_code)


def _settings(config: pytest.Config) -> Settings:
    """Return the settings, made once: the run file that is the last one would be another after this run has begun."""
    if _SETTINGS not in config.stash:
        config.stash[_SETTINGS] = _made_settings(config)
    return config.stash[_SETTINGS]


def _made_settings(config: pytest.Config) -> Settings:
    options = {option.name: config.getoption(_PREFIX + option.name) for option in OPTIONS}
    ini = {option.name: config.getini(_PREFIX + option.name) for option in OPTIONS if option.name != "token"}
    settings = build_settings(options, environ=os.environ, ini=ini)
    if settings.resume is None:
        return settings
    from harness.run.resume.resume import with_parent

    return with_parent(settings)


def _session(config: pytest.Config) -> "Session":
    if _SESSION not in config.stash:
        from harness.run.session import Session

        config.stash[_SESSION] = Session(
            _settings(config), argv=sys.argv, progress=_progress(config), say=lambda line: _say(config, line)
        )
    return config.stash[_SESSION]


def _selected(config: pytest.Config) -> "Sequence[Model]":
    """Return the selected models; none when the server cannot be used, which is told after collection.

    pytest takes an exit while it collects for an error of one file, and goes on with the next one.
    """
    if _FAILURE in config.stash:
        return ()
    try:
        return _session(config).selection.models
    except HarnessError as exc:
        config.stash[_FAILURE] = exc
        return ()


def _or_exit(action: Callable[[], _T]) -> _T:
    """Return what `action` returns; a `HarnessError` ends the pytest session with its message and exit code."""
    try:
        return action()
    except HarnessError as exc:
        pytest.exit(printable(str(exc)), returncode=exc.exit_code)


def _missed_floor(cell: "SummaryRecord", floor: float | None) -> str:
    """Return how a cell misses the floor that a user has set, or ""; in a race the sequential test decides."""
    if floor is None:
        return ""
    if cell.stopped_early:
        is_against = cell.race.get("decision") == "decided against"
        return f"stopped after {cell.n} items: decided against the floor of {floor:g}" if is_against else ""
    if cell.score is not None and cell.score >= floor:
        return ""
    return f"scored {'nothing' if cell.score is None else f'{cell.score:.3f}'}, below the floor of {floor:g}"


def _needs_server(item: pytest.Item) -> bool:
    return any(name.startswith(_PREFIX) for name in getattr(item, "fixturenames", ()))


def _task(item: pytest.Item) -> "Task | None":
    marker = item.get_closest_marker("lms_task")
    return marker.args[0] if marker else None


def _model(item: pytest.Item) -> "Model | None":
    callspec = getattr(item, "callspec", None)
    return callspec.params.get("lms_model") if callspec else None


def _model_key(item: pytest.Item) -> str | None:
    model = _model(item)
    return None if model is None else str(model.key)


def _is_measurement(item: pytest.Item) -> bool:
    return "benchmark" in getattr(item, "fixturenames", ())


def _record_item(ours: "Session", item: pytest.Item, report: pytest.TestReport) -> None:
    """Record that a test is done with, unless it was put off."""
    is_end = report.when == "call" or (report.when == "setup" and not report.passed)
    key = _model_key(item)
    if not is_end or _PUT_OFF in item.stash or key in ours.put_off or ours.run is None:
        return
    try:
        ours.run.recorder.item(item.nodeid, report.outcome, model_key=key)
    except StoreError as exc:
        ours.note_failure(exc)
        item.session.shouldfail = "nothing can be recorded any more"


def _place(item: pytest.Item) -> tuple[int, bool]:
    """Return the place in the run: what needs no model first, then model by model, load timings before the lease."""
    callspec = getattr(item, "callspec", None)
    position = callspec.indices.get("lms_model", -1) if callspec else -1
    return position, item.get_closest_marker("lms_before_load") is None


def _progress(config: pytest.Config) -> "PlainProgress | LiveProgress":
    from harness.report.progress import LiveProgress, PlainProgress

    with _uncaptured(config):
        if sys.stdout.isatty() and not os.environ.get("CI"):
            # A copy of the descriptor, as the bar is drawn while a test runs and the original leads to its capture.
            terminal = os.fdopen(
                os.dup(sys.stdout.fileno()), "w", encoding=sys.stdout.encoding, errors="backslashreplace"
            )
            config.add_cleanup(terminal.close)
            return LiveProgress(terminal)
    return PlainProgress(lambda line: _say(config, line))


@contextmanager
def _uncaptured(config: pytest.Config) -> Iterator[None]:
    """Let what is printed reach the person at the terminal."""
    capturing = config.pluginmanager.get_plugin("capturemanager")
    with capturing.global_and_fixture_disabled() if capturing else nullcontext():
        yield


def _say(config: pytest.Config, line: str) -> None:
    """Print a line for the person at the terminal."""
    if (reporter := config.pluginmanager.get_plugin("terminalreporter")) is not None:
        with _uncaptured(config):
            reporter.ensure_newline()
            for one in line.split("\n"):
                reporter.write_line(one)
            reporter.flush()
