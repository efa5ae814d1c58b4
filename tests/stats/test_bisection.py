import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stats.bisection import boundary


@given(st.floats(0.001, 0.999))
def test_it_finds_the_point_from_either_side(point: float) -> None:
    assert boundary(lambda x: x < point, outside=0.0, inside=1.0) == pytest.approx(point, abs=1e-15)
    assert boundary(lambda x: x > point, outside=1.0, inside=0.0) == pytest.approx(point, abs=1e-15)


def test_a_condition_that_never_changes_gives_an_end() -> None:
    assert boundary(lambda _: False, outside=0.0, inside=1.0) == 0.0
    assert boundary(lambda _: True, outside=0.0, inside=1.0) == 1.0
