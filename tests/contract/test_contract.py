"""One contract for all servers: the scripted double, the embedded server, and a live LM Studio where one is named.

`LM_STUDIO_LIVE_URL` (and `LM_API_TOKEN`) name the live one; the smallest chat model that is not loaded is used, and
only what these tests loaded is unloaded. `make live` runs the same checks as a report.
"""

from dataclasses import replace

import pytest

from harness.contract import CHECKS
from harness.contract.bench import Bench
from harness.contract.check import Check, documented, look
from harness.domain.model import InstanceId, ResponseId
from harness.errors import InstanceNotLoaded, InvalidRequest, ModelNotFound, UnknownResponseId


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_documented_behaviour_holds(check: Check, bench: Bench, request: pytest.FixtureRequest) -> None:
    finding = look(check, bench)
    if finding.state == "could not be checked" and "live" in request.node.callspec.id:
        pytest.skip(finding.observed)
    assert finding.state == "held", f"{finding.documented}\nObserved: {finding.observed}"


def test_checks_have_names_of_their_own_and_say_what_is_documented() -> None:
    assert len({check.__name__ for check in CHECKS}) == len(CHECKS)
    assert all(documented(check).endswith(".") for check in CHECKS)


def test_the_client_takes_every_refusal_for_what_it_is(bench: Bench) -> None:
    with pytest.raises(ModelNotFound):
        bench.client.load("nobody/nothing")
    with pytest.raises(ModelNotFound):
        bench.client.chat(bench.request(model="nobody/nothing"))
    with pytest.raises(InstanceNotLoaded):
        bench.client.unload(InstanceId("nobody/nothing"))
    with pytest.raises(InvalidRequest):
        bench.client.download_status("job_nothing")
    with pytest.raises(UnknownResponseId):
        bench.client.chat(replace(bench.request(), previous_response_id=ResponseId("resp_nothing")))
    with pytest.raises(InvalidRequest):
        bench.client.chat(replace(bench.request(), temperature=7.0))


def test_a_load_takes_no_longer_than_the_client_waits_and_a_release_is_verified(bench: Bench) -> None:
    with bench.another() as lease:
        assert lease.load_time_s is not None
        assert lease.load_wall_s is not None
        assert 0 < lease.load_time_s <= lease.load_wall_s + 0.5
    assert bench.model.instance(lease.instance.id) is None


def test_times_of_a_stream_are_in_order_and_a_warm_chat_tells_no_load(bench: Bench) -> None:
    answer = bench.client.chat(bench.request(), stream=True)
    assert not answer.loaded_model
    assert answer.times.ttft_s is not None
    assert answer.times.ttft_s <= answer.times.e2e_s <= answer.times.total_s
