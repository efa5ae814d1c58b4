"""Reads the listing of the models entry by entry: what is odd about one entry is that entry's problem alone.

LM Studio lists models whose files it cannot read, and later versions list kinds that we do not know. A part that cannot
be read is left out; an entry without a key is skipped. But what may be resident still counts: an instance that cannot
be read, or one of a model without a key, gets a name in brackets, which no request can address and nothing of ours has.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from pydantic import ValidationError

from harness.client.wire import InstanceWire, ModelWire, Wire
from harness.domain.model import Instance, InstanceId, LoadConfig, Model, ModelKey

UNREADABLE = "(unreadable)"
"""The id of an instance that the listing shows but does not name."""

_UNKNOWN_TYPE = "unknown"
_MOST = 2**63
_SHOWN = 60
W = TypeVar("W", bound=Wire)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The listed models in the server's order, and what was odd about the listing, a line each."""

    models: tuple[Model, ...]
    oddities: tuple[str, ...] = ()


def read_listing(entries: Sequence[Any]) -> Listing:
    """Return the models of the entries of a listing. A key that is listed twice is one model with all instances."""
    reader = _EntryReader()
    models: dict[ModelKey, Model] = {}
    for number, entry in enumerate(entries, 1):
        model = reader.model(number, entry)
        if model is None:
            continue
        if (earlier := models.get(model.key)) is not None:
            reader.note(f"{_named(number, model.key)} is listed more than once: its instances count together")
            known = {instance.id for instance in earlier.loaded_instances}
            added = tuple(instance for instance in model.loaded_instances if instance.id not in known)
            model = replace(earlier, loaded_instances=(*earlier.loaded_instances, *added))
        models[model.key] = model
    return Listing(models=tuple(models.values()), oddities=tuple(dict.fromkeys(reader.oddities)))


@dataclass(slots=True)
class _EntryReader:
    """Reads entries and collects what is odd about them."""

    oddities: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        self.oddities.append(f"The server's listing: {text}.")

    def model(self, number: int, entry: Any) -> Model | None:
        """Return the model of an entry, or None where it shows neither a key nor anything that may be resident."""
        if not isinstance(entry, Mapping):
            self.note(f"entry {number} is not an object and is skipped")
            return None
        key = entry.get("key")
        has_key = isinstance(key, str) and bool(key.strip())
        name = _named(number, key if has_key else None)
        instances = tuple(self._instances(name, entry.get("loaded_instances")))
        if not has_key and not instances:
            self.note(f"{name} has no key and is skipped")
            return None
        if not has_key:
            self.note(f"{name} has no key, but something of it may be loaded")
        sound = {**entry, "key": key if has_key else f"({name})", "loaded_instances": []}
        if not isinstance(sound.get("type"), str):
            self.note(f"{name} has no type that can be read, so it is never chosen for a chat")
        if not has_key or not isinstance(sound.get("type"), str):
            sound["type"] = _UNKNOWN_TYPE  # which nothing can be asked of
        wire = self._read(ModelWire, sound, name)
        return replace(wire.to_domain(), loaded_instances=instances)

    def _instances(self, name: str, value: Any) -> Iterator[Instance]:
        if value is None:
            return
        if not isinstance(value, list):
            self.note(f"the loaded instances of {name} cannot be read: something may be loaded")
            yield Instance(id=InstanceId(UNREADABLE), config=LoadConfig())
            return
        for entry in value:
            instance_id = entry.get("id") if isinstance(entry, Mapping) else None
            if not isinstance(instance_id, str) or not instance_id:
                self.note(f"an instance of {name} has no id: it counts as loaded")
                yield Instance(id=InstanceId(UNREADABLE), config=LoadConfig())
            else:
                config = entry.get("config")
                if not isinstance(config, Mapping) and config is not None:
                    self.note(f"the config of an instance of {name} cannot be read")
                    config = None
                sound = {**entry, "config": None if config is None else self._bounded(dict(config), name)}
                yield self._read(InstanceWire, sound, name).to_domain()

    def _read(self, kind: type[W], entry: Mapping[str, Any], name: str) -> W:
        """Return the entry without what cannot be read in it."""
        sound = self._bounded(dict(entry), name)
        while True:
            try:
                return kind.model_validate(sound)
            except ValidationError as exc:
                path = _path(sound, exc.errors(include_url=False)[0]["loc"])
                self.note(f"{'.'.join(path)[:_SHOWN]} of {name} cannot be read")
                sound = _without(sound, path)

    def _bounded(self, entry: dict[str, Any], name: str) -> dict[str, Any]:
        """Return the object without numbers that no size or context can be."""
        for part, value in list(entry.items()):
            if isinstance(value, int | float) and not isinstance(value, bool) and not 0 <= value < _MOST:
                self.note(f"{part[:_SHOWN]} of {name} is out of range")
                entry[part] = None
        return entry


def _path(entry: Mapping[str, Any], location: Sequence[int | str]) -> list[str]:
    """Return the names that lead to a fault, as far as they lead through objects."""
    path: list[str] = []
    inner: Any = entry
    for part in location:
        if not isinstance(part, str) or not isinstance(inner, Mapping) or part not in inner:
            break
        path.append(part)
        inner = inner[part]
    return path


def _without(entry: Mapping[str, Any], path: Sequence[str]) -> dict[str, Any]:
    first, *rest = path
    inner = entry.get(first)
    if rest and isinstance(inner, Mapping) and rest[0] in inner:
        return {**entry, first: _without(inner, rest)}
    return {**entry, first: None}


def _named(number: int, key: str | None) -> str:
    return f"entry {number}" if key is None else key[:_SHOWN]
