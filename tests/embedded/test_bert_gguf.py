"""From the safetensors of a BERT encoder to GGUF: on one of two layers, made here."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from harness.embedded.bert_gguf import convert
from harness.embedded.catalogue import scan
from harness.embedded.default_models import is_embedder_wanted, listing
from harness.errors import EmbeddedError

gguf = pytest.importorskip("gguf")

VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "fox", "##es"]
CONFIG = {
    "hidden_size": 4,
    "intermediate_size": 8,
    "layer_norm_eps": 1e-12,
    "max_position_embeddings": 16,
    "num_attention_heads": 2,
    "num_hidden_layers": 2,
    "type_vocab_size": 2,
    "vocab_size": len(VOCABULARY),
}
SQUARE = ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense")
NORMS = ("attention.output.LayerNorm", "output.LayerNorm")


def shapes() -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (len(VOCABULARY), 4),
        "embeddings.position_embeddings.weight": (16, 4),
        "embeddings.token_type_embeddings.weight": (2, 4),
        "embeddings.LayerNorm.weight": (4,),
        "embeddings.LayerNorm.bias": (4,),
        "pooler.dense.weight": (4, 4),
    }
    for layer in range(2):
        begin = f"encoder.layer.{layer}."
        for name, shape in {
            **dict.fromkeys(SQUARE, (4, 4)),
            "intermediate.dense": (8, 4),
            "output.dense": (4, 8),
            **dict.fromkeys(NORMS, (4,)),
        }.items():
            found |= {f"{begin}{name}.weight": shape, f"{begin}{name}.bias": shape[:1]}
    return found


def write(folder: Path, tensors: dict[str, tuple[int, ...]], *, dtype: str = "F32") -> Path:
    """Write a model whose values count up from 0 through its tensors."""
    (folder / "config.json").write_text(json.dumps(CONFIG))
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n")
    header, at = {}, 0
    for name, shape in tensors.items():
        size = 4 * math.prod(shape)
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + size]}
        at += size
    head = json.dumps(header).encode()
    body = np.arange(at // 4, dtype=np.float32).tobytes()
    (folder / "model.safetensors").write_bytes(len(head).to_bytes(8, "little") + head + body)
    return folder


def test_every_tensor_has_its_place_and_its_values(tmp_path: Path) -> None:
    target = tmp_path / "small.gguf"
    convert(write(tmp_path, shapes()), target, name="Small")
    reader = gguf.GGUFReader(target)
    tensors = {tensor.name: tensor for tensor in reader.tensors}
    assert len(tensors) == 5 + 2 * 16
    assert tensors["token_embd.weight"].data.tolist() == np.arange(28).reshape(7, 4).tolist()
    assert tensors["token_embd.weight"].data.dtype == np.float16
    assert tensors["position_embd.weight"].data.dtype == np.float32
    assert tensors["blk.1.ffn_up.weight"].data.shape == (8, 4)
    assert reader.fields["tokenizer.ggml.tokens"].contents()[5:] == ["\u2581fox", "es"]
    (model,) = scan(tmp_path)
    assert (model.type, model.max_context_length, model.display_name) == ("embedding", 16, "Small")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"encoder.layer.1.output.dense.weight": (8, 4)}, r"output.dense.weight: expected the shape \(4, 8\)"),
        ({"encoder.layer.1.output.dense.weight": None}, r"the weights lack blk.1.ffn_down.weight"),
        ({"encoder.layer.0.adapter.weight": (4, 4)}, "adapter.weight: expected the shape of no tensor"),
    ],
)
def test_weights_of_another_form_are_refused(
    tmp_path: Path, changed: dict[str, tuple[int, ...] | None], message: str
) -> None:
    tensors = {name: shape for name, shape in {**shapes(), **changed}.items() if shape is not None}
    with pytest.raises(EmbeddedError, match=message):
        convert(write(tmp_path, tensors), tmp_path / "small.gguf", name="Small")
    assert not (tmp_path / "small.gguf").exists()


def test_values_of_another_type_are_refused(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedError, match="expected F32 values"):
        convert(write(tmp_path, shapes(), dtype="BF16"), tmp_path / "small.gguf", name="Small")


def test_the_optional_embedding_model_is_listed_only_where_it_is_named() -> None:
    key = "text-embedding-all-minilm-l6-v2"
    assert key not in {model.key for model in listing()}
    assert [model.key for model in listing(with_embedder=True)][-1] == key
    assert is_embedder_wanted(["other", key.upper()])
    assert not is_embedder_wanted(["all", "text-embedding-*"])
