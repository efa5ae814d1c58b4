"""The model that the others are compared with, chosen before there is any data."""

from collections.abc import Sequence

from harness.domain.model import Model
from harness.errors import SettingsError
from harness.selection.selection import parameters_or_guess


def choose_reference(models: Sequence[Model], primary: str | None) -> tuple[Model, str]:
    """Return the reference of a run, and why it is that one: `primary`, else the model with most parameters.

    It never depends on what was observed: the best of several by luck makes all others look worse. Of models with
    equally many parameters it is the largest file, at last the key decides.

    Args:
        models: those that were selected, at least one.
        primary: a key, in any case.

    Raises:
        SettingsError: `primary` is none of them.
    """
    if primary is None:
        largest = max(models, key=lambda one: (parameters_or_guess(one)[0], one.size_bytes, one.key))
        return largest, "most parameters, then the largest file"
    for model in models:
        if model.key.lower() == primary.lower():
            return model, "named as primary"
    raise SettingsError(
        f"the primary model {primary!r} is none of the selected ones",
        hint=f"Selected are: {', '.join(one.key for one in models)}. Select it as well (--model, --lms-model).",
    )
