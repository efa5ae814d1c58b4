"""What the vectors of an embedding model are like, whatever their quality: recorded, and failed only where unusable."""

import math
from typing import Any

import pytest

from harness import ApiError, Client, LeasedModel, Run

TEXT = "The ship left the harbour at dawn."
_UNUSABLE = 0.01
_MOST_TOKENS = 4096


def _measure(run: Run, leased: LeasedModel, name: str, value: float, unit: str, **more: Any) -> None:
    run.recorder.measure(name, value, unit, model=leased.model, instance_id=leased.instance_id, **more)


@pytest.mark.lms_embedding
def test_a_text_has_one_vector_alone_and_in_a_batch(
    lms_client: Client, lms_instance: LeasedModel, lms_run: Run
) -> None:
    """Dimension and norm; how far the vector of a text moves when it is embedded again, and among others."""
    (alone,) = lms_client.embed(lms_instance.address, [TEXT])
    (again,) = lms_client.embed(lms_instance.address, [TEXT])
    *_, among = lms_client.embed(
        lms_instance.address, [f"No. {number}: interest rates." for number in range(7)] + [TEXT]
    )
    norm = math.hypot(*alone)
    assert math.isfinite(norm), "a vector is not finite"
    assert norm > 0, "a vector has no direction"
    moved, moved_among = (math.dist(alone, other) / norm for other in (again, among))
    _measure(lms_run, lms_instance, "embedding_dimension", len(alone), "1")
    _measure(lms_run, lms_instance, "embedding_norm", norm, "1")
    _measure(lms_run, lms_instance, "embedding_moved", moved, "1")
    _measure(lms_run, lms_instance, "embedding_moved_in_batch", moved_among, "1")
    assert max(moved, moved_among) < _UNUSABLE, f"one text has vectors {max(moved, moved_among):.3g} of a norm apart"


@pytest.mark.lms_embedding
def test_a_text_beyond_the_context_has_a_vector(lms_client: Client, lms_instance: LeasedModel, lms_run: Run) -> None:
    """LM Studio embeds the first tokens and says nothing: then two texts that differ at their ends have one vector."""
    context = lms_instance.lease.instance.config.context_length
    if context is None or context > _MOST_TOKENS:
        pytest.skip(f"texts of more than {_MOST_TOKENS} tokens are not tried")
    # The ends are as long as the beginning: one word more would hardly move the mean of so many.
    texts = ["word " * context + end * context for end in ("fox ", "rate ")]
    try:
        first, other = lms_client.embed(lms_instance.address, texts)
        is_cut = math.dist(first, other) < _UNUSABLE * math.hypot(*first)
    except ApiError:  # Refused, which is not silent.
        is_cut = False
    _measure(lms_run, lms_instance, "embedding_cuts_silently", float(is_cut), "bool", context_length=context)
