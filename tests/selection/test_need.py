import pytest

from harness.errors import SettingsError
from harness.selection.need import PREFERENCES, TASK_NEEDS, are_mixed, demand_for


def test_tasks_add_up_and_the_hardest_decides_the_preference() -> None:
    both = demand_for(["classify", "vision", "review", "longcontext"], min_context_tokens=1000)
    assert both.vision
    assert both.min_context_tokens == 32_768
    assert both.prefer == ("loaded", "reasoning", "size")
    with pytest.raises(SettingsError, match="both embedding and extract"):
        demand_for(["embedding", "extract"])


def test_loaded_comes_first_unless_it_is_put_elsewhere_and_the_size_decides_at_last() -> None:
    assert demand_for([]).prefer == ("loaded", "size")
    assert demand_for(["classify"]).prefer == ("loaded", "speed", "size")
    assert demand_for(["classify"], prefer=["reasoning"]).prefer == ("loaded", "reasoning", "size")
    assert demand_for([], prefer=["size", "loaded", "size"]).prefer == ("size", "loaded")


@pytest.mark.parametrize("task", TASK_NEEDS)
def test_every_task_alone_makes_a_demand_of_known_preferences(task: str) -> None:
    assert set(demand_for([task]).prefer) <= set(PREFERENCES)


def test_tasks_are_mixed_where_some_are_for_embedding_models_and_some_are_not() -> None:
    assert are_mixed(["reason", "retrieval"])
    assert are_mixed(["mine", "retrieval"])
    assert not are_mixed(["retrieval", "similarity"])
    assert not are_mixed(["reason", "mine"])
    assert not are_mixed([])
