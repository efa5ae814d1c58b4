"""What the machine's memory allows: with the embedded server, whose models run on this machine. See docs/latency.md."""

import pytest

from harness import HarnessError, LeasedModel, Run, bytes_per_token, memory_bandwidth


@pytest.mark.lms_thorough
def test_memory_bandwidth(lms_run: Run, lms_instance: LeasedModel) -> None:
    """The instance is idle meanwhile. MBU is made from these figures and the decode rate of single requests."""
    files = lms_run.host.files(lms_instance.model.key)
    if why := lms_run.host.why_unknown(lms_instance.model.key):
        pytest.skip(why)
    model, instance_id = lms_instance.model, lms_instance.instance_id
    record = lms_run.recorder.measure
    try:
        found = memory_bandwidth()
        record(
            "memory_bandwidth_bps",
            found.bytes_per_s,
            "byte/s",
            model=model,
            instance_id=instance_id,
            threads=found.threads,
            array_bytes=found.array_bytes,
            cache_bytes=found.cache_bytes,
        )
        weights_bytes = bytes_per_token(files)
        record("weights_bytes", float(weights_bytes), "byte", model=model, instance_id=instance_id)
    except HarnessError as exc:
        lms_run.recorder.skip(exc.message, model_key=model.name, task="memory bandwidth utilisation")
