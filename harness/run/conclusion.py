"""What a run concludes: its models compared, from its own file."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from harness.domain.record import ComparisonRecord
from harness.settings import Settings
from harness.store.run_file import RunFile
from harness.verdict.supply import Supply


def verdicts(
    seen: RunFile,
    settings: Settings,
    *,
    references: Sequence[str],
    head: Callable[[], dict[str, Any]],
    supply: Supply,
    note: Callable[[str], None],
) -> Iterator[ComparisonRecord]:
    """Yield each verdict on the models of a run file, all of whose answers are written.

    Args:
        seen: the run file.
        settings: of the run.
        references: the models that may be the reference, in the order fixed before the run.
        head: makes the fields that every record has.
        supply: says how many more samples the tasks could give.
        note: shows the user one line.
    """
    from harness.verdict.comparison import comparisons

    orders = seen.run.plan.get("reference_order_by_task") or {}
    yield from comparisons(
        seen,
        settings,
        reference=_reference(seen, references, note),
        by_task={task: _reference(seen, order, note) for task, order in orders.items()},
        head=head,
        supply=supply,
    )


def _reference(seen: RunFile, references: Sequence[str], note: Callable[[str], None]) -> str | None:
    """Return the first model of the planned order that was not skipped; say so where it is not the first one."""
    skipped = {skip.model_key for skip in seen.skips if skip.task is None}
    usable = [key for key in references if key not in skipped]
    if not usable or usable[0] == references[0]:
        return next(iter(references), None)
    note(
        f"{references[0]} was skipped, so models are compared with {usable[0]}, "
        "the next one in the order fixed before the run"
    )
    return usable[0]
