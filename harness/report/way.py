"""How models got the functions that they may call, in words: figures of two ways never stand together without it."""

from collections.abc import Collection, Iterator, Mapping

from harness.domain.way import PROMPT, way_text
from harness.report.text import one_line, task_label
from harness.store.run_file import RunFile

_LONGEST_NAME = 60
_MOST_NAMED = 4


def way_notes(run: RunFile) -> Iterator[str]:
    """Yield for each task of a run how its models got the functions, where one of them did not get them in the prompt.

    Only what was summarised counts, as the tables show nothing else.
    """
    for task in dict.fromkeys(summary.task for summary in run.summaries):
        models = [summary.model_key for summary in run.summaries if summary.task == task]
        if note := way_note(task, {model: run.ways(model, task) for model in models}):
            yield note


def way_note(task: str, ways: Mapping[str, Collection[str]]) -> str:
    """Return how models got the functions of a task; empty where all got them in the prompt, or there were none.

    Args:
        task: its name.
        ways: of each model.
    """
    by_words: dict[str, list[str]] = {}
    for model, found in ways.items():
        by_words.setdefault(way_text(found or {PROMPT}), []).append(model)
    if set(by_words) <= {way_text({PROMPT})}:
        return ""
    name = task_label(task, limit=_LONGEST_NAME)
    if len(by_words) == 1:
        return f"{name}: the functions were sent {next(iter(by_words))}."
    parts = ", ".join(f"{_named(models)} {words}" for words, models in by_words.items())
    return f"{name}: each model got the functions in its own way: {parts}."


def _named(models: Collection[str]) -> str:
    shown = [one_line(model, limit=_LONGEST_NAME) for model in models]
    left_out = len(shown) - _MOST_NAMED
    return ", ".join(shown) if left_out <= 0 else f"{', '.join(shown[:_MOST_NAMED])} and {left_out} more"
