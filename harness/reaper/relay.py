"""A chat that may make the server load its model, sent for the run: its bytes go to the run, its load events stay here.

A run that is killed takes its connection with it, and with that the events that say what a load by its chat made. The
reaper outlives the run, so it sends such a chat itself, and reads on until the load has ended (docs/adr/0003).
"""

import json
import threading
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any, Literal, TypeAlias

from harness.client.sse import Decoder
from harness.errors import MalformedAnswer
from harness.reaper.answer import ServerTrouble
from harness.reaper.server import Answering, PlainServer

Phase: TypeAlias = Literal["sent", "loading", "settled"]
"""Nothing heard yet; the server is loading; it has loaded, or this chat loads nothing."""

SILENCE_S = 60.0
"""How long an abandoned chat of which nothing has come is waited for."""

_ANSWERING = ("prompt_processing.", "reasoning.", "message.", "tool_call.")
"""How the events begin that come from a loaded model."""


class Relay:
    """One chat.

    Args:
        resident: ids that were loaded before; what the chat loads is none of them.
        note: writes an entry of this lease into the journal.
        send: passes a reply to the run.
    """

    def __init__(
        self,
        *,
        resident: Collection[str],
        note: Callable[..., None],
        send: Callable[..., None],
    ) -> None:
        self._resident = resident
        self._note = note
        self._send = send
        self._phase: Phase = "sent"
        self._has_made = False
        self._is_abandoned = False
        self._answering: Answering | None = None
        self._lock = threading.Lock()
        self._ended = threading.Event()

    def run(self, server: PlainServer, body: Mapping[str, Any], *, deadline_s: float) -> None:
        """Send the chat and pass on what comes; when this returns, the journal says what was loaded."""
        self._note("sent")
        end = time.monotonic() + deadline_s
        try:
            with server.chat(body, deadline_s=deadline_s) as answering:
                self._take_over(answering)
                self._send(more=True, status=answering.status, content_type=answering.content_type)
                if answering.is_event_stream:
                    self._follow(answering)
                else:
                    self._read(answering)
            self._send(ended=True)
        except (ServerTrouble, MalformedAnswer) as exc:
            if isinstance(exc, ServerTrouble) and exc.is_refused:
                self._note("denied")  # Nothing was sent.
            is_late = time.monotonic() >= end
            self._send(lost=str(exc), is_refused=getattr(exc, "is_refused", False), is_late=is_late)
        finally:
            self._ended.set()

    def abandon(self) -> None:
        """Read only until the load has ended: the run does not need the answer any more."""
        with self._lock:
            self._is_abandoned = True
        if self._phase == "settled":
            self._hang_up()

    def wait(self) -> None:
        """Return once the chat is over; one of which nothing comes is broken off after `SILENCE_S`."""
        if not self._ended.wait(SILENCE_S) and self._phase == "sent":
            self._hang_up()
        self._ended.wait()

    def _take_over(self, answering: Answering) -> None:
        with self._lock:
            self._answering = answering

    def _hang_up(self) -> None:
        with self._lock:
            if self._answering is not None:
                self._answering.hang_up()

    def _follow(self, answering: Answering) -> None:
        decoder = Decoder()
        while data := answering.read():
            for event in decoder.feed(data):
                self._hear(event.name, _object(event.data))
            self._send(more=True, data=data.decode("latin-1"))
            if self._is_abandoned and self._phase == "settled":
                break
        if self._phase == "settled" and not self._has_made:
            self._note("denied")  # Another client's instance has answered, or the server says that the load failed.

    def _read(self, answering: Answering) -> None:
        parts = []
        while data := answering.read():
            parts.append(data)
            self._send(more=True, data=data.decode("latin-1"))
        answer = _object(b"".join(parts).decode("utf-8", "replace"))
        if "error" in answer or not self._is_loaded_by(answer):
            self._note("answered", status=answering.status)

    def _hear(self, name: str, data: Mapping[str, Any]) -> None:
        kind = str(data.get("type", name)) if name == "message" else name
        instance_id = data.get("model_instance_id")
        if kind == "model_load.start" and isinstance(instance_id, str) and instance_id not in self._resident:
            self._phase = "loading"
            self._note("grant", instance_id=instance_id)
        elif kind == "model_load.end" and isinstance(instance_id, str) and instance_id not in self._resident:
            self._made(instance_id)
        elif kind == "error":
            error = data.get("error")
            if isinstance(error, dict) and error.get("type") == "model_load_failed":
                self._phase = "settled"
        elif kind == "chat.end":
            result = data.get("result")
            if not self._has_made:
                self._is_loaded_by(result if isinstance(result, dict) else {})
            self._phase = "settled"
        elif kind.startswith(_ANSWERING) and self._phase == "sent":
            self._phase = "settled"

    def _is_loaded_by(self, answer: Mapping[str, Any]) -> bool:
        """Note the instance if the answer itself shows that this chat loaded it, and tell whether it does."""
        instance_id, stats = answer.get("model_instance_id"), answer.get("stats")
        if not isinstance(instance_id, str) or not isinstance(stats, dict) or instance_id in self._resident:
            return False
        if stats.get("model_load_time_seconds") is None:
            return False
        self._made(instance_id)
        return True

    def _made(self, instance_id: str) -> None:
        self._note("grant", instance_id=instance_id)
        self._note("verified", config={})
        self._has_made = True
        self._phase = "settled"


def _object(text: str) -> Mapping[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
