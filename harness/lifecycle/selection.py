"""Which models a run uses, in which order, and why."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from harness.domain.model import Model
from harness.errors import ModelNotFound, SettingsError

_PARAMS = re.compile(r"(?i)^\s*([\d.]+)\s*([bm])(?:-a([\d.]+)\s*([bm]))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The chosen models, cheapest first, and the reason in words."""

    models: tuple[Model, ...]
    reason: str


def parameters(model: Model) -> tuple[float, float] | None:
    """Return (total, active) parameters, or None where the listing does not tell: "26B-A4B" -> (26e9, 4e9)."""
    match = _PARAMS.match(model.params_string or "")
    if not match:
        return None
    total = _count(match[1], match[2])
    return total, _count(match[3], match[4]) if match[3] else total


def _count(number: str, unit: str) -> float:
    return float(number) * (1e9 if unit in "bB" else 1e6)


def cost(model: Model) -> tuple[float, int, str]:
    """Return the order "cheapest first": active parameters where known (they decide the speed), then size on disk."""
    known = parameters(model)
    # 4 bits a weight is the usual quantisation: it puts models of unknown parameter count about where they belong.
    active = known[1] if known else model.size_bytes * 2.0
    return active, model.size_bytes, model.key


def select_models(
    listing: Sequence[Model],
    *,
    patterns: Sequence[str] = (),
    exclude: Sequence[str] = (),
    max_size_bytes: int | None = None,
) -> Selection:
    """Return the chat models to use, cheapest first.

    Without patterns: those that are loaded, else the smallest one. A pattern is a key (in any case, as LM Studio takes
    it), a glob over keys, or `all`.

    Raises:
        ModelNotFound: a pattern names no chat model; the hint has the nearest keys.
        SettingsError: nothing is left after exclusion, or there are no chat models at all.
    """
    chat = [model for model in listing if model.is_chat]
    if not chat:
        raise SettingsError(
            f"the server lists {len(listing)} models, but none that can chat",
            hint="Download one in LM Studio, or with `lms get NAME`.",
        )
    fitting = [model for model in chat if not _is_left_out(model, exclude, max_size_bytes)]
    if patterns:
        chosen = {model.key: model for pattern in patterns for model in _matching(pattern, chat)}
        models = [model for model in fitting if model.key in chosen]
        reason = "named by " + ", ".join(patterns)
    elif loaded := [model for model in fitting if model.is_loaded]:
        models, reason = loaded, "loaded already"
    else:
        models = sorted(fitting, key=lambda model: (model.size_bytes, model.key))[:1]
        reason = "nothing is loaded, so the smallest one; name others with --lms-model, or all"
    if not models:
        raise SettingsError(
            f"no model is left of {len(chat)} after exclusion", hint="Check --lms-exclude and --lms-max-size."
        )
    return Selection(models=tuple(sorted(models, key=cost)), reason=reason)


def find_model(listing: Sequence[Model], key: str) -> Model:
    """Return the model with this key (case does not matter, as at the server).

    Raises:
        ModelNotFound: there is none; the hint has the nearest keys.
    """
    for model in listing:
        if model.key.lower() == key.lower():
            return model
    raise ModelNotFound(f"no downloaded model has the key {key!r}", hint=nearest_hint(listing, key))


def nearest_hint(listing: Sequence[Model], key: str) -> str:
    """Return a line that names the keys nearest to a mistyped one."""
    from rapidfuzz import fuzz, process

    keys = [model.key for model in listing]
    if not keys:
        return "The server has no models at all: download one in LM Studio, or with `lms get NAME`."
    near = process.extract(key.lower(), keys, scorer=fuzz.WRatio, limit=3, score_cutoff=50, processor=str.lower)
    if near:
        return "Did you mean " + " or ".join(name for name, _, _ in near) + "? `lms-harness models` lists all."
    return f"`lms-harness models` lists the {len(keys)} that there are."


def _matching(pattern: str, chat: Sequence[Model]) -> Sequence[Model]:
    if pattern == "all":
        return chat
    matching = [model for model in chat if fnmatchcase(model.key.lower(), pattern.lower())]
    return matching or [find_model(chat, pattern)]


def _is_left_out(model: Model, exclude: Sequence[str], max_size_bytes: int | None) -> bool:
    if max_size_bytes is not None and model.size_bytes > max_size_bytes:
        return True
    return any(fnmatchcase(model.key.lower(), pattern.lower()) for pattern in exclude)
