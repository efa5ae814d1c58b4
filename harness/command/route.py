"""Who takes a task now: what the routing file says, if it is still current, and what the server has loaded.

Scripts ask before each piece of work, so this imports neither pydantic nor httpx.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import EvidenceMissing
from harness.store.routing import Route, RoutedKey, read_routing

if TYPE_CHECKING:
    from harness.domain.model import Instance, Model

_SHOWN = 20
_AGAIN = "Measure again: lms-harness run, then lms-harness choose -o {path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Taker:
    """The model that takes a task.

    Attributes:
        key: of the model.
        level: the reasoning level to ask it with; None: none was chosen among several.
        instance: a loaded copy of it, if the server was asked and has one.
    """

    key: str
    level: str | None = None
    instance: "Instance | None" = None


def current_route(path: Path, task: str, *, now: datetime) -> Route:
    """Return the route of a task.

    Raises:
        EvidenceMissing: there is no such file, it does not know the task, or its answer is stale.
        StoreError: it cannot be read, or is not a routing file.
    """
    routes = read_routing(path)
    if task not in routes:
        known = ", ".join(sorted(routes)[:_SHOWN]) or "none"
        raise EvidenceMissing(f"{path} does not know the task {task!r}", hint=f"Its tasks are: {known}.")
    route = routes[task]
    if route.valid_until <= now:
        raise EvidenceMissing(
            f"the answer for {task} is stale: it was valid until {route.valid_until:%Y-%m-%d %H:%M} UTC",
            hint=_AGAIN.format(path=path),
        )
    return route


def loaded_first(route: Route, listing: "Sequence[Model]") -> Taker:
    """Return the first model that is loaded among those that suffice, else the first that is downloaded.

    A model whose file is not the one that was measured counts as another model.

    Raises:
        EvidenceMissing: none of them is downloaded as it was measured.
    """
    by_key = {model.key.lower(): model for model in listing}
    there = [
        (model, routed.level)
        for routed in route.suffices
        if (model := by_key.get(routed.key.lower())) is not None and is_measured(routed, model)
    ]
    if not there:
        raise EvidenceMissing(
            f"{route.task}: none of the models that suffice is on the server as it was measured: "
            + ", ".join(routed.key for routed in route.suffices[:_SHOWN]),
            hint="Download it, or select the variant that was measured; or measure what there is now.",
        )
    best, level = next((found for found in there if found[0].is_loaded), there[0])
    return Taker(key=best.key, level=level, instance=next(iter(best.loaded_instances), None))


def current_routes(path: Path, tasks: Sequence[str], *, now: datetime) -> tuple[list[Route], list[str]]:
    """Return the routes of these tasks that are current, and the names of the tasks that have none.

    Args:
        path: of the routing file.
        tasks: their names; empty: all in the file.
        now: what is valid until then is stale.

    Raises:
        EvidenceMissing: there is no such file.
        StoreError: it cannot be read, or is not a routing file.
    """
    routes = read_routing(path)
    wanted = tuple(dict.fromkeys(tasks or routes))
    current = {task: routes[task] for task in wanted if task in routes and routes[task].valid_until > now}
    return list(current.values()), [task for task in wanted if task not in current]


def suffices_for(model: "Model", routes: Sequence[Route]) -> list[str]:
    """Return the tasks for which the model suffices, as it was measured."""
    return [route.task for route in routes if _place(model, route) is not None]


def levels_for(model: "Model", routes: Sequence[Route]) -> dict[str, str]:
    """Return the reasoning level at which the model suffices for each task, the preferred one; none: not measured."""
    found = {route.task: route.suffices[place].level for route in routes if (place := _place(model, route)) is not None}
    return {task: level for task, level in found.items() if level is not None}


def standing(model: "Model", routes: Sequence[Route]) -> tuple[int, int, int]:
    """Return a sort key, the least is best: suffices for most tasks, was rejected for fewest, is preferred most."""
    places = [place for route in routes if (place := _place(model, route)) is not None]
    # A model may be rejected at one reasoning level, and suffice at another.
    rejected = sum(
        model.key.lower() in {key.lower() for key in route.rejected} and _place(model, route) is None
        for route in routes
    )
    return -len(places), rejected, sum(places)


def _place(model: "Model", route: Route) -> int | None:
    """Return the model's place among those that suffice, from 0; None: it is not among them."""
    for place, routed in enumerate(route.suffices):
        if routed.key.lower() == model.key.lower() and is_measured(routed, model):
            return place
    return None


def is_measured(routed: RoutedKey, model: "Model") -> bool:
    """Return whether the model's file is the one that was measured, as far as both sides say."""
    quantisation = model.quantization.name if model.quantization else None
    pairs = (
        (routed.variant, model.selected_variant),
        (routed.quantisation, quantisation),
        (routed.size_bytes or None, model.size_bytes or None),
    )
    return all(measured is None or listed is None or measured == listed for measured, listed in pairs)
