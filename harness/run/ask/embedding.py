"""Asks an embedding model how similar the texts of a sample are: one request, and the cosines as its answer."""

import json
import math
from collections.abc import Sequence
from operator import mul

from harness.client.exchange import Exchange
from harness.client.http import Client
from harness.domain.generation import Generation, ServerStats
from harness.domain.model import InstanceId
from harness.errors import MalformedAnswer
from harness.run.ask.attempt import check_resident

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

    The models are listed before each request. A chat's stream reports a load that the chat causes; a request for
    vectors loads an evicted model without a word, and what is loaded then has the same id. So an absence has to be
    seen before it is filled. LM Studio does not document that `model` in the answer is an instance's id: only the id
    of another instance, which the listing shows too, speaks against the vectors.

    Raises:
        InstanceLost: the instance is no longer loaded.
        MalformedAnswer: another instance answered, or the vectors are of different lengths.
    """
    resident = check_resident(client, instance_id, exchange=exchange)
    found = client.embeddings(address, texts, total_s=total_s, exchange=exchange)
    if found.model != instance_id and found.model in resident:
        raise MalformedAnswer(f"asked {instance_id}, but {found.model} answered")
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
