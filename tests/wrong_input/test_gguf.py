"""Files that are no models: left out by name, or a load that fails with llama.cpp's reason; the server lives on."""

import os
import shutil
import struct
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from harness.domain.model import Model
from harness.domain.record import InstanceRecord, SkipRecord, SummaryRecord
from harness.embedded.catalogue import scan
from harness.errors import EmbeddedError

from .conftest import Lms, records

if TYPE_CHECKING:
    from harness.embedded.process import EmbeddedServer

KEY = "smollm2-135m-instruct-q4_0"


def gguf(**values: bytes) -> bytes:
    """Return a header with these values, each with its type before it."""
    entries = b"".join(text(name.replace("__", ".")) + value for name, value in values.items())
    return b"GGUF" + struct.pack("<IQQ", 3, 0, len(values)) + entries


def text(value: str) -> bytes:
    raw = value.encode()
    return struct.pack("<Q", len(raw)) + raw


def string(value: str) -> bytes:
    return struct.pack("<I", 8) + text(value)


LLAMA = gguf(general__architecture=string("llama"))


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """One good header, and all that may lie beside it."""
    root = tmp_path / "models"
    (root / "acme" / "Tiny-GGUF").mkdir(parents=True)
    (root / "acme" / "Tiny-GGUF" / "tiny-Q4_0.gguf").write_bytes(LLAMA)
    (root / "acme" / "up").symlink_to(root)
    (root / "empty.gguf").write_bytes(b"")
    (root / "noise.gguf").write_bytes(os.urandom(1000))
    (root / "cut.gguf").write_bytes(LLAMA[:30])
    (root / "huge.gguf").write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, 2**63))
    (root / "string.gguf").write_bytes(b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 2**62))
    (root / "folder.gguf").mkdir()
    (root / "gone.gguf").symlink_to("/nowhere")
    (root / "ring.gguf").symlink_to("ring.gguf")
    (root / "unreadable.gguf").symlink_to("/proc/self/mem")  # Even root's read of it fails.
    os.mkfifo(root / "pipe.gguf")
    (root / "evil\x1b[2J\n::error::x.gguf").write_bytes(LLAMA)
    (root / "bidi\u202egnp.gguf").write_bytes(LLAMA)
    (root / ("x" * 230 + ".gguf")).write_bytes(LLAMA)
    (Path(os.fsdecode(os.fsencode(root) + b"/latin-\xe9\xff.gguf"))).write_bytes(LLAMA)
    yield root
    shutil.rmtree(root)


def test_only_models_are_listed_and_each_other_file_is_named_on_one_line(folder: Path) -> None:
    reported: list[str] = []
    assert [model.key for model in scan(folder, reported.append)] == ["acme/tiny"]
    for name in (
        "empty",
        "noise",
        "cut",
        "huge",
        "string",
        "folder",
        "gone",
        "ring",
        "pipe",
        "unreadable",
        "evil",
        "bidi",
        "latin",
    ):
        assert len([line for line in reported if line.startswith(f"'{name}")]) == 1, name
    assert len(reported) == 14
    assert all(line.isprintable() and len(line) < 300 for line in reported)


@pytest.mark.parametrize(
    "value",
    [
        string("many"),
        struct.pack("<Ii", 5, -5),
        struct.pack("<If", 6, float("nan")),
        struct.pack("<I?", 7, False),
        struct.pack("<IIQ", 9, 0, 0),
    ],
)
def test_values_of_a_wrong_type_do_not_break_the_listing(tmp_path: Path, value: bytes) -> None:
    (tmp_path / "odd.gguf").write_bytes(
        gguf(
            general__architecture=string("llama"),
            llama__context_length=value,
            general__size_label=value,
            general__name=value,
            general__file_type=value,
        )
    )
    (model,) = scan(tmp_path)
    assert model.max_context_length == 2048
    assert model.params_string is None or model.params_string == "many"


@pytest.mark.parametrize(
    "value",
    [
        struct.pack("<I?", 7, True),
        struct.pack("<IQ", 10, 2**63),
        struct.pack("<Iq", 11, -1),
        struct.pack("<Id", 12, 1e300),
        struct.pack("<IIQ", 9, 4, 2**40),
    ],
)
def test_a_context_length_is_a_count_that_llama_cpp_can_hold(tmp_path: Path, value: bytes) -> None:
    raw = gguf(general__architecture=string("llama"), llama__context_length=value)
    (tmp_path / "odd.gguf").write_bytes(raw + struct.pack("<Q", 0))
    assert [model.max_context_length for model in scan_or_nothing(tmp_path)] in ([2048], [])


def scan_or_nothing(folder: Path) -> tuple[Model, ...]:
    try:
        return scan(folder)
    except EmbeddedError:
        return ()


def test_a_header_costs_no_more_than_its_bound(tmp_path: Path) -> None:
    """A sparse file of 12 long strings took 724 MB, and an array of 50 million strings 34.6 s."""
    entries = 12
    with (tmp_path / "sparse.gguf").open("wb") as file:
        file.write(b"GGUF" + struct.pack("<IQQ", 3, 0, entries))
        for at in range(entries):
            file.write(text(f"key{at}") + struct.pack("<IQ", 8, 16 * 2**20 - 1))
            file.seek(16 * 2**20 - 1, os.SEEK_CUR)
        file.truncate()
    with (tmp_path / "many.gguf").open("wb") as file:
        file.write(b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + text("tokens") + struct.pack("<IIQ", 9, 8, 50_000_000))
        file.seek(8 * 50_000_000, os.SEEK_CUR)
        file.truncate()
    with (tmp_path / "often.gguf").open("wb") as file:
        file.write(b"GGUF" + struct.pack("<IQQ", 3, 0, 2))
        for count in (100_000, 1_950_000):  # Each is within the bound, both together are not.
            file.write(text(f"key{count}") + struct.pack("<IIQ", 9, 8, count))
            file.seek(8 * count, os.SEEK_CUR)
        file.truncate()
    reported: list[str] = []
    tracemalloc.start()
    with pytest.raises(EmbeddedError, match="no GGUF model"):
        scan(tmp_path, reported.append)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [line.partition(" is left out: ")[2] for line in reported] == [
        "an array of 50000000 strings",
        "an array of 1950000 strings",
        "a string of 16777215 bytes",
    ]
    assert peak < 20 * 2**20


def test_names_inside_a_file_cannot_draw_on_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "odd.gguf").write_bytes(
        gguf(
            general__architecture=string("lla\x1b[2Jma"),
            general__name=string("\x1b]0;owned\x07"),
            general__size_label=string("1B\n"),
        )
    )
    (model,) = scan(tmp_path)
    assert (model.display_name, model.architecture, model.params_string) == ("odd", None, None)


def test_a_folder_without_a_usable_model_is_an_error_that_counts_the_others(tmp_path: Path) -> None:
    (tmp_path / "empty.gguf").write_bytes(b"")
    with pytest.raises(EmbeddedError, match=r"no GGUF model in .*; 1 file cannot be used"):
        scan(tmp_path)


@pytest.mark.embedded
def test_run_and_serve_say_the_same_of_it(lms: Lms, tmp_path: Path) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "empty.gguf").write_bytes(b"")
    for words in (["serve", "--port=0"], ["run", "--url=embedded"]):
        result = lms(*words, f"--models-dir={folder}")
        assert result.code == 3, result.said
        assert "'empty.gguf' is left out: it does not begin with GGUF" in result.said
        assert "no GGUF model in" in result.said


@pytest.mark.embedded
def test_a_run_goes_on_with_the_next_model_after_a_corrupt_one(
    lms: Lms, embedded_server: "EmbeddedServer", tmp_path: Path
) -> None:
    from harness.embedded.default_models import cache_dir

    folder = tmp_path / "models"
    folder.mkdir()
    weights = cache_dir() / f"{KEY}.gguf"
    (folder / "good-q4_0.gguf").symlink_to(weights)
    with weights.open("rb") as file:
        (folder / "torn-q4_0.gguf").write_bytes(file.read(20_000_000))
    result = lms(
        "run",
        "--url=embedded",
        f"--models-dir={folder}",
        "--model=all",
        "--limit=1",
        "--max-output-tokens=4",
        "--suite=offload",
        "--task=classify",
        "--context-length=999999999",
    )
    assert result.code == 0, result.said
    assert "Skipped: torn-q4_0: Failed to load LLM" in result.out
    assert "corrupted or incomplete" in result.out
    assert "Unload what is not needed" not in result.out
    assert "good-q4_0 was loaded with a context of 8192 tokens, fewer than the 999999999" in " ".join(
        result.out.split()
    )
    found = records(tmp_path / "results")
    assert [record.model_key for record in found if isinstance(record, SkipRecord)] == ["torn-q4_0"]
    assert [record.model_key for record in found if isinstance(record, SummaryRecord)] == ["good-q4_0"]
    (used,) = (record for record in found if isinstance(record, InstanceRecord) and record.error is None)
    assert used.requested_config["context_length"] == 999999999
    assert used.effective_config["context_length"] == 8192


@pytest.mark.embedded
def test_a_file_that_goes_bad_after_the_listing_fails_its_load_alone(
    embedded_server: "EmbeddedServer", tmp_path: Path
) -> None:
    from harness.embedded.default_models import cache_dir
    from harness.embedded.process import EmbeddedServer

    weights = cache_dir() / f"{KEY}.gguf"
    for name in ("gone", "changed", "good"):
        (tmp_path / f"{name}.gguf").symlink_to(weights)
    with (
        EmbeddedServer.start(models_dir=tmp_path) as server,
        httpx.Client(base_url=server.url, timeout=60, trust_env=False) as http,
    ):
        (tmp_path / "gone.gguf").unlink()
        (tmp_path / "changed.gguf").unlink()
        (tmp_path / "changed.gguf").write_bytes(os.urandom(5000))
        for name in ("gone", "changed"):
            answer = http.post("/api/v1/models/load", json={"model": name, "context_length": 512})
            assert answer.status_code == 500
            error = answer.json()["error"]
            assert error["type"] == "model_load_failed"
            assert f"Failed to load LLM '{name}': Error: " in error["message"]
            assert "exit code" not in error["message"]  # llama.cpp's own words
        assert http.post("/api/v1/models/load", json={"model": "good", "context_length": 512}).status_code == 200
