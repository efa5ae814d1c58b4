"""What changed for a model since its run before, besides its figures."""

from harness.report.page.past import Past
from tests.store.written import written
from tests.verdict.recorded import cell, head, passes


def test_functions_that_are_sent_in_another_way_are_a_change_of_the_run() -> None:
    past = Past()
    for number, way in enumerate(("prompt", "prompt", "native")):
        past.add(written(head(f"r{number}"), *cell(passes(9), way=way)))
    changed = [("functions in the prompt -> through the API's tools",)]
    assert [found.changed for found in past.cells] == [(), (), *changed]
    assert [past.changed[f"r{number}"] for number in range(3)] == [(), (), *changed]
