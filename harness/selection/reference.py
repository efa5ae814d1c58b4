"""The model that the others are compared with, chosen before there is any data."""

from collections.abc import Sequence

from harness.domain.model import Model
from harness.errors import SettingsError
from harness.selection.selection import parameters_or_guess
from harness.settings import setting


def choose_reference(models: Sequence[Model], primary: str | None) -> tuple[Model, str]:
    """Return the reference of a run, and why it was chosen: `primary`, else the model with most parameters.

    It must not depend on the answers: compared with a model that was best by luck, all others look worse. Of models
    with equally many parameters the largest file is taken, and of equal files the last key.

    Args:
        models: the selected ones, at least one.
        primary: a key, in any case.

    Raises:
        SettingsError: `primary` is not among them.
    """
    if primary is None:
        largest = max(models, key=lambda model: (parameters_or_guess(model)[0], model.size_bytes, model.key))
        return largest, "most parameters, then the largest file"
    for model in models:
        if model.key.lower() == primary.lower():
            return model, "named as primary"
    raise SettingsError(
        f"the primary model {primary!r} is not selected",
        hint=f"Select it as well ({setting('models')}). Selected are: {', '.join(model.key for model in models)}.",
    )
