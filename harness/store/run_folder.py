"""The run files of a results folder: which one to resume, and which ones belong together."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from harness.domain.record import EndRecord, RunRecord
from harness.errors import StoreError
from harness.settings.name import setting
from harness.store.reader import as_record, parse, read_header, read_lines
from harness.store.run_file import RunFile


class OnSkip(Protocol):
    """Takes a file that is skipped, and why."""

    def __call__(self, path: Path, reason: str, *, is_damaged: bool) -> None:
        """Take it; `is_damaged`: it is not a run file, or cannot be read, rather than empty or resumed."""
        ...


_END = b'"end"'
_KIND_WITHIN = 40  # `kind` comes first, so it stands within so many bytes


def run_paths(results: Path) -> list[Path]:
    """Return the run files of a folder, the newest first: their names begin with the time.

    Raises:
        StoreError: there is such a folder, but it cannot be read.
    """
    try:
        return sorted((path for path in results.iterdir() if path.suffix == ".jsonl"), reverse=True)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as exc:
        raise StoreError(
            f"cannot read the folder {results}: {exc.strerror}",
            hint=f"Name another folder with {setting('results', 'DIR')}.",
        ) from exc


def last_unfinished(results: Path) -> Path:
    """Return the newest run file of a folder whose run was interrupted or died, and was not resumed since.

    Files that are empty, damaged or not run files are passed over.

    Raises:
        StoreError: there is none.
    """
    headers: dict[Path, RunRecord] = {}
    for path in run_paths(results):
        with suppress(StoreError):
            if (header := read_header(path)) is not None:
                headers[path] = header
    resumed = {header.parent_run_id for header in headers.values()}
    for path, header in headers.items():
        with suppress(StoreError):
            if header.run_id not in resumed and not _is_finished(path):
                RunFile.read(path)  # A damaged one raises, and the next one is looked at.
                return path
    raise StoreError(
        f"there is no unfinished run in {results}",
        hint=f"Name a run file, or the folder that it is in with {setting('results', 'DIR')}.",
    )


def lineage(run: RunFile, others: Iterable[Path], *folders: Path) -> list[str]:
    """Return the ids of a run, of the run that it resumes, of the run that that one resumes, and so on.

    A run file names only its parent, so the chain ends where a file of it is in none of these places.

    Args:
        run: whose own folder is looked through.
        others: further run files.
        folders: further folders of run files.
    """
    found = [run.run.run_id]
    parent = run.run.parent_run_id
    parents: dict[str, str | None] = {}
    paths = list(others)
    for folder in (run.path.parent, *folders):
        with suppress(StoreError):
            paths += run_paths(folder)
    for path in dict.fromkeys(paths) if parent else ():
        with suppress(StoreError):
            if (header := read_header(path)) is not None:
                parents[header.run_id] = header.parent_run_id
    while parent and parent not in found:  # A damaged file may claim to resume itself.
        found.append(parent)
        parent = parents.get(parent)
    return found


def whole_headers(paths: Iterable[Path], *, on_skip: OnSkip) -> dict[Path, RunRecord]:
    """Return the first record of each run file; what is not a whole run is named and skipped.

    A run that another of these runs resumed is skipped: the later file holds its answers too.

    Args:
        paths: of run files.
        on_skip: takes every file that is skipped.
    """
    headers: dict[Path, RunRecord] = {}
    for path in dict.fromkeys(paths):
        try:
            header = read_header(path)
        except StoreError as exc:
            on_skip(path, exc.message, is_damaged=True)
            continue
        if header is None:
            on_skip(path, "an empty run: it died before its first record was written", is_damaged=False)
        else:
            headers[path] = header
    resumed_by = {header.parent_run_id: header.run_id for header in headers.values() if header.parent_run_id}
    for path, header in list(headers.items()):
        if header.run_id in resumed_by:
            on_skip(path, f"resumed by {resumed_by[header.run_id]}, which holds its answers too", is_damaged=False)
            del headers[path]
    return headers


def whole_runs(paths: Iterable[Path], *, on_skip: OnSkip) -> Iterator[RunFile]:
    """Yield the view of each run, one file in memory at a time; what is not a whole run is named and skipped.

    Args:
        paths: of run files.
        on_skip: takes every file that is skipped.
    """
    for path in whole_headers(paths, on_skip=on_skip):
        try:
            yield RunFile.read(path)
        except StoreError as exc:
            on_skip(path, exc.message, is_damaged=True)


def _is_finished(path: Path) -> bool:
    for line in read_lines(path):
        if _END in line.content[:_KIND_WITHIN]:
            record = as_record(path, line, parse(path, line))
            if isinstance(record, EndRecord):
                return not record.interrupted
    return False
