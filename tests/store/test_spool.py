"""Values that are kept on the disk."""

import tempfile
import threading
from pathlib import Path

import pytest

from harness.errors import StoreError
from harness.store.spool import Spool

ODD = [None, True, 0.1, 1e400, "\ud800 half a pair", "\u2028", "", {"b": [1, {}], "a": "ü"}, 10**30]


def test_values_come_back_as_they_were() -> None:
    spool = Spool()
    for value in ODD:
        spool.append(value)
    assert list(spool) == ODD
    assert spool.value(len(ODD) - 1) == ODD[-1]
    assert len(spool) == len(ODD)


def test_a_large_spool_is_a_file_that_several_threads_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    spool = Spool()
    for number in range(3000):
        spool.append([number, "x" * 1000])
    wrong: list[int] = []

    def look() -> None:
        wrong.extend(number for number in range(0, 3000, 7) if spool.value(number)[0] != number)

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    spool.append("one more")
    for thread in threads:
        thread.join()
    assert not wrong
    assert spool.value(3000) == "one more"
    assert not list(tmp_path.iterdir())


def test_a_disk_that_is_full_is_an_error_that_says_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    spool = Spool()
    with pytest.raises(StoreError, match=r"^cannot write a temporary file: .+") as caught:
        spool.append("x" * 1_000_000)
    assert caught.value.exit_code
    assert "TMPDIR" in caught.value.hint


def test_a_value_that_is_nested_too_deeply_is_refused() -> None:
    value: list[object] = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(ValueError, match="nested"):
        Spool().append(value)
