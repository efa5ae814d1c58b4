"""Which run to show samples of, and which samples."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.command.named import key_of, models_of, run_path
from harness.errors import SettingsError, StoreError
from harness.report.sample import ShownSample
from harness.report.text import one_line
from harness.store.cell import SampleEntry
from harness.store.run_file import RunFile
from harness.store.run_folder import run_paths
from harness.verdict.worst import SampleFilter, worst_first

_SHOWN = 80
_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownRun:
    """Samples of a run.

    Attributes:
        run: that they are of.
        total: how many there are.
        samples: the first of them, the worst first.
        skipped: newer files that were passed over, and why.
    """

    run: RunFile
    total: int
    samples: tuple[ShownSample, ...]
    skipped: dict[str, str]


def show_samples(word: str | None, results: Path, wanted: SampleFilter, *, limit: int) -> ShownRun:
    """Return samples of a run, the worst first.

    Args:
        word: a run file or the id of a run; None: the newest run of the folder that has samples.
        results: the folder.
        wanted: which samples; models may be named by a part of their key.
        limit: how many at most.

    Raises:
        SettingsError: the run has no such task, model or item.
        StoreError: there is no such run, or it cannot be read.
    """
    skipped: dict[str, str] = {}
    run = _newest(results, skipped) if word is None else _named(word, results)
    found = worst_first(run, _resolved(run, wanted))
    if wanted.flipped:  # Both answers to the last item.
        while limit < len(found) and _place(found[limit]) == _place(found[limit - 1]):
            limit += 1
    samples = tuple(ShownSample.of(run, sample) for sample in found[:limit])
    return ShownRun(run=run, total=len(found), samples=samples, skipped=skipped)


def _place(sample: SampleEntry) -> tuple[str, str]:
    return sample.key.task, sample.item_id


def _named(word: str, results: Path) -> RunFile:
    path = run_path(word, results)
    if path is None:
        raise StoreError(
            f"there is no run {one_line(word, limit=_SHOWN)}", hint="Name a run file, or the id of a run in the folder."
        )
    run = RunFile.read(path)
    if not run.cells:
        raise StoreError(f"{path} has no samples: nothing was asked", hint="Name another run.")
    return run


def _newest(results: Path, skipped: dict[str, str]) -> RunFile:
    for path in run_paths(results):
        try:
            run = RunFile.read(path)
        except StoreError as exc:
            skipped[str(path)] = exc.message
            continue
        if run.cells:
            return run
        skipped[str(path)] = "it has no samples"
    raise StoreError(f"there is no run with samples in {results}", hint="Start a run, or name a run or its folder.")


def _resolved(run: RunFile, wanted: SampleFilter) -> SampleFilter:
    """Return the filter with whole model keys, once it is known that the run has what it names."""
    asked = models_of(run)
    _check("task", wanted.tasks, list(dict.fromkeys(cell.task for cell in run.cells)))
    _check("item", wanted.items, list(dict.fromkeys(sample.item_id for _, sample in run.samples())))
    model_key = key_of(wanted.model_key, asked) if wanted.model_key else ""
    flipped: tuple[str, str] | tuple[()] = ()
    if wanted.flipped:
        first, second = (key_of(name, asked) for name in wanted.flipped)
        if first == second:
            raise SettingsError(f"expected two models, got {first} twice", hint=f"Asked were: {', '.join(asked)}.")
        flipped = first, second
    return replace(wanted, model_key=model_key, flipped=flipped)


def _check(what: str, names: Collection[str], known: Sequence[str]) -> None:
    unknown = [one_line(name, limit=_SHOWN) for name in names if name not in known]
    if unknown:
        more = ", …" if len(known) > _NAMED and what == "item" else ""
        shown = known[:_NAMED] if more else known
        raise SettingsError(
            f"the run has no such {what}: {', '.join(unknown)}", hint=f"Asked were: {', '.join(shown)}{more}."
        )
