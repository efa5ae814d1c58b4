"""Looks at the listing all the time, and tells whose each instance is: a foreign client's, or which run's."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.reaper.server import Listed, PlainServer, ServerTrouble
from tests.torture.campaign.foreign import Books, Foreign
from tests.torture.campaign.victim import Victim

_POLL_S = 0.2
_JOIN_S = 15.0
_STRAY_S = 10.0


@dataclass(slots=True)
class Unclaimed:
    """An instance that no run and no foreign client can have made, unless it is found out late."""

    since: float
    until: float


@dataclass(slots=True, kw_only=True)
class Findings:
    """What was seen. `touched` names the key and what was done to a foreign instance of it."""

    touched: list[tuple[str, str]] = field(default_factory=list)
    unclaimed: dict[str, Unclaimed] = field(default_factory=dict)
    trouble: str = ""

    @property
    def strays(self) -> list[str]:
        """Ids that stayed although nobody can have made them."""
        return [one for one, seen in self.unclaimed.items() if seen.until - seen.since >= _STRAY_S]


class Watch:
    """Polls the server in a thread.

    Args:
        server: to look at.
        foreign: whose books tell what is theirs.
        victims: all runs so far.
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
        self.found = Findings()
        self.last_look = 0.0

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def close(self) -> None:
        """Stop."""
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
        shown = {one.id: one for one in listed}
        for instance_id, held in before.held.items():
            if after.held.get(instance_id) is held:
                self._compare(held.key, held.config, instance_id, shown.get(instance_id))
        pending = {*before.loading, *after.loading}
        for one in listed:
            if one.id in self._ignored or self._foreign.had(one.id, since=began):
                continue
            known = next((v for v in self._victims() if v.seen.get(one.id, -1.0) >= self.last_look), None)
            if known is not None:
                known.seen[one.id] = began
            elif not any(key == one.model_key and _may_be(context, one) for key, context in pending):
                self._attribute(one, began)

    def _compare(self, key: str, config: Mapping[str, Any], instance_id: str, shown: Listed | None) -> None:
        if shown is None:
            said = f"{instance_id}: a foreign client holds it, and it is not listed"
        elif any(shown.config.get(name, value) != value for name, value in config.items()):
            said = f"{instance_id}: a foreign client's, is listed with another config: {dict(shown.config)}"
        else:
            return
        if (key, said) not in self.found.touched:
            self.found.touched.append((key, said))

    def _attribute(self, one: Listed, now: float) -> None:
        victim = whose(one, self._victims())
        if victim is None:
            seen = self.found.unclaimed.setdefault(one.id, Unclaimed(now, now))
            if now - seen.until > _STRAY_S or seen.since == now:
                self._log(f"nobody has {one.id} of {one.model_key}: {dict(one.config)}")
                seen.since = now
            seen.until = now
            return
        if now - victim.seen.get(one.id, 0.0) > _STRAY_S:
            self._log(f"{victim.name} has {one.id}: {dict(one.config)}")
        victim.seen[one.id] = now


def whose(one: Listed, victims: Sequence[Victim]) -> Victim | None:
    """Return the run that made an instance which is no foreign client's.

    Its context length tells, which is given to one run only; else (a command that takes none, or a request that made
    the server load again) the latest run on this key that has not come to its end.
    """
    context = one.config.get("context_length")
    for victim in victims:
        if victim.context_length is not None and victim.context_length == context:
            return victim
    going = [victim for victim in victims if victim.key == one.model_key and not victim.is_settled]
    plain = [victim for victim in going if victim.context_length is None]
    return next(reversed(plain or going), None)


def _may_be(context: int | None, one: Listed) -> bool:
    return context is None or one.config.get("context_length") == context
