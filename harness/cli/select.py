"""`select`: which model for which work."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from harness.cli.completion import model_keys
from harness.cli.option import connected, note, parsed_as, print_json, print_text, server_options
from harness.selection.need import PREFERENCES, TASK_NEEDS, Preference, demand_for

if TYPE_CHECKING:
    from harness.selection.ranking import Candidate, Ranking


@click.command()
@click.option(
    "--task", "tasks", multiple=True, type=click.Choice(tuple(TASK_NEEDS)), metavar="NEED",
    help=f"What the model is for, repeatable: {', '.join(TASK_NEEDS)}.",
)  # fmt: skip
@click.option("--min-context", type=click.IntRange(1), metavar="N", help="At least so many tokens of context.")
@click.option(
    "--prefer", multiple=True, type=click.Choice(PREFERENCES),
    help="What counts first, repeatable: loaded already, speed (fewest active parameters), reasoning (most "
    "parameters), size (smallest file). Default: loaded, then what the tasks suggest, then size.",
)  # fmt: skip
@click.option("--exclude", multiple=True, metavar="GLOB", shell_complete=model_keys, help="Leave these models out.")
@click.option("--max-size", callback=parsed_as("max_size_bytes"), metavar="SIZE", help="No model larger, such as 20GB.")
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
    as_json: bool,
) -> None:
    """Choose a downloaded model for a piece of work, by what it can do and costs; nothing is loaded.

    Prints the key alone on standard output and the reason on standard error. A model that is loaded with enough
    context comes first, unless --prefer puts something before "loaded". Without any need, that is the smallest loaded
    model, else the smallest one. Which model does the work well is for `lms-harness run` to measure.

    Exit code 1 when none fits: use your primary model.

    \b
    Examples:
      lms-harness select --task vision
      lms-harness select --task longcontext --min-context 65536 --max-size 20GB --json
      lms-harness chat "$(lms-harness select --task classify)" 'Spam or not: you have won!'
    """
    from harness.selection.ranking import rank

    demand = demand_for(
        tasks, min_context_tokens=min_context or 0, prefer=prefer, exclude=exclude, max_size_bytes=max_size
    )
    with connected(url, token) as client:
        ranking = rank(client.models(), demand)
    best = ranking.fitting[0] if ranking.fitting else None
    if as_json:
        print_json(_told(ranking))
    elif best is not None:
        print_text(best.model.key)
        note(f"{best.model.key}: {ranking.reason}")
    if best is None:
        note(f"Use your primary model: {ranking.reason}.")
        for model, because in ranking.left_out:
            note(f"  {model.key} {because}")
        sys.exit(1)


def _told(ranking: "Ranking") -> dict[str, object]:
    best = ranking.fitting[0] if ranking.fitting else None
    return {
        "model": best and best.model.key,
        "instance_id": best.instance.id if best and best.instance else None,
        "use_primary": best is None,
        "reason": ranking.reason,
        "ranking": [_candidate(one) for one in ranking.fitting],
        "left_out": [{"model": model.key, "reason": because} for model, because in ranking.left_out],
    }


def _candidate(one: "Candidate") -> dict[str, object]:
    from harness.selection.selection import parameters

    known = parameters(one.model)
    return {
        "model": one.model.key,
        "instance_id": one.instance.id if one.instance else None,
        "total_parameters": known and int(known[0]),
        "active_parameters": known and int(known[1]),
        "size_bytes": one.model.size_bytes,
        "max_context_length": one.model.max_context_length,
    }
