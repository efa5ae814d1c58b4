"""What is compared: a model, or a model at one of several reasoning levels."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Self

from harness.domain.count import counted

_LEVELS = ("off", "none", "minimal", "low", "medium", "high", "xhigh", "on")


class Candidate(str):
    """The name of what is compared: a model's key, or `key@level` where a run asks the model at several levels.

    It is a text, so that it sorts, prints and is looked up as one. Keys may contain "@" themselves, so the parts are
    never read from the text.

    Attributes:
        key: what LM Studio calls the model.
        level: the reasoning level that it is asked with; None: the run asks the model at one level only.
    """

    __slots__ = ("key", "level")

    key: str
    level: str | None

    def __new__(cls, key: str, level: str | None = None) -> Self:
        """Return the name of a model at a level."""
        name = super().__new__(cls, key if level is None else f"{key}@{level}")
        name.key, name.level = key, level
        return name


def candidate_of(record: object) -> str | None:
    """Return what a record is about: a candidate, or a model by its key; None: no model."""
    key: str | None = getattr(record, "model_key", None)
    level = getattr(record, "reasoning_level", None)
    return key if key is None or level is None else Candidate(key, level)


def key_of(name: str) -> str:
    """Return the key of a candidate's model."""
    return name.key if isinstance(name, Candidate) else name


def level_of(name: str | None) -> str | None:
    """Return the reasoning level of a candidate; None: its run asked the model at one level only."""
    return name.level if isinstance(name, Candidate) else None


def height(level: str | None) -> int:
    """Return a number that sorts levels from the least to the most thought; levels that are not known come last."""
    return _LEVELS.index(level) if level in _LEVELS else len(_LEVELS)


def by_effort(name: str) -> tuple[str, int, str]:
    """Return what sorts candidates by model, and the levels of a model from the least to the most thought."""
    return key_of(name), height(level_of(name)), name


def fields_of(name: str | None) -> dict[str, Any]:
    """Return the fields of a record that say what it is about: a candidate, a model by its key, or None."""
    return {"model_key": name if name is None else key_of(name), "reasoning_level": level_of(name)}


def planned(candidates: Iterable[Candidate]) -> list[dict[str, str]]:
    """Return those of the candidates that are models at one of several levels, as the plan of a run records them."""
    return [{"model_key": name.key, "reasoning_level": name.level} for name in candidates if name.level is not None]


def candidates_of(plan: Mapping[str, Any]) -> Iterator[Candidate]:
    """Yield the candidates of `planned` from the plan of a run."""
    for entry in plan.get("candidates", ()):
        yield Candidate(entry["model_key"], entry["reasoning_level"])


def names_in(plan: Mapping[str, Any]) -> list[str]:
    """Return the candidates that a run planned to ask, from its plan."""
    at_levels = {str(name): name for name in candidates_of(plan)}
    return [at_levels.get(str(name), str(name)) for name in plan.get("models", ())]


def is_planned(entry: Any) -> bool:
    """Tell whether this is an entry of `planned`."""
    names = ("model_key", "reasoning_level")
    return isinstance(entry, dict) and all(isinstance(entry.get(name), str) for name in names)


def candidates_in(names: Collection[str]) -> str:
    """Return how many these are, each level for one: "2 models", or "5 candidates" where levels are among them."""
    return counted(len(names), "model" if all(level_of(name) is None for name in names) else "candidate")


def models_in(names: Iterable[str]) -> str:
    """Return how many models these candidates are, and how many candidates where levels make them more.

    For example "2 models", or "2 models, 5 candidates with their reasoning levels".
    """
    candidates = set(names)
    with_levels = "candidate with its reasoning level", "candidates with their reasoning levels"
    models = counted(len({key_of(name) for name in candidates}), "model")
    if all(level_of(name) is None for name in candidates):
        return models
    return f"{models}, {counted(len(candidates), with_levels[0], several=with_levels[1])}"
