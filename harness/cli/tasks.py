"""`tasks`: what the task classes ask, and what run files tell about their items."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.option import print_json

if TYPE_CHECKING:
    from harness.stats.item import Item
    from harness.store.run_file import RunFile
    from harness.task.catalogue import Portrait


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[RUN_FILE...]")
@click.option("--task", "names", multiple=True, metavar="TASK", help="Only this class, repeatable.")
@click.option("--n", "count", type=click.IntRange(1), default=120, show_default=True, help="Items to look at.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Which items are generated.")
@click.option(
    "--results", type=click.Path(path_type=Path), default=Path("results"), show_default=True, metavar="DIR",
    help="Folder whose run files are read where none are named.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def tasks(files: Sequence[Path], names: Sequence[str], count: int, seed: int, results: Path, *, as_json: bool) -> None:
    """List the task classes: how many items, how long, what chance and the reference solution score.

    With run files, each item's difficulty and discrimination over the models in them too; items that everybody passes
    or fails tell nothing about the difference of two models, and are named. No server is needed.

    \b
    Examples:
      lms-harness tasks
      lms-harness tasks --task extract --n 300 --seed 7
      lms-harness tasks results/*.jsonl --json
    """
    from harness.cli.run import suites_dir
    from harness.report.catalogue import render_items, render_portraits
    from harness.report.layout import paragraph, terminal_width
    from harness.report.text import printable
    from harness.task.catalogue import load_catalogue, portray
    from harness.verdict.difficulty import item_difficulty

    catalogue = load_catalogue(suites_dir())
    known = [entry.task.name for entry in catalogue]
    if missing := sorted(set(names) - set(known)):
        raise click.UsageError(f"--task: no such class: {', '.join(missing)}; there are: {', '.join(known)}")
    portraits = [portray(one, seed=seed, n=count) for one in catalogue if not names or one.task.name in names]
    read: list[Path] = []
    skipped: dict[str, str] = {}
    difficulty = item_difficulty(_runs(files, results, read=read, skipped=skipped))
    items = {task: found for task, found in difficulty.items() if not names or task in names}
    if as_json:
        shown_items = {task: _shown(found) for task, found in items.items()}
        print_json({"tasks": [_told(one) for one in portraits], "items": shown_items, "skipped": skipped})
        return
    width = terminal_width()
    click.echo(render_portraits(portraits, width=width))
    if items:
        click.echo(f"\nFrom {len(read)} run file{'s' * (len(read) != 1)}:\n")
        click.echo(render_items(items, width=width))
    else:
        told = "No run file has samples of these classes: difficulty and discrimination of items need some."
        click.echo(f"\n{paragraph(told, width)}")
    for name, reason in skipped.items():
        click.echo(f"\n{paragraph(printable(f'Skipped: {name}: {reason}'), width, indent=2)}")


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


def _told(one: "Portrait") -> dict[str, Any]:
    task = one.entry.task
    return {
        "task": task.name,
        "task_class": task.task_class,
        "description": task.description,
        "scorer": task.scorer.name,
        "scorer_version": task.scorer.version,
        "items": one.n,
        "distinct_items": one.distinct,
        "tiers": {str(tier): count for tier, count in one.tiers.items()},
        "clusters": one.clusters,
        "prompt_tokens_estimate": {"median": one.prompt_tokens[0], "most": one.prompt_tokens[1]},
        "max_output_tokens": task.max_output_tokens,
        "chance": one.chance,
        "reference_score": one.reference,
        "best_lazy_answer": {"name": one.best_lazy[0], "score": one.best_lazy[1]},
    }


def _shown(items: "Sequence[Item]") -> list[dict[str, Any]]:
    return [
        {"item_id": one.item_id, "models": one.n, "difficulty": one.difficulty, "discrimination": one.discrimination}
        for one in items
    ]
