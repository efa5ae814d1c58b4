import itertools
import re
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.client.sse import Decoder, ServerSentEvent
from harness.errors import MalformedAnswer


def decoded(*chunks: bytes) -> list[tuple[str, str]]:
    decoder = Decoder()
    return [(event.name, event.data) for chunk in chunks for event in decoder.feed(chunk)]


def by_the_standard(stream: bytes) -> list[tuple[str, str]]:
    """The standard's algorithm, on the whole stream at once and with no thought of speed."""
    text = stream.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")
    events, name, data = [], "", ""
    for line in re.split("\r\n|\n|\r", text)[:-1]:
        if line == "":
            if data:
                events.append((name or "message", data[:-1]))
            name, data = "", ""
            continue
        if line.startswith(":"):
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            name = value
        elif field == "data":
            data += value + "\n"
    return events


lines = st.one_of(
    st.sampled_from(
        ["", "data", "data:", "data: ", "data:  x", "event: message.delta", "event", ": ping", ":", "id: 7"]
    ),
    st.text(alphabet='dataevent: \t{}"\u00e9\u4e16\U0001f600\x00\ufeff', max_size=12),
)
streams = st.builds(
    lambda bom, parts: (b"\xef\xbb\xbf" if bom else b"") + "".join(a + b for a, b in parts).encode(),
    st.booleans(),
    st.lists(st.tuples(lines, st.sampled_from(["\n", "\r", "\r\n", "\n\n", "\r\r", "\r\n\r\n"])), max_size=20),
)


@given(streams, st.lists(st.integers(min_value=0, max_value=400), max_size=12))
def test_any_split_gives_the_events_of_the_standard(stream: bytes, cuts: list[int]) -> None:
    places = sorted({0, len(stream), *(min(cut, len(stream)) for cut in cuts)})
    chunks = [stream[a:b] for a, b in itertools.pairwise(places)]
    assert decoded(*chunks) == by_the_standard(stream)


@given(streams)
def test_byte_by_byte_gives_the_same_events(stream: bytes) -> None:
    assert decoded(*(stream[at : at + 1] for at in range(len(stream)))) == decoded(stream)


@given(st.binary(max_size=200), st.integers(min_value=0, max_value=200))
def test_no_bytes_whatever_break_it(stream: bytes, cut: int) -> None:
    assert decoded(stream[:cut], stream[cut:]) == decoded(stream)


def test_a_cr_ends_a_line_at_once_and_its_lf_ends_no_other() -> None:
    assert decoded(b"data: a\r\n\r") == [("message", "a")]
    assert decoded(b"data: a\r\n\r", b"\ndata: b\r\n\r\n") == [("message", "a"), ("message", "b")]


def test_an_empty_chunk_between_cr_and_lf_changes_nothing() -> None:
    assert decoded(b"data: a\r", b"", b"\ndata: b\n\n") == [("message", "a\nb")]


def test_the_byte_order_mark_is_skipped_at_the_beginning_only() -> None:
    assert decoded(b"\xef", b"\xbb", b"\xbfdata: a\n\n\xef\xbb\xbfdata: b\n\n") == [("message", "a")]


def test_several_data_lines_are_joined_by_line_ends() -> None:
    assert decoded(b"data: a\ndata:\ndata: c\n\n") == [("message", "a\n\nc")]


def test_only_one_space_after_the_colon_is_dropped() -> None:
    assert decoded(b"data:  a\n\n") == [("message", " a")]


def test_a_name_without_data_is_forgotten() -> None:
    assert decoded(b"event: message.start\n\ndata: a\n\n") == [("message", "a")]


def test_an_event_without_its_empty_line_never_comes() -> None:
    assert decoded(b"data: a\n\ndata: b\n") == [("message", "a")]


def test_events_come_as_soon_as_they_are_complete() -> None:
    decoder = Decoder()
    assert list(decoder.feed(b"event: a\ndata: 1\n\nevent: b\nda")) == [ServerSentEvent(name="a", data="1")]
    assert list(decoder.feed(b"ta: 2\n\n")) == [ServerSentEvent(name="b", data="2")]


@pytest.mark.parametrize("endless", [b"data: aaaaaaaaaaaaaaaa", b"data: aaaaaaaa\n"])
def test_a_line_or_an_event_without_end_is_refused(endless: bytes) -> None:
    decoder = Decoder(max_event_bytes=1000)
    with pytest.raises(MalformedAnswer, match="longer than 1000 bytes"):
        deque((event for _ in range(1000) for event in decoder.feed(endless)), maxlen=0)


def test_hours_of_keep_alive_comments_do_not_fill_an_event() -> None:
    decoder = Decoder(max_event_bytes=1000)
    assert [event for _ in range(1000) for event in decoder.feed(b": keep-alive\n")] == []
    assert [event.data for event in decoder.feed(b"data: a\n\n")] == ["a"]
