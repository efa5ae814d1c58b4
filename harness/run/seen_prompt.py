"""Which prompts a run file has already: most runs have as many as samples, so each takes a few bytes only."""

import hashlib
from array import array

_LEAST = 64
_MASK = (1 << 64) - 1
_HASH_DIGITS = 16


class SeenPrompts:
    """A set of prompt hashes, in a table of 64-bit numbers with open addressing: 12 to 24 bytes each.

    A set of Python's own takes 140. Where an entry belongs is searched from its own digits on, which are random.
    """

    def __init__(self) -> None:
        self._table = array("Q", bytes(8 * _LEAST))  # 0: nothing.
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, prompt_hash: str) -> bool:
        number = _number(prompt_hash)
        return self._table[_place(self._table, number)] == number

    def add(self, prompt_hash: str) -> None:
        """Note a prompt."""
        number = _number(prompt_hash)
        place = _place(self._table, number)
        if self._table[place] == number:
            return
        self._table[place] = number
        self._count += 1
        if 3 * self._count > 2 * len(self._table):
            self._grow()

    def _grow(self) -> None:
        larger = array("Q", bytes(16 * len(self._table)))
        for number in self._table:
            if number:
                larger[_place(larger, number)] = number
        self._table = larger


def _place(table: "array[int]", number: int) -> int:
    """Return where a number stands, or would stand."""
    last = len(table) - 1
    place = number & last
    while table[place] not in {0, number}:
        place = (place + 1) & last
    return place


def _number(prompt_hash: str) -> int:
    """Return a hash as a number that is not 0; another run's file may have any text in its place."""
    try:
        number = int(prompt_hash, 16) if len(prompt_hash) == _HASH_DIGITS else None
    except ValueError:
        number = None
    if number is None:
        digest = hashlib.sha256(prompt_hash.encode("utf-8", "surrogatepass")).digest()
        number = int.from_bytes(digest[:8])
    return (number & _MASK) or 1
