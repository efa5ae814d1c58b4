"""Which runs are exported, and the files of an export."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.command.named import run_with_samples
from harness.errors import StoreError
from harness.report.export.every_eval_ever import export_models
from harness.store.run_file import RunFile
from harness.store.whole_file import write_whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """The files of an export.

    Attributes:
        files: that were written.
        rows: how many samples they hold.
        unscored: how many samples were left out because they have no score.
        left_out: models and tasks that were left out, and why.
    """

    files: list[Path] = field(default_factory=list)
    rows: int = 0
    unscored: int = 0
    left_out: dict[str, str] = field(default_factory=dict)


def exported_runs(
    words: Sequence[str], results: Path, *, or_measures: bool = False
) -> tuple[list[RunFile], dict[str, str]]:
    """Return the runs to export, each once, and which newer files were passed over, and why.

    Args:
        words: run files, or ids of runs in the folder; none: the newest run of the folder that has samples.
        results: the folder.
        or_measures: a run will do that has only figures, such as of the latency suite.

    Raises:
        StoreError: there is no such run, or it cannot be read.
    """
    skipped: dict[str, str] = {}
    named: Sequence[str | None] = words or [None]
    runs = [run_with_samples(word, results, skipped, or_measures=or_measures) for word in named]
    return list({run.run.run_id: run for run in runs}.values()), skipped


def write_every_eval_ever(runs: Sequence[RunFile], folder: Path, *, organisation: str, is_shared: bool) -> Written:
    """Write runs in the format of Every Eval Ever below a folder, in place of earlier files of the same runs.

    Raises:
        StoreError: a file cannot be written, or no model has a score to export.
    """
    files: list[Path] = []
    left_out: dict[str, str] = {}
    rows = unscored = 0
    for run in runs:
        for model in export_models(run, organisation=organisation):
            left_out |= {f"{model.model_key} {task}": why for task, why in model.left_out.items()}
            for path, text in (model.samples, model.aggregate):
                if text:
                    files.append(_written(folder / path, text, is_shared=is_shared))
            rows, unscored = rows + model.rows, unscored + model.unscored
    if not files:
        why = "; ".join(f"{what}: {reason}" for what, reason in left_out.items()) or "no task came to its end"
        raise StoreError(f"there is no score to export: {why}", hint="Resume the run, or name another one.")
    return Written(files=files, rows=rows, unscored=unscored, left_out=left_out)


def _written(path: Path, text: str, *, is_shared: bool) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise StoreError(f"cannot make {path.parent}: {exc.strerror}", hint="Name another folder.") from exc
    write_whole(path, text, is_shared=is_shared)
    return path
