"""`tasks`: shows what the task classes ask, and what run files reveal about their items."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from harness.cli.completion import task_names
from harness.cli.option import GivenOnce, json_option, results_option
from harness.cli.output import note, print_json, print_text, spinning
from harness.cli.own_task import begin_task, check_tasks
from harness.domain.count import counted

if TYPE_CHECKING:
    from harness.stats.item import Item
    from harness.store.run_file import RunFile
    from harness.task.catalogue import Portrait
    from harness.task.task import Task


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[RUN_FILE...]")
@click.option(
    "--task",
    "names",
    multiple=True,
    metavar="TASK",
    shell_complete=task_names,
    help="Only this task class, repeatable.",
)
@click.option(
    "--tasks",
    "own",
    cls=GivenOnce,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="List your own tasks in this folder instead.",
)
@click.option(
    "--new",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Begin an own task in this folder, with guesses from --from.",
)
@click.option("--from", "data", type=click.Path(path_type=Path), metavar="DATA", help="With --new: your rows.")
@click.option(
    "--check",
    cls=GivenOnce,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Check the own tasks in this folder; asks nothing.",
)
@click.option(
    "--n", "count", type=click.IntRange(1), default=60, show_default=True, help="Number of items to generate."
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of the generated items.")
@results_option("Folder whose run files are read if none are named.")
@click.option(
    "--export",
    metavar="FILE",
    help="Write the items to this new file (JSONL), for a model elsewhere to answer; - prints them.",
)
@json_option
def tasks(
    files: Sequence[Path],
    names: Sequence[str],
    count: int,
    seed: int,
    results: Path,
    *,
    own: Path | None,
    new: Path | None,
    data: Path | None,
    check: Path | None,
    export: str | None,
    as_json: bool,
) -> None:
    """List the task classes: number and length of items, and what chance and the reference solution score.

    With run files, also show each item's difficulty and discrimination over the models in them. An item that every
    model passes or fails says nothing about the difference of two models; such items are named. No server is needed.

    Your own tasks need no Python (docs/own-tasks.md): --new begins one from a CSV, JSONL, JSON or TSV file, --check
    says what is wrong with it, what chance scores, and how many rows an answer is likely to take; --tasks lists them.

    With --export, only the items are written, a line each: id, task, system prompt, earlier turns, prompt. Have them
    answered elsewhere, put {"id": ..., "answer": ...} on a line for each, and `lms-harness choose --primary FILE` takes
    those answers as the yardstick.

    \b
    Examples:
      lms-harness tasks
      lms-harness tasks --task extract --n 300 --seed 7
      lms-harness tasks results/*.jsonl --json
      lms-harness tasks --task extract --n 30 --export items.jsonl
      lms-harness tasks --new my-tasks --from tickets.csv
      lms-harness tasks --check my-tasks
    """
    others = {"--tasks": own, "--task": names or None, "--export": export, "RUN_FILE": files or None}
    given = {"--new": new, "--check": check, **others}
    if (new or check) and (several := [name for name, value in given.items() if value is not None])[1:]:
        raise click.UsageError(f"{several[0]} and {several[1]} cannot be used together")
    if data is not None and new is None:
        raise click.UsageError("--from is for --new DIR, which is missing")
    if new is not None:
        begin_task(new, data, as_json=as_json)
    elif check is not None:
        check_tasks(check, as_json=as_json)
    else:
        _list(files, names, _Part(seed, count), results, own=own, export=export, as_json=as_json)


def _list(
    files: Sequence[Path],
    names: Sequence[str],
    part: "_Part",
    results: Path,
    *,
    own: Path | None,
    export: str | None,
    as_json: bool,
) -> None:
    """Print the tasks, or write their items."""
    from harness.verdict.difficulty import item_difficulty

    found = _own_tasks(own) if own is not None else _shipped_tasks()
    known = [listed.task.name for listed in found]
    if missing := sorted(set(names) - set(known)):
        raise click.UsageError(f"--task: no such class: {', '.join(missing)}; expected one of {', '.join(known)}")
    wanted = [listed for listed in found if not names or listed.task.name in names]
    if export is not None:
        if files:
            raise click.UsageError("--export writes what the tasks ask, and needs no run files")
        # A primary is a chat model: it has no vectors to answer with.
        chats = [listed.task for listed in wanted if not listed.task.needs.embedding]
        if not chats:
            raise click.UsageError(f"--export writes what a chat model is asked: {', '.join(names)} needs vectors")
        _export(chats, export, part, as_json=as_json)
        return
    portraits = []
    for listed in wanted:
        with spinning(f"measuring {listed.task.name}"):
            portraits.append(listed.portray(seed=part.seed, n=part.n))
    read: list[Path] = []
    skipped: dict[str, str] = {}
    difficulty = item_difficulty(_runs(files, results, read=read, skipped=skipped))
    shown = names or (known if own is not None else ())
    items = {task: difficulties for task, difficulties in difficulty.items() if not shown or task in shown}
    if as_json:
        print_json(
            {
                "tasks": [_portrait_as_dict(portrait) for portrait in portraits],
                "items": {task: _items_as_list(difficulties) for task, difficulties in items.items()},
                "skipped": skipped,
            }
        )
        return
    _print(portraits, items, read=read, skipped=skipped, is_own=own is not None)


class _Part(NamedTuple):
    """Which items are generated."""

    seed: int
    n: int


class _Listed(NamedTuple):
    """A task, and what portrays it."""

    task: "Task"
    portray: "Callable[..., Portrait]"


def _shipped_tasks() -> list[_Listed]:
    from harness.task.catalogue import load_catalogue, portray
    from harness.task.shipped import suites_dir

    with spinning("reading the task classes"):
        return [_Listed(entry.task, partial(portray, entry)) for entry in load_catalogue(suites_dir())]


def _own_tasks(path: Path) -> list[_Listed]:
    from harness.own_task.own_task import load_own_tasks
    from harness.own_task.portrait import portray_own

    with spinning("reading the rows"):
        return [_Listed(own.task, partial(portray_own, own)) for own in load_own_tasks(path)]


def _print(
    portraits: "Sequence[Portrait]",
    items: "Mapping[str, Sequence[Item]]",
    *,
    read: Sequence[Path],
    skipped: Mapping[str, str],
    is_own: bool,
) -> None:
    from harness.report.catalogue import render_items, render_portraits
    from harness.report.layout import paragraph, terminal_width

    width = terminal_width()
    print_text(render_portraits(portraits, width=width, is_own=is_own))
    if items:
        print_text(f"\nFrom {counted(len(read), 'run file')}:\n")
        print_text(render_items(items, width=width))
    else:
        missing_samples = "Difficulty and discrimination need samples, and no run file has samples of these classes."
        print_text(f"\n{paragraph(missing_samples, width)}")
    for name, reason in skipped.items():
        print_text(f"\n{paragraph(f'Skipped: {name}: {reason}', width, indent=2)}")


def _export(tasks: "Sequence[Task]", target: str, part: _Part, *, as_json: bool) -> None:
    from harness.command.primary import export_items
    from harness.store.writer import write_json_lines

    items = list(export_items(tasks, seed=part.seed, n=part.n))
    if target == "-":
        for item in items:
            print_json(item)
        return
    write_json_lines(Path(target), items)
    if as_json:
        print_json({"items": len(items), "tasks": [task.name for task in tasks], "written": target})
    else:
        note(f"{counted(len(items), 'item')} of {counted(len(tasks), 'task')} written to {target}")


def _runs(files: Sequence[Path], results: Path, *, read: list[Path], skipped: dict[str, str]) -> "Iterator[RunFile]":
    """Yield the runs that were named, else those of the folder; note in `read` and `skipped` what became of each file.

    Raises:
        StoreError: a file that was named is not a run file, or is damaged.
    """
    from harness.errors import StoreError
    from harness.store.run_folder import run_paths, whole_runs

    def skip(path: Path, reason: str, *, is_damaged: bool) -> None:
        if files and is_damaged:
            raise StoreError(reason, hint="Name run files, or none to read those of the results folder.")
        skipped[str(path)] = reason

    for run in whole_runs(files or run_paths(results), on_skip=skip):
        read.append(run.path)
        yield run


def _portrait_as_dict(portrait: "Portrait") -> dict[str, Any]:
    task = portrait.entry.task
    return {
        "task": task.name,
        "task_class": task.task_class,
        "description": task.description,
        "scorer": task.scorer.name,
        "scorer_version": task.scorer.version,
        "items": portrait.n,
        "distinct_items": portrait.distinct,
        "tiers": {str(tier): count for tier, count in portrait.tiers.items()},
        "strata": portrait.strata,
        "prompt_tokens_estimate": {"median": portrait.prompt_tokens[0], "most": portrait.prompt_tokens[1]},
        "max_output_tokens": task.max_output_tokens,
        "chance": portrait.chance,
        "reference_score": portrait.reference,
        "best_lazy_answer": {"name": portrait.best_lazy[0], "score": portrait.best_lazy[1]},
    }


def _items_as_list(items: "Sequence[Item]") -> list[dict[str, Any]]:
    return [
        {
            "item_id": item.item_id,
            "models": item.n,
            "difficulty": item.difficulty,
            "discrimination": item.discrimination,
        }
        for item in items
    ]
