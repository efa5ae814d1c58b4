"""Makes a request fit its model, or says why that is impossible, before anything is loaded."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from harness.client.request import chat_body, encoded
from harness.domain.generation import ChatRequest, Image
from harness.domain.model import InstanceId, Model
from harness.errors import SettingsError, TaskError
from harness.selection.selection import find_model

MAX_BODY_BYTES = 32 * 1024 * 1024
"""The longest request body that is sent: the embedded server's limit; LM Studio's is not documented."""

# Tokenisers join repetitions (spaces, dashes) into tokens of a hundred characters and more. In other text, of whatever
# language, a token of a large vocabulary has 4 to 5 characters on average, so that 16 is a safe upper bound.
_REPETITION = re.compile(r"(.)\1+", re.DOTALL)
_CHARACTERS_PER_TOKEN = 16


def addressed(listing: Sequence[Model], name: str) -> tuple[Model, InstanceId | None]:
    """Return the model that a name means, and the instance if the name is that of a loaded one (its id or alias).

    A name that is both a key and an instance's id means the model: any fitting instance of it may answer.

    Raises:
        ModelNotFound: it is neither; the hint has the nearest keys.
    """
    for model in listing:
        if model.key.lower() != name.lower() and (instance := model.instance(name)) is not None:
            return model, instance.id
    return find_model(listing, name), None


def fitted(
    request: ChatRequest,
    model: Model,
    instance_id: InstanceId | None,
    *,
    listing: Sequence[Model],
    say: Callable[[str], None],
) -> ChatRequest:
    """Return the request without what this model does not take; `say` prints what is left out.

    Raises:
        SettingsError: the model cannot do what is asked for.
        TaskError: the input is too long for it.
    """
    if not model.is_chat:
        able = ", ".join(other.key for other in listing if other.is_chat) or "none"
        what = "makes embeddings" if model.is_embedding else f"is of type {model.type}"
        raise SettingsError(f"{model.key} {what} and cannot chat", hint=f"Models that can: {able}")
    _check_vision(request, model, listing)
    _check_context(request, model, instance_id)
    fit = replace(request, reasoning=_reasoning(request.reasoning, model, say))
    _check_length(fit, model)
    return fit


def _check_vision(request: ChatRequest, model: Model, listing: Sequence[Model]) -> None:
    has_image = not isinstance(request.input, str) and any(isinstance(part, Image) for part in request.input)
    # LM Studio 0.4.21 lists some LLMs without capabilities: then the server decides.
    if has_image and model.capabilities is not None and not model.capabilities.vision:
        able = [other.key for other in listing if other.capabilities is not None and other.capabilities.vision]
        hint = f"Downloaded models with vision: {', '.join(able)}" if able else "No downloaded model has vision."
        raise SettingsError(f"{model.key} does not accept images", hint=hint)


def _check_context(request: ChatRequest, model: Model, instance_id: InstanceId | None) -> None:
    wanted = request.context_length
    if wanted is None:
        return
    if model.max_context_length and wanted > model.max_context_length:
        raise SettingsError(
            f"expected a context of at most {model.max_context_length} tokens for {model.key}, got {wanted}"
        )
    instance = model.instance(instance_id) if instance_id is not None else None
    if instance is not None and (instance.config.context_length or wanted) < wanted:
        raise SettingsError(
            f"{instance.id} is loaded with a context of {instance.config.context_length} tokens, not {wanted}",
            hint=f"Name the model ({model.key}) instead of the instance to load another copy.",
        )


def _reasoning(wanted: str | None, model: Model, say: Callable[[str], None]) -> str | None:
    """Return the setting to send: LM Studio answers 400 to any value, even "off", for a model that lists none."""
    if wanted is None:
        return None
    options = model.capabilities.reasoning_options if model.capabilities else None
    if not options:
        say(f"{model.key} lists no reasoning settings, so {wanted!r} is not sent.")
        return None
    if wanted not in options:
        raise SettingsError(
            f"{model.key} has no reasoning setting {wanted!r}", hint=f"Expected one of: {', '.join(options)}"
        )
    return wanted


def _check_length(request: ChatRequest, model: Model) -> None:
    parts = [request.input] if isinstance(request.input, str) else request.input
    texts = [part for part in parts if isinstance(part, str)]
    room = request.context_length or model.max_context_length
    least = sum(len(_REPETITION.sub(r"\1", text)) for text in texts) // _CHARACTERS_PER_TOKEN
    if room and least > room:
        length = sum(len(text) for text in texts)
        raise TaskError(
            f"the input is too long: its {length} characters are over {least} tokens, and {model.key} takes {room}",
            hint="Send only part of it.",
        )
    body = len(encoded(chat_body(request, stream=True)))
    if body > MAX_BODY_BYTES:
        raise TaskError(
            f"the request would have {body / 2**20:.1f} MiB: expected at most {MAX_BODY_BYTES // 2**20} MiB",
            hint="Send only part of the text, or smaller images.",
        )
