"""What pytest-benchmark's options do in a run on local models: what cannot be compared is said, not passed over.

pytest-benchmark itself prints its table, saves and compares. It raises an exception in the middle of the summary when
something became slower, warns where there is nothing to compare with, and does not look at what was measured; a run of
models says these three things in its own words, and always ends with its answers. Nothing here changes a pytest run
without local models.
"""

import importlib.util
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from harness.pytest_plugin.item import is_measurement, needs_server
from harness.pytest_plugin.state import is_anything_given, printed
from harness.pytest_plugin.terminal import say

SLOWER = pytest.StashKey[list[str]]()
"""What `--benchmark-compare-fail` found."""

_ALIKE = ("variant", "quantisation", "size_bytes", "context_length", "slots", "concurrency", "prompt_tokens")
"""Figures that differ in one of these are figures of different things."""

_NEAR = 0.1
_OTHER_MACHINE = pytest.StashKey[str]()
_HOW_TO_SAVE = "Save one with --benchmark-autosave, then compare with --benchmark-compare."


def pytest_configure(config: pytest.Config) -> None:
    """Refuse a saved run that cannot be one: pytest-benchmark, which looks for it next, would end in a traceback."""
    named = config.getoption("benchmark_compare", None)
    is_path = isinstance(named, str) and len(Path(named).parts) > 2  # noqa: PLR2004  (MACHINE/NUMBER is a name)
    if is_path and is_anything_given(config) and not Path(named).is_file():
        _refuse(config, f"--benchmark-compare={named}: there is no such file")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuse what could not be done at the end of the run before any model is loaded for it."""
    session = _benchmarks(config)
    if session is None or not _is_concerned(items):
        return
    if session.histogram and importlib.util.find_spec("pygal") is None:
        raise pytest.UsageError("--benchmark-histogram needs pygal: pip install 'pytest-benchmark[histogram]'")
    if not config.option.collectonly:
        if session.save or session.autosave:
            _check_writable(config, "--benchmark-save", getattr(session.storage, "path", None))
        if session.json:
            _check_writable(config, "--benchmark-json", Path(session.json).parent)
    if not session.compared_mapping:
        _check_nothing_to_compare(config, session)


def _check_writable(config: pytest.Config, option: str, folder: Path | None) -> None:
    if folder is None:  # Elasticsearch.
        return
    try:
        if option == "--benchmark-save":
            folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as exc:
        hint = "Name a folder that you can write to, for saved runs with --benchmark-storage."
        raise pytest.UsageError(printed(config, f"{option}: {exc.strerror}: {folder}\n{hint}")) from None


def _check_nothing_to_compare(config: pytest.Config, session: Any) -> None:
    if isinstance(session.compare, str):
        _refuse(config, f"--benchmark-compare={session.compare}: no such saved run in {session.storage}")
    if session.compare_fail:
        _refuse(config, f"--benchmark-compare-fail: there is no saved run to compare with in {session.storage}")
    if session.compare:
        say(config, f"--benchmark-compare: there is no saved run in {session.storage}. {_HOW_TO_SAVE}")


def _is_concerned(items: list[pytest.Item]) -> bool:
    return any(needs_server(item) and is_measurement(item) for item in items)


def _refuse(config: pytest.Config, message: str) -> None:
    raise pytest.UsageError(printed(config, f"{message}\n{_HOW_TO_SAVE}"))


def take_slower(config: pytest.Config) -> bool:
    """Return whether `--benchmark-compare-fail` found something, and keep what; pytest-benchmark would raise it."""
    session = _benchmarks(config)
    if session is None or not session.performance_regressions:
        return False
    config.stash[SLOWER] = [f"{name}: {why}" for name, why in session.performance_regressions]
    session.performance_regressions = []
    return True


@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_compare_machine_info(
    config: pytest.Config, machine_info: Mapping[str, Any], compared_benchmark: Mapping[str, Any]
) -> None:
    """Keep how the machine of the saved run differs: a clock rate that changes by itself is no difference."""
    now, saved = _machine(machine_info), _machine(compared_benchmark.get("machine_info"))
    if saved and (different := [f"{name} {saved[name]}, not {now[name]}" for name in now if saved[name] != now[name]]):
        config.stash[_OTHER_MACHINE] = "; ".join(different)


def _machine(info: object) -> dict[str, object]:
    """Return what tells two machines apart; nothing where a file does not say."""
    if not isinstance(info, Mapping) or not isinstance(cpu := info.get("cpu"), Mapping):
        return {}
    return {"machine": info.get("node"), "processor": cpu.get("brand_raw"), "cores": cpu.get("count")}


def notes(config: pytest.Config) -> Iterator[str]:
    """Yield what a reader of pytest-benchmark's comparison must know, once its benchmarks are finished."""
    session = _benchmarks(config)
    if session is None or not session.compared_mapping or not session.benchmarks:
        return
    now = {bench.fullname: bench for bench in session.benchmarks if bench}
    is_any = False
    for path, saved in session.compared_mapping.items():
        for name in sorted(now.keys() & saved.keys()):
            is_any = True
            if different := _difference(saved[name].get("extra_info"), now[name].extra_info):
                yield f"{now[name].name} is not compared like with like: {path} has {different}."
    if not is_any:
        yield "Nothing was compared: the saved run has none of this run's models and tests."
    elif machine := config.stash.get(_OTHER_MACHINE, ""):
        yield f"The saved run is from another machine: {machine}."


def _difference(saved: object, now: Mapping[str, Any]) -> str:
    """Return what differs, as "slots 2, not 4"; "" where nothing does or the saved run does not say."""
    if not isinstance(saved, Mapping):
        return ""
    return "; ".join(
        f"{name} {saved[name]}, not {now[name]}"
        for name in _ALIKE
        if saved.get(name) is not None and now.get(name) is not None and not _is_alike(saved[name], now[name])
    )


def _is_alike(saved: object, now: object) -> bool:
    # A nonce may make a prompt a token or two longer.
    is_close = isinstance(saved, float | int) and isinstance(now, float) and abs(saved - now) <= _NEAR * now
    return is_close or saved == now


def _benchmarks(config: pytest.Config) -> Any:
    """Return the session of pytest-benchmark, which has no public way to it; None without that plugin."""
    return getattr(config, "_benchmarksession", None)
