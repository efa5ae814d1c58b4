"""Makes a request fit the model that it is meant for, or says why it cannot, before anything is loaded."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from harness.client.request import chat_body, encoded
from harness.domain.generation import ChatRequest, Image
from harness.domain.model import InstanceId, Model
from harness.errors import SettingsError, TaskError
from harness.selection.selection import find_model

MAX_BODY_BYTES = 32 * 1024 * 1024
"""The longest request body that is sent: the embedded server takes no longer one; of LM Studio it is not known."""

# Tokenisers join repetitions (spaces, dashes) to tokens of a hundred characters and more; of other text, in whatever
# language, a token of a large vocabulary holds 4 to 5 characters on average. 16 is out of reach.
_REPETITION = re.compile(r"(.)\1+", re.DOTALL)
_CHARACTERS_PER_TOKEN = 16


def addressed(listing: Sequence[Model], name: str) -> tuple[Model, InstanceId | None]:
    """Return the model that a key, or the id or alias of a loaded instance, means, and that instance.

    A key that is an instance's id as well means the model: any fitting instance of it may answer.

    Raises:
        ModelNotFound: neither is there; the hint has the nearest keys.
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
    """Return the request as this model can take it; `say` is told what is left out.

    Raises:
        SettingsError: the model cannot do what is asked for.
        TaskError: what is asked is too long for it.
    """
    if not model.is_chat:
        able = ", ".join(one.key for one in listing if one.is_chat) or "none"
        raise SettingsError(f"{model.key} makes embeddings and cannot chat", hint=f"Models that can: {able}")
    _check_vision(request, model, listing)
    _check_context(request, model, instance_id)
    fit = replace(request, reasoning=_reasoning(request.reasoning, model, say))
    _check_length(fit, model)
    return fit


def _check_vision(request: ChatRequest, model: Model, listing: Sequence[Model]) -> None:
    has_image = not isinstance(request.input, str) and any(isinstance(one, Image) for one in request.input)
    # Some LLMs are listed without capabilities (0.4.21): the server decides then.
    if has_image and model.capabilities is not None and not model.capabilities.vision:
        able = [one.key for one in listing if one.capabilities is not None and one.capabilities.vision]
        hint = f"Downloaded models with vision: {', '.join(able)}" if able else "No downloaded model has vision."
        raise SettingsError(f"{model.key} takes no images", hint=hint)


def _check_context(request: ChatRequest, model: Model, instance_id: InstanceId | None) -> None:
    wanted = request.context_length
    if wanted is None:
        return
    if model.max_context_length and wanted > model.max_context_length:
        raise SettingsError(
            f"{model.key} has a context of at most {model.max_context_length} tokens, but {wanted} were asked for",
            hint=f"Expected --context-length up to {model.max_context_length}.",
        )
    instance = model.instance(instance_id) if instance_id is not None else None
    if instance is not None and (instance.config.context_length or wanted) < wanted:
        raise SettingsError(
            f"{instance.id} is loaded with a context of {instance.config.context_length} tokens, not {wanted}",
            hint=f"Name the model ({model.key}) in place of the instance, and another copy is loaded.",
        )


def _reasoning(wanted: str | None, model: Model, say: Callable[[str], None]) -> str | None:
    """LM Studio answers 400 to any value for a model without the setting, even to "off"."""
    if wanted is None:
        return None
    options = model.capabilities.reasoning_options if model.capabilities else None
    if not options:
        say(f"{model.key} lists no reasoning setting, so --reasoning {wanted} is not sent.")
        return None
    if wanted not in options:
        raise SettingsError(
            f"{model.key} does not know the reasoning setting {wanted!r}", hint=f"Expected one of: {', '.join(options)}"
        )
    return wanted


def _check_length(request: ChatRequest, model: Model) -> None:
    texts = (
        [request.input] if isinstance(request.input, str) else [one for one in request.input if isinstance(one, str)]
    )
    room = request.context_length or model.max_context_length
    least = sum(len(_REPETITION.sub(r"\1", text)) for text in texts) // _CHARACTERS_PER_TOKEN
    if room and least > room:
        length = sum(len(text) for text in texts)
        raise TaskError(
            f"the task cannot fit: its {length} characters are over {least} tokens, {model.key} has room for {room}",
            hint="Give the model a part of it.",
        )
    body = len(encoded(chat_body(request, stream=True)))
    if body > MAX_BODY_BYTES:
        raise TaskError(
            f"task and images make a request of {body / 2**20:.1f} MiB; at most {MAX_BODY_BYTES // 2**20} MiB are sent",
            hint="Give the model a part of it, or smaller images.",
        )
