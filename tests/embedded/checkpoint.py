"""Tiny checkpoints, in the formats in which the default models are published."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
"""Of 32-bit floats; numpy's own types of what becomes of these differ from version to version."""
SQUARE = ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense")
NORMS = ("attention.output.LayerNorm", "output.LayerNorm")


def bert_config(*, width: int, wide: int, heads: int, layers: int, positions: int, tokens: int) -> dict[str, Any]:
    """Return the `config.json` of a BERT encoder."""
    return {
        "hidden_size": width,
        "intermediate_size": wide,
        "layer_norm_eps": 1e-12,
        "max_position_embeddings": positions,
        "num_attention_heads": heads,
        "num_hidden_layers": layers,
        "type_vocab_size": 2,
        "vocab_size": tokens,
    }


def bert_shapes(config: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Return the tensors of a BERT encoder in the order of its authors, a pooler among them."""
    width, wide = config["hidden_size"], config["intermediate_size"]
    found: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (config["vocab_size"], width),
        "embeddings.position_embeddings.weight": (config["max_position_embeddings"], width),
        "embeddings.token_type_embeddings.weight": (config["type_vocab_size"], width),
        "embeddings.LayerNorm.weight": (width,),
        "embeddings.LayerNorm.bias": (width,),
        "pooler.dense.weight": (width, width),
    }
    for layer in range(config["num_hidden_layers"]):
        begin = f"encoder.layer.{layer}."
        for name, shape in {
            **dict.fromkeys(SQUARE, (width, width)),
            "intermediate.dense": (wide, width),
            "output.dense": (width, wide),
            **dict.fromkeys(NORMS, (width, width)),
        }.items():
            is_norm = name in NORMS
            found |= {f"{begin}{name}.weight": shape[:1] if is_norm else shape, f"{begin}{name}.bias": shape[:1]}
    return found


def write_bert(
    folder: Path,
    config: Mapping[str, Any],
    vocabulary: Sequence[str],
    tensors: Mapping[str, Array],
    *,
    dtype: str = "F32",
) -> Path:
    """Write a checkpoint as its authors publish one, and return its folder."""
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n")
    header, at = {}, 0
    for name, values in tensors.items():
        header[name] = {"dtype": dtype, "shape": values.shape, "data_offsets": [at, at + values.nbytes]}
        at += values.nbytes
    head = json.dumps(header).encode()
    body = b"".join(values.tobytes() for values in tensors.values())
    (folder / "model.safetensors").write_bytes(len(head).to_bytes(8, "little") + head + body)
    return folder


def chat_gguf(path: Path) -> bytes:
    """Return a GGUF file with one Q4_1 tensor: enough to be requantised, and nothing to chat with."""
    import gguf

    writer = gguf.GGUFWriter(path, "llama")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q4_1)
    kind = gguf.GGMLQuantizationType.Q4_1
    weights = gguf.quants.quantize(np.linspace(-1, 1, 64, dtype=np.float32).reshape(2, 32), kind)
    writer.add_tensor("blk.0.ffn_up.weight", weights, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path.read_bytes()
