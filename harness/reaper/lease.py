"""What a journal says about a load that has not been settled."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeAlias

Mode: TypeAlias = Literal["explicit", "jit"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLease:
    """A lease that a journal does not close.

    Attributes:
        number: within its journal.
        model_key: of the model to load.
        resident: ids that were loaded before.
        mode: by a load of its own, or by a chat.
        config: what was asked for, by the wire's names.
        deadline_s: how long the load may take.
        intent_at: when it was announced; ISO-8601.
        is_sent: whether the request may have reached the server.
        status: HTTP status of an answer that settled nothing.
        instance_id: what was made, where known.
        effective: its config, once it was listed; {} while only our answer tells that it is loaded.
        absence: how the instance was seen to be gone; empty while it never was.
        loading_at: since when a request of ours makes the server load it; ISO-8601, empty when none does.
        is_asked: whether a request of ours to its instance was under way when the run died. Only its reaper knows.
        doubt: why it is uncertain what is ours.
        doubtful_ids: the instances in question.
        is_unreadable: whether an entry that may be about it cannot be read; it is in doubt then for good.
    """

    number: int
    model_key: str
    resident: tuple[str, ...] = ()
    mode: Mode = "explicit"
    config: Mapping[str, Any] = field(default_factory=dict)
    deadline_s: float = 600.0
    intent_at: str = ""
    is_sent: bool = False
    status: int | None = None
    instance_id: str | None = None
    effective: Mapping[str, Any] | None = None
    absence: str = ""
    loading_at: str = ""
    is_asked: bool = False
    doubt: str = ""
    doubtful_ids: tuple[str, ...] = ()
    is_unreadable: bool = False

    @property
    def is_loading(self) -> bool:
        """Whether a request of ours was making the server load it when it was last heard of."""
        return bool(self.loading_at)

    def age_s(self, now: datetime) -> float:
        """Return the seconds since the intent, or since a request began to load it again, by the wall clock.

        0 where the time cannot be read.
        """
        try:
            return max(0.0, (now - datetime.fromisoformat(self.loading_at or self.intent_at)).total_seconds())
        except (ValueError, TypeError):
            return 0.0

    def claims(self, instance_id: str, model_key: str) -> bool:
        """Tell whether this instance is, or may be, the one of this lease."""
        if self.instance_id is not None:
            return self.instance_id == instance_id
        return self.model_key == model_key and instance_id not in self.resident
