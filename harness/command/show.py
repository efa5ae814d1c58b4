"""Which run to show samples of, and which samples."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.command.named import key_of, models_of, run_with_samples
from harness.errors import SettingsError
from harness.report.sample import ShownSample
from harness.report.text import one_line
from harness.store.cell import SampleEntry
from harness.store.run_file import RunFile
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
    run = run_with_samples(word, results, skipped)
    found = worst_first(run, _resolved(run, wanted))
    if wanted.flipped:  # Both answers to the last item.
        while limit < len(found) and _place(found[limit]) == _place(found[limit - 1]):
            limit += 1
    samples = tuple(ShownSample.of(run, sample) for sample in found[:limit])
    return ShownRun(run=run, total=len(found), samples=samples, skipped=skipped)


def _place(sample: SampleEntry) -> tuple[str, str]:
    return sample.key.task, sample.item_id


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
