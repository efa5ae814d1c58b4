"""Asks an embedding model how similar the texts of a sample are: one request, and the cosines as its answer."""

import json
import math
from collections.abc import Sequence
from operator import mul

from harness.client.exchange import Exchange
from harness.client.http import Client
from harness.domain.generation import Embeddings, Generation, ServerStats
from harness.domain.model import InstanceId
from harness.errors import InstanceLost, MalformedAnswer
from harness.lifecycle.resident import resident_ids

_DIGITS = 6
"""A poor embedder's cosines lie within a few thousandths of each other, and equal ones cannot be ranked."""


def similarities(
    client: Client,
    address: str,
    texts: Sequence[str],
    *,
    instance_id: InstanceId,
    total_s: float,
    exchange: Exchange,
) -> Generation:
    """Return how similar the first text is to each of the others, as `{"similarities": [0.81, …]}`.

    Raises:
        InstanceLost: the instance is no longer loaded.
        MalformedAnswer: another instance answered, or the vectors are of different lengths.
    """
    found = client.embeddings(address, texts, total_s=total_s, exchange=exchange)
    _check_origin(client, found, instance_id, exchange)
    first, *others = found.vectors
    if any(len(vector) != len(first) for vector in others):
        lengths = ", ".join(str(length) for length in sorted({len(vector) for vector in found.vectors}))
        raise MalformedAnswer(f"expected vectors of one length, got {lengths}")
    return Generation(
        model_instance_id=instance_id,
        text=json.dumps({"similarities": [cosine(first, other) for other in others]}),
        stats=ServerStats(input_tokens=found.input_tokens),
        times=found.times,
    )


def cosine(left: Sequence[float], right: Sequence[float]) -> float | None:
    """Return the cosine of the angle between two vectors of one length; None where one has no direction."""
    norms = math.hypot(*left) * math.hypot(*right)
    if not norms or not math.isfinite(norms):
        return None
    product: float = sum(map(mul, left, right))
    return round(product / norms, _DIGITS)


def _check_origin(client: Client, found: Embeddings, instance_id: InstanceId, exchange: Exchange) -> None:
    """Make sure that the vectors are those of the instance.

    LM Studio does not document that `model` is an instance's id. So another name only raises the question, and the
    listing answers it: it must show the instance, and no other one of that name.
    """
    if found.model is None or found.model == instance_id:
        return
    resident = resident_ids(client.models(exchange=exchange))
    if instance_id not in resident:
        raise InstanceLost(f"{instance_id} is no longer loaded: {found.model} answered")
    if found.model in resident:
        raise MalformedAnswer(f"asked {instance_id}, but {found.model} answered")
