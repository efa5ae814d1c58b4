"""Memory, as far as a listing shows it: what is resident, what a model needs at least, and what would fit instead.

LM Studio's REST API does not report the machine's memory. So sizes are those of the files, a lower bound: the context
comes on top. What is resident now is known to fit.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.client.fault import is_about_memory
from harness.domain.model import InstanceId, Model
from harness.errors import LoadFailed
from harness.selection.selection import find_model

_SHOWN = 3
_GB = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """The situation in which a model is to be loaded.

    Attributes:
        needed_bytes: size of the model's file.
        resident: every loaded instance with the size of its model's file, largest first.
        in_place: smaller models of the same type that are not loaded. Each is no larger than all that is resident now,
            so it would fit once that is unloaded. Largest first.
        smaller: the other smaller models of the same type that are not loaded; largest first.
        loaded: models of the same type that are loaded already.
    """

    needed_bytes: int
    resident: tuple[tuple[InstanceId, int], ...]
    in_place: tuple[Model, ...]
    smaller: tuple[Model, ...]
    loaded: tuple[Model, ...]

    @property
    def resident_bytes(self) -> int:
        """The sum over all loaded instances; each is a full copy."""
        return sum(size for _, size in self.resident)


def resident_bytes(listing: Sequence[Model]) -> int:
    """Return the file sizes of all loaded instances; each is a full copy."""
    return sum(model.size_bytes * len(model.loaded_instances) for model in listing)


def memory(listing: Sequence[Model], model: Model) -> Memory:
    """Return what `model` needs, what is resident, and which other models of its type would fit."""
    others = [other for other in listing if other.type == model.type and other.key != model.key]
    available = resident_bytes(listing)
    smaller = sorted(
        (other for other in others if 0 < other.size_bytes < model.size_bytes and not other.is_loaded),
        key=lambda other: (-other.size_bytes, other.key),
    )
    resident = [(instance.id, holder.size_bytes) for holder in listing for instance in holder.loaded_instances]
    return Memory(
        needed_bytes=model.size_bytes,
        resident=tuple(sorted(resident, key=lambda id_and_size: (-id_and_size[1], id_and_size[0]))),
        in_place=tuple(other for other in smaller if other.size_bytes <= available),
        smaller=tuple(other for other in smaller if other.size_bytes > available),
        loaded=tuple(other for other in others if other.is_loaded),
    )


def memory_hint(listing: Sequence[Model], model: Model) -> str:
    """Return lines for a user whose load of `model` failed: what it needs, what is loaded, and what would fit."""
    found = memory(listing, model)
    lines = [f"{model.key} needs at least {_gigabytes(found.needed_bytes)} (its file; the context comes on top)."]
    if found.resident:
        names = ", ".join(f"{instance_id} ({_gigabytes(size)})" for instance_id, size in found.resident[:_SHOWN])
        more = f" and {len(found.resident) - _SHOWN} more" if len(found.resident) > _SHOWN else ""
        lines.append(f"Loaded now: {names}{more}, {_gigabytes(found.resident_bytes)} in all.")
        lines.append("To unload one that is not in use: lms-harness unload --instance ID")
    else:
        lines.append("No model is loaded.")
    if found.loaded:
        lines.append(f"Already loaded, so usable at once: {_named(found.loaded)}.")
    if found.in_place:
        lines.append(f"Would fit after unloading what is loaded now: {_named(found.in_place)}.")
    if found.smaller:
        lines.append(f"Smaller, so may fit: {_named(found.smaller)}.")
    if not (found.loaded or found.in_place or found.smaller):
        lines.append("No smaller model of its type is downloaded: try a smaller context length or quantisation.")
    return "\n".join(lines)


def with_memory_hint(error: LoadFailed, listing: Sequence[Model], key: str) -> LoadFailed:
    """Return `error`, with a hint about memory if it is about memory.

    Raises:
        ModelNotFound: the listing has no such model.
    """
    if not is_about_memory(error.message):
        return error
    return LoadFailed(
        error.message,
        status=error.status,
        type=error.type,
        code=error.code,
        param=error.param,
        hint=memory_hint(listing, find_model(listing, key)),
    )


def _named(models: Sequence[Model]) -> str:
    return ", ".join(f"{model.key} ({_gigabytes(model.size_bytes)})" for model in models[:_SHOWN])


def _gigabytes(size: int) -> str:
    if not size:
        return "unknown size"
    return f"{size / _GB:.1f} GB" if size >= _GB else f"{size / 1e6:.0f} MB"
