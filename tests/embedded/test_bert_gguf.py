"""From the safetensors of a BERT encoder to GGUF: on one of two layers, made here."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from harness.embedded.bert_gguf import convert
from harness.embedded.catalogue import ModelFile, scan
from harness.embedded.default_models import is_embedder_wanted, listing
from harness.errors import EmbeddedError

from .bert_reference import vector
from .checkpoint import Array, bert_config, bert_shapes, write_bert
from .engine import embedded

gguf = pytest.importorskip("gguf")

VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "fox", "##es"]
CONFIG = bert_config(width=4, wide=8, heads=2, layers=2, positions=16, tokens=len(VOCABULARY))
SHAPES = bert_shapes(CONFIG)


def write(folder: Path, shapes: Mapping[str, tuple[int, ...]], *, dtype: str = "F32") -> Path:
    """Write a model whose values count up from 0 through its tensors."""
    values = iter(np.split(np.arange(9999, dtype=np.float32), np.cumsum([math.prod(s) for s in shapes.values()])))
    tensors = {name: next(values).reshape(shape) for name, shape in shapes.items()}
    return write_bert(folder, CONFIG, VOCABULARY, tensors, dtype=dtype)


def test_every_tensor_has_its_place_and_its_values(tmp_path: Path) -> None:
    target = tmp_path / "small.gguf"
    convert(write(tmp_path, SHAPES), target, name="Small")
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
    tensors = {name: shape for name, shape in {**SHAPES, **changed}.items() if shape is not None}
    with pytest.raises(EmbeddedError, match=message):
        convert(write(tmp_path, tensors), tmp_path / "small.gguf", name="Small")
    assert not (tmp_path / "small.gguf").exists()


def test_values_of_another_type_are_refused(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedError, match="expected F32 values"):
        convert(write(tmp_path, SHAPES, dtype="BF16"), tmp_path / "small.gguf", name="Small")


@pytest.mark.embedded
def test_the_engine_returns_the_vectors_of_the_weights(tmp_path: Path) -> None:
    pytest.importorskip("xllamacpp", reason="needs xllamacpp: pip install 'lmstudio-harness[embedded]'")
    words = [*VOCABULARY, "red", "the", "rates", "rise"]
    config = bert_config(width=32, wide=64, heads=4, layers=2, positions=64, tokens=len(words))
    config["layer_norm_eps"] = 0.1  # An encoder's own is too small to be noticed if it were another.
    tensors = random_weights(bert_shapes(config))
    texts = ["the red fox", "rates rise", "the red foxes rise the red foxes rise", "fox the red"]

    def reference(tensors: Mapping[str, Array], **other: float) -> Array:
        return np.array([vector({**config, **other}, tensors, tokens(words, text)) for text in texts])

    convert(write_bert(tmp_path, config, words, tensors), tmp_path / "small.gguf", name="Small")
    (model,) = scan(tmp_path)
    found = np.array(embedded(ModelFile(model=model, path=tmp_path / "small.gguf"), texts))
    assert least_cosine(found, reference(tensors)) > 0.9999
    assert least_cosine(found, reference(tensors, layer_norm_eps=1e-12)) < 0.9999
    # And each tensor counts: in another order, its values would have been noticed. What a key's bias adds to all scores
    # of a query cancels out.
    without = {name: least_cosine(found, reference({**tensors, name: tensors[name][::-1]})) for name in tensors}
    assert [name for name, cosine in without.items() if cosine > 0.9999] == [
        "pooler.dense.weight",
        "encoder.layer.0.attention.self.key.bias",
        "encoder.layer.1.attention.self.key.bias",
    ]


def random_weights(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Array]:
    """Return weights so large that attention is not even, and gains and biases so small that they drown no text."""
    random = np.random.default_rng(5)
    tensors: dict[str, Array] = {}
    for name, shape in shapes.items():
        is_matrix = len(shape) > 1
        scale = 0.25 if not is_matrix else 1.0 if name.startswith("embeddings") else 1.5 / math.sqrt(shape[1])
        values = scale * random.normal(size=shape) + name.endswith("LayerNorm.weight")
        tensors[name] = values.astype(np.float32)
    return tensors


def least_cosine(some: Array, others: Array) -> float:
    return float(np.sum(some * others, axis=1).min())


def tokens(vocabulary: Sequence[str], text: str) -> list[int]:
    """Return the WordPiece tokens of a text whose words are known; a plural has its ending apart."""
    pieces = text.replace("foxes", "fox ##es").split()
    return [vocabulary.index(piece) for piece in ("[CLS]", *pieces, "[SEP]")]


def test_the_optional_embedding_model_is_listed_only_where_it_is_named() -> None:
    key = "text-embedding-all-minilm-l6-v2"
    assert key not in {model.key for model in listing()}
    assert [model.key for model in listing(with_embedder=True)][-1] == key
    assert is_embedder_wanted(["other", key.upper()])
    assert not is_embedder_wanted(["all", "text-embedding-*"])
