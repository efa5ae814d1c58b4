"""Stored turns are shared between the conversations that continue them, and bounded in number and memory."""

import pytest

from harness.embedded.thread import Message, StoredTurns
from harness.serving.refusal import Refusal


def turn(text: str) -> list[Message]:
    return [{"role": "user", "content": text}, {"role": "assistant", "content": "Yes."}]


def test_a_turn_is_continued_from_any_number_of_times() -> None:
    threads = StoredTurns()
    first = threads.store(turn("a"))
    history = threads.history(first)
    branches = [threads.store([*history, *turn(text)]) for text in "bc"]
    assert [threads.history(branch)[2]["content"] for branch in branches] == ["b", "c"]
    assert all(threads.history(branch)[0] is history[0] for branch in branches)


def test_the_oldest_turns_go_first_where_there_are_too_many() -> None:
    threads = StoredTurns(max_turns=2)
    ids = [threads.store(turn(text)) for text in "abc"]
    assert len(threads.history(ids[2])) == 2
    with pytest.raises(Refusal, match="Could not find stored response"):
        threads.history(ids[0])


def test_two_thousand_turns_of_one_conversation_stay_within_the_memory() -> None:
    threads = StoredTurns(max_bytes=100_000)
    messages: tuple[Message, ...] = ()
    for at in range(2000):
        newest = threads.store([*messages, *turn(f"turn {at}")])
        messages = threads.history(newest)
    assert len(messages) == 4000
    kept = list(threads._turns.values())
    assert sum(len(turn) for turn in kept) * 8 < 100_000


def test_long_texts_push_out_old_ones() -> None:
    threads = StoredTurns(max_bytes=100_000)
    ids = [threads.store(turn("x" * 40_000)) for _ in range(4)]
    with pytest.raises(Refusal):
        threads.history(ids[1])
    assert threads.history(ids[3])
