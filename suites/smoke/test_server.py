"""What the server does with a wrong model and a wrong token, and its embeddings: once a run."""

import math
from collections.abc import Sequence
from contextlib import suppress
from fnmatch import fnmatchcase

import pytest

from harness import (
    ApiError,
    ChatRequest,
    Client,
    LeasedModel,
    LoadConfig,
    LoadFailed,
    Model,
    ModelNotFound,
    NotAuthorised,
    OpenAIChatRequest,
    Run,
)

from .resident import others_untouched, residents

NOBODY = "nobody/has-this-model"
WRONG_TOKEN = "not-a-token-of-this-server"  # noqa: S105  (that is the point)
TEXTS = ("The ship left the harbour at dawn.", "Interest rates rose by a quarter of a point.")


@pytest.fixture
def embedding_model(lms_run: Run, lms_client: Client) -> Model:
    """An embedding model that the run's options allow: one that is loaded, else the smallest."""
    settings = lms_run.settings
    allowed = [
        model
        for model in lms_client.models()
        if model.is_embedding
        and not any(fnmatchcase(model.key.lower(), pattern.lower()) for pattern in settings.exclude)
        and (settings.max_size_bytes is None or model.size_bytes <= settings.max_size_bytes)
    ]
    if not allowed:
        pytest.skip("no embedding model is downloaded, or none that the options of this run allow")
    return min(allowed, key=lambda model: (not model.is_loaded, model.size_bytes, model.key))


@pytest.fixture
def vectors(lms_run: Run, lms_client: Client, embedding_model: Model) -> tuple[str, Sequence[Sequence[float]]]:
    """The id of a leased embedding instance, and its vectors of both texts and of the first one again."""
    with others_untouched(lms_client):
        try:
            lease = lms_run.acquire(embedding_model, LoadConfig(), purpose="embeddings")
        except LoadFailed as exc:
            lms_run.recorder.skip(str(exc), model_key=embedding_model.key, task="embeddings")
            pytest.skip(f"{embedding_model.key} could not be loaded: {exc}")
        try:
            both = lms_client.embed(lease.instance.id, TEXTS)
            again = lms_client.embed(lease.instance.id, TEXTS[:1])
        finally:
            lms_run.release(lease)
        if lease.is_owned:
            assert lease.instance.id not in residents(lms_client)
    return lease.instance.id, (*both, *again)


def test_embeddings_tell_texts_apart_and_repeat_themselves(
    lms_run: Run, embedding_model: Model, vectors: tuple[str, Sequence[Sequence[float]]]
) -> None:
    """One finite vector for each text, all of one length. No document promises a norm of 1, so it is recorded."""
    instance_id, (first, other, again) = vectors
    assert len(first) == len(other) == len(again) > 0
    assert all(math.isfinite(x) for vector in (first, other, again) for x in vector)
    norm = math.hypot(*first)
    assert norm > 0
    lms_run.recorder.measure("embedding_norm", norm, "1", model=embedding_model, instance_id=instance_id)
    # Batching adds in another order, so equal texts are equal only to a few digits.
    moved = math.dist(first, again) / norm
    assert moved < 0.01, f"the vector of one text moved by {moved:.3g} of its norm"
    apart = math.dist(first, other) / norm
    assert apart > 0.01, f"the vectors of two texts are only {apart:.3g} of their norm apart"


@pytest.mark.lms_once
def test_a_model_that_nobody_has_is_not_found(lms_run: Run, lms_client: Client, lms_instance: LeasedModel) -> None:
    """404 natively. On OpenAI's route LM Studio lets a single loaded model answer to any name; this is recorded."""
    with pytest.raises(ModelNotFound) as refusal:
        lms_client.chat(ChatRequest(model=NOBODY, input="Say hello.", max_output_tokens=1))
    assert refusal.value.status == 404
    request = OpenAIChatRequest(model=NOBODY, messages=[{"role": "user", "content": "Say hello."}], max_tokens=1)
    answered_by = None
    with suppress(ApiError):
        answered_by = lms_client.openai_chat(request).model_instance_id
    if answered_by is not None:
        assert answered_by in residents(lms_client), f"{NOBODY} was answered by {answered_by}, which is not loaded"
    lms_run.recorder.measure(
        "smoke_openai_answers_to_any_name",
        float(answered_by is not None),
        "bool",
        model=lms_instance.model,
        instance_id=answered_by,
    )


@pytest.mark.lms_once
def test_a_wrong_token_is_refused_where_authentication_is_on(
    lms_run: Run, lms_client: Client, lms_model: Model
) -> None:
    """Where it is off, as by default, the header is ignored; which of the two holds is recorded."""
    without, wrong = _refusal(lms_client.url, ""), _refusal(lms_client.url, WRONG_TOKEN)
    assert {without, wrong} <= {None, 401}, f"refused with {without} (no token) and {wrong} (a wrong one), not 401"
    assert without == wrong, (
        "a request without a token is refused, but one with a wrong token is let in"
        if wrong is None
        else "a request without a token is let in, but one with a wrong token is refused"
    )
    assert lms_client.models(), "the right token no longer works after a wrong one"
    lms_run.recorder.measure("smoke_authentication_is_on", float(wrong is not None), "bool", model=lms_model)


def _refusal(url: str, token: str) -> int | None:
    """Return the status with which this token is refused; None when it is let in."""
    with Client(url, token=token) as stranger:
        try:
            stranger.models()
        except NotAuthorised as exc:
            return exc.status
    return None
