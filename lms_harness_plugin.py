"""How pytest finds the plugin of lmstudio-harness, in every environment where that is installed.

The plugin itself is the package `harness.pytest_plugin`. This module stands beside the package `harness` because many
projects have a package of that name: it imports nothing when it is loaded, and steps aside where `harness` means
another package, so that such a project's tests run as if lmstudio-harness were not installed.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pytest

_SOURCE_FOLDERS = ("", "src", "lib", "tests", "test")


def pytest_addoption(pluginmanager: "pytest.PytestPluginManager") -> None:
    """Register the plugin, unless `harness` is, or is going to be, another package."""
    config: pytest.Config = pluginmanager.get_plugin("pytestconfig")  # type: ignore[assignment]  # Always there.
    foreign = _foreign_package(config)
    if foreign is None:
        pluginmanager.import_plugin("harness.pytest_plugin")
    elif any(str(word).startswith("--lms-") for word in config.invocation_params.args):
        _refuse(_line(foreign))


def pytest_report_header(config: "pytest.Config") -> str | None:
    """Say in one line that the plugin is not active, and why."""
    if config.pluginmanager.has_plugin("harness.pytest_plugin"):
        return None
    foreign = _foreign_package(config)
    return None if foreign is None else _line(foreign)


def _refuse(message: str) -> None:
    import pytest

    raise pytest.UsageError(message)


def _line(foreign: "Path") -> str:
    return f"lmstudio-harness: not active, because `harness` is another package here: {foreign}"


def _foreign_package(config: "pytest.Config") -> "Path | None":
    """Return where the other package `harness` is, if there is one."""
    import sys
    from pathlib import Path

    if (imported := sys.modules.get("harness")) is not None:
        home = Path(getattr(imported, "__file__", None) or "nowhere").parent
        return None if _is_ours(home.parent) else home
    importable = next((folder for folder in map(Path, sys.path) if _has_package(folder)), None)
    # pytest puts the folders of tests on sys.path only when it collects them; whoever imports `harness` first decides
    # what the name means for everyone.
    folders = [*([importable] if importable else []), *filter(_has_package, _test_folders(config))]
    return next((folder / "harness" for folder in folders if not _is_ours(folder)), None)


def _test_folders(config: "pytest.Config") -> "Iterator[Path]":
    """Yield folders in which this session's tests may find a package."""
    from pathlib import Path

    start = config.invocation_params.dir
    words = [*getattr(config.known_args_namespace, "file_or_dir", ()), *config.getini("testpaths")]
    named = [start / str(word).partition("::")[0] for word in words]
    for folder in (start, config.rootpath, *named):
        for name in _SOURCE_FOLDERS:
            yield Path(folder) / name


def _has_package(folder: "Path") -> bool:
    # A folder without __init__.py does not count: an installed package goes before it on any path.
    return (folder / "harness" / "__init__.py").is_file() or (folder / "harness.py").is_file()


def _is_ours(folder: "Path") -> bool:
    return (folder / "lms_harness_plugin.py").is_file()
