"""From run files to what they show about the items: how hard each is, and whether it separates models."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from statistics import fmean

from harness.domain.way import way_text
from harness.stats.item import Item, analyse
from harness.store.run_file import RunFile


def item_difficulty(runs: Iterable[RunFile]) -> Mapping[str, tuple[Item, ...]]:
    """Return the analysed items of each task. A model counts once, with the mean over all its runs and epochs.

    One that was sent functions in two ways counts as two, as with two reasoning levels: each is another question.

    Scores are those of the task's own scorer, the last one of each sample: what another scorer added later is about
    something else.
    """
    values: dict[str, dict[str, dict[str, list[float]]]] = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    for run in runs:
        for key, samples in run.cells.items():
            respondent = f"{key.model_key} {way_text(samples.ways)}"
            for sample in samples:
                score = run.score(sample)
                if score is not None and score.value is not None:
                    values[key.task][respondent][sample.item_id].append(score.value)
    return {
        task: analyse(
            {model: {item: fmean(scores) for item, scores in answered.items()} for model, answered in models.items()}
        )
        for task, models in sorted(values.items())
    }
