"""Decide, with evidence, which tasks can be handed to which local model.

The public names are loaded on first use (PEP 562): importing `harness` costs nothing but this file.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.client.http import Client, Deadlines
    from harness.client.openai import OpenAIChatRequest
    from harness.client.stream import StreamEvent
    from harness.domain.generation import ChatRequest, Generation, Image, Outcome
    from harness.domain.model import Instance, LoadConfig, Model
    from harness.domain.sample import Sample
    from harness.domain.score import Score, Scorer
    from harness.errors import ApiError, HarnessError, LeaseError, LoadFailed, ModelNotFound, NotAuthorised
    from harness.lifecycle.lease import Lease
    from harness.lifecycle.leases import Leases
    from harness.run.plan.plan import load_config
    from harness.run.run import LeasedModel, Run, RunTask
    from harness.run.slot import run_concurrently
    from harness.scoring.by_kind import ByKind
    from harness.scoring.choice import Choice, Choices
    from harness.scoring.constraint import Constraints
    from harness.scoring.distinct import Ideas
    from harness.scoring.exact import Exact, Normalised
    from harness.scoring.fact import Facts
    from harness.scoring.fields import Fields
    from harness.scoring.finding import Findings
    from harness.scoring.labels import Labels
    from harness.scoring.number import Number
    from harness.scoring.overlap import RougeL, TokenF1
    from harness.scoring.registry import add_scorer, make_scorer
    from harness.scoring.schema import Schema
    from harness.settings import Settings
    from harness.stats.latency import tpot_s
    from harness.task.dice import Dice
    from harness.task.task import Needs, Task
    from harness.task.tier import Draft, Tiers

__all__ = [
    "ApiError",
    "ByKind",
    "ChatRequest",
    "Choice",
    "Choices",
    "Client",
    "Constraints",
    "Deadlines",
    "Dice",
    "Draft",
    "Exact",
    "Facts",
    "Fields",
    "Findings",
    "Generation",
    "HarnessError",
    "Ideas",
    "Image",
    "Instance",
    "Labels",
    "Lease",
    "LeaseError",
    "LeasedModel",
    "Leases",
    "LoadConfig",
    "LoadFailed",
    "Model",
    "ModelNotFound",
    "Needs",
    "Normalised",
    "NotAuthorised",
    "Number",
    "OpenAIChatRequest",
    "Outcome",
    "RougeL",
    "Run",
    "RunTask",
    "Sample",
    "Schema",
    "Score",
    "Scorer",
    "Settings",
    "StreamEvent",
    "Task",
    "Tiers",
    "TokenF1",
    "add_scorer",
    "load_config",
    "make_scorer",
    "run_concurrently",
    "tpot_s",
]

_HOMES = {
    "client.http": ("Client", "Deadlines"),
    "client.openai": ("OpenAIChatRequest",),
    "client.stream": ("StreamEvent",),
    "domain.generation": ("ChatRequest", "Generation", "Image", "Outcome"),
    "domain.model": ("Instance", "LoadConfig", "Model"),
    "domain.sample": ("Sample",),
    "domain.score": ("Score", "Scorer"),
    "errors": ("ApiError", "HarnessError", "LeaseError", "LoadFailed", "ModelNotFound", "NotAuthorised"),
    "lifecycle.lease": ("Lease",),
    "lifecycle.leases": ("Leases",),
    "run.plan.plan": ("load_config",),
    "run.run": ("Run", "RunTask", "LeasedModel"),
    "run.slot": ("run_concurrently",),
    "scoring.by_kind": ("ByKind",),
    "scoring.choice": ("Choice", "Choices"),
    "scoring.constraint": ("Constraints",),
    "scoring.distinct": ("Ideas",),
    "scoring.exact": ("Exact", "Normalised"),
    "scoring.fact": ("Facts",),
    "scoring.fields": ("Fields",),
    "scoring.finding": ("Findings",),
    "scoring.labels": ("Labels",),
    "scoring.number": ("Number",),
    "scoring.overlap": ("RougeL", "TokenF1"),
    "scoring.registry": ("add_scorer", "make_scorer"),
    "scoring.schema": ("Schema",),
    "settings": ("Settings",),
    "stats.latency": ("tpot_s",),
    "task.dice": ("Dice",),
    "task.task": ("Needs", "Task"),
    "task.tier": ("Draft", "Tiers"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import the module that a public name lives in."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    """Return the public names."""
    return __all__
