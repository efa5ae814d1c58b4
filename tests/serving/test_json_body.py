"""JSON is taken strictly, and what would cost a hundred times its size is not parsed at all."""

import tracemalloc

import pytest

from harness.serving.json_body import MAX_PARTS, parse_json
from harness.serving.refusal import Refusal


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"\xff\xfe{}",
        b"\x00",
        b"NaN",
        b"-Infinity",
        b"1e999",
        b'{"a": -1e999}',
        b"9" * 5000,
        b'{"a": 1, "a": 2}',
        b'"\xed\xa0\x80"',
        b'"\\ud800"',
        b'{"\\udfff": 1}',
        b'[{"a": ["x", "\\udc00 y"]}]',
        b"[" * 100_000,
        b'{"a":' * 90_000,
    ],
    ids=lambda raw: repr(raw[:30]),
)
def test_what_is_not_json_is_refused(raw: bytes) -> None:
    with pytest.raises(Refusal) as caught:
        parse_json(raw)
    assert (caught.value.status, caught.value.code) == (400, "invalid_json")


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b'{"a": [1, 2.5, true, null, "x"]}', {"a": [1, 2.5, True, None, "x"]}),
        (b'"\\ud83d\\ude00"', "\N{GRINNING FACE}"),
        ('"\N{GRINNING FACE}"'.encode(), "\N{GRINNING FACE}"),
        (b"1e308", 1e308),
    ],
)
def test_what_is_json_is_taken(raw: bytes, value: object) -> None:
    assert parse_json(raw) == value


@pytest.mark.parametrize(
    "raw",
    [b"[" + b"{}," * MAX_PARTS + b"{}]", b"[" * (MAX_PARTS + 1), b'""' * MAX_PARTS, b"[" + b"1," * MAX_PARTS + b"1]"],
    ids=["objects", "brackets", "strings", "numbers"],
)
def test_a_body_of_too_many_parts_is_refused_before_it_is_parsed(raw: bytes) -> None:
    tracemalloc.start()
    with pytest.raises(Refusal) as caught:
        parse_json(raw)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert caught.value.status == 413
    assert peak < 4 * len(raw)


@pytest.mark.parametrize("text", ['{"a": [1, 2]}, ', '\\"', "\\\\", "\\\\\\\"'"])
def test_a_long_text_that_looks_like_many_parts_is_one(text: str) -> None:
    raw = ('{"input": "' + text.replace('"', '\\"').replace('\\\\"', '\\"') * MAX_PARTS + '"}').encode()
    assert set(parse_json(raw)) == {"input"}
