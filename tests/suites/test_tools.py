"""What tools asks has one right set of calls."""

from suites.offload.tools.task import TASK


def test_the_same_function_twice_is_for_two_things_and_never_two_lists_that_one_call_could_fill() -> None:
    samples = [sample for sample in TASK.samples(seed=0, limit=600) if sample.stratum == "twice"]
    assert len(samples) == 50
    for sample in samples:
        first, second = sample.target["calls"]
        assert first["name"] == second["name"] != "add_to_list"
        assert next(iter(first["arguments"].values())) != next(iter(second["arguments"].values())), sample.prompt


def test_a_long_run_has_enough_different_requests() -> None:
    assert len({(sample.prompt, str(sample.tools)) for sample in TASK.samples(seed=1, limit=3000)}) == 3000
