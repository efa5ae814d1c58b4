"""The task classes, and what run files tell about their items, as text."""

from collections.abc import Mapping, Sequence

from harness.report.layout import fitted, paragraph
from harness.report.text import one_line
from harness.stats.item import LEAST_RESPONDENTS, Item
from harness.task.catalogue import Portrait

_NAMED = 12
_NEGATIVE = 0.0
HEADERS = ("class", "items", "tiers", "templates", "prompt tokens", "answer tokens", "chance", "best lazy answer",
           "reference", "scorer")  # fmt: skip
ITEM_HEADERS = ("task", "items", "models", "difficulty", "discrimination", "all pass", "all fail")


def render_portraits(portraits: Sequence[Portrait], *, width: int | None) -> str:
    """Return the table of the classes and what its columns mean."""
    rows = [
        (
            one.entry.task.name,
            _distinct(one),
            "/".join(str(count) for count in one.tiers.values()),
            one.clusters,
            f"~{one.prompt_tokens[0]}, at most ~{one.prompt_tokens[1]}",
            one.entry.task.max_output_tokens,
            f"{one.chance:.2f}",
            f"{one.best_lazy[1]:.2f} ({one.best_lazy[0]})",
            f"{one.reference:.2f}",
            f"{one.entry.task.scorer.name} {one.entry.task.scorer.version}",
        )
        for one in portraits
    ]
    align = ("left", "right", "left", "right", "left", "right", "right", "left", "right", "left")
    legend = (
        "items: looked at, from one seed (more on demand). tiers: easy/medium/hard. prompt tokens: median and most, "
        "estimated from characters. chance: what answering without reading scores. best lazy answer: the best of the "
        "answers that must not score above chance. reference: the reference solution; anything but 1.00 is a defect."
    )
    return f"{fitted(rows, headers=HEADERS, align=align, width=width)}\n\n{paragraph(legend, width or 110)}"


def render_items(items: Mapping[str, Sequence[Item]], *, width: int | None) -> str:
    """Return what the run files tell about the items of each task; items that separate nobody are named."""
    rows = [(task, *_figures(found)) for task, found in items.items()]
    align = ("left", "right", "right", "left", "right", "right", "right")
    parts = [fitted(rows, headers=ITEM_HEADERS, align=align, width=width)]
    legend = (
        "difficulty: mean score of an item over the models, as lowest / median / highest item. discrimination: median "
        f"correlation of an item with the rest, n/a below {LEAST_RESPONDENTS} models; below 0, better models fail it."
    )
    parts.append(paragraph(legend, width or 110))
    for task, found in items.items():
        for what, named in (
            ("everybody passes", [one for one in found if one.is_passed_by_all]),
            ("everybody fails", [one for one in found if one.is_failed_by_all]),
            ("better models fail", [one for one in found if (one.discrimination or 0.0) < _NEGATIVE]),
        ):
            if named:
                parts.append(paragraph(f"{task}, {what}: {_names(named)}", width or 110, indent=2))
    return "\n\n".join(parts)


def _distinct(one: Portrait) -> str:
    return str(one.n) if one.distinct == one.n else f"{one.n} ({one.distinct} distinct)"


def _figures(found: Sequence[Item]) -> tuple[str, ...]:
    hard = sorted(one.difficulty for one in found)
    apart = sorted(one.discrimination for one in found if one.discrimination is not None)
    return (
        str(len(found)),
        str(max(one.n for one in found)),
        f"{hard[0]:.2f} / {hard[len(hard) // 2]:.2f} / {hard[-1]:.2f}",
        f"{apart[len(apart) // 2]:.2f}" if apart else "n/a",
        str(sum(one.is_passed_by_all for one in found)),
        str(sum(one.is_failed_by_all for one in found)),
    )


def _names(named: Sequence[Item]) -> str:
    shown = ", ".join(one_line(one.item_id, limit=40) for one in named[:_NAMED])
    return shown if len(named) <= _NAMED else f"{shown} and {len(named) - _NAMED} more"
