"""`route`: the key of the model that takes a task, for scripts."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.option import server_options
from harness.cli.output import note, print_json, print_text

if TYPE_CHECKING:
    from harness.command.route import Taker
    from harness.store.routing import Route

_PRIMARY, _OPEN = 1, 8


@click.command()
@click.argument("file", type=click.Path(path_type=Path), default=Path("routing.json"), metavar="[FILE]")
@click.option("--task", required=True, metavar="TASK", help="Name of the task.")
@click.option(
    "--loaded",
    is_flag=True,
    help="Ask the server, and prefer a model that is loaded among those that suffice. Only then is a server needed.",
)
@server_options
def route(file: Path, task: str, url: str, token: str, *, loaded: bool, as_json: bool) -> None:
    """Print the key of the model that takes a task, from a routing file (`lms-harness choose -o routing.json`).

    Only the key goes to standard output; if there is none, standard error says why. Where the runs compared reasoning
    levels (`lms-harness run --reasoning off,high`), a tab and the level follow the key; --json has both as fields.

    Exit codes: 0 a model takes it; 1 keep your primary: no local model suffices; 8 open: no model is sure to do it well
    enough; 9 the routing file is missing, does not know the task, or its answer is stale.

    \b
    Examples:
      lms-harness route --task extract
      lms-harness route --task extract --loaded
      lms-harness chat "$(lms-harness route --task extract)" 'List the names in: ...'
      IFS=$'\\t' read -r key level < <(lms-harness route --task reason)
      lms-harness chat "$key" ${level:+--reasoning "$level"} 'How many ...?'
    """
    from harness.clock import SystemClock
    from harness.command.route import Taker, current_route, loaded_first

    found = current_route(file, task, now=SystemClock().now())
    taker = None
    if found.suffices and loaded:
        from harness.cli.connection import connected

        with connected(url, token) as client:
            taker = loaded_first(found, client.models())
    elif found.suffices:
        taker = Taker(key=found.suffices[0].key, level=found.suffices[0].level)
    code = 0 if taker else _PRIMARY if found.answer == "primary" else _OPEN
    if as_json:
        print_json(_as_dict(found, taker, code))
    elif taker is not None:
        print_text("\t".join(filter(None, (taker.key, taker.level))))
    if taker is None:
        note(_why(found))
    if found.is_demonstration:
        note("The embedded default models are a demonstration; do not choose among them.")
    sys.exit(code)


def _why(found: "Route") -> str:
    best = f"; the best is {found.best_so_far}" if found.best_so_far else ""
    if found.answer == "primary":
        return f"{found.task}: keep what you use now, your primary: no local model suffices{best}."
    more = f" About {found.items_to_settle} items in all would probably settle it." if found.items_to_settle else ""
    return f"{found.task}: open: no model is sure to do it well enough{best}.{more}"


def _as_dict(found: "Route", taker: "Taker | None", code: int) -> dict[str, object]:
    return {
        "task": found.task,
        "answer": found.answer,
        "model_key": taker.key if taker else None,
        "reasoning_level": taker.level if taker else None,
        "instance_id": taker.instance.id if taker and taker.instance else None,
        "suffices": [model.name for model in found.suffices],
        "best_so_far": found.best_so_far,
        "items_to_settle": found.items_to_settle,
        "valid_until": found.valid_until.isoformat(),
        "is_demonstration": found.is_demonstration,
        "exit_code": code,
    }
