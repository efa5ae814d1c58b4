"""Which `reasoning` setting a model is asked with, and how many tokens its thoughts may take."""

from dataclasses import replace

from harness.domain.candidate import height
from harness.domain.model import Model

EXTRA_TOKENS = 2048
"""Added to an answer's budget where reasoning cannot be switched off: thoughts count towards the same limit."""

_OFF = {None, "off", "none"}


def reasoning_for(model: Model, wanted: str | None) -> str | None:
    """Return the `reasoning` to send: the wanted one where the model lists it, else its lowest; None: send nothing.

    A model that stands for one of its levels is asked with that one, whatever is wanted. LM Studio 0.4 answers 400 to
    any value, even "off", for a model that lists no reasoning setting.
    """
    if model.reasoning_level is not None:
        return model.reasoning_level
    options = _listed(model)
    if not options:
        return None
    return wanted if wanted in options else min(options, key=height)


def levels_in(wanted: str | None) -> tuple[str, ...]:
    """Return the levels that the setting names, where it names several, else none: a single one makes no candidates."""
    levels = tuple((wanted or "").split(","))
    return levels if len(levels) > 1 else ()


def at_levels(model: Model, wanted: str | None) -> tuple[Model, ...]:
    """Return the model once for each of several wanted levels that it lists, the lowest first.

    Where the setting names no or one level, or the model lists none, that is the model itself; it is none where the
    model lists only others.
    """
    levels, options = levels_in(wanted), _listed(model)
    if not levels or not options:
        return (model,)
    return tuple(replace(model, reasoning_level=level) for level in sorted(levels, key=height) if level in options)


def unlisted(model: Model, wanted: str | None) -> dict[str, str]:
    """Return why each of several wanted levels is not asked of a model that lists others."""
    options = _listed(model)
    return {
        level: f"the model does not list the reasoning level {level}: it lists {', '.join(options)}"
        for level in levels_in(wanted)
        if options and level not in options
    }


def _listed(model: Model) -> tuple[str, ...]:
    return (model.capabilities.reasoning_options if model.capabilities else None) or ()


def does_reason(reasoning: str | None) -> bool:
    """Tell whether a model that is sent this setting is expected to think before it answers."""
    return reasoning not in _OFF


def extra_tokens(reasoning: str | None) -> int:
    """Return how many tokens this setting adds to the budget of an answer."""
    return EXTRA_TOKENS if does_reason(reasoning) else 0


def most_extra_tokens(model: Model, wanted: str | None) -> int:
    """Return the most that any level adds which the model is asked with: all of them share an instance."""
    levels = at_levels(replace(model, reasoning_level=None), wanted)
    return max((extra_tokens(reasoning_for(level, wanted)) for level in levels), default=0)
