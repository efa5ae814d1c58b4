"""`select`: chooses a model for a piece of work from the listing, and from what was measured."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.completion import model_keys
from harness.cli.connection import connected
from harness.cli.option import parsed_as, server_options
from harness.cli.output import note, print_json, print_text
from harness.selection.need import PREFERENCES, TASK_NEEDS, Preference, demand_for

if TYPE_CHECKING:
    from harness.selection.ranking import Candidate, Ranking
    from harness.store.routing import Route


@click.command()
@click.option(
    "--task",
    "tasks",
    multiple=True,
    type=click.Choice(tuple(TASK_NEEDS)),
    metavar="NEED",
    help=f"What the model is for, repeatable: {', '.join(TASK_NEEDS)}.",
)
@click.option(
    "--min-context", type=click.IntRange(1), metavar="N", help="The least context that the model must have, in tokens."
)
@click.option(
    "--prefer",
    multiple=True,
    type=click.Choice(PREFERENCES),
    help="What matters most, repeatable: loaded already, speed (fewest active parameters), reasoning (most "
    "parameters), size (smallest file). Default: loaded, then what the tasks suggest, then size.",
)
@click.option(
    "--exclude", multiple=True, metavar="GLOB", shell_complete=model_keys, help="Leave out these models, repeatable."
)
@click.option(
    "--max-size",
    callback=parsed_as("max_size_bytes"),
    metavar="SIZE",
    help="Leave out models larger than this, such as 20GB.",
)
@click.option(
    "--evidence",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Routing file (`lms-harness choose -o`): its answers for the tasks come before the other rules, which break "
    "ties.",
)
@server_options
def select(
    tasks: Sequence[str],
    url: str,
    token: str,
    *,
    min_context: int | None,
    prefer: Sequence[Preference],
    exclude: Sequence[str],
    max_size: int | None,
    evidence: Path | None,
    as_json: bool,
) -> None:
    """Choose a downloaded model for a piece of work by its abilities and its cost; nothing is loaded.

    Prints only the key on standard output, and the reason on standard error. A model that is loaded with enough
    context comes first, unless --prefer puts something before "loaded"; for tools, one that is trained for them, as
    the others get the functions in their prompt. If no need is given, the smallest loaded model
    is chosen, else the smallest one. How well a model does the work is for `lms-harness run` to measure; with
    --evidence, models that were measured to suffice for the tasks (for those in the file, if none is named) come first,
    and models that were rejected last.

    Exit code 1: no model fits; use your primary model.

    \b
    Examples:
      lms-harness select --task vision
      lms-harness select --task extract --evidence routing.json
      lms-harness select --task longcontext --min-context 65536 --max-size 20GB --json
      lms-harness chat "$(lms-harness select --task classify)" 'Spam or not: you have won!'
    """
    from harness.command.route import levels_for, standing
    from harness.selection.ranking import rank

    demand = demand_for(
        tasks, min_context_tokens=min_context or 0, prefer=prefer, exclude=exclude, max_size_bytes=max_size
    )
    routes = None if evidence is None else _routes(evidence, tasks)
    with connected(url, token) as client:
        listing = client.models()
    ranking = rank(listing, demand, evidence=None if not routes else lambda model: standing(model, routes))
    best = ranking.fitting[0] if ranking.fitting else None
    if as_json:
        print_json(_as_dict(ranking, routes))
    elif best is not None:
        print_text(best.model.key)
        note(f"{best.model.key}: {ranking.reason}")
        for task, level in levels_for(best.model, routes or ()).items():
            note(f"It was measured to suffice for {task} with the reasoning level {level}.")
    if best is None:
        note(f"Use your primary model: {ranking.reason}.")
        for model, because in ranking.left_out:
            note(f"  {model.key} {because}")
        sys.exit(1)


def _routes(path: Path, tasks: Sequence[str]) -> "list[Route]":
    from harness.clock import SystemClock
    from harness.command.route import current_routes

    routes, missing = current_routes(path, tasks, now=SystemClock().now())
    if missing:
        note(f"{path} has no current answer for {', '.join(missing)}: the other rules alone rank models for these.")
    return routes


def _as_dict(ranking: "Ranking", routes: "Sequence[Route] | None") -> dict[str, object]:
    best = ranking.fitting[0] if ranking.fitting else None
    return {
        "model": best and best.model.key,
        "instance_id": best.instance.id if best and best.instance else None,
        "use_primary": best is None,
        "reason": ranking.reason,
        "evidence": None if routes is None else [route.task for route in routes],
        "ranking": [_candidate(candidate, routes) for candidate in ranking.fitting],
        "left_out": [{"model": model.key, "reason": because} for model, because in ranking.left_out],
    }


def _candidate(candidate: "Candidate", routes: "Sequence[Route] | None") -> dict[str, object]:
    from harness.command.route import levels_for, suffices_for
    from harness.selection.selection import parameters

    known = parameters(candidate.model)
    return {
        "model": candidate.model.key,
        "instance_id": candidate.instance.id if candidate.instance else None,
        "total_parameters": known and int(known[0]),
        "active_parameters": known and int(known[1]),
        "size_bytes": candidate.model.size_bytes,
        "max_context_length": candidate.model.max_context_length,
        "suffices_for": None if routes is None else suffices_for(candidate.model, routes),
        "reasoning_levels": None if routes is None else levels_for(candidate.model, routes),
    }
