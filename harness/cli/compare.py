"""`compare`: runs or models against each other, from what runs have recorded."""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.option import json_option, margin_option, results_option, tasks_option
from harness.cli.output import note_skipped, print_json, print_text
from harness.domain.candidate import fields_of

if TYPE_CHECKING:
    from harness.command.compare import Compared
    from harness.stats.estimate import Estimate
    from harness.task.task import Task
    from harness.verdict.comparability import Subject
    from harness.verdict.compare import Contrast, Effect, Flip
    from harness.verdict.noise import TimeClaim
    from harness.verdict.single_time import SingleTime

_WORSE = 1
_NOT_COMPARABLE = 10
_LONGEST_TEXT = 400


@click.command()
@click.argument("names", nargs=-1, metavar="A B...")
@tasks_option
@margin_option
@click.option("--flips", "shows_flips", is_flag=True, help="Show prompt and both answers of each item that flipped.")
@click.option("--force", "is_forced", is_flag=True, help="Compare also what is not comparable, and mark it.")
@results_option("Folder of the runs that are named by id, and of the newest run.")
@json_option
def compare(
    names: Sequence[str],
    *,
    tasks: Sequence[str],
    margin: float,
    shows_flips: bool,
    is_forced: bool,
    results: Path,
    as_json: bool,
) -> None:
    """Compare runs, or models within a run, per task and over all tasks. No server is needed.

    A and B are run files or ids of runs: then each model that both have asked is compared with itself, B against A. Or
    they are model keys, or parts of keys: then these models are compared in the newest run that has asked them all, or
    in the one run that is named too. Quantisations of one model are compared with the largest of them: models of a run,
    or three runs or more with one model each.

    Shown are effect, interval, exact test and verdict (better, worse, not worse by the margin, not decided), the items
    that flipped, the ratios of times (slower or quicker only where they differ by more than the times of one side
    differ from themselves), and what else differs: variant, quantisation, config, server, harness. What had
    another sampling, config, scorer version or other items is not compared. Where both ran the suite latency, its times
    are compared as well, even without scores. A slower time does not change the exit code; in gate it does.

    Exit codes: 0 nothing is worse, 1 something is worse, 2 usage, 10 nothing is worse, but something that both were
    asked could not be compared, or nothing could.

    \b
    Examples:
      lms-harness compare 20261127T220000Z-1a2b3c4d 20261128T220000Z-5e6f7a8b
      lms-harness compare results/before.jsonl results/after.jsonl --task extract --flips
      lms-harness compare qwen3-4b gemma-3-4b --margin 0.1
      lms-harness compare qwen3-4b@q8_0 qwen3-4b@q6_k qwen3-4b@q4_k_m --json
    """
    from harness.command.compare import compare_all

    found = compare_all(names, results, margin=margin, tasks=tasks, is_forced=is_forced)
    code = _WORSE if found.is_worse else _NOT_COMPARABLE if found.is_refused else 0
    if as_json:
        print_json(_as_dict(found, margin=margin, exit_code=code, shows_flips=shows_flips))
    else:
        _print(found, margin=margin, shows_flips=shows_flips)
    sys.exit(code)


def _print(found: "Compared", *, margin: float, shows_flips: bool) -> None:
    from harness.report.compare import render_contrasts, render_flips
    from harness.report.layout import paragraph, terminal_width
    from harness.verdict.flip import flipped_answers

    for path, why in found.skipped.items():
        note_skipped(path, why)
    width = terminal_width()
    print_text(render_contrasts(found.contrasts, is_ladder=found.is_ladder, margin=margin, width=width))
    for contrast in found.contrasts if shows_flips else ():
        if flips := list(flipped_answers(contrast, _known_tasks)):
            print_text("\n" + render_flips(contrast, flips, longest=_LONGEST_TEXT, width=width))
    print_text("\n" + paragraph("From " + ", ".join(map(str, found.runs)), width))


def _known_tasks() -> "dict[str, Task]":
    from harness.task.catalogue import load_catalogue
    from harness.task.shipped import suites_dir

    return {entry.task.name: entry.task for entry in load_catalogue(suites_dir())}


def _as_dict(found: "Compared", *, margin: float, exit_code: int, shows_flips: bool) -> dict[str, Any]:
    return {
        "runs": [str(path) for path in found.runs],
        "skipped": found.skipped,
        "margin": margin,
        "is_ladder": found.is_ladder,
        "is_forced": found.is_forced,
        "exit_code": exit_code,
        "contrasts": [_contrast_as_dict(contrast, shows_flips=shows_flips) for contrast in found.contrasts],
    }


def _contrast_as_dict(contrast: "Contrast", *, shows_flips: bool) -> dict[str, Any]:
    from harness.verdict.flip import flipped_answers

    shown = flipped_answers(contrast, _known_tasks) if shows_flips else ()
    return {
        "alpha": contrast.alpha,
        "reference": _subject_as_dict(contrast.reference),
        "candidate": _subject_as_dict(contrast.candidate),
        "changes": [asdict(change) for change in contrast.changes],
        "tasks": [_effect_as_dict(effect) | _ways_as_dict(contrast, effect.task) for effect in contrast.tasks],
        "overall": None if contrast.overall is None else _effect_as_dict(contrast.overall),
        "refused": dict(contrast.refused),
        "unshared": list(contrast.unshared),
        "times": [_time_as_dict(time) for time in contrast.times],
        "load_ratio": _estimate_as_dict(contrast.load, contrast.load_says),
        "noise": dict(contrast.noise),
        "other_machine": contrast.machine,
        **({"flips": [asdict(flip) for flip in shown]} if shows_flips else {}),
    }


def _subject_as_dict(subject: "Subject") -> dict[str, Any]:
    instance = subject.run.instances.get(subject.model_key)
    return {
        "run_id": subject.run.run.run_id,
        **fields_of(subject.model_key),
        "quantisation": instance.quantisation if instance else None,
        "size_bytes": instance.size_bytes if instance else None,
    }


def _ways_as_dict(contrast: "Contrast", task: str) -> dict[str, Any]:
    sides = {"reference": contrast.reference, "candidate": contrast.candidate}
    return {"ways": {name: sorted(side.ways(task)) for name, side in sides.items()}}


def _effect_as_dict(effect: "Effect") -> dict[str, Any]:
    decision, comparison = effect.decision, effect.decision.comparison
    interval = comparison.interval
    return {
        "task": effect.task,
        "verdict": decision.verdict.value,
        "reason": decision.reason,
        "n": decision.n,
        "unscored": decision.unscored,
        "reference_score": effect.reference_score,
        "score": effect.score,
        "difference": comparison.difference,
        "low": interval.low if interval else None,
        "high": interval.high if interval else None,
        "interval": interval.method if interval else "",
        "p": decision.p,
        "test": comparison.method,
        "needed": decision.needed,
        "needed_for": decision.needed_for,
        "lost": _flips_as_list(effect.lost),
        "gained": _flips_as_list(effect.gained),
        "time_ratio": _estimate_as_dict(effect.time, effect.time_says),
        "first_token_ratio": _estimate_as_dict(effect.first_token, effect.first_token_says),
        "forced": effect.forced,
    }


def _time_as_dict(time: "SingleTime") -> dict[str, Any]:
    return {
        "name": time.name,
        "rounds": list(time.rounds),
        "reference_s": time.reference_s,
        "candidate_s": time.candidate_s,
        "ratio": _estimate_as_dict(time.ratio, time.says),
        "noise": time.noise,
        "obstacle": time.obstacle,
    }


def _flips_as_list(flips: "Sequence[Flip]") -> list[dict[str, str]]:
    return [asdict(flip) for flip in flips]


def _estimate_as_dict(estimate: "Estimate", claim: "TimeClaim | None") -> dict[str, Any]:
    interval = estimate.interval
    return {
        "value": estimate.value,
        "low": interval.low if interval else None,
        "high": interval.high if interval else None,
        "n": estimate.n,
        "reason": estimate.reason,
        "says": None if claim is None else claim.value,
    }
