"""Images that go with the prompts of an own task."""

import os
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from harness.domain.model import Capabilities
from harness.domain.record import PromptRecord, SampleRecord, SkipRecord
from harness.errors import TaskError
from harness.store.reader import read_run
from harness.testing.library import DEFAULT_MODELS
from harness.testing.scripted import ScriptedServer
from tests import forkserver

from .written import load, write

PNG = b"\x89PNG\r\n\x1a\n"
TOML = """
data = "rows.csv"
prompt = "What is on it? {hint}"
images = ["photo"]
target = "what"
scorer = "exact"
"""
ROWS = "hint,photo,what\nan animal,images/cat.png,cat\na thing,images/cup.png,cup\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    own = tmp_path / "own"
    (own / "images").mkdir(parents=True)
    for name in ("cat", "cup"):
        (own / "images" / f"{name}.png").write_bytes(PNG + name.encode())
    return own


def test_an_image_decides_what_is_asked_by_its_content(folder: Path) -> None:
    own = load(folder, TOML, rows=ROWS)
    assert own.task.needs.vision
    assert own.task.prompt_tokens > 2000
    before = [sample.item_hash for sample in own.rows.samples]
    (folder / "images/cup.png").write_bytes(PNG + b"another cup")
    after = [sample.item_hash for sample in load(folder, TOML, rows=ROWS).rows.samples]
    assert (before[0], before[1] == after[1]) == (after[0], False)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/etc/hostname", "field photo: expected a file beside the definition or below it, without .."),
        ("../secret.png", "field photo: expected a file beside the definition or below it, without .."),
        ("images/dog.png", "field photo: expected a file, but .*dog.png does not exist"),
        ("images", "field photo: expected a file, but .*images is not a file"),
        ("link.png", "field photo: expected a file below .*, but link.png is a link that leads out of it"),
        ("rows.csv", "field photo: .*rows.csv is not an image. Expected PNG, JPEG, WebP or GIF"),
        ("huge.png", "field photo: the image .*huge.png is larger than 20 MiB"),
    ],
)
def test_an_image_that_cannot_be_sent_is_named_with_its_row(folder: Path, path: str, message: str) -> None:
    (folder.parent / "secret.png").write_bytes(PNG)
    (folder / "link.png").symlink_to(folder.parent / "secret.png")
    with (folder / "huge.png").open("wb") as file:
        file.write(PNG)
        file.truncate(21 * 2**20)
    with pytest.raises(TaskError, match=rf"rows\.csv:2: {message}"):
        load(folder, TOML, rows=ROWS.replace("images/cat.png", path))


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    seeing = Capabilities(vision=True, trained_for_tool_use=False)
    with ScriptedServer([replace(DEFAULT_MODELS[0], capabilities=seeing), *DEFAULT_MODELS[1:]]) as scripted:
        yield scripted


def test_images_are_sent_to_models_with_vision_and_recorded_by_hash(folder: Path, server: ScriptedServer) -> None:
    write(folder, TOML, rows=ROWS)
    server.reply_with(lambda request: "cat" if b64encode(PNG + b"cat").decode() in str(request.json) else "cup")
    environ = {**os.environ, "LM_STUDIO_API_URL": server.url, "LMS_HARNESS_STATE": str(folder / "state")}
    done = forkserver.run("harness.cli", "run", "--model=all", "--tasks=own", cwd=folder.parent, env=environ)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = (folder.parent / "results").glob("*.jsonl")
    records = list(read_run(path))
    assert {record.output_text for record in records if isinstance(record, SampleRecord)} == {"cat", "cup"}
    assert [record.reason for record in records if isinstance(record, SkipRecord)] == ["needs a model with vision"]
    assert {image["bytes"] for record in records if isinstance(record, PromptRecord) for image in record.images} == {11}
    sent = [part for body in server.asked("POST", "/api/v1/chat") for part in body["input"] if isinstance(part, dict)]
    urls = [part["data_url"] for part in sent if part["type"] == "image"]
    assert {b64decode(url.partition(",")[2]) for url in urls} == {PNG + b"cat", PNG + b"cup"}
    assert "base64" not in path.read_text(encoding="utf-8")
