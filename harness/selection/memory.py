"""Memory, as far as a listing tells: what is resident, what a model needs at least, and what would fit instead.

REST says nothing of the machine's memory, so sizes are those of the files: a lower bound, as the context comes on top.
What is resident now is known to fit.
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
    """What a load has to do with.

    Attributes:
        needed_bytes: size of the model's file.
        resident: every loaded instance with the size of its model's file, the largest first.
        in_place: smaller models of the same type, not loaded, and no larger than all that is resident now: once that
            is unloaded, they fit. The largest first.
        smaller: all other smaller models of the same type that are not loaded, the largest first.
        loaded: models of the same type that are loaded already, and so need nothing.
    """

    needed_bytes: int
    resident: tuple[tuple[InstanceId, int], ...]
    in_place: tuple[Model, ...]
    smaller: tuple[Model, ...]
    loaded: tuple[Model, ...]

    @property
    def resident_bytes(self) -> int:
        """Sum over all loaded instances: each is a full copy."""
        return sum(size for _, size in self.resident)


def resident_bytes(listing: Sequence[Model]) -> int:
    """Return the file sizes of all loaded instances; each is a full copy."""
    return sum(model.size_bytes * len(model.loaded_instances) for model in listing)


def memory(listing: Sequence[Model], model: Model) -> Memory:
    """Return what `model` needs, what is resident, and which others of its type would fit."""
    same = [one for one in listing if one.type == model.type and one.key != model.key]
    available = resident_bytes(listing)
    idle = sorted(
        (one for one in same if 0 < one.size_bytes < model.size_bytes and not one.is_loaded),
        key=lambda one: (-one.size_bytes, one.key),
    )
    resident = [(instance.id, one.size_bytes) for one in listing for instance in one.loaded_instances]
    return Memory(
        needed_bytes=model.size_bytes,
        resident=tuple(sorted(resident, key=lambda one: (-one[1], one[0]))),
        in_place=tuple(one for one in idle if one.size_bytes <= available),
        smaller=tuple(one for one in idle if one.size_bytes > available),
        loaded=tuple(one for one in same if one.is_loaded),
    )


def memory_hint(listing: Sequence[Model], model: Model) -> str:
    """Return lines for whoever wanted to load `model`: what it needs, what is in the way, and what would do."""
    told = memory(listing, model)
    lines = [f"{model.key} needs at least {_gigabytes(told.needed_bytes)} (its file; the context comes on top)."]
    if told.resident:
        named = ", ".join(f"{one} ({_gigabytes(size)})" for one, size in told.resident[:_SHOWN])
        more = f" and {len(told.resident) - _SHOWN} more" if len(told.resident) > _SHOWN else ""
        lines.append(f"Resident are {named}{more}: {_gigabytes(told.resident_bytes)} in all.")
        lines.append("If nobody uses one: lms-harness unload --instance ID")
    else:
        lines.append("No model is resident.")
    if told.loaded:
        lines.append(f"Loaded already: {_named(told.loaded)}.")
    if told.in_place:
        lines.append(f"In place of what is resident would fit: {_named(told.in_place)}.")
    if told.smaller:
        lines.append(f"Smaller, and may fit: {_named(told.smaller)}.")
    if not (told.loaded or told.in_place or told.smaller):
        lines.append("No smaller model of its kind is downloaded: try a smaller --context-length or quantisation.")
    return "\n".join(lines)


def with_memory_hint(error: LoadFailed, listing: Sequence[Model], key: str) -> LoadFailed:
    """Return `error`, with a hint on memory where it is about memory; any other is returned as it is.

    Raises:
        ModelNotFound: the listing has no such model.
    """
    if not is_about_memory(error.message):
        return error
    return LoadFailed(
        error.message, status=error.status, type=error.type, code=error.code, param=error.param,
        hint=memory_hint(listing, find_model(listing, key)),
    )  # fmt: skip


def _named(models: Sequence[Model]) -> str:
    return ", ".join(f"{one.key} ({_gigabytes(one.size_bytes)})" for one in models[:_SHOWN])


def _gigabytes(size: int) -> str:
    if not size:
        return "unknown size"
    return f"{size / _GB:.1f} GB" if size >= _GB else f"{size / 1e6:.0f} MB"
