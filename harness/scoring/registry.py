"""The scorers by name."""

from collections.abc import Callable
from importlib import import_module

from harness.domain.score import Scorer
from harness.errors import TaskError

_HOMES = {
    "by_kind": ("by_kind", "ByKind"),
    "choice": ("choice", "Choice"),
    "choices": ("choice", "Choices"),
    "clinc150": ("clinc150", "Clinc150"),
    "constraints": ("constraint", "Constraints"),
    "exact": ("exact", "Exact"),
    "facts": ("fact", "Facts"),
    "fields": ("fields", "Fields"),
    "findings": ("finding", "Findings"),
    "gsm8k": ("gsm8k", "Gsm8k"),
    "ideas": ("distinct", "Ideas"),
    "ifeval": ("ifeval_row", "IfEval"),
    "json_schema": ("schema", "Schema"),
    "labels": ("labels", "Labels"),
    "nearest": ("similarity", "Nearest"),
    "normalised": ("exact", "Normalised"),
    "number": ("number", "Number"),
    "pairs": ("similarity", "Pairs"),
    "ranking": ("similarity", "Ranking"),
    "rouge_l": ("overlap", "RougeL"),
    "token_f1": ("overlap", "TokenF1"),
    "tool_calls": ("tool_calls", "ToolCalls"),
}
_FORMS = ("constraints_all", "constraints_all_loose", "constraints_loose", "fields_loose")
_ADDED: dict[str, Callable[[], Scorer]] = {}


def scorer_names() -> list[str]:
    """Return the names of all scorers, sorted."""
    return sorted({*_HOMES, *_FORMS, *_ADDED})


def make_scorer(name: str) -> Scorer:
    """Return the scorer of this name.

    Raises:
        TaskError: no scorer has this name.
    """
    if name in _ADDED:
        return _ADDED[name]()
    if name == "fields_loose":
        from harness.scoring.fields import Fields

        return Fields(is_loose=True)
    if name in _FORMS:
        from harness.scoring.constraint import Constraints

        return Constraints(is_loose=name.endswith("_loose"), needs_all="_all" in name)
    if name not in _HOMES:
        raise TaskError(f"no scorer is called {name!r}", hint=f"Choose one of {', '.join(scorer_names())}.")
    module, kind = _HOMES[name]
    scorer: Scorer = getattr(import_module(f"harness.scoring.{module}"), kind)()
    return scorer


def add_scorer(factory: Callable[[], Scorer]) -> None:
    """Add a scorer, so that its name can be used wherever a scorer is named.

    Raises:
        TaskError: another scorer has this name.
    """
    name = factory().name
    if name in scorer_names():
        raise TaskError(f"a scorer called {name!r} exists already", hint="Give yours another name.")
    _ADDED[name] = factory
