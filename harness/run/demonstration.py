"""The embedded server as a session meets it: what it lists before it is started, and what to say of its models."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from harness.domain.model import Model
from harness.settings import Settings

if TYPE_CHECKING:
    from harness.embedded.process import EmbeddedServer

CHAT_DEMONSTRATION = (
    "this is a demonstration. The embedded default models are one small network (SmolLM2-135M-Instruct) in three "
    "quantisations; q4_0 and q8_0 are requantised from q4_1 and cannot be better than it, whatever the figures. "
    "To choose a model, point the harness at LM Studio."
)
EMBEDDING_DEMONSTRATION = (
    "this is a demonstration. {key} averages what a small chat network computes: it was not trained to embed texts, "
    "and embeds them poorly. To choose an embedding model, point the harness at LM Studio."
)


def embedded_listing(settings: Settings, say: Callable[[str], None]) -> tuple[Model, ...]:
    """Return what the embedded server will list; `say` is told which files are not models."""
    if settings.models_dir is None:
        from harness.embedded.default_models import is_embedder_wanted, listing

        return listing(with_embedder=is_embedder_wanted(settings.models))
    from harness.embedded.catalogue import scan

    return scan(settings.models_dir, say)


def start_embedded(settings: Settings, say: Callable[[str], None]) -> "EmbeddedServer":
    """Return the embedded server, started with the models that this run may ask; `say` is told what takes long."""
    from harness.embedded.default_models import is_embedder_wanted
    from harness.embedded.process import EmbeddedServer

    return EmbeddedServer.start(
        models_dir=settings.models_dir, with_embedder=is_embedder_wanted(settings.models), on_progress=say
    )


def notes(kind: str, models: Sequence[Model]) -> list[str]:
    """Return what a reader of the figures must know of the models on this kind of server."""
    if kind == "embedded":
        from harness.embedded.default_models import listing

        defaults = {model.key: model for model in listing()}
        asked = [defaults[key] for key in dict.fromkeys(model.key for model in models) if key in defaults]
        chat = [CHAT_DEMONSTRATION] if any(model.is_chat for model in asked) else []
        return chat + [EMBEDDING_DEMONSTRATION.format(key=model.key) for model in asked if model.is_embedding]
    return []
