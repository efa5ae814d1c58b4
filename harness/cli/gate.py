"""`gate`: a run against a baseline of earlier ones, for a nightly job that must fail when something got worse."""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.option import Percent, json_option, margin_option, results_option, tasks_option
from harness.cli.output import command_workflow, note, note_skipped, print_json, print_text
from harness.domain.candidate import fields_of
from harness.errors import StoreError

if TYPE_CHECKING:
    from harness.command.gate import Gated
    from harness.verdict.gate import Case, Night
    from harness.verdict.gate_time import TimeCase

_WORSE = 1
_INCOMPLETE = 10
_MOST_RUNS = 1000


@click.command()
@click.argument("names", nargs=-1, metavar="BASELINE... [RUN]")
@tasks_option
@margin_option
@click.option(
    "--slower",
    type=Percent(),
    default=25.0,
    show_default=True,
    metavar="PERCENT",
    help="How many percent slower does not matter.",
)
@click.option(
    "--last",
    type=click.IntRange(1, _MOST_RUNS),
    default=7,
    show_default=True,
    metavar="N",
    help="Of a folder, take the newest N runs as the baseline.",
)
@click.option(
    "--strict",
    "is_strict",
    is_flag=True,
    help="Fail also on what is open (1), on what is not comparable, and if nothing could fail (10).",
)
@click.option(
    "--update",
    "is_kept",
    is_flag=True,
    help="Copy a run that passes into the baseline's folder; the first run begins it, and ends with 10.",
)
@results_option("Folder of the runs that are named by id, and of the newest run, which is RUN if none is named.")
@json_option
def gate(
    names: Sequence[str],
    *,
    tasks: Sequence[str],
    margin: float,
    slower: float,
    last: int,
    is_strict: bool,
    is_kept: bool,
    results: Path,
    as_json: bool,
) -> None:
    """Fail if a run is worse or slower than earlier ones, for a nightly job. No server is needed.

    Each model is compared with itself on each task, and over all its tasks, on the same items. Where the suite latency
    ran on the same kind of machine, its times are compared too: first token, time per token, answer and load.

    BASELINE is a folder of runs, of which the newest seven count, or run files or ids of runs; several runs are taken
    together, item by item. RUN is the newest run in the results folder. If you name more than one thing, the last one
    is RUN.

    \b
    fails    regression: a loss that is significant and larger than the margin,
             or slower by more than --slower, than noise, and than nights differ
    fails    missing: a model or task is gone, did not finish, lost its answers,
             or shares no or few items with the baseline
    warns    open: a loss or slowdown larger than its margin, but it may be chance
    neutral  not comparable: sampling, config, scorer, items or machine differ
    passes   no loss larger than the margin was seen

    A night in which nothing changed fails in at most 5 of 100 cases, however many models and tasks there are. Items
    that flip within the baseline are listed as flaky. On GitHub, the ten worst findings become annotations, and all
    of them the step summary. docs/nightly.md has recipes for GitHub, GitLab and cron.

    Exit codes: 0 nothing is shown to be worse, 1 something is worse, 2 usage, 10 nothing is shown to be worse, but
    something is missing, or nothing could be compared.

    \b
    A nightly job, from its second night on; a run that passes joins the baseline:
      lms-harness run --model all --suite offload --suite latency
      lms-harness gate baseline/ --update

    \b
    Examples:
      lms-harness gate results/
      lms-harness gate baseline/ results/20261128T220000Z-5e6f7a8b.jsonl --margin 0.1
      lms-harness gate baseline/ --slower 50
      lms-harness gate release.jsonl 20261128T220000Z-5e6f7a8b --strict --json
    """
    from harness.command.gate import folder_to_update, gate_run, keep

    folder = folder_to_update(names) if is_kept and names else None
    found = gate_run(names, results, margin=margin, tasks=tasks, last=last, may_begin=is_kept, slower=slower / 100)
    code = _exit_code(found.night, is_strict=is_strict)
    if not as_json:
        for path, why in found.skipped.items():
            note_skipped(path, why)
    kept = keep(found.run, folder) if folder is not None and (code == 0 or found.night is None) else None
    _show(found, code, kept=kept, as_json=as_json)
    sys.exit(code)


def _show(found: "Gated", code: int, *, kept: Path | None, as_json: bool) -> None:
    if as_json:
        print_json(_as_dict(found, exit_code=code, kept=kept))
    else:
        _print(found, kept=kept)
    if found.night is not None:
        _tell_github(found.night)


def _exit_code(night: "Night | None", *, is_strict: bool) -> int:
    if night is None:
        return _INCOMPLETE
    if night.is_worse(is_strict=is_strict):
        return _WORSE
    return _INCOMPLETE if night.is_incomplete(is_strict=is_strict) else 0


def _print(found: "Gated", *, kept: Path | None) -> None:
    from harness.report.gate import render_night
    from harness.report.layout import paragraph, terminal_width

    width = terminal_width()
    if found.night is None:
        print_text(paragraph(f"NOTHING WAS COMPARED: the baseline begins with this run, {found.run.path}.", width))
    else:
        print_text(render_night(found.night, width=width))
        runs = ", ".join(str(seen.path) for seen in found.night.baseline)
        print_text("\n" + paragraph(f"Run {found.run.path}; baseline {runs}", width))
    if kept is not None:
        print_text(f"Now part of the baseline: {kept}")


def _tell_github(night: "Night") -> None:
    from harness.command.workflow import add_to_summary, is_on_github
    from harness.report.workflow import annotations

    if not is_on_github():
        return
    for line in annotations(night):
        command_workflow(line)
    try:
        add_to_summary(night)
    except StoreError as exc:
        note(exc.message)


def _as_dict(found: "Gated", *, exit_code: int, kept: Path | None) -> dict[str, Any]:
    night = found.night
    facts: dict[str, Any] = {
        "run": str(found.run.path),
        "run_id": found.run.run.run_id,
        "baseline": [],
        "skipped": found.skipped,
        "exit_code": exit_code,
        "kept": None if kept is None else str(kept),
    }
    if night is None:
        return {**facts, "cases": [], "times": []}
    return {
        **facts,
        "baseline": [str(seen.path) for seen in night.baseline],
        "margin": night.margin,
        "alpha": night.alpha,
        "claims": night.claims,
        "slower": night.slower,
        "score_alpha": night.score_alpha,
        "time_alpha": night.time_alpha,
        "time_claims": night.time_claims,
        "times": [_time_as_dict(case) for case in night.times],
        "times_note": night.times_note,
        "cases": [_case_as_dict(case) for case in night.cases],
        "only_in_run": [{**fields_of(key), "task": task} for key, task in night.unknown],
        "changes": {key: [asdict(change) for change in changed] for key, changed in night.changes.items()},
    }


def _time_as_dict(case: "TimeCase") -> dict[str, Any]:
    interval = case.interval
    return {
        **fields_of(case.model_key),
        "name": case.name,
        "level": case.level.value,
        "state": case.state.value,
        "reason": case.reason,
        "rounds": case.rounds,
        "baseline_runs": case.runs,
        "now_s": case.now_s,
        "before_s": case.before_s,
        "ratio": case.ratio,
        "low": interval.low if interval else None,
        "high": interval.high if interval else None,
        "p": case.p,
        "noise": case.noise,
    }


def _case_as_dict(case: "Case") -> dict[str, Any]:
    interval = case.interval
    return {
        **fields_of(case.model_key),
        "task": case.task,
        "level": case.level.value,
        "state": case.state.value,
        "reason": case.reason,
        "n": case.n,
        "unscored": case.unscored,
        "score": case.score,
        "baseline_score": case.baseline_score,
        "baseline_runs": case.runs,
        "difference": case.difference,
        "low": interval.low if interval else None,
        "high": interval.high if interval else None,
        "interval": interval.method if interval else "",
        "p": case.p,
        "largest_loss": case.largest_loss,
        "can_fail": case.can_fail,
        "lost": list(case.lost),
        "gained": list(case.gained),
        "mean_losses": case.losses if case.is_measured else None,
        "mean_gains": case.gains if case.is_measured else None,
        "left_out": case.left_out,
        "flaky": [asdict(item) for item in case.flaky],
    }
