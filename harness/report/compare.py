"""How runs and models compare: a table for each pair, what changed, which items flipped."""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from harness.report.figure import seconds, size
from harness.report.layout import fitted, paragraph, prose
from harness.report.text import one_line, printable, task_label
from harness.report.way import way_note
from harness.stats.decision import Verdict
from harness.stats.estimate import Estimate
from harness.verdict.comparability import Change, Subject
from harness.verdict.compare import ANSWER, FIRST_TOKEN, LOAD, Contrast, Effect, Flip
from harness.verdict.flip import FlippedAnswer
from harness.verdict.noise import TimeClaim
from harness.verdict.single_time import SingleTime
from harness.verdict.spending import ALPHA

HEADERS = ("task", "n", "A", "B", "B - A [95 %]", "p", "verdict", "flips")
TIME_HEADERS = ("task", "n", "answer, B / A [95 %]", "first token, B / A [95 %]")
SINGLE_HEADERS = ("time of", "n", "A", "B", "B / A [95 %]", "noise", "B is")
LADDER_HEADERS = ("model", "size", "against the largest", "verdict", "worse on", "time")
_ALIGN = ("left", "right", "right", "right", "right", "right", "left", "right")
_NAMED_FLIPS = 12
_LONGEST_KEY = 60
_LONGEST_TASK = 24
_LONGEST_VALUE = 60
_LEAST_P = 0.001


def render_contrasts(contrasts: Sequence[Contrast], *, is_ladder: bool, margin: float, width: int | None) -> str:
    """Return all contrasts, a ladder first where there is one, and what the words mean."""
    parts = []
    if is_ladder:
        parts.append(_ladder(contrasts, width))
    for contrast in contrasts:
        parts += _contrast(contrast, width)
    parts.append(prose(_legend(contrasts, margin), width))
    return "\n\n".join(parts)


def render_flips(contrast: Contrast, flips: Sequence[FlippedAnswer], *, longest: int, width: int | None) -> str:
    """Return the prompt and both answers of each flip of a contrast, each text cut to so many characters."""
    blocks = ["\n".join(_side_lines(contrast, width))]
    for shown in flips:
        passing = "only B passes" if shown.is_gained else "only A passes"
        prompt = "(the task does not make this item any more)" if shown.prompt is None else shown.prompt
        lines = [f"{_name(shown.flip)}: {passing}"]
        for name, text in (("prompt", prompt), ("A", shown.reference), ("B", shown.candidate)):
            lines.append(paragraph(f"  {name:<6}  {one_line(text, limit=longest) or '(empty)'}", width, indent=10))
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def _contrast(contrast: Contrast, width: int | None) -> Iterator[str]:
    yield "\n".join([*_side_lines(contrast, width), paragraph(differing(contrast.changes), width, indent=2)])
    if contrast.effects:
        rows = [_row(effect) for effect in contrast.effects]
        yield fitted(rows, headers=HEADERS, align=_ALIGN, width=width)
        rows = [_time_row(effect) for effect in contrast.effects if effect.time.n or effect.first_token.n]
        if rows:
            yield fitted(rows, headers=TIME_HEADERS, align=("left", "right", "left", "left"), width=width)
    elif not contrast.times:
        yield "  Nothing could be compared: there is no task that both have finished."
    if contrast.times:
        align = ("left", "right", "right", "right", "left", "right", "left")
        yield fitted(list(map(_single_row, contrast.times)), headers=SINGLE_HEADERS, align=align, width=width)
    if notes := [prose(note, width, indent=2) for note in _notes(contrast)]:
        yield "\n".join(notes)


def _side_lines(contrast: Contrast, width: int | None) -> list[str]:
    sides = (("A", contrast.reference), ("B", contrast.candidate))
    return [paragraph(f"{letter}  {_subject(side)}", width, indent=3) for letter, side in sides]


def _subject(subject: Subject) -> str:
    return f"{one_line(subject.model_key, limit=_LONGEST_KEY)} in run {one_line(subject.run.run.run_id, limit=40)}"


def differing(changes: Sequence[Change], *, sides: str = "A -> B") -> str:
    """Return what differs between two runs besides their answers, on one line."""
    if not changes:
        return "Nothing else differs that a run records."
    return f"Differs, {sides}: {'; '.join(map(change_text, changes))}."


def change_text(change: Change) -> str:
    """Return "server version 0.4.1 -> 0.4.2"."""
    before, after = (one_line(value, limit=_LONGEST_VALUE) for value in (change.reference, change.candidate))
    if change.name == "size_bytes":
        before, after = (size(int(value)) if value.isdecimal() else value for value in (before, after))
    name = one_line(change.name, limit=_LONGEST_VALUE).removesuffix("_bytes").removesuffix("_s").replace("_", " ")
    return f"{name} {before} -> {after}"


def _row(effect: Effect) -> tuple[str, ...]:
    decision = effect.decision
    return (
        _task(effect.task),
        str(decision.n),
        _score(effect.reference_score),
        _score(effect.score),
        _difference(effect),
        f"<{_LEAST_P:g}" if decision.p < _LEAST_P else f"{decision.p:.3f}",
        decision.verdict.value + ("!" if effect.forced else ""),
        f"+{len(effect.gained)} -{len(effect.lost)}",
    )


def _time_row(effect: Effect) -> tuple[str, ...]:
    return (
        _task(effect.task),
        str(effect.time.n),
        _said(effect.time, effect.time_says),
        _said(effect.first_token, effect.first_token_says),
    )


def _single_row(time: SingleTime) -> tuple[str, ...]:
    n = time.rounds
    return (
        time.what,
        str(n[0]) if n[0] == n[1] else f"{n[0]}, {n[1]}",
        seconds(time.reference_s),
        seconds(time.candidate_s),
        _ratio(time.ratio),
        "n/a" if time.noise is None else f"{100 * math.expm1(time.noise):.0f} %",
        "not compared" if time.says is None else time.says.value,
    )


def _notes(contrast: Contrast) -> Iterator[str]:
    yield from _time_notes(contrast)
    yield from _way_notes(contrast)
    needed = [
        f"{_task(effect.task)} {effect.decision.needed:,} for {effect.decision.needed_for}"
        for effect in contrast.effects
        if effect.decision.needed
    ]
    if needed:
        yield f"Items that it would probably take: {', '.join(needed)}."
    for effect in contrast.effects:
        if effect.decision.unscored:
            yield f"{_task(effect.task)}: {effect.decision.unscored} answers were lost; they count against the claim."
    for name, flips in (
        ("Only A passes", [flip for effect in contrast.tasks for flip in effect.lost]),
        ("Only B passes", [flip for effect in contrast.tasks for flip in effect.gained]),
    ):
        if flips:
            more = f" and {len(flips) - _NAMED_FLIPS} more" if len(flips) > _NAMED_FLIPS else ""
            yield f"{name}: {', '.join(map(_name, flips[:_NAMED_FLIPS]))}{more}."
    for why, tasks in _by_reason({effect.task: effect.forced for effect in contrast.tasks if effect.forced}):
        yield f"! compared by force: {tasks}: {why}."
    for why, tasks in _by_reason(contrast.refused):
        yield f"Not comparable: {tasks}: {why}."
    if contrast.unshared:
        yield f"Only one of them was to be asked: {', '.join(map(_task, contrast.unshared))}."


def _way_notes(contrast: Contrast) -> Iterator[str]:
    for effect in contrast.tasks:
        sides = {"A": contrast.reference.ways(effect.task), "B": contrast.candidate.ways(effect.task)}
        if note := way_note(effect.task, sides):
            yield note


def _time_notes(contrast: Contrast) -> Iterator[str]:
    load = contrast.load
    if load.value is not None:
        yield f"Load, B / A: {_said(load, contrast.load_says)} (loads: {load.n} or more each)."
    if any(effect.time.n or effect.first_token.n for effect in contrast.effects):
        yield _noise(contrast)
    elif contrast.times and contrast.machine:
        yield f"Times are not compared: {one_line(contrast.machine, limit=200)}."
    obstacles = {time.what: time.obstacle for time in contrast.times if time.obstacle not in {"", contrast.machine}}
    for why, times in _by_reason(obstacles):
        yield f"Not comparable: {times}: {why}."


def _noise(contrast: Contrast) -> str:
    """Return how far the times of both sides are from themselves, or why nobody knows."""
    if contrast.machine:
        return f"Times are not compared: {one_line(contrast.machine, limit=200)}."
    known = [
        f"{what} {100 * math.expm1(noise):.0f} %"
        for what, name in (("answer", ANSWER), ("first token", FIRST_TOKEN), ("load", LOAD))
        if (noise := contrast.noise.get(name)) is not None
    ]
    if not known:
        return (
            "Noise of times: not measured on both sides, so nothing is called slower or quicker. The suite latency "
            "measures it."
        )
    return f"Noise of times (how far A's and B's rounds differ from themselves, added up): {', '.join(known)}."


def _by_reason(refused: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    tasks: dict[str, list[str]] = defaultdict(list)
    for task, why in refused.items():
        tasks[one_line(why, limit=300)].append(_task(task))
    for why, names in tasks.items():
        yield why, ", ".join(names)


def _ladder(contrasts: Sequence[Contrast], width: int | None) -> str:
    largest = contrasts[0].reference
    rows = [(*_rung(largest), "-", "", "", "")]
    for contrast in contrasts:
        effects = contrast.effects
        overall = effects[-1] if effects else None
        worse = [_task(effect.task) for effect in contrast.tasks if effect.decision.verdict is Verdict.WORSE]
        rows.append(
            (
                *_rung(contrast.candidate),
                "-" if overall is None else _difference(overall),
                _rung_verdict(contrast),
                ", ".join(worse) or "-",
                _rung_time(contrast),
            )
        )
    head = "Quantisations of one model, each against the largest (A):"
    align = ("left", "right", "left", "left", "left", "right")
    return f"{head}\n\n{fitted(rows, headers=LADDER_HEADERS, align=align, width=width)}"


def _rung_verdict(contrast: Contrast) -> str:
    if contrast.effects:
        return contrast.effects[-1].decision.verdict.value
    return "only timed" if contrast.is_measured and not contrast.refused else "not comparable"


def _rung_time(contrast: Contrast) -> str:
    answers = [(effect.time, effect.time_says) for effect in contrast.effects[-1:]]
    answers += [(time.ratio, time.says) for time in contrast.times if time.name == ANSWER]
    ratio, says = next(((ratio, says) for ratio, says in answers if ratio.value is not None), (None, None))
    if ratio is None:
        return "-"
    shown = f"{ratio.value:.2f} x"
    return f"{shown} {says}" if says is TimeClaim.WITHIN_NOISE else shown


def _rung(subject: Subject) -> tuple[str, str]:
    instance = subject.run.instances.get(subject.model_key)
    name = one_line(subject.model_key, limit=_LONGEST_KEY).rpartition("/")[2]
    quantisation = instance.quantisation if instance else None
    if quantisation and quantisation.lower() not in name.lower():
        name += f" {one_line(quantisation, limit=20)}"
    return name, size(instance.size_bytes if instance else None)


def _legend(contrasts: Sequence[Contrast], margin: float) -> str:
    """Return what the words of the tables mean, of those tables that there are."""
    is_scored = any(contrast.effects for contrast in contrasts)
    is_timed = any(effect.time.n for contrast in contrasts for effect in contrast.effects)
    is_single = any(contrast.times for contrast in contrasts)
    parts = [_score_legend(contrasts, margin)] if is_scored or not is_single else []
    if is_single:
        parts.append(
            "Times of one request at a time, from the suite latency: medians of n rounds, and the ratio of their "
            "geometric means. noise: how far the rounds of A and of B differ from themselves, added up."
        )
    if is_timed or is_single:
        parts.append(
            "slower, quicker: the interval excludes 1, and the ratio exceeds the noise; within noise: the times of A "
            "and B differ from themselves by as much."
        )
    return " ".join(parts)


def _score_legend(contrasts: Sequence[Contrast], margin: float) -> str:
    alpha = min((contrast.alpha for contrast in contrasts), default=ALPHA)
    share = "" if alpha == ALPHA else " (a share of 5 %, as answers were looked at after each round)"
    text = (
        f"A, B: mean scores. verdict: what may be said of B, at {100 * alpha:.3g} % false alarms for each task{share}; "
        f"not worse: a loss of more than the margin ({margin:g}) is ruled out; not decided is not 'equal'. p: exact "
        "McNemar test, or sign flips for graded scores, adjusted for several candidates. flips: items that only B "
        "passes (+), or only A (-)."
    )
    if any(contrast.overall for contrast in contrasts):
        text += " overall: all these items together, each with the same weight."
    return text


def _difference(effect: Effect) -> str:
    comparison = effect.decision.comparison
    value = "n/a" if comparison.difference is None else f"{comparison.difference:+.2f}"
    interval = comparison.interval
    return f"{value} [{interval.low:+.2f}, {interval.high:+.2f}]" if interval else f"{value} [n/a]"


def _ratio(estimate: Estimate) -> str:
    if estimate.value is None:
        return "n/a"
    interval = estimate.interval
    bounds = f"{interval.low:.2f}, {interval.high:.2f}" if interval else "n/a"
    return f"{estimate.value:.2f} x [{bounds}]"


def _said(estimate: Estimate, claim: TimeClaim | None) -> str:
    return _ratio(estimate) if claim is None else f"{_ratio(estimate)} {claim.value}"


def _score(score: float | None) -> str:
    return "n/a" if score is None else f"{score:.2f}"


def _name(flip: Flip) -> str:
    name = printable(one_line(flip.item_id, limit=40))
    return name if name.startswith(flip.task) else f"{_task(flip.task)} {name}"


def _task(task: str) -> str:
    return task_label(task, limit=_LONGEST_TASK)
