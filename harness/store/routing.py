"""The routing file on the disk: written whole or not at all, and read within milliseconds, without pydantic.

`harness.domain.routing` describes every field. A script asks for a key before each piece of work, so the reader checks
by hand the few fields that it needs, and takes over the rest as it is.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

from harness.errors import EvidenceMissing, StoreError

ROUTING_FILE = Path("routing.json")
_SCHEMA = "lms-harness-routing/1"
_FAMILY = "lms-harness-routing/"
_MOST_BYTES = 20_000_000
_ANSWERS = frozenset({"model", "certified", "open", "primary"})
_HINT = "Write it anew: lms-harness choose -o routing.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutedKey:
    """A model that may take a task, at which reasoning level, and which of its files was measured; None: not said."""

    key: str
    variant: str | None
    quantisation: str | None
    size_bytes: int | None
    level: str | None = None

    @property
    def name(self) -> str:
        """What it is called among those that were compared."""
        return self.key if self.level is None else f"{self.key}@{self.level}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Who takes one task.

    Attributes:
        task: its name.
        answer: `model`, `certified`, `open` or `primary`.
        suffices: the models that may take it, the preferred one first.
        rejected: keys of those that may not.
        best_so_far: where the answer is open or primary.
        items_to_settle: items that would probably settle an open answer; None: unknown.
        valid_until: from then on the answer is stale.
        is_demonstration: these models are a demonstration, not a choice.
    """

    task: str
    answer: str
    suffices: tuple[RoutedKey, ...]
    rejected: tuple[str, ...]
    best_so_far: str | None
    items_to_settle: int | None
    valid_until: datetime
    is_demonstration: bool


def read_routing(path: Path) -> dict[str, Route]:
    """Return the routes of a routing file by task.

    Raises:
        EvidenceMissing: there is no such file.
        StoreError: it cannot be read, or is not a routing file of this version.
    """
    value = _parsed(path)
    name = value.get("schema")
    if not isinstance(name, str) or not name.startswith(_FAMILY):
        raise StoreError(f"{path} is not a routing file: expected the schema {_SCHEMA}", hint=_HINT)
    if name != _SCHEMA:
        raise StoreError(f"{path} has the schema {name[:60]}: this version reads {_SCHEMA}", hint=_HINT)
    try:
        return {task: _route(task, entry) for task, entry in _of(value, "tasks", dict).items()}
    except _Broken as exc:
        raise StoreError(f"{path} is broken: {exc}", hint=_HINT) from None


class _Broken(Exception):
    """A field is not what it should be."""


def _parsed(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except FileNotFoundError as exc:
        raise EvidenceMissing(f"there is no routing file {path}", hint=_HINT) from exc
    except OSError as exc:
        raise StoreError(f"cannot read {path}: {exc.strerror}") from exc
    if len(content) > _MOST_BYTES:
        raise StoreError(f"{path} is not a routing file: it is larger than {_MOST_BYTES // 10**6} MB")
    try:
        value = json.loads(content, parse_constant=_refuse)
    except (ValueError, RecursionError) as exc:
        raise StoreError(f"{path} is not a routing file: expected JSON ({exc})", hint=_HINT) from None
    if not isinstance(value, dict):
        raise StoreError(f"{path} is not a routing file: expected a JSON object", hint=_HINT)
    return value


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


def _route(task: str, entry: Any) -> Route:
    try:
        if not isinstance(entry, dict):
            raise _Broken(f"expected an object, got {_kind(entry)}")  # noqa: TRY301  (so that all name the task)
        answer = _of(entry, "answer", str)
        suffices = tuple(_model(model) for model in _of(entry, "suffices", list))
        is_named = answer in {"model", "certified"}
        if answer not in _ANSWERS or is_named is not bool(suffices):
            raise _Broken(f"answer is {answer[:40]!r} with {len(suffices)} models that suffice")  # noqa: TRY301
        if _of(entry, "model_key", str, type(None)) != (suffices[0].key if suffices else None):
            raise _Broken("model_key is not the first model that suffices")  # noqa: TRY301
        if _of(entry, "reasoning_level", str, type(None)) != (suffices[0].level if suffices else None):
            raise _Broken("reasoning_level is not that of the first model that suffices")  # noqa: TRY301
        return Route(
            task=task,
            answer=answer,
            suffices=suffices,
            rejected=tuple(_model(model).key for model in _of(entry, "rejected", list)),
            best_so_far=_of(entry, "best_so_far", str, type(None)),
            items_to_settle=_of(entry, "items_to_settle", int, type(None)),
            valid_until=_moment(_of(_of(entry, "evidence", dict), "valid_until", str)),
            is_demonstration=_of(entry, "is_demonstration", bool),
        )
    except _Broken as exc:
        raise _Broken(f"task {task[:60]!r}: {exc}") from None


def _model(entry: Any) -> RoutedKey:
    if not isinstance(entry, dict):
        raise _Broken(f"expected a model, got {_kind(entry)}")
    return RoutedKey(
        key=_of(entry, "model_key", str),
        level=_of(entry, "reasoning_level", str, type(None)),
        variant=_of(entry, "variant", str, type(None)),
        quantisation=_of(entry, "quantisation", str, type(None)),
        size_bytes=_of(entry, "size_bytes", int, type(None)),
    )


def _of(entry: dict[str, Any], name: str, *kinds: type) -> Any:
    """Return a field of one of these types."""
    value = entry.get(name)
    if type(value) not in kinds:  # Not isinstance: True is an int.
        wanted = " or ".join("null" if kind is type(None) else kind.__name__ for kind in kinds)
        raise _Broken(f"{name}: expected {wanted}, got {_kind(value)}")
    return value


def _kind(value: Any) -> str:
    return "null" if value is None else type(value).__name__


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _Broken(f"valid_until: expected a date, got {text[:40]!r}") from None
    if moment.tzinfo is None:
        raise _Broken(f"valid_until: expected a date with its time zone, got {text[:40]!r}")
    return moment
