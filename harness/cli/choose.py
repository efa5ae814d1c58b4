"""`choose`: who takes which task, from what runs have recorded."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from harness.cli.option import FiniteRange, add_options, json_option, parsed_as, parsed_by, results_option
from harness.cli.output import note, note_skipped, print_json, print_text, spinning
from harness.domain.candidate import fields_of
from harness.settings.parser import period

if TYPE_CHECKING:
    from harness.command.choose import Chosen
    from harness.report.answer import TaskAnswer
    from harness.task.task import Task
    from harness.verdict.board import Standing
    from harness.verdict.contender import Rule
    from harness.verdict.task_choice import TaskChoice


_SHARE = FiniteRange(0, 1)
_TIME = FiniteRange(0, min_open=True)
rule_options = add_options(
    [
        click.option(
            "--floor",
            type=_SHARE,
            default=0.8,
            show_default=True,
            help="The mean score that suffices; of an own task, the floor in its definition, unless you set this.",
        ),
        click.option(
            "--margin",
            type=_SHARE,
            default=0.1,
            show_default=True,
            help="With --primary: how much less than the primary's score suffices.",
        ),
        click.option(
            "--confidence",
            type=FiniteRange(0.5, 1, min_open=True, max_open=True),
            default=0.9,
            show_default=True,
            help="How probable it must be that a model suffices.",
        ),
        click.option(
            "--price",
            type=FiniteRange(0),
            default=0.02,
            show_default=True,
            help="Score that you would give up for an answer in half the time.",
        ),
        click.option(
            "--requests-per-load",
            type=click.IntRange(1, 1_000_000_000),
            default=20,
            show_default=True,
            help="Number of requests that share the time of one load.",
        ),
        click.option(
            "--max-p50", "max_p50_s", type=_TIME, metavar="SECONDS", help="Median time of an answer, at most."
        ),
        click.option(
            "--max-ttft", "max_ttft_s", type=_TIME, metavar="SECONDS", help="Time to the first token, at most."
        ),
        click.option("--max-load", "max_load_s", type=_TIME, metavar="SECONDS", help="Time of a load, at most."),
        click.option(
            "--max-size",
            "max_size_bytes",
            callback=parsed_as("max_size_bytes"),
            metavar="SIZE",
            help="Size on disk, at most, such as 20GB.",
        ),
        click.option("--min-context", type=click.IntRange(1), metavar="TOKENS", help="Context length, at least."),
        click.option(
            "--safe",
            "is_safe",
            is_flag=True,
            help="Take only models for which it is proved at 5 % that they suffice, else the largest that suffices.",
        ),
    ]
)
_routing_options = add_options(
    [
        click.option(
            "-o", "--out", metavar="FILE", help="Write the routing file, such as routing.json; - prints it instead."
        ),
        click.option(
            "--valid-for",
            "valid_for_s",
            callback=parsed_by(period),
            default="30d",
            show_default=True,
            metavar="PERIOD",
            help="With -o: how long an answer holds after its oldest run began, such as 30d, 2w or 12h.",
        ),
        click.option(
            "--share-results",
            is_flag=True,
            help="With -o: let other users of this machine read the file, as far as the umask does.",
        ),
    ]
)


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[RUN_FILE...]")
@click.option(
    "--primary",
    metavar="KEY|FILE",
    help="What you use now, whose answers are the yardstick: a model that the runs asked, or a file with its answers "
    "to what `lms-harness tasks --export` wrote.",
)
@rule_options
@click.option("--why", "task", metavar="TASK", help="Show every model's standing on this task.")
@results_option("Folder whose newest comparable run files are read if none are named.")
@_routing_options
@click.option("--details", "is_detailed", is_flag=True, help="Show the tables and verdicts of these runs as well.")
@json_option
def choose(
    files: Sequence[Path],
    primary: str | None,
    task: str | None,
    results: Path,
    *,
    out: str | None,
    valid_for_s: float,
    share_results: bool,
    is_detailed: bool,
    as_json: bool,
    **rule: Any,
) -> None:
    """Say for each task which model to hand it to, and what that risks. No server is needed.

    The answer for a task is a model that suffices with enough confidence; "your primary", where none does; or "open",
    with the best so far and the number of items that would probably settle it. Of the models that suffice it is the one
    with the best score less a price for its time. "none suffices" stands for "your primary" if you named one that has
    no answers to the task, such as a chat model for retrieval. No claim is made beyond that: docs/statistics.md.

    With -o the answers are also written as a routing file, from which `lms-harness route` and your scripts read who
    takes a task.

    \b
    Examples:
      lms-harness choose
      lms-harness choose --floor 0.9 --max-p50 5
      lms-harness choose --primary qwen/qwen3-14b --margin 0.05
      lms-harness choose --primary answers.jsonl
      lms-harness choose --why extract
      lms-harness choose -o routing.json --valid-for 14d
    """
    from harness.command.choose import choose_all
    from harness.report.answer import TaskAnswer
    from harness.verdict.contender import Rule

    wanted = Rule(**rule)
    chosen = choose_all(files, results, wanted, primary=primary, shipped=shipped_tasks, is_floor_set=is_floor_set())
    answers = {found.evidence.task: TaskAnswer.of(found) for found in chosen.tasks}
    if task is not None and task not in answers:
        raise click.UsageError(f"--why: no such task: {task}; expected one of {', '.join(answers)}")
    if not as_json:
        for line in chosen.notes:
            note(line)
        for path, why in chosen.skipped.items():
            note_skipped(path, why)
    if out is not None and _write_routing(out, chosen, wanted, valid_for_s=valid_for_s, is_shared=share_results):
        return
    if as_json:
        print_json(_as_dict(chosen, wanted, only=task))
        return
    _print(chosen, answers, wanted, task=task, is_detailed=is_detailed)


def _print(
    chosen: "Chosen", answers: "Mapping[str, TaskAnswer]", wanted: "Rule", *, task: str | None, is_detailed: bool
) -> None:
    from harness.report.answer import render_answers, render_why
    from harness.report.layout import terminal_width

    width = terminal_width()
    print_text(
        render_why(answers[task], wanted, width=width)
        if task is not None
        else render_answers(list(answers.values()), wanted, width=width)
    )
    if is_detailed:
        from harness.report.table import render
        from harness.store.run_file import RunFile

        for run in chosen.runs:
            print_text(f"\n{run}\n\n{render(RunFile.read(run), width=width)}")
        return
    print_text("\nFrom " + ", ".join(map(str, chosen.runs)))


def is_floor_set() -> bool:
    """Return whether the user set the floor, which then goes before the floors that own tasks have."""
    return click.get_current_context().get_parameter_source("floor") is not ParameterSource.DEFAULT


@cache
def shipped_tasks() -> "dict[str, Task]":
    """Return the shipped tasks by name."""
    from harness.task.catalogue import load_catalogue
    from harness.task.shipped import suites_dir

    with spinning("reading the task classes"):
        return {entry.task.name: entry.task for entry in load_catalogue(suites_dir())}


def _write_routing(out: str, chosen: "Chosen", rule: "Rule", *, valid_for_s: float, is_shared: bool) -> bool:
    """Write the routing file; return whether it was printed instead, so that nothing else is to be."""
    import json

    from harness.clock import SystemClock
    from harness.command.routing import routing_file, stale_tasks
    from harness.report.text import disarmed_json
    from harness.store.whole_file import write_whole

    clock = SystemClock()
    made = routing_file(chosen, rule, valid_for_s=valid_for_s, clock=clock)
    if stale := stale_tasks(made, now=clock.now()):
        note(f"Stale already, as the runs are older than --valid-for: {', '.join(stale)}. Run again.")
    routing = made.model_dump(by_alias=True)
    if out == "-":
        print_json(routing)
        return True
    write_whole(Path(out), disarmed_json(json.dumps(routing, indent=2, allow_nan=False)) + "\n", is_shared=is_shared)
    note(f"Written to {out}")
    return False


def _as_dict(chosen: "Chosen", rule: "Rule", *, only: str | None) -> dict[str, Any]:
    return {
        "rule": {name: getattr(rule, name) for name in rule.__slots__},
        "runs": [str(path) for path in chosen.runs],
        "skipped": chosen.skipped,
        "primary": chosen.primary,
        "notes": list(chosen.notes),
        "tasks": [_task_as_dict(found) for found in chosen.tasks if only in {None, found.evidence.task}],
    }


def _task_as_dict(found: "TaskChoice") -> dict[str, Any]:
    choice = found.choice
    return {
        "task": found.evidence.task,
        "task_class": found.evidence.task_class,
        "answer": choice.answer.value,
        **fields_of(choice.key),
        "is_certified": choice.is_certified,
        "yardstick": choice.yardstick,
        "expected_regret": choice.regret,
        "nothing_much_better": choice.nothing_much_better,
        "loss_to_largest": choice.loss_to_largest,
        "runner_up": choice.runner_up,
        "items_to_settle": choice.needed,
        "is_demonstration": found.evidence.is_demonstration,
        "run_ids": [run.run_id for run in found.evidence.runs],
        "models": [_standing_as_dict(standing) for standing in choice.standings],
    }


def _standing_as_dict(standing: "Standing") -> dict[str, Any]:
    candidate = standing.candidate
    return {
        **fields_of(candidate.key),
        "ways": sorted(candidate.ways),
        "n": candidate.n,
        "lost": candidate.lost,
        "score": candidate.score,
        "suffices": standing.suffices,
        "utility": standing.utility,
        "p50_s": candidate.p50_s,
        "time_noise": candidate.time_noise,
        "as_quick_as": standing.as_quick_as,
        "ttft_s": candidate.ttft_s,
        "load_s": candidate.load_s,
        "load_kind": candidate.basis.load_kind,
        "size_bytes": candidate.size_bytes,
        "refusal": standing.refusal or None,
        "dominated_by": standing.dominated_by,
        "dominated_probability": standing.dominated,
    }
