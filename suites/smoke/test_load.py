"""Loading by a request, and a second copy: on the cheapest model only, and nothing of others is touched."""

import pytest

from harness import ChatRequest, Client, LeasedModel, LeaseError, LoadConfig, LoadFailed, Model, Run

from .resident import others_untouched, residents

SECOND_COPY_BYTES = 4_000_000_000
"""A second copy of a larger model is not tried: it may not fit beside the first, and would take minutes."""

_CONTEXT = 2048


def _request(address: str, **more: object) -> ChatRequest:
    return ChatRequest(model=address, input="Say hello.", temperature=0.0, max_output_tokens=4, **more)  # type: ignore[arg-type]


@pytest.mark.lms_once
@pytest.mark.lms_before_load
def test_a_request_loads_the_model_and_reports_the_load_time(
    lms_run: Run, lms_client: Client, lms_model: Model
) -> None:
    """Never the load figure, but what a person waits for."""
    with others_untouched(lms_client):
        try:
            lease, answer = lms_run.acquire_jit(
                lms_model, _request(lms_model.key), purpose="jit", despite_others=lms_run.settings.load == "jit"
            )
        except (LoadFailed, LeaseError) as exc:
            lms_run.recorder.skip(str(exc), model_key=lms_model.key, task="jit load")
            pytest.skip(str(exc))
        lms_run.release(lease)
        assert lease.instance.id not in residents(lms_client)
    load_s = answer.stats.load_time_s
    assert load_s is not None, "this request loaded the model, but its answer has no model_load_time_seconds"
    for name, value in (("jit_load_time_s", load_s), ("jit_e2e_s", answer.times.e2e_s)):
        lms_run.recorder.measure(name, value, "s", model=lms_model, instance_id=lease.instance.id, cold=None)


@pytest.mark.lms_once
def test_a_second_instance_comes_and_goes_while_the_first_stays(
    lms_run: Run, lms_client: Client, lms_instance: LeasedModel
) -> None:
    """The first may be another client's; the second is ours, and only that one is unloaded."""
    model, first = lms_instance.model, lms_instance.instance_id
    if model.size_bytes > SECOND_COPY_BYTES:
        pytest.skip(
            f"a second copy of {model.key} ({model.size_bytes / 1e9:.1f} GB) is not tried: only up to "
            f"{SECOND_COPY_BYTES / 1e9:g} GB, as it may not fit beside the first"
        )
    with others_untouched(lms_client):
        try:
            second = lms_run.acquire(model, LoadConfig(context_length=_CONTEXT), reuse=False, purpose="second instance")
        except LoadFailed as exc:
            lms_run.recorder.skip(str(exc), model_key=model.key, task="second instance")
            pytest.skip(f"no second copy of {model.key} could be loaded: {exc}")
        try:
            assert second.instance.id != first
            answer = lms_client.chat(_request(second.instance.id, reasoning=lms_instance.reasoning))
        finally:
            lms_run.release(second)
        assert answer.model_instance_id == second.instance.id
        assert second.instance.id not in residents(lms_client)
    still = lms_client.chat(_request(lms_instance.address, reasoning=lms_instance.reasoning))
    assert still.model_instance_id == first
    assert not still.loaded_model, f"{first} had to be loaded again"
