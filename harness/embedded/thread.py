"""Stored conversations: every `response_id` is a point to continue from, any number of times."""

import secrets
from collections import OrderedDict
from collections.abc import Sequence
from typing import TypeAlias

from harness.serving.refusal import unknown_response

Message: TypeAlias = dict[str, str]

_MAX_TURNS = 10_000
_MAX_BYTES = 64 * 1024 * 1024
_BYTES_OF_A_REFERENCE = 8


class StoredTurns:
    """The stored turns of this server. The oldest go where there are too many, or where they take too much memory.

    A turn holds all messages up to it, but shares them with the turns that it continues, so only the last ones are its
    own: what was asked, what was answered, and perhaps a new system prompt.
    """

    def __init__(self, *, max_turns: int = _MAX_TURNS, max_bytes: int = _MAX_BYTES) -> None:
        self._max_turns = max_turns
        self._max_bytes = max_bytes
        self._turns: OrderedDict[str, tuple[Message, ...]] = OrderedDict()
        self._bytes = 0

    def history(self, response_id: str | None) -> tuple[Message, ...]:
        """Return the messages up to and including this response; none without an id.

        Raises:
            Refusal: 400 invalid_value, as LM Studio 0.4.25 answers it.
        """
        if response_id is None:
            return ()
        turn = self._turns.get(response_id)
        if turn is None:
            raise unknown_response(response_id)
        return turn

    def store(self, messages: Sequence[Message]) -> str:
        """Keep a conversation and return its response id: `resp_` and 48 hexadecimal digits."""
        response_id = f"resp_{secrets.token_hex(24)}"
        turn = tuple(messages)
        self._turns[response_id] = turn
        self._bytes += _cost(turn)
        while len(self._turns) > self._max_turns or (self._bytes > self._max_bytes and len(self._turns) > 1):
            _, oldest = self._turns.popitem(last=False)
            self._bytes -= _cost(oldest)
        return response_id


def _cost(turn: tuple[Message, ...]) -> int:
    own = (*turn[:1], *turn[-2:])
    return _BYTES_OF_A_REFERENCE * len(turn) + sum(len(message["content"]) for message in own)
