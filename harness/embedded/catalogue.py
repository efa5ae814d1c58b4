"""Which models a folder of GGUF files offers, under which keys."""

import contextlib
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.domain.count import counted
from harness.domain.model import Capabilities, Model, ModelKey, Quantization
from harness.embedded.gguf_header import BrokenHeader, read_header
from harness.errors import EmbeddedError
from harness.settings import setting

_PART = re.compile(r"-(\d{5})-of-(\d{5})$")
_QUANT = re.compile(r"(?i)(?:^|[-._])((?:iq|q)\d[a-z0-9_]*|f16|bf16|f32|mxfp4)$")
_USUAL_CONTEXT = 2048
_MAX_CONTEXT = 2**31 - 1  # what llama.cpp counts with
_LONGEST_NAME = 200
_SHOWN = 120
_EMBEDDING_ARCHITECTURES = ("bert", "gemma-embedding", "t5encoder")

# llama.cpp's LLAMA_FTYPE_* values, for files whose name does not say (include/llama.h).
_FILE_TYPES = {0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K", 14: "Q4_K_S",
               15: "Q4_K_M", 16: "Q5_K_S", 17: "Q5_K_M", 18: "Q6_K", 32: "BF16"}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFile:
    """A model and the file that it is loaded from. The key is only ever looked up, never joined to a path."""

    model: Model
    path: Path
    reasons_by_template: bool = False

    @property
    def parts(self) -> Sequence[Path]:
        """All files of the model, which may be split."""
        return _parts(self.path)


def scan(models_dir: Path, tell: Callable[[str], None] = lambda _: None) -> tuple[Model, ...]:
    """Return the models in this folder that would be served, sorted by key; raises and reports as `model_files`."""
    return tuple(file.model for file in model_files(models_dir, tell))


def model_files(models_dir: Path, tell: Callable[[str], None] = lambda _: None) -> tuple[ModelFile, ...]:
    """Return the models of a folder with their files.

    LM Studio's layout (`publisher/repository/file.gguf`) gives keys such as `publisher/repository`; other files are
    known by their name. A quantisation is appended where several files would share a key.

    Args:
        models_dir: the folder.
        tell: gets a line for each file that is left out, with the reason.

    Raises:
        EmbeddedError: it is not a folder, or holds no usable model.
    """
    try:
        next(models_dir.iterdir(), None)  # What cannot be read looks like an empty folder to `rglob`.
    except (FileNotFoundError, NotADirectoryError, ValueError):
        raise EmbeddedError(f"{setting('models_dir')}: expected a folder, got {str(models_dir)!r}") from None
    except OSError as exc:
        raise EmbeddedError(f"{setting('models_dir')}: cannot read {str(models_dir)!r}: {exc.strerror}") from exc
    found: dict[str, list[ModelFile]] = defaultdict(list)
    left_out = 0
    for path in sorted(models_dir.rglob("*.gguf")):
        part = _PART.search(path.stem)
        if "mmproj" in path.name.lower() or (part and int(part[1]) != 1):
            continue
        try:
            file = _describe(path, models_dir)
        except (BrokenHeader, OSError) as exc:
            left_out += 1
            reason = exc.strerror if isinstance(exc, OSError) else exc
            tell(f"{str(path.relative_to(models_dir))[:_SHOWN]!r} is left out: {reason}")
            continue
        found[file.model.key].append(file)
    if not found:
        besides = f"; {counted(left_out, 'file')} cannot be used" if left_out else ""
        raise EmbeddedError(
            f"{setting('models_dir')}: no GGUF model in {str(models_dir)!r}{besides}",
            hint="Name a folder that holds *.gguf files.",
        )
    return tuple(sorted(_distinct(found), key=lambda file: file.model.key))


def _distinct(found: Mapping[str, Sequence[ModelFile]]) -> list[ModelFile]:
    files: list[ModelFile] = []
    taken: set[str] = set()
    for key, same in found.items():
        for file in same:
            quant = (file.model.quantization.name if file.model.quantization else None) or "unknown"
            name = key if len(same) == 1 else f"{key}-{quant.lower()}"
            unique = next(n for n in (name, *(f"{name}-{i}" for i in range(2, 10_000))) if n not in taken)
            taken.add(unique)
            files.append(replace(file, model=replace(file.model, key=ModelKey(unique))))
    return files


def _describe(path: Path, root: Path) -> ModelFile:
    if not path.is_file():
        raise BrokenHeader("it is not a file")
    # Keys are printed, sent as JSON and written to records, so unprintable ones are kept out here, once.
    if not path.name.isprintable() or len(path.name) > _LONGEST_NAME:
        raise BrokenHeader(f"its name is longer than {_LONGEST_NAME} characters, or has unprintable ones")
    header = read_header(path)
    architecture = _text(header.get("general.architecture")) or ""
    stem = _PART.sub("", path.stem)
    folders = path.relative_to(root).parts[:-1]
    quant = _quant(stem, header)
    is_embedding = any(name in architecture for name in _EMBEDDING_ARCHITECTURES)
    template = str(header.get("tokenizer.chat_template", ""))
    reasons = "enable_thinking" in template
    name = _text(header.get("general.name")) or stem
    return ModelFile(
        path=path,
        reasons_by_template=reasons,
        model=Model(
            key=ModelKey(_key(stem, folders)),
            type="embedding" if is_embedding else "llm",
            publisher=folders[-2] if len(folders) > 1 else _text(header.get("general.organization")) or "",
            display_name=name,
            architecture=architecture or None,
            quantization=Quantization(name=quant, bits_per_weight=_bits(quant)),
            size_bytes=sum(part.stat().st_size for part in _parts(path)),
            params_string=_text(header.get("general.size_label")),
            max_context_length=_tokens(header.get(f"{architecture}.context_length")),
            format="gguf",
            capabilities=None if is_embedding else _capabilities(template, reasons=reasons),
        ),
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value.isprintable() else None


def _tokens(value: object) -> int:
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _MAX_CONTEXT
    return int(value) if is_count else _USUAL_CONTEXT  # type: ignore[call-overload]


def _capabilities(template: str, *, reasons: bool) -> Capabilities:
    return Capabilities(
        vision=False,  # Images come with a later version, whatever the model could do.
        trained_for_tool_use="tools" in template,
        reasoning_options=("off", "on") if reasons else None,
        reasoning_default="on" if reasons else None,
    )


def _key(stem: str, folders: Sequence[str]) -> str:
    if len(folders) > 1:
        repository = re.sub(r"(?i)[-_.]gguf$", "", folders[-1])
        return f"{folders[-2]}/{repository}".lower()
    return stem.lower()


def _quant(stem: str, header: Mapping[str, Any]) -> str | None:
    if match := _QUANT.search(stem):
        return match[1].upper()
    return _FILE_TYPES.get(header.get("general.file_type", -1))


def _bits(quant: str | None) -> float | None:
    match = re.search(r"\d+", quant or "")
    return float(match[0]) if match else None


def _parts(path: Path) -> list[Path]:
    part = _PART.search(path.stem)
    if not part:
        return [path]
    paths = [
        path.with_name(f"{_PART.sub('', path.stem)}-{i:05d}-of-{part[2]}.gguf") for i in range(1, int(part[2]) + 1)
    ]
    existing = []
    for part_path in paths:
        with contextlib.suppress(OSError):
            part_path.stat()
            existing.append(part_path)
    return existing
