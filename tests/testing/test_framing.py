"""Messages of HTTP/1.1, split anywhere: no byte is lost, and the end is found."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.testing.framing import MAX_HEAD_BYTES, Framing, MessageHead, NotHTTP, Piece, chunk

REQUEST = b"POST /x?y=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=1\r\nabc\r\nA\r\n0123456789\r\n0\r\nT: 1\r\n\r\n"
CONTINUED = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc"


def read(framing: Framing, data: bytes, cuts: list[int]) -> list[Piece]:
    bounds = [0, *sorted(cut % len(data) for cut in cuts), len(data)]
    return [piece for start, end in pairwise(bounds) for piece in framing.feed(data[start:end])]


@pytest.mark.parametrize(
    ("data", "answers", "payload"),
    [
        (REQUEST, None, b"abc"),
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", None, b""),
        (CHUNKED, "GET", b"abc0123456789"),
        (CONTINUED, "POST", b"abc"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", "GET", b""),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n", "HEAD", b""),
    ],
)
@given(cuts=st.lists(st.integers(min_value=0), max_size=8))
def test_a_message_split_anywhere_is_found_whole_and_no_byte_is_lost(
    data: bytes, answers: str | None, payload: bytes, cuts: list[int]
) -> None:
    framing = Framing(answers=answers)
    pieces = read(framing, data, cuts)
    assert framing.is_complete
    assert b"".join(piece.wire for piece in pieces) == data
    assert b"".join(piece.payload for piece in pieces) == payload
    assert [piece.head for piece in pieces if piece.head] == [framing.head]


def test_what_follows_a_message_stays_for_the_next_one() -> None:
    framing = Framing()
    assert b"".join(piece.wire for piece in framing.feed(REQUEST + b"GET /next")) == REQUEST
    assert framing.is_complete
    assert framing.rest == b"GET /next"


def test_an_answer_without_a_length_ends_with_its_connection() -> None:
    framing = Framing(answers="GET")
    pieces = list(framing.feed(b"HTTP/1.0 200 OK\r\n\r\nabc"))
    assert (framing.is_complete, framing.ends_with_connection, pieces[-1].payload) == (False, True, b"abc")


@pytest.mark.parametrize("data", [b"\x16\x03\x01\x02\r\n\r\n", b"x" * (MAX_HEAD_BYTES + 1)])
def test_a_request_that_is_no_http_is_refused(data: bytes) -> None:
    with pytest.raises(NotHTTP, match="not an HTTP request"):
        list(Framing().feed(data))


@pytest.mark.parametrize(
    "data",
    [b"SSH-2.0-x\r\n\r\nrest", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nnot a size\r\nabc"],
)
def test_an_answer_that_is_no_http_passes_as_it_is(data: bytes) -> None:
    framing = Framing(answers="GET")
    assert b"".join(piece.wire for piece in framing.feed(data)) == data
    assert framing.ends_with_connection


def test_another_value_of_a_header_leaves_all_other_bytes_as_they_are() -> None:
    head = MessageHead.parse(b"GET /a HTTP/1.1\r\nX-Odd:  spaced \r\nhOsT: before\r\nB: 1\r\n\r\n")
    assert head.with_header("Host", "after").encoded() == (
        b"GET /a HTTP/1.1\r\nX-Odd:  spaced \r\nB: 1\r\nHost: after\r\n\r\n"
    )
    assert head.with_header("host", None).lines == (b"X-Odd:  spaced ", b"B: 1")


def test_a_chunk_is_framed_by_its_size() -> None:
    assert chunk(b"0123456789ab") + chunk(b"") == b"c\r\n0123456789ab\r\n0\r\n\r\n"
