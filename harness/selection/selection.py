"""Which models a run uses, in which order, and why; how a model is found by its key."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal, TypeAlias

from harness.domain.candidate import Candidate
from harness.domain.count import counted
from harness.domain.model import Model, ModelKey
from harness.errors import ModelNotFound, SettingsError
from harness.settings import Settings, setting

_PARAMS = re.compile(r"(?i)^\s*(\d+(?:\.\d+)?)\s*([kmbt])(?:[- ]a(\d+(?:\.\d+)?)\s*([kmbt]))?")
_UNITS = {"k": 1e3, "m": 1e6, "b": 1e9, "t": 1e12}
_USUAL_BITS = 4.0

Kind: TypeAlias = Literal["llm", "embedding"]
"""The kinds of models that are asked, as LM Studio names them."""

_NEAREST = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The chosen models, cheapest first, and the reason in words.

    Attributes:
        left_out: of these models, the reasoning levels that are not asked, and why.
    """

    models: tuple[Model, ...]
    reason: str
    left_out: Mapping[Candidate, str] = field(default_factory=dict)


def parameters(model: Model) -> tuple[float, float] | None:
    """Return (total, active) parameters, None where the listing does not say: "26B-A4B" -> (26e9, 4e9)."""
    match = _PARAMS.match(model.params_string or "")
    if not match:
        return None
    total = _count(match[1], match[2])
    return total, _count(match[3], match[4]) if match[3] else total


def active_share(params_string: str | None) -> float:
    """Return the share of a model's weights that each token reads: "26B-A4B" -> 4/26; 1 where nothing is said."""
    known = parameters(Model(key=ModelKey(""), type="llm", params_string=params_string))
    return known[1] / known[0] if known and known[0] else 1.0


def parameters_or_guess(model: Model) -> tuple[float, float]:
    """Return (total, active) parameters; where the listing does not say, a guess from the size of the file.

    The guess uses the listed bits per weight, else 4, the usual quantisation.
    """
    if known := parameters(model):
        return known
    bits = (model.quantization.bits_per_weight if model.quantization else None) or _USUAL_BITS
    guess = model.size_bytes * 8 / bits
    return guess, guess


def _count(number: str, unit: str) -> float:
    return float(number) * _UNITS[unit.lower()]


def cost(model: Model) -> tuple[float, int, str]:
    """Return the sort key for "cheapest first": active parameters, which decide the speed, then the size on disk."""
    return parameters_or_guess(model)[1], model.size_bytes, model.key


def select_models(
    listing: Sequence[Model],
    *,
    patterns: Sequence[str] = (),
    exclude: Sequence[str] = (),
    max_size_bytes: int | None = None,
    kind: Kind = "llm",
    is_mixed: bool = False,
) -> Selection:
    """Return the models to use, cheapest first.

    Without patterns these are the loaded ones of the kind, else the smallest one. A pattern is a key (in any case, as
    in LM Studio), a glob over keys, or `all`. A key may name a model of the other kind, too, and so may a glob that
    matches none of this kind: `text-embedding-*` beside chat models. With `is_mixed`, for tasks of both kinds, `all`
    and globs mean models of both.

    Raises:
        ModelNotFound: a pattern matches no model; the hint has the nearest keys.
        SettingsError: there are no models of the kind, or none is left after exclusion.
    """
    usual = [model for model in listing if model.type == kind]
    others = [model for model in listing if model.type != kind and not model.is_left_alone]
    if not usual and not (patterns and others):
        raise SettingsError(
            f"of {counted(len(listing), 'listed model')}, none {'can chat' if kind == 'llm' else 'makes embeddings'}",
            hint="Get one with `lms-harness download MODEL`, or in LM Studio.",
        )
    fitting = [model for model in (*usual, *others) if not is_left_out(model, exclude, max_size_bytes)]
    if patterns:
        for model in listing:
            if model.is_left_alone and model.key.lower() in {pattern.lower() for pattern in patterns}:
                raise ModelNotFound(
                    f"{model.key} is of type {model.type!r}: expected a chat model (llm) or an embedding model",
                    hint="It is listed, and left alone. " + nearest_hint(usual or others, model.key),
                )
        pools = ([*usual, *others], ()) if is_mixed else (usual, others)
        chosen = {model.key: model for pattern in patterns for model in _matching(pattern, listing, *pools)}
        models = [model for model in fitting if model.key in chosen]
        reason = "named by " + ", ".join(patterns)
    elif loaded := [model for model in fitting if model.is_loaded and model.type == kind]:
        models, reason = loaded, "already loaded"
    else:
        same = [model for model in fitting if model.type == kind]
        models = sorted(same, key=lambda model: (model.size_bytes, model.key))[:1]
        reason = f"the smallest one, as none is loaded; choose others with {setting('models')}"
    if not models:
        name = "chat" if kind == "llm" else "embedding"
        left_out = f"the only {name} model is" if len(usual) == 1 else f"all {len(usual)} {name} models are"
        raise SettingsError(
            f"{left_out} left out",
            hint=f"Check {setting('exclude')} and {setting('max_size_bytes')}.",
        )
    return Selection(models=tuple(sorted(models, key=cost)), reason=reason)


def left_alone(listing: Sequence[Model], patterns: Sequence[str] = ("all",)) -> str:
    """Return one line that names the models of other types than chat and embedding, which are not asked; "" if none.

    Args:
        listing: of the server.
        patterns: as for `select_models`; only what they would select is named.
    """
    named = [
        f"{model.key} ({model.type})"
        for model in listing
        if model.is_left_alone and any(_is_meant(model, pattern) for pattern in patterns)
    ]
    more = f" and {len(named) - _NEAREST} more" if len(named) > _NEAREST else ""
    return f"Left alone, as only llm and embedding models are asked: {', '.join(named[:_NEAREST])}{more}." * bool(named)


def embedders_left_out(listing: Sequence[Model], selected: Sequence[Model], settings: Settings) -> str:
    """Return one line that names the embedding models that `all` does not mean, and how to ask them; "" if none.

    Nothing is said where embedding models are asked, or what is asked is for them alone.

    Args:
        listing: of the server.
        selected: of these, what the run asks.
        settings: of the run.
    """
    able = [model for model in listing if model.is_embedding]
    left = [model.key for model in able if not is_left_out(model, settings.exclude, settings.max_size_bytes)]
    if "all" not in settings.models or not left or any(model.is_embedding for model in selected):
        return ""
    more = f" and {len(left) - _NEAREST} more" if len(left) > _NEAREST else ""
    named = f"{counted(len(left), 'embedding model')} ({', '.join(left[:_NEAREST])}{more})"
    return f"{setting('models', 'all')} means all chat models: {named} not asked. Name one to ask it, too."


def find_model(listing: Sequence[Model], key: str) -> Model:
    """Return the model with this key, in any case, as in LM Studio.

    Raises:
        ModelNotFound: there is none; the hint has the nearest keys. Or it names a variant: the API takes only keys.
    """
    for model in listing:
        if model.key.lower() == key.lower():
            return model
    for model in listing:
        if key.lower() in {variant.lower() for variant in model.variants}:
            raise ModelNotFound(
                f"{key!r} is not a key but a variant of {model.key}, of which "
                f"{model.selected_variant or 'none'} is selected",
                hint=f"Use the key {model.key}: it means the selected variant. Select another one in LM Studio.",
            )
    base, _, level = key.rpartition("@")
    if any(model.key.lower() == base.lower() for model in listing):
        raise ModelNotFound(
            f"no downloaded model has the key {key!r}",
            hint=f"A key is without the reasoning level: name {base}, and {setting('reasoning', level)}.",
        )
    raise ModelNotFound(f"no downloaded model has the key {key!r}", hint=nearest_hint(listing, key))


def nearest_hint(listing: Sequence[Model], key: str) -> str:
    """Return what to try instead of a mistyped key: the nearest keys, and models that are loaded or quick to load.

    The latter are of the nearest key's type, else chat models.
    """
    from rapidfuzz import fuzz, process

    if not listing:
        return "The server has no models: get one with `lms-harness download MODEL`."
    able = [model for model in listing if not model.is_left_alone] or listing
    by_key = {str(model.key): model for model in able}
    near = process.extract(
        key.lower(), list(by_key), scorer=fuzz.WRatio, limit=_NEAREST, score_cutoff=50, processor=str.lower
    )
    lines = ["Did you mean " + " or ".join(name for name, _, _ in near) + "?"] if near else []
    kind = by_key[near[0][0]].type if near else "llm"
    if others := _ready(able, kind):
        lines.append(others)
    return "\n".join([*lines, f"`lms-harness models` lists all {len(listing)}."])


def _ready(listing: Sequence[Model], kind: str) -> str:
    """Return a line that names the loaded models of a type, or the smallest where none is loaded; "" without any."""
    same = sorted((model for model in listing if model.type == kind), key=cost)
    name = "embedding" if kind == "embedding" else "chat"
    if loaded := [model.key for model in same if model.is_loaded]:
        return f"Loaded {name} models: {', '.join(loaded[:_NEAREST])}."
    return f"The smallest {name} model: {same[0].key}." if same else ""


def _matching(
    pattern: str, listing: Sequence[Model], usual: Sequence[Model], others: Sequence[Model]
) -> Sequence[Model]:
    """Return the models that a pattern means: those of the run's kind, and without any those of the other one.

    What fits none of them is looked for in the whole listing, of which the hint says how many models it has.
    """
    if pattern == "all":
        return usual
    for models in (usual, others):
        if matching := [model for model in models if _is_meant(model, pattern)]:
            return matching
    return [find_model(listing, pattern)]


def _is_meant(model: Model, pattern: str) -> bool:
    return pattern == "all" or fnmatchcase(model.key.lower(), pattern.lower())


def is_left_out(model: Model, exclude: Sequence[str], max_size_bytes: int | None) -> bool:
    """Tell whether the model is larger than allowed, or its key matches one of the globs, in any case."""
    if max_size_bytes is not None and model.size_bytes > max_size_bytes:
        return True
    return any(fnmatchcase(model.key.lower(), pattern.lower()) for pattern in exclude)
