"""The model that the others are compared with, chosen before there is any data."""

from collections.abc import Sequence

from harness.domain.candidate import height
from harness.domain.model import Model
from harness.errors import SettingsError
from harness.selection.selection import parameters_or_guess
from harness.settings import setting


def reference_order(models: Sequence[Model], primary: str | None) -> tuple[Model, ...]:
    """Return the models in the order in which they are the reference of a run: the first one that can be loaded is it.

    `primary` comes first, then the models with most parameters, chat models before embedding models; of equally many
    the largest file, of equal files the last key, of one model the highest reasoning level. The order must not depend
    on the answers: compared with a model that was best by luck, all others look worse.

    Args:
        models: the selected ones, at least one.
        primary: a key, or `key@level` where the model is asked at several levels; in any case.

    Raises:
        SettingsError: `primary` is not among them, or is asked at several levels.
    """
    largest_first = sorted(
        models,
        # Chat models first: they are compared on more tasks. Those that only an embedding model is asked come later.
        key=lambda model: (
            not model.is_embedding,
            parameters_or_guess(model)[0],
            model.size_bytes,
            model.key,
            height(model.reasoning_level),
        ),
        reverse=True,
    )
    if primary is None:
        return tuple(largest_first)
    named = [model for model in largest_first if model.name.lower() == primary.lower()]
    levels = [model.name for model in reversed(largest_first) if model.key.lower() == primary.lower()]
    if not named and levels:
        raise SettingsError(
            f"the primary model {primary!r} is asked at {len(levels)} reasoning levels",
            hint=f"Name one of them ({setting('primary', levels[-1])}): {', '.join(levels)}.",
        )
    if not named:
        raise SettingsError(
            f"the primary model {primary!r} is not selected",
            hint=f"Select it as well ({setting('models')}). Selected are: {', '.join(model.name for model in models)}.",
        )
    return tuple(dict.fromkeys([*named, *largest_first]))


def choose_reference(models: Sequence[Model], primary: str | None) -> tuple[Model, str]:
    """Return the first of `reference_order`, and why it is the first.

    Raises:
        SettingsError: as `reference_order`.
    """
    because = "most parameters, then the largest file" if primary is None else "named as primary"
    return reference_order(models, primary)[0], because
