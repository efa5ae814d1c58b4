"""The decoder of responses against RFC 9112, against another implementation, and against what no server may send."""

from itertools import pairwise

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.client.http1 import MAX_HEAD_BYTES, NotHttp, ResponseDecoder

PLAIN = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;a=b\r\nllo\r\n0\r\nx: y\r\n\r\n"
TO_THE_END = b"HTTP/1.0 200\r\n\r\nhello"


def decoded(*parts: bytes) -> tuple[ResponseDecoder, bytes]:
    decoder = ResponseDecoder()
    return decoder, b"".join(decoder.feed(part) for part in parts)


def single_bytes(data: bytes) -> list[bytes]:
    return [data[at : at + 1] for at in range(len(data))]


@pytest.mark.parametrize("data", [PLAIN, CHUNKED])
def test_a_response_is_complete_with_its_last_byte_however_it_is_split(data: bytes) -> None:
    for parts in ([data], single_bytes(data), [data[:60], data[60:]]):
        decoder, body = decoded(*parts)
        assert (body, decoder.is_complete) == (b"hello", True)
    decoder, _ = decoded(data[:-1])
    assert not decoder.is_complete
    assert not decoder.has_ended()


class Counted(bytearray):
    """Bytes that count how many of them are searched or copied."""

    work = 0

    def find(self, mark: bytes, start: int = 0) -> int:  # type: ignore[override]
        self.work += len(self) - start
        return super().find(mark, start)

    def __getitem__(self, at: slice) -> bytearray:  # type: ignore[override]
        found = super().__getitem__(at)
        self.work += len(found)
        return found


def test_a_long_head_that_comes_byte_by_byte_is_searched_once() -> None:
    head = b"HTTP/1.1 200 OK\r\nx-long: " + b"a" * 60_000 + b"\r\ncontent-length: 2\r\n\r\n"
    decoder, first = ResponseDecoder(), Counted(head[:1])
    decoder.feed(first)  # type: ignore[arg-type]
    for part in single_bytes(head[1:]):
        decoder.feed(part)
    assert decoder.head is not None
    assert len(first) == len(head), "what comes is added where the rest is"
    assert first.work < 20 * len(head)
    assert decoder.feed(b"okay") == b"ok"


def test_without_a_length_the_end_of_the_connection_ends_it() -> None:
    decoder, body = decoded(*single_bytes(TO_THE_END))
    assert (body, decoder.is_complete, decoder.has_ended()) == (b"hello", False, True)


def test_headers_have_lower_case_names_and_one_value() -> None:
    decoder, _ = decoded(b"HTTP/1.1 404 Not Found\r\nX-A:1\r\nx-a: \t2 \r\nX-B: \xe9\r\nX-C:\r\n\r\n")
    assert decoder.head is not None
    assert (decoder.head.status, decoder.head.headers) == (404, {"x-a": "1, 2", "x-b": "é", "x-c": ""})


def test_interim_responses_are_passed_over() -> None:
    decoder, body = decoded(b"HTTP/1.1 100 Continue\r\n\r\n" + PLAIN)
    assert decoder.head is not None
    assert (decoder.head.status, body) == (200, b"hello")


@pytest.mark.parametrize("status", [204, 304])
def test_some_answers_have_no_body_whatever_their_headers_say(status: int) -> None:
    decoder, body = decoded(b"HTTP/1.1 %d -\r\ncontent-length: 5\r\n\r\n" % status)
    assert (body, decoder.is_complete) == (b"", True)


def test_chunks_count_where_there_is_a_length_as_well() -> None:
    decoder, body = decoded(CHUNKED.replace(b"Transfer", b"content-length: 1\r\nTransfer"))
    assert (body, decoder.is_complete) == (b"hello", True)


def test_what_follows_the_response_is_ignored() -> None:
    decoder, body = decoded(PLAIN + b"HTTP/1.1 200 OK\r\n\r\n", b"more")
    assert (body, decoder.is_complete) == (b"hello", True)


@pytest.mark.parametrize(
    "data",
    [
        b"220 smtp.example.org ESMTP\r\n",
        b"\x15\x03\x01\x00\x02\x02\x46",
        b"\x00",
        b"HTTP/2",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\na b: c\r\n\r\n",
        b"HTTP/1.1 200 OK\r\na: b\r\n folded\r\n\r\n",
        b"HTTP/1.1 200 OK\r\na: b\nc: d\r\n\r\n",
        b"HTTP/1.1 200 OK\r\na: b\x00\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: %b\r\n\r\n" % (b"9" * 30),
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n-1\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhello\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + b"0" * (MAX_HEAD_BYTES + 1),
        b"HTTP/1.1 200 OK\r\nx: " + b"y" * MAX_HEAD_BYTES,
    ],
)
def test_what_is_no_http_is_refused(data: bytes) -> None:
    with pytest.raises(NotHttp):
        decoded(data)


def test_a_head_that_never_ends_is_told_from_no_http_when_the_connection_ends() -> None:
    assert not ResponseDecoder().has_ended()
    assert not decoded(b"HTTP/1.1 200")[0].has_ended()


BODIES = st.lists(st.binary(min_size=1, max_size=30), max_size=6)


def sent_by_h11(bodies: list[bytes], *, is_chunked: bool) -> bytes:
    """The same response as another implementation writes it."""
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    connection.next_event()
    length = [("transfer-encoding", "chunked")] if is_chunked else [("content-length", str(sum(map(len, bodies))))]
    events: list[h11.Event] = [
        h11.Response(status_code=200, headers=[("content-type", "text/event-stream"), *length]),
        *(h11.Data(data=body) for body in bodies),
        h11.EndOfMessage(),
    ]
    return b"".join(connection.send(event) or b"" for event in events)


@given(bodies=BODIES, is_chunked=st.booleans(), cuts=st.lists(st.integers(0, 300), max_size=8))
def test_it_reads_what_another_implementation_writes(bodies: list[bytes], *, is_chunked: bool, cuts: list[int]) -> None:
    data = sent_by_h11(bodies, is_chunked=is_chunked)
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    decoder, body = decoded(*(data[start:end] for start, end in pairwise(edges)))
    assert (body, decoder.is_complete) == (b"".join(bodies), True)


@given(data=st.binary(max_size=200), prefix=st.sampled_from([b"", PLAIN[:20], PLAIN[:40], CHUNKED[:60], CHUNKED[:52]]))
def test_garbage_ends_in_an_answer_or_in_its_error(data: bytes, prefix: bytes) -> None:
    for parts in ([prefix + data], single_bytes(prefix + data)):
        decoder = ResponseDecoder()
        try:
            for part in parts:
                decoder.feed(part)
            decoder.has_ended()
        except NotHttp:
            continue
