"""Makes a GGUF file of a BERT encoder that its authors publish as safetensors, for llama.cpp's architecture `bert`.

Formats: https://github.com/huggingface/safetensors#format, and the tensor names of llama.cpp's `gguf` package.
"""

import json
import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import EmbeddedError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float32]

_HEAD_BYTES = 8
_OUTER = {
    "embeddings.word_embeddings": "token_embd",
    "embeddings.position_embeddings": "position_embd",
    "embeddings.token_type_embeddings": "token_types",
    "embeddings.LayerNorm": "token_embd_norm",
}
_INNER = {
    "attention.self.query": "attn_q",
    "attention.self.key": "attn_k",
    "attention.self.value": "attn_v",
    "attention.output.dense": "attn_output",
    "attention.output.LayerNorm": "attn_output_norm",
    "intermediate.dense": "ffn_up",
    "output.dense": "ffn_down",
    "output.LayerNorm": "layer_output_norm",
}
_LAYER = "encoder.layer."
_CONTROL = ("[CLS]", "[SEP]", "[PAD]", "[MASK]")
# They hold no weights, or weights that mean pooling does not use.
_UNUSED = ("embeddings.position_ids", "pooler.")
# A matrix that llama.cpp adds row by row, so that half precision would save next to nothing.
_IN_FULL = ("position_embd", "token_types")


def convert(source: Path, target: Path, *, name: str) -> None:
    """Write the encoder in the folder `source` to `target`, which appears only when complete.

    Matrices become F16. The folder has `config.json`, `vocab.txt` and `model.safetensors`.

    Raises:
        EmbeddedError: a tensor is missing, of another shape than the config says, or unknown.
    """
    import gguf
    import numpy as np

    config = json.loads((source / "config.json").read_text(encoding="utf-8"))
    vocabulary = (source / "vocab.txt").read_text(encoding="utf-8").removesuffix("\n").split("\n")
    expected = _shapes(config)
    part = target.with_suffix(f".part-{os.getpid()}")
    writer = gguf.GGUFWriter(part, "bert")
    _describe(gguf, writer, config, name)
    _add_vocabulary(gguf, writer, vocabulary, config)
    for found, values in _tensors(source / "model.safetensors"):
        if found.startswith(_UNUSED):
            continue
        renamed = _renamed(found)
        shape = expected.pop(renamed, None)
        if shape != values.shape:
            raise EmbeddedError(f"{found}: expected the shape {shape or 'of no tensor'}, got {values.shape}")
        is_half = values.ndim > 1 and not renamed.startswith(_IN_FULL)
        writer.add_tensor(renamed, values.astype(np.float16 if is_half else np.float32))
    if expected:
        raise EmbeddedError(f"the weights lack {', '.join(sorted(expected))}")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    part.replace(target)


def _shapes(config: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Return the shape of each tensor that llama.cpp needs, by its name there."""
    width, wide = config["hidden_size"], config["intermediate_size"]
    shapes: dict[str, tuple[int, ...]] = {
        "token_embd.weight": (config["vocab_size"], width),
        "position_embd.weight": (config["max_position_embeddings"], width),
        "token_types.weight": (config["type_vocab_size"], width),
        "token_embd_norm.weight": (width,),
        "token_embd_norm.bias": (width,),
    }
    for number in range(config["num_hidden_layers"]):
        for inner in _INNER.values():
            rows, columns = {"ffn_up": (wide, width), "ffn_down": (width, wide)}.get(inner, (width, width))
            is_norm = inner.endswith("_norm")
            shapes[f"blk.{number}.{inner}.weight"] = (rows,) if is_norm else (rows, columns)
            shapes[f"blk.{number}.{inner}.bias"] = (rows,)
    return shapes


def _renamed(name: str) -> str:
    stem, _, kind = name.rpartition(".")
    if stem in _OUTER:
        return f"{_OUTER[stem]}.{kind}"
    number, _, inner = stem.removeprefix(_LAYER).partition(".")
    return f"blk.{number}.{_INNER.get(inner, inner)}.{kind}"


def _tensors(path: Path) -> "Iterator[tuple[str, Array]]":
    """Yield the tensors of a safetensors file; only F32 occurs in what is converted, and I64 in what is left out."""
    import numpy as np

    with path.open("rb") as file:
        size = int.from_bytes(file.read(_HEAD_BYTES), "little")
        header: dict[str, Any] = json.loads(file.read(size))
    data = np.memmap(path, dtype=np.uint8, mode="r", offset=_HEAD_BYTES + size)
    for name, entry in header.items():
        if name == "__metadata__" or name.startswith(_UNUSED):
            continue
        begin, end = entry["data_offsets"]
        if entry["dtype"] != "F32" or end - begin != 4 * math.prod(entry["shape"]):
            raise EmbeddedError(f"{name}: expected F32 values that fill the shape {entry['shape']}")
        yield name, data[begin:end].view(np.float32).reshape(entry["shape"])


def _describe(gguf: Any, writer: Any, config: Mapping[str, Any], name: str) -> None:
    writer.add_name(name)
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_layer_norm_eps(config["layer_norm_eps"])
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.MEAN)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)


def _add_vocabulary(gguf: Any, writer: Any, vocabulary: list[str], config: Mapping[str, Any]) -> None:
    """Add WordPiece tokens as llama.cpp has them: a word's beginning is marked, where BERT marks what continues it."""
    if len(vocabulary) != config["vocab_size"]:
        raise EmbeddedError(f"expected {config['vocab_size']} tokens, got {len(vocabulary)}")
    is_special = [token.startswith("[") and token.endswith("]") for token in vocabulary]
    tokens = [
        token if special else token[2:] if token.startswith("##") else f"\u2581{token}"
        for token, special in zip(vocabulary, is_special, strict=True)
    ]
    kinds = {**dict.fromkeys(_CONTROL, gguf.TokenType.CONTROL), "[UNK]": gguf.TokenType.UNKNOWN}
    writer.add_tokenizer_model("bert")
    writer.add_token_list([token.encode() for token in tokens])
    writer.add_token_types([kinds.get(token, gguf.TokenType.NORMAL) for token in vocabulary])
    writer.add_token_type_count(config["type_vocab_size"])
    writer.add_bos_token_id(vocabulary.index("[CLS]"))
    writer.add_eos_token_id(vocabulary.index("[SEP]"))
    writer.add_sep_token_id(vocabulary.index("[SEP]"))
    writer.add_unk_token_id(vocabulary.index("[UNK]"))
    writer.add_pad_token_id(vocabulary.index("[PAD]"))
    writer.add_mask_token_id(vocabulary.index("[MASK]"))
