import numpy as np
import pytest
from scipy.integrate import quad

from harness.stats.quadrature import log_integral


def test_it_is_the_integral_of_what_falls_off_slowly_and_of_what_oscillates() -> None:
    assert log_integral(lambda t: t / (1 + t) ** 2, at_once=10_000) == pytest.approx(1, abs=1e-9)
    # Dirichlet's integral, damped: arctan(1 / a).
    assert log_integral(lambda t: np.sin(20 * t) * np.exp(-t), at_once=10_000) == pytest.approx(np.arctan(20), abs=1e-9)
    expected = quad(lambda t: np.sin(np.arctan(3 * t)) / t / (1 + t * t), 0, np.inf)[0]
    assert log_integral(lambda t: np.sin(np.arctan(3 * t)) / (1 + t * t), at_once=10_000) == pytest.approx(
        expected, abs=1e-8
    )


def test_a_few_places_at_a_time_give_the_same() -> None:
    whole, parts = (log_integral(lambda t: t * np.exp(-t), at_once=at_once) for at_once in (10_000, 7))
    assert parts == pytest.approx(whole, abs=1e-14)
