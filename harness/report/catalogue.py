"""The task classes, and what run files show about their items, as text."""

from collections.abc import Mapping, Sequence

from harness.report.layout import fitted, prose
from harness.report.text import one_line
from harness.stats.item import LEAST_RESPONDENTS, Item
from harness.task.catalogue import Portrait

_NAMED = 12
_NEGATIVE = 0.0
HEADERS = (
    "class",
    "items",
    "tiers",
    "templates",
    "prompt tokens",
    "answer tokens",
    "chance",
    "best lazy answer",
    "reference",
    "scorer",
)
ITEM_HEADERS = ("task", "items", "models", "difficulty", "discrimination", "all pass", "all fail")


def render_portraits(portraits: Sequence[Portrait], *, width: int | None, is_own: bool = False) -> str:
    """Return the table of the classes, or of the user's own tasks, and what its columns mean."""
    rows = [
        (
            portrait.entry.task.name,
            _distinct(portrait),
            "/".join(str(count) for count in portrait.tiers.values()),
            portrait.strata,
            f"~{portrait.prompt_tokens[0]}, at most ~{portrait.prompt_tokens[1]}",
            portrait.entry.task.max_output_tokens,
            f"{portrait.chance:.2f}",
            f"{portrait.best_lazy[1]:.2f} ({portrait.best_lazy[0]})",
            "n/a" if portrait.reference is None else f"{portrait.reference:.2f}",
            f"{portrait.entry.task.scorer.name} {portrait.entry.task.scorer.version}",
        )
        for portrait in portraits
    ]
    align = ("left", "right", "left", "right", "left", "right", "right", "left", "right", "left")
    own = (
        "items: rows that were looked at (--n). prompt tokens: median and maximum, estimated from characters. chance: "
        "the score of the best answer that ignores the row. reference: what the targets themselves score as answers; "
        "n/a where they do not say what an answer looks like."
    )
    shipped = (
        "items: generated here, from one seed (the generator can make more). tiers: easy/medium/hard. prompt tokens: "
        "median and maximum, estimated from characters. chance: the score of answering without reading. best lazy "
        "answer: the best of the answers that must not beat chance. reference: the reference solution; below 1.00 "
        "it is a defect."
    )
    legend = own if is_own else shipped
    return f"{fitted(rows, headers=HEADERS, align=align, width=width)}\n\n{prose(legend, width)}"


def render_items(items: Mapping[str, Sequence[Item]], *, width: int | None) -> str:
    """Return what run files show about the items of each task; items that do not separate models are named."""
    rows = [(task, *_figures(found)) for task, found in items.items()]
    align = ("left", "right", "right", "left", "right", "right", "right")
    parts = [fitted(rows, headers=ITEM_HEADERS, align=align, width=width)]
    legend = (
        "difficulty: mean score of an item over the models, each reasoning level and way of asking on its own, for the "
        "lowest / median / highest item. discrimination: "
        f"median correlation of an item with the rest, n/a below {LEAST_RESPONDENTS} models; below 0, better models "
        "fail it."
    )
    parts.append(prose(legend, width))
    for task, found in items.items():
        for what, named in (
            ("every model passes", [item for item in found if item.is_passed_by_all]),
            ("every model fails", [item for item in found if item.is_failed_by_all]),
            ("better models fail", [item for item in found if (item.discrimination or 0.0) < _NEGATIVE]),
        ):
            if named:
                parts.append(prose(f"{task}, {what}: {_names(named)}", width, indent=2))
    return "\n\n".join(parts)


def _distinct(portrait: Portrait) -> str:
    return str(portrait.n) if portrait.distinct == portrait.n else f"{portrait.n} ({portrait.distinct} distinct)"


def _figures(found: Sequence[Item]) -> tuple[str, ...]:
    difficulties = sorted(item.difficulty for item in found)
    discriminations = sorted(item.discrimination for item in found if item.discrimination is not None)
    return (
        str(len(found)),
        str(max(item.n for item in found)),
        f"{difficulties[0]:.2f} / {difficulties[len(found) // 2]:.2f} / {difficulties[-1]:.2f}",
        f"{discriminations[len(discriminations) // 2]:.2f}" if discriminations else "n/a",
        str(sum(item.is_passed_by_all for item in found)),
        str(sum(item.is_failed_by_all for item in found)),
    )


def _names(named: Sequence[Item]) -> str:
    shown = ", ".join(one_line(item.item_id, limit=40) for item in named[:_NAMED])
    return shown if len(named) <= _NAMED else f"{shown} and {len(named) - _NAMED} more"
