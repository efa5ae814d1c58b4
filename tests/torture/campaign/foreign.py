"""Foreign clients: they load and unload by plain HTTP, know nothing of the harness, and record what is theirs.

Each keeps at most one instance at a time, and unloads it by the id that the server's answer gave it.
"""

import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

_LOAD_S = 180.0
_VACATE_S = 30.0
_RETRY_S = 0.5
_JOIN_S = 200.0
_HOLD_S = (1.0, 6.0)
_PAUSE_S = (0.5, 4.0)

Wish = Callable[[random.Random], tuple[str, int | None]]
"""Returns what to load next: a key and a context length; with None the load sends no config at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """An instance that the server's answer gave to a foreign client."""

    id: str
    key: str
    config: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """What foreign clients have at one moment.

    Attributes:
        held: their instances by id; certainly loaded, unless another client touched them.
        loading: key and context length of loads that have not been answered yet.
    """

    held: Mapping[str, Held]
    loading: tuple[tuple[str, int | None], ...]


class Foreign:
    """Some threads that load, hold for a while and unload, until they are closed.

    Args:
        url: of the server.
        wish: returns what to load; called from the threads.
        token: for the server.
        seed: of all choices.
        count: how many threads; each keeps at most one instance.
        log: gets a line for everything that they do.

    Attributes:
        wrongs: the keys of their instances that were touched, and what was done.
    """

    def __init__(self, url: str, wish: Wish, *, token: str, seed: str, count: int, log: Callable[[str], None]) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"}
        self._wish = wish
        self._log = log
        self._lock = threading.Lock()
        self._held: dict[str, Held] = {}
        self._until: dict[str, float] = {}
        self._loading: dict[int, tuple[str, int | None]] = {}
        self._spans: list[tuple[str, float, float]] = []
        self._avoided: set[str] = set()
        self._is_over = threading.Event()
        self.wrongs: list[tuple[str, str]] = []
        self._threads = [
            threading.Thread(target=self._live, args=(n, random.Random(f"{seed}:foreign:{n}")), daemon=True)
            for n in range(count)
        ]

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """End the threads; each unloads what it holds."""
        self._is_over.set()
        for thread in self._threads:
            thread.join(_JOIN_S)

    def books(self) -> Books:
        """Return what they have now."""
        with self._lock:
            return Books(held=dict(self._held), loading=tuple(self._loading.values()))

    def had(self, instance_id: str, *, since: float) -> bool:
        """Return whether this id was theirs at any moment since then, including while they unloaded it."""
        with self._lock:
            return instance_id in self._held or self._until.get(instance_id, 0.0) >= since

    def raced(self, key: str, begin: float, end: float) -> bool:
        """Return whether one of them loaded or held this key between two moments."""
        with self._lock:
            if any(loading == key for loading, _ in self._loading.values()):
                return True
            if any(held.key == key for held in self._held.values()):
                return True
            return any(had == key and start <= end and stop >= begin for had, start, stop in self._spans)

    def vacate(self, key: str) -> None:
        """Return once they have no instance of this key; they load none until `allow`."""
        end = time.monotonic() + _VACATE_S
        with self._lock:
            self._avoided.add(key)
        while time.monotonic() < end:
            now = self.books()
            if key not in {held.key for held in now.held.values()} | {loading for loading, _ in now.loading}:
                return
            time.sleep(0.05)

    def allow(self, key: str) -> None:
        """Let them load this key again."""
        with self._lock:
            self._avoided.discard(key)

    def _live(self, number: int, dice: random.Random) -> None:
        with httpx.Client(base_url=self._url, headers=self._headers, timeout=_LOAD_S, trust_env=False) as http:
            while not self._is_over.wait(dice.uniform(*_PAUSE_S)):
                key, context = self._wish(dice)
                if key in self._avoided:
                    continue
                began = time.monotonic()
                mine = self._load(http, number, key, context)
                if mine is None:
                    continue
                self._hold(key, dice.uniform(*_HOLD_S))
                self._unload(http, mine)
                with self._lock:
                    self._spans.append((key, began, time.monotonic()))

    def _load(self, http: httpx.Client, number: int, key: str, context: int | None) -> Held | None:
        with self._lock:
            self._loading[number] = (key, context)
        try:
            body = {"model": key, **({} if context is None else {"context_length": context})}
            answer = http.post("/api/v1/models/load", json={**body, "echo_load_config": True}).json()
        except (httpx.HTTPError, ValueError) as exc:
            answer = {"error": repr(exc)}
        self._log(f"foreign {number} loaded {key} {context}: {answer}")
        with self._lock:
            del self._loading[number]
            if "instance_id" not in answer:
                return None
            config = answer.get("load_config") or {}
            mine = Held(id=answer["instance_id"], key=key, config=config)
            self._held[mine.id] = mine
            return mine

    def _hold(self, key: str, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end and key not in self._avoided and not self._is_over.wait(0.05):
            pass

    def _unload(self, http: httpx.Client, mine: Held) -> None:
        with self._lock:  # From now on it may be missing from a listing.
            self._held.pop(mine.id, None)
            self._until[mine.id] = float("inf")
        try:
            for _ in range(3):
                try:
                    answer = http.post("/api/v1/models/unload", json={"instance_id": mine.id})
                    self._log(f"foreign unloaded {mine.id}: {answer.text}")
                except httpx.HTTPError as exc:
                    self._log(f"foreign unload of {mine.id} failed: {exc!r}")
                    time.sleep(_RETRY_S)
                    continue
                if answer.json().get("instance_id") != mine.id:
                    self.wrongs.append((mine.key, f"{mine.id}: was gone when its owner unloaded it: {answer.text}"))
                return
        finally:
            with self._lock:
                self._until[mine.id] = time.monotonic()
