"""Polls the listing and decides whose each instance is: a foreign client's, or which run's."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.reaper.answer import Listed, ServerTrouble
from harness.reaper.server import PlainServer
from tests.torture.campaign.foreign import Books, Foreign
from tests.torture.campaign.victim import Victim

_POLL_S = 0.2
_JOIN_S = 15.0
_STRAY_S = 10.0


@dataclass(slots=True)
class Unclaimed:
    """An instance that no run and no foreign client is known to have made, at least not yet."""

    since: float
    until: float


@dataclass(slots=True, kw_only=True)
class Sightings:
    """What was seen. `touched` holds the key of a foreign instance and what was done to it."""

    touched: list[tuple[str, str]] = field(default_factory=list)
    unclaimed: dict[str, Unclaimed] = field(default_factory=dict)
    trouble: str = ""

    @property
    def strays(self) -> list[str]:
        """The ids that stayed although no run and no foreign client can have made them."""
        return [instance_id for instance_id, seen in self.unclaimed.items() if seen.until - seen.since >= _STRAY_S]


class Watch:
    """Polls the server in a thread.

    Args:
        server: the server whose listing is polled.
        foreign: the foreign clients, whose books say what is theirs.
        victims: returns all runs so far.
        ignored: ids that were there before the campaign.
        log: gets a line for each instance that is new.
    """

    def __init__(
        self,
        server: PlainServer,
        foreign: Foreign,
        victims: Callable[[], Sequence[Victim]],
        ignored: frozenset[str],
        log: Callable[[str], None],
    ) -> None:
        self._server = server
        self._foreign = foreign
        self._victims = victims
        self._ignored = ignored
        self._log = log
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look_on, daemon=True)
        self.found = Sightings()
        self.last_look = 0.0

    def start(self) -> None:
        """Begin to poll."""
        self._thread.start()

    def close(self) -> None:
        """Stop polling."""
        self._is_over.set()
        self._thread.join(_JOIN_S)

    def _look_on(self) -> None:
        while not self._is_over.wait(_POLL_S):
            began = time.monotonic()
            before = self._foreign.books()
            try:
                listed = self._server.listing()
            except ServerTrouble as exc:
                self.found.trouble = str(exc)
                continue
            self._judge(listed, before, self._foreign.books(), began)
            self.last_look = began

    def _judge(self, listed: Sequence[Listed], before: Books, after: Books, began: float) -> None:
        shown = {instance.id: instance for instance in listed}
        for instance_id, held in before.held.items():
            if after.held.get(instance_id) is held:
                self._compare(held.key, held.config, instance_id, shown.get(instance_id))
        pending = {*before.loading, *after.loading}
        for instance in listed:
            if instance.id in self._ignored or self._foreign.had(instance.id, since=began):
                continue
            owner = next((v for v in self._victims() if v.seen.get(instance.id, -1.0) >= self.last_look), None)
            if owner is not None:
                owner.seen[instance.id] = began
            # While a foreign client waits for the answer to such a load, a new instance may be its.
            elif not any(key == instance.model_key and _may_be(context, instance) for key, context in pending):
                self._attribute(instance, began)

    def _compare(self, key: str, config: Mapping[str, Any], instance_id: str, shown: Listed | None) -> None:
        if shown is None:
            wrong = f"{instance_id}: a foreign client holds it, and it is not listed"
        elif any(shown.config.get(name, value) != value for name, value in config.items()):
            wrong = (
                f"{instance_id}: a foreign client holds it, and it is listed with another config: {dict(shown.config)}"
            )
        else:
            return
        if (key, wrong) not in self.found.touched:
            self.found.touched.append((key, wrong))

    def _attribute(self, instance: Listed, now: float) -> None:
        victim = whose(instance, self._victims())
        if victim is None:
            seen = self.found.unclaimed.setdefault(instance.id, Unclaimed(now, now))
            if now - seen.until > _STRAY_S or seen.since == now:
                self._log(f"no run has {instance.id} of {instance.model_key}: {dict(instance.config)}")
                seen.since = now
            seen.until = now
            return
        if now - victim.seen.get(instance.id, 0.0) > _STRAY_S:
            self._log(f"{victim.name} has {instance.id}: {dict(instance.config)}")
        victim.seen[instance.id] = now


def whose(instance: Listed, victims: Sequence[Victim]) -> Victim | None:
    """Return the run that made an instance that is not a foreign client's.

    Its context length decides, because each is given to one run only. Without one (the command takes none, or a request
    made the server load again) it is the latest run on this key that has not ended.
    """
    context = instance.config.get("context_length")
    for victim in victims:
        if victim.context_length is not None and victim.context_length == context:
            return victim
    going = [victim for victim in victims if victim.key == instance.model_key and not victim.is_settled]
    plain = [victim for victim in going if victim.context_length is None]
    return next(reversed(plain or going), None)


def _may_be(context: int | None, instance: Listed) -> bool:
    return context is None or instance.config.get("context_length") == context
