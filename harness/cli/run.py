"""`run`: runs the suites in pytest, with settings that it hands to the plugin."""

import contextlib
import gc
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import click
from click.shell_completion import CompletionItem

from harness.cli.completion import model_keys, task_names
from harness.cli.option import Command, GivenOnce
from harness.cli.output import note
from harness.errors import StoreError
from harness.settings import OPTIONS, RETIRED, Handover, Settings, Surface, build_settings, retired
from harness.task.shipped import suites_dir

_SUITES = ("smoke", "offload", "latency")
_FAILED, _USAGE, _INTERRUPTED = 1, 2, 130
_NO_TESTS = 5
# Of pytest's own codes: interrupted, an error inside pytest or a plugin, usage, nothing collected.
_PYTESTS = {2: _INTERRUPTED, 3: _FAILED, 4: _USAGE, _NO_TESTS: _USAGE}


_UNASKED = ("doctest", "junitxml", "pastebin", "unittest")
"""Plugins of pytest's own that do nothing in our suites unless an option asks them to."""

_COMPLETIONS: Mapping[str, Callable[[click.Context, click.Parameter, str], list[CompletionItem]]] = {
    "models": model_keys,
    "exclude": model_keys,
    "primary": model_keys,
    "tasks": task_names,
}


def _run_options(command: Command) -> Command:
    for option in reversed(OPTIONS):
        how: dict[str, Any] = {"multiple": option.repeat, "metavar": option.metavar}
        if option.is_single:
            how["cls"] = GivenOnce
        how["shell_complete"] = _COMPLETIONS.get(option.name)
        if option.is_flag:
            how = {"is_flag": True, "flag_value": "yes", "default": None}
        help_text = Surface.COMMAND_LINE.render(option.help)
        command = click.option(Surface.COMMAND_LINE.spell(option.name), option.name, help=help_text, **how)(command)
    for name in RETIRED:
        command = click.option(
            f"--{name}", is_flag=True, hidden=True, expose_value=False, is_eager=True, callback=_refuse, help="Gone."
        )(command)
    return command


def _refuse(_: click.Context, parameter: click.Parameter, is_given: Any) -> None:
    if is_given:
        raise retired(parameter.opts[0], str(parameter.name), Surface.COMMAND_LINE)


@click.command()
@_run_options
@click.option("--suite", "suites", multiple=True, type=click.Choice(_SUITES), help="Run only this suite, repeatable.")
@click.option("--dry-run", is_flag=True, help="Print the plan; load nothing.")
@click.argument("pytest_args", nargs=-1, type=click.UNPROCESSED, metavar="[-- PYTEST_ARGS...]")
def run(suites: Sequence[str], *, dry_run: bool, pytest_args: Sequence[str], **options: Any) -> None:
    """Load each selected model, run the suites on it, unload it, and say who takes which task.

    With --tasks DIR, only your own tasks in that folder are run, and what --task or --suite names besides.

    What follows -- goes to pytest, such as -k, -x or --junitxml; an --lms-... option there wins over the same option
    before the --.

    \b
    Examples:
      lms-harness run --url embedded --model all --limit 12
      lms-harness run --model all --max-size 20GB --dry-run
      lms-harness run --model google/gemma-3-4b --task extract --suite offload -- -x
      lms-harness run --model all --budget 30m
      lms-harness run --model all --tasks my-tasks
      lms-harness run --resume last
      lms-harness run --suite latency -- --benchmark-autosave --benchmark-compare
    """
    import pytest

    settings = build_settings(options, environ=os.environ, surface=Surface.COMMAND_LINE)
    if settings.resume is not None:
        from harness.run.resume.resume import with_parent
        from harness.run.resume.scope import with_scope

        settings, suites = with_scope(with_parent(settings), suites)
    _check_temporary_folder()
    root = suites_dir()
    paths = [str(root / name) for name in _suites_of(settings, suites)]
    # The configuration of the user's own tests is not meant for our suites.
    fixed = ["-c", os.devnull, f"--rootdir={root.parent}", "--import-mode=importlib", "-p", "no:cacheprovider"]
    # Else pytest lists every folder above, down from the root, and imports each conftest.py there.
    fixed.append(f"--confcutdir={root.parent}")
    # pytest marks an installed plugin for assertion rewriting: too late for the modules that this command has imported.
    fixed += ["-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning"]
    planning = ["--collect-only", "-qq"]
    measuring = ["-q", "-rfE", "-o", "console_output_style=classic"]
    plugins = _plugins(pytest_args, paths)
    outcome = _Outcome()
    handover = Handover(settings=settings, surface=Surface.COMMAND_LINE)
    with _no_collection_of_garbage() as start:
        ended = pytest.main(
            [
                *fixed,
                *(planning if dry_run else measuring),
                *plugins.options,
                *paths,
                *pytest_args,
            ],
            plugins=[outcome, _NoEmptyFolder(), start, handover, *plugins.modules],
        )
    if outcome.code is None:
        outcome.code = _INTERRUPTED if ended == pytest.ExitCode.INTERRUPTED else _USAGE
    if outcome.is_empty:
        note(f"Nothing was run: no test fits {'what follows --' if pytest_args else 'these options'}.")
    sys.exit(outcome.code)


class _Plugins(NamedTuple):
    """The plugins of pytest that a run loads besides pytest's own, and the options that go with them."""

    modules: Sequence[ModuleType]
    options: Sequence[str]


def _plugins(pytest_args: Sequence[str], paths: Sequence[str]) -> _Plugins:
    """Return ours, and pytest-benchmark where the suite `latency` needs it; all that are installed if one may be meant.

    Nothing but what follows `--` and the environment can speak to those that people have installed, and to some of
    pytest's own. Importing them takes from 40 ms (anyio, which httpx brings along) to half a second, and those 15 ms.
    pytest-benchmark starts git, hg and file. Named with -p, each plugin would cost the metadata of all packages.
    """
    if pytest_args or any(name in os.environ for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS")):
        return _Plugins((), _benchmark_options(pytest_args))
    names, options = ["lms_harness_plugin"], [word for name in _UNASKED for word in ("-p", f"no:{name}")]
    if any(Path(path).name == "latency" for path in paths):
        names.insert(0, "pytest_benchmark.plugin")
        options += _benchmark_options(pytest_args)
    return _Plugins([import_module(name) for name in names], ["--disable-plugin-autoload", *options])


class _Start:
    """Ends the start of a run: from here on, garbage is collected."""

    def pytest_collection_finish(self) -> None:
        """Keep what was imported out of every later collection, too."""
        gc.freeze()
        gc.enable()


@contextlib.contextmanager
def _no_collection_of_garbage() -> Iterator[_Start]:
    """Import without looking for garbage, of which imports leave none: looking takes a sixth of their time."""
    gc.disable()
    try:
        yield _Start()
    finally:
        gc.enable()


def _benchmark_options(pytest_args: Sequence[str]) -> list[str]:
    """Return the options of pytest-benchmark: its table is for those who give it an option."""
    # The plugin says what its warnings say, and they would dump all that is known about both machines.
    options = ["-W", "ignore::pytest_benchmark.logger.PytestBenchmarkWarning", "--benchmark-sort=name"]
    is_wanted = any(word.startswith("--benchmark-") for word in pytest_args)
    return [*options, "--benchmark-columns=median,iqr,rounds" if is_wanted else "--benchmark-quiet"]


def _suites_of(settings: Settings, suites: Sequence[str]) -> Sequence[str]:
    """Return the suites to collect: with own tasks only these, and what else is named.

    Raises:
        HarnessError: own tasks cannot be used.
    """
    if settings.own_tasks is None:
        return suites or _SUITES
    from harness.own_task.own_task import read_definitions

    own = {definition.name for definition in read_definitions(settings.own_tasks)}
    others = ["offload"] if set(settings.tasks) - own else []
    return tuple(dict.fromkeys([*suites, "own", *others]))


def _check_temporary_folder() -> None:
    """Refuse to run where pytest cannot keep what tests print: it would end with a traceback."""
    import tempfile

    try:
        tempfile.gettempdir()
    except OSError as exc:
        raise StoreError(
            f"temporary files cannot be written: {exc.strerror}",
            hint="Free some disk space, or set TMPDIR to a folder that you can write to.",
        ) from exc


class _NoEmptyFolder:
    """Leaves no empty `.benchmarks`: pytest-benchmark makes it in every run, and makes it again before it saves."""

    _folder = Path(".benchmarks")

    def __init__(self) -> None:
        self._was_there = self._folder.exists()

    def pytest_sessionstart(self) -> None:
        """Remove the folder that was just made."""
        if not self._was_there:
            with contextlib.suppress(OSError):
                self._folder.rmdir()


class _Outcome:
    """Fits pytest into this command line: no dots in its output, and our exit codes.

    pytest's own codes and ours overlap (2, 4, 5). They are told apart by whether `pytest.exit` ended the session with a
    code of ours. `code` is None if no session began. `is_empty` says that pytest was left without tests.
    """

    code: int | None = None
    is_empty = False
    _session: Any = None
    _before = 0
    _is_ours = False

    def pytest_report_teststatus(self, report: Any, config: Any) -> tuple[str, str, str] | None:
        """Print no dots and letters between the progress lines, which say more."""
        if config.get_verbosity() >= 0 or (report.passed and report.when != "call"):
            return None
        kind = "error" if report.failed and report.when != "call" else report.outcome
        return kind, "", kind.upper()

    def pytest_keyboard_interrupt(self, excinfo: Any) -> None:
        """Note whether an error of the harness ended the session, or Ctrl-C did.

        pytest would print where in our code Ctrl-C arrived; the run itself says that it was interrupted.
        """
        self._is_ours = not excinfo.errisinstance(KeyboardInterrupt)
        if not self._is_ours and self._session is not None:
            reporter = self._session.config.pluginmanager.get_plugin("terminalreporter")
            reporter._report_keyboardinterrupt = lambda: None  # noqa: SLF001  (there is no option for it)

    def pytest_sessionstart(self, session: Any) -> None:
        """Keep the session."""
        self._session = session

    def pytest_sessionfinish(self, session: Any) -> None:
        """Remember the status; the plugin may still change it to one of ours."""
        self._session, self._before = session, int(session.exitstatus)

    def pytest_unconfigure(self) -> None:
        """Take the final status."""
        if self._session is None:
            return
        status = int(self._session.exitstatus)
        self.is_empty = not self._is_ours and status == self._before == _NO_TESTS
        self.code = status if self._is_ours or status != self._before else _PYTESTS.get(status, status)
