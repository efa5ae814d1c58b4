"""The tasks x models of a page: what each model scored on each task, and where it is weakest."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import fmean
from types import MappingProxyType

from harness.domain.candidate import by_effort, key_of
from harness.domain.record import SkipRecord, SummaryRecord
from harness.domain.score import unscored_words
from harness.report.figure import seconds
from harness.report.page.content import Matrix, MatrixCell, MatrixRow, Strip
from harness.report.page.explorer import Source
from harness.report.table import score
from harness.report.text import one_line
from harness.stats.pairing import MOST_UNSCORED
from harness.store.cell import CellKey
from harness.verdict.value import value_of

_LEAST_ITEMS = 3
_LONGEST_STRATUM = 40
_LONGEST_WHY = 120


def matrix(sources: Sequence[Source], asked: Mapping[CellKey, str] = MappingProxyType({})) -> Matrix:
    """Return the cells: tasks by name, models by their mean over the tasks, the best first, levels by their effort.

    Args:
        sources: the cells whose answers count.
        asked: when the newest run began that asked a cell, whether it counts or not.
    """
    cells = {source.key: _cell(source) for source in sources}
    tasks = sorted({key.task for key in cells})
    models = _best_first(cells)
    skips = [skip for source in sources for skip in source.run.skips]
    rows = tuple(
        MatrixRow(
            task=task,
            chance=next(iter(_chances(sources, task)), None),
            cells=tuple(
                cells.get(key) or _empty(key, skips, asked) for key in (CellKey(model, task) for model in models)
            ),
        )
        for task in tasks
    )
    return Matrix(models=models, rows=rows)


def _chances(sources: Sequence[Source], task: str) -> list[float]:
    found = (summary for source in sources for summary in source.run.summaries if source.key.task == task)
    return [summary.chance for summary in found if summary.task == task and summary.chance is not None]


def _best_first(cells: Mapping[CellKey, MatrixCell]) -> tuple[str, ...]:
    scores: dict[str, list[float]] = defaultdict(list)
    for key, cell in cells.items():
        scores[key.model_key].append(cell.strip.value if cell.strip else 0.0)
    best: dict[str, float] = defaultdict(float)
    for name, found in scores.items():
        best[key_of(name)] = max(best[key_of(name)], fmean(found))
    return tuple(sorted(scores, key=lambda name: (-best[key_of(name)], by_effort(name))))


def _cell(source: Source) -> MatrixCell:
    run, key = source.run, source.key
    has_samples = bool(run.cells.get(key))
    found = next((summary for summary in run.summaries if (summary.model_key, summary.task) == key), None)
    if found is None:
        why = "the run did not finish this task"
        return MatrixCell(model=key.model_key, task=key.task, why=why, has_samples=has_samples)
    text, _, interval = score(found).partition(" [")
    return MatrixCell(
        model=key.model_key,
        task=key.task,
        score=text,
        interval=interval.removesuffix("]").replace(", ", " to "),
        strip=_strip(found),
        facts=_facts(found),
        weakest=_weakest(source),
        why=_why(found),
        has_samples=has_samples,
    )


def _strip(found: SummaryRecord) -> Strip | None:
    if found.score is None or found.low is None or found.high is None or score(found) == "-":
        return None
    return Strip(value=found.score, low=found.low, high=found.high, chance=found.chance)


def _facts(found: SummaryRecord) -> str:
    tokens, took_s = (found.thoughts.get(name) for name in ("reasoning_tokens_p50", "reasoning_p50_s"))
    took = [] if tokens is None else [f"{tokens:,.0f} tokens"]
    took += [] if took_s is None else [seconds(took_s)]
    thoughts = f"; thoughts: {', '.join(took)}" if took else ""
    return f"n {found.n}{f', {found.unscored} unscored' if found.unscored else ''}{thoughts}"


def _why(found: SummaryRecord) -> str:
    if found.unscored > MOST_UNSCORED * found.answers:
        return f"{found.unscored} of {found.answers} answers {unscored_words(found.scorer)}, so nothing is claimed"
    if found.stopped_early:
        return "a race stopped it early, so a mean would be biased"
    return "no answer was scored" if found.score is None else ""


def _weakest(source: Source) -> str:
    """Return the stratum with the lowest mean of those with three items or more, where there are several."""
    items: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for sample in source.run.cells.get(source.key, ()):
        value = value_of(source.run.score(sample), "mean") if sample.is_counted else None
        if sample.stratum and value is not None:
            items[sample.stratum][sample.item_id].append(value)
    means = {
        stratum: (fmean(map(fmean, by_item.values())), len(by_item))
        for stratum, by_item in items.items()
        if len(by_item) >= _LEAST_ITEMS
    }
    if len(means) < 2:  # noqa: PLR2004  (nothing to be weaker than)
        return ""
    stratum, (mean, n) = min(means.items(), key=lambda found: (found[1][0], found[0]))
    return f"{one_line(stratum, limit=_LONGEST_STRATUM)} {mean:.2f} (n\N{NO-BREAK SPACE}{n})"


def _empty(key: CellKey, skips: Sequence[SkipRecord], asked: Mapping[CellKey, str]) -> MatrixCell:
    reasons = [
        skip.reason for skip in skips if skip.model_key in {None, key.model_key} and skip.task in {None, key.task}
    ]
    why = "not asked"
    if reasons:
        why = one_line(reasons[-1], limit=_LONGEST_WHY)
    elif key in asked:
        why = f"asked in a run of {asked[key][:10]}, which does not count for this task"
    return MatrixCell(model=key.model_key, task=key.task, why=why)
