import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from harness.errors import StoreError
from harness.store.chat_log import ChatLog
from harness.testing.clock import FakeClock

CANARY = "canary-58d1-token"


def entries(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_each_entry_is_a_line_and_the_file_is_private(tmp_path: Path) -> None:
    path = tmp_path / "chat.jsonl"
    old = os.umask(0)
    try:
        for attempt in (1, 2):
            with ChatLog(path, token="", clock=FakeClock(), say=print) as log:
                log.write("request", {"attempt": attempt, "text": "two\nlines \udcff"})
    finally:
        os.umask(old)
    assert [entry["attempt"] for entry in entries(path)] == [1, 2]
    assert entries(path)[0]["kind"] == "request"
    assert entries(path)[0]["at"] == "2026-01-01T00:00:00.000Z"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_token_is_masked_wherever_it_stands_and_images_are_only_measured(tmp_path: Path) -> None:
    path = tmp_path / "chat.jsonl"
    body = {
        "input": [f"my token is {CANARY}", {"type": "image", "data_url": "data:image/png;base64,QUJD"}],
        "system_prompt": f"{CANARY[:8]}",
    }
    with ChatLog(path, token=CANARY, clock=FakeClock(), say=print) as log:
        log.write("request", {"request": body})
    assert "canary" not in path.read_text(encoding="utf-8")
    assert entries(path)[0]["request"]["input"] == [
        "my token is [redacted]",
        {"type": "image", "data_url": "data:image/png;base64,[4 bytes]"},
    ]


def test_a_full_disk_is_told_once_and_ends_the_log(tmp_path: Path) -> None:
    said: list[str] = []
    with ChatLog(Path("/dev/full"), token="", clock=FakeClock(), say=said.append) as log:
        log.write("request", {})
        log.write("response", {})
    assert said == [
        "Cannot write the log /dev/full: No space left on device. Logging stops here; answers are not affected."
    ]


def test_where_nothing_can_be_written_says_so_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, why in (
        (tmp_path, "Is a directory"),
        (tmp_path / "missing" / "log", "No such file or directory"),
        (tmp_path / "pipe", "No such device"),  # a pipe that nobody reads
        (Path("a\0b"), "null"),
    ):
        with pytest.raises(StoreError, match=f"cannot write the log .*: .*{why}"):
            ChatLog(path, token="", clock=FakeClock(), say=print)
