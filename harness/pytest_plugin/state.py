"""What the plugin keeps of one pytest run, in `config.stash`: settings, session, and why it cannot go ahead."""

import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NoReturn, TypeVar

import pytest

from harness.errors import HarnessError
from harness.report.text import printable
from harness.settings import OPTIONS, Handover, Surface

if TYPE_CHECKING:
    from harness.domain.model import Model
    from harness.run.session import Session
    from harness.settings import Settings
    from harness.task.task import Task

T = TypeVar("T")
PREFIX = "lms_"
"""How our fixtures, our ini keys, and the names under which pytest keeps our options begin."""
_SETTINGS = pytest.StashKey["Settings"]()
_SESSION = pytest.StashKey["Session"]()
_OWN_TASKS = pytest.StashKey["Sequence[Task]"]()
FAILURE = pytest.StashKey[HarnessError]()
"""An error before or during collection, which pytest would not let end the session at once."""
# What `pytest.exit` raises, by another name: pytest prints the class before the message, and its module unless that is
# builtins, so that each message would begin with "_pytest.outcomes.Exit".
_Stopped: Callable[..., BaseException] = type("Stopped", (pytest.exit.Exception,), {"__module__": "builtins"})


def settings_of(config: pytest.Config) -> "Settings":
    """Return the settings, made once: after this run has begun, `--lms-resume last` would mean this very run.

    Raises:
        HarnessError: an option is wrong, or the run that is to be resumed cannot be read.
    """
    if _SETTINGS not in config.stash:
        config.stash[_SETTINGS] = _make_settings(config)
    return config.stash[_SETTINGS]


def _make_settings(config: pytest.Config) -> "Settings":
    from harness.settings import build_settings

    handover = handover_to(config)
    settings = build_settings(
        {option.name: config.getoption(PREFIX + option.name) for option in OPTIONS},
        environ=os.environ,
        ini={option.name: config.getini(PREFIX + option.name) for option in OPTIONS if option.name != "token"},
        handed=handover.settings if handover else None,
    )
    if settings.resume is None:
        return settings
    from harness.run.resume.resume import with_parent

    return with_parent(settings)


def handover_to(config: pytest.Config) -> Handover | None:
    """Return what `lms-harness run`, or another program, has handed over to this pytest run."""
    return next((plugin for plugin in config.pluginmanager.get_plugins() if isinstance(plugin, Handover)), None)


def is_anything_given(config: pytest.Config) -> bool:
    """Return whether there is any setting that is not from ini or environment."""
    return handover_to(config) is not None or any(
        config.getoption(PREFIX + option.name) is not None for option in OPTIONS
    )


def session_of(config: pytest.Config) -> "Session":
    """Return the session, making it on the first call.

    Raises:
        HarnessError: as `settings_of`.
    """
    if _SESSION not in config.stash:
        from harness.pytest_plugin.live import make_progress
        from harness.pytest_plugin.terminal import say
        from harness.run.session import Session

        config.stash[_SESSION] = Session(
            settings_of(config),
            argv=sys.argv,
            progress=make_progress(config),
            say=lambda line: say(config, line),
        )
    return config.stash[_SESSION]


def session_if_any(config: pytest.Config) -> "Session | None":
    """Return the session, or None where no test has asked for one."""
    return config.stash.get(_SESSION, None)


def selected_models(config: pytest.Config) -> "Sequence[Model]":
    """Return the selected models; none when the server cannot be used, which is reported after collection.

    Not at once: to pytest, an exit during collection is an error in one file, and it collects the next one.
    """
    if FAILURE in config.stash:
        return ()
    try:
        return session_of(config).selection.models
    except HarnessError as exc:
        config.stash[FAILURE] = exc
        return ()


def own_tasks(config: pytest.Config) -> "Sequence[Task]":
    """Return the user's own tasks, loaded once; none where they cannot be used, which is reported after collection."""
    if _OWN_TASKS not in config.stash:
        config.stash[_OWN_TASKS] = ()
        try:
            config.stash[_OWN_TASKS] = _load_own_tasks(config)
        except HarnessError as exc:
            config.stash[FAILURE] = config.stash.get(FAILURE, exc)
    return config.stash[_OWN_TASKS]


def _load_own_tasks(config: pytest.Config) -> "tuple[Task, ...]":
    """Return the own tasks that were not left out by name; the rows that this run may ask are checked.

    Raises:
        HarnessError: they cannot be used.
    """
    settings = settings_of(config)
    if settings.own_tasks is None:
        return ()
    from harness.own_task.own_task import load_own_tasks
    from harness.pytest_plugin.terminal import say

    loaded = []
    for own in load_own_tasks(settings.own_tasks):
        own.task.samples(seed=settings.seed, limit=settings.limit)
        if own.repeated and own.task.name in (settings.tasks or (own.task.name,)):
            first = own.repeated[0]
            say(
                config,
                f"{own.task.name}: rows that repeat others are left out: {len(own.repeated)}, such as {first.place}, "
                f"which repeats {first.earlier}.",
            )
        loaded.append(own.task)
    return tuple(loaded)


def has_own_tests(config: pytest.Config) -> bool:
    """Return whether a test was collected that runs the user's own tasks."""
    return _OWN_TASKS in config.stash


def stop(config: pytest.Config, message: str, code: int) -> NoReturn:
    """End the pytest session with the message and an exit code of ours."""
    raise _Stopped(printed(config, message), returncode=code)


def or_exit(config: pytest.Config, action: Callable[[], T]) -> T:
    """Return what `action` returns; a `HarnessError` ends the pytest session with its message and exit code."""
    try:
        return action()
    except HarnessError as exc:
        stop(config, str(exc), exc.exit_code)


def printed(config: pytest.Config, text: str) -> str:
    """Return text that is safe to print and names settings as the user of this run writes them."""
    handover = handover_to(config)
    surface = handover.surface if handover else Surface.PYTEST
    settings = config.stash.get(_SETTINGS, None)
    return printable(surface.render(text, settings.source if settings else {}))
