"""Which `reasoning` setting a model is asked with, and how many tokens its thoughts may take."""

from harness.domain.model import Model

EXTRA_TOKENS = 2048
"""Added to an answer's budget where reasoning cannot be switched off: thoughts count towards the same limit."""

_OFF = {None, "off", "none"}
_LEVELS = ("off", "none", "minimal", "low", "medium", "high", "xhigh", "on")


def reasoning_for(model: Model, wanted: str | None) -> str | None:
    """Return the `reasoning` to send: the wanted one where the model lists it, else its lowest; None: send nothing.

    LM Studio 0.4 answers 400 to any value, even "off", for a model that lists no reasoning setting.
    """
    options = model.capabilities.reasoning_options if model.capabilities else None
    if not options:
        return None
    if wanted in options:
        return wanted
    return min(options, key=lambda level: _LEVELS.index(level) if level in _LEVELS else len(_LEVELS))


def does_reason(reasoning: str | None) -> bool:
    """Tell whether a model that is sent this setting is expected to think before it answers."""
    return reasoning not in _OFF


def extra_tokens(reasoning: str | None) -> int:
    """Return how many tokens this setting adds to the budget of an answer."""
    return EXTRA_TOKENS if does_reason(reasoning) else 0
