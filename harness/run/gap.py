"""What a run was to check and did not measure: a gate that measured nothing must not pass."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from harness.domain.candidate import models_in
from harness.domain.model import Model
from harness.report.ending import how_to_see_worst
from harness.run.plan.plan import fits
from harness.store.run_file import RunFile
from harness.task.task import Task


def gaps(
    seen: RunFile,
    *,
    models: Sequence[Model],
    tasks: Sequence[Task],
    floors: Mapping[str, float],
    free_form: Collection[str] = (),
    complete: Collection[str] = (),
    is_decided_late: bool = False,
) -> Iterator[str]:
    """Yield a sentence for each floor that was missed in rounds or not checked; only one where all models were skipped.

    Args:
        seen: the file of the run; its outline will do.
        models: that were selected.
        tasks: that were collected.
        floors: the lowest acceptable score by task.
        free_form: the tasks of free-form tests, which know no floor themselves.
        complete: keys of models that were measured by the run that this one resumes.
        is_decided_late: whether the run asked in rounds, so that no test has compared the scores with the floors.
    """
    reasons = {(skip.model_key, skip.task): skip.reason for skip in seen.skips}
    if models and all((model.name, None) in reasons for model in models):
        who = "the only one was" if len(models) == 1 else f"{models_in(model.name for model in models)} were"
        yield f"no model was measured: {who} skipped"
        return
    cells = {(cell.model_key, cell.task): cell for cell in seen.summaries} if is_decided_late else {}
    measured = {(cell.model_key, cell.task) for cell in seen.summaries if cell.n}
    yield from _below(seen, models, {name: floors[name] for name in free_form if name in floors})
    for task in tasks:
        if task.name not in floors:
            continue
        floor = f"the floor of {floors[task.name]:g} for {task.name} was not checked"
        able = [model for model in models if fits(task, model) is None]
        if not able:
            yield f"{floor}: none of the selected models can be given this task"
        for model in able:
            key = model.name
            cell = cells.get((key, task.name))
            if cell is not None and cell.score is not None and cell.score < floors[task.name]:
                below = f"{key} scored {cell.score:.3f} on {task.name}, below the floor of {floors[task.name]:g}"
                yield f"{below}. The worst samples: {how_to_see_worst(seen.path, cell)}"
            if key not in complete and (key, task.name) not in measured:
                why = reasons.get((key, task.name)) or reasons.get((key, None)) or "the test did not run the task"
                yield f"{floor} on {key}: {why}"


def _below(seen: RunFile, models: Sequence[Model], floors: Mapping[str, float]) -> Iterator[str]:
    """Yield a sentence for each model that is below the floor of a free-form test, or did not come to its end."""
    cells = {(cell.model_key, cell.task): cell for cell in seen.summaries}
    for task, floor in floors.items():
        for model in models:
            cell = cells.get((model.name, task))
            if cell is None or cell.score is None:
                yield f"the floor of {floor:g} for {task} was not checked on {model.name}: its tests asked nothing"
            elif cell.score < floor:
                below = f"{model.name} scored {cell.score:.3f} on {task}, below the floor of {floor:g}"
                yield f"{below}. The worst samples: {how_to_see_worst(seen.path, cell)}"
