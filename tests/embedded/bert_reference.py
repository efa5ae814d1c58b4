"""BERT's encoder in numpy (https://arxiv.org/abs/1810.04805): what a conversion is compared with."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .checkpoint import Array


def vector(config: Mapping[str, Any], tensors: Mapping[str, Array], tokens: Sequence[int]) -> Array:
    """Return the mean of the last layer over all tokens, at length 1."""

    def linear(values: Array, name: str) -> Array:
        found: Array = values @ tensors[f"{name}.weight"].T + tensors[f"{name}.bias"]
        return found

    def normed(values: Array, name: str) -> Array:
        spread = np.sqrt(values.var(axis=-1, keepdims=True) + config["layer_norm_eps"])
        even: Array = (values - values.mean(axis=-1, keepdims=True)) / spread
        return even * tensors[f"{name}.weight"] + tensors[f"{name}.bias"]

    def heads(values: Array) -> Array:
        return values.reshape(len(tokens), config["num_attention_heads"], -1).transpose(1, 0, 2)

    hidden = normed(
        tensors["embeddings.word_embeddings.weight"][list(tokens)]
        + tensors["embeddings.position_embeddings.weight"][: len(tokens)]
        + tensors["embeddings.token_type_embeddings.weight"][0],
        "embeddings.LayerNorm",
    )
    for number in range(config["num_hidden_layers"]):
        layer = f"encoder.layer.{number}"
        query, key, value = (heads(linear(hidden, f"{layer}.attention.self.{of}")) for of in ("query", "key", "value"))
        scores = np.exp(query @ key.transpose(0, 2, 1) / math.sqrt(query.shape[-1]))
        mixed = (scores / scores.sum(axis=-1, keepdims=True) @ value).transpose(1, 0, 2).reshape(hidden.shape)
        hidden = normed(
            hidden + linear(mixed, f"{layer}.attention.output.dense"), f"{layer}.attention.output.LayerNorm"
        )
        inner = linear(hidden, f"{layer}.intermediate.dense")
        inner = inner * (1 + np.vectorize(math.erf)(inner / math.sqrt(2))) / 2  # GELU
        hidden = normed(hidden + linear(inner, f"{layer}.output.dense"), f"{layer}.output.LayerNorm")
    mean = hidden.mean(axis=0)
    pooled: Array = mean / np.linalg.norm(mean)
    return pooled
