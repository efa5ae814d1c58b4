"""Stored conversations: every `response_id` is a point from which to go on, also more than once."""

import secrets
from collections import OrderedDict
from collections.abc import Sequence

from harness.serving.refusal import unknown_response

Message = dict[str, str]
_MOST = 10_000


class Threads:
    """The stored turns of this server, the newest 10,000; they end with it."""

    def __init__(self, *, most: int = _MOST) -> None:
        self._most = most
        self._turns: OrderedDict[str, tuple[Message, ...]] = OrderedDict()

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
        self._turns[response_id] = tuple(messages)
        while len(self._turns) > self._most:
            self._turns.popitem(last=False)
        return response_id
