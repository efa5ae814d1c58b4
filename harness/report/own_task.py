"""What is known of own tasks before they are run, as text."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.domain.score import REVIEW
from harness.own_task.own_task import OwnTask, Repetition
from harness.report.layout import paragraph
from harness.report.text import one_line

_NAMED = 5
_LONGEST = 60
_NAME_WIDTH = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What a check of a task found.

    Attributes:
        own: the task.
        ceiling: the mean score of the targets themselves as answers; None: they do not say what an answer looks like.
        unlike: places of rows whose own target does not score 1 as an answer.
        contradictions: rows that ask the same as an earlier one, and expect something else.
        tokens: of a prompt, estimated: the median and the most.
        longest: where the row stands that decides the context, if it is much longer than the others.
        context: what a model is loaded with, for the usual number of requests at a time.
        floor: the mean score that suffices.
        prospects: by pass rate of a model, the rows that an answer takes; None: more than 10,000.
    """

    own: OwnTask
    ceiling: float | None
    unlike: Sequence[str]
    contradictions: Sequence[Repetition]
    tokens: tuple[int, int]
    longest: str | None
    context: int
    floor: float
    prospects: Sequence[tuple[float, int | None]]


def render_findings(found: Findings, *, width: int | None) -> str:
    """Return what is to be known of a task that can be run: facts first, then what should be looked at."""
    own = found.own
    head = f"{own.task.name}: {own.definition.path} and {own.definition.data.name}"
    lines = [paragraph(head, width)]
    lines += [
        paragraph(f"  {name:<{_NAME_WIDTH}}  {text}", width, indent=_NAME_WIDTH + 4) for name, text in _facts(found)
    ]
    lines += [paragraph(f"  Look at: {text}", width, indent=4) for text in _doubts(found)]
    return "\n".join(lines)


def _facts(found: Findings) -> Iterator[tuple[str, str]]:
    own, task = found.own, found.own.task
    yield "rows", f"{len(own.rows.samples):,}"
    yield "scorer", f"{task.scorer.name}, version {task.scorer.version}{_labels(own)}"
    if task.scorer.name == REVIEW:
        yield "judge", "a person: run it with --review FILE, then lms-harness score RUN --grades FILE"
    else:
        yield (
            "chance",
            f"{task.chance:.2f}, by answering {one_line(own.constant.answer, limit=_LONGEST)!r} to every row",
        )
    if found.ceiling is not None:
        yield "ceiling", f"{found.ceiling:.2f}, by answering each row with its target"
    usual, most = found.tokens
    yield "tokens", f"about {usual:,} for a prompt, at most {most:,}; up to {task.max_output_tokens:,} for an answer"
    yield "context", f"{found.context:,} to load a model with, for 4 requests at a time"
    needed = ", ".join(
        f"{'over 10,000' if rows is None else f'about {rows:,}'} rows where a model is right in {100 * rate:.3g} %"
        for rate, rows in found.prospects
    )
    yield "it takes", f"{needed}, to be sure of a score of {found.floor:.2f}"


def _labels(own: OwnTask) -> str:
    """Return how often each label is right, the most frequent first."""
    targets = [sample.target for sample in own.rows.samples]
    if not all(isinstance(target, dict) and "labels" in target for target in targets):
        return ""
    right = Counter(label for target in targets for label in target.get("right", [target.get("label")]))
    counted = [f"{one_line(str(label), limit=_LONGEST)} {right[label]:,}" for label, _ in right.most_common(2 * _NAMED)]
    more = ", …" if len(right) > len(counted) else ""
    unused = len(set(targets[0]["labels"]) - set(right))
    return f"; {', '.join(counted)}{more}" + (f"; {unused} labels are never right" if unused else "")


def _doubts(found: Findings) -> Iterator[str]:
    own = found.own
    if own.repeated:
        yield f"{_counted(own.repeated)} the same as an earlier one and left out: {_pairs(own.repeated)}"
    if found.contradictions:
        pairs = _pairs(found.contradictions)
        yield f"{_counted(found.contradictions)} asked like an earlier one, with another target: {pairs}"
    if found.unlike:
        more = ", …" if len(found.unlike) > _NAMED else ""
        yield (
            f"{_counted(found.unlike)} not right by its own target, so no answer can be: "
            f"{', '.join(found.unlike[:_NAMED])}{more}"
        )
    if found.longest is not None:
        yield f"{found.longest} is far longer than the other rows, and alone decides the context"
    if own.task.chance >= found.floor:
        yield f"an answer that ignores the row reaches the floor of {found.floor:.2f}: it cannot tell models apart"
    needed = found.prospects[0][1]
    if needed is None or len(own.rows.samples) < needed:
        yield f"with {len(own.rows.samples):,} rows the answer is 'open' unless a model is almost always right or wrong"


def _counted(found: Sequence[object]) -> str:
    return "1 row is" if len(found) == 1 else f"{len(found):,} rows are"


def _pairs(found: Sequence[Repetition]) -> str:
    more = ", …" if len(found) > _NAMED else ""
    return ", ".join(f"{pair.place} ({pair.earlier})" for pair in found[:_NAMED]) + more
