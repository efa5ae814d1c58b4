import io
import os
from pathlib import Path

import pytest

from harness.errors import TaskError
from harness.task.prompt import MAX_PROMPT_BYTES, prompt_of, read_prompt


def test_a_file_and_a_stream_give_the_same_text(tmp_path: Path) -> None:
    text = "Grüße\n東京\n"
    path = tmp_path / "task.txt"
    path.write_bytes(text.encode())
    assert read_prompt(path, name="it") == read_prompt(io.BytesIO(text.encode()), name="it") == text


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"\xef\xbb\xbfwith a mark", "with a mark"),
        ("\ufffd\ufffd a".encode(), "\ufffd\ufffd a"),
    ],
)
def test_marks_and_replacement_characters_are_text(data: bytes, text: str) -> None:
    assert prompt_of(data, name="it") == text


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "it is empty"),
        (b" \n\t", "it is empty"),
        (b"\xef\xbb\xbf", "it is empty"),
        (b"text\0text", "it is binary: it contains NUL bytes"),
        ("UTF-16".encode("utf-16"), "it is binary"),
        ("東京".encode("utf-16"), "it is not UTF-8: line 1, byte 1 is 0xff; it looks like UTF-16"),
        ("Здравствуйте".encode("cp1251"), "cannot read it: it is not UTF-8: line 1, byte 1 is 0xc7"),
        (b"one\ntwo Ren\xe9 and Fran\xe7ois", "it is not UTF-8: line 2, byte 8 is 0xe9, after 'two Ren'"),
        (b"x" * (MAX_PROMPT_BYTES + 1), "it is longer than 32 MiB"),
    ],
)
def test_what_is_no_text_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(TaskError, match=said) as refused:
        prompt_of(data, name="it")
    assert refused.value.hint


def test_random_bytes_are_refused() -> None:
    with pytest.raises(TaskError, match="not UTF-8"):
        prompt_of(bytes(byte or 1 for byte in os.urandom(4096)), name="it")


def test_a_source_without_end_is_read_up_to_the_limit() -> None:
    with pytest.raises(TaskError, match="/dev/zero is longer than 32 MiB"):
        read_prompt(Path("/dev/zero"), name="/dev/zero")


def test_what_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="cannot read it: No such file"):
        read_prompt(tmp_path / "missing", name="it")
    with pytest.raises(TaskError, match="cannot read it: Is a directory"):
        read_prompt(tmp_path, name="it")
    with pytest.raises(TaskError, match=r"cannot read it: .*null"):
        read_prompt(Path("a\0b"), name="it")
