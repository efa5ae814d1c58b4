"""Patterns that are compiled on their first use."""

import re
from importlib import import_module
from pathlib import Path

import pytest

import harness.scoring
from harness.scoring.pattern import lazy_pattern

MODULES = sorted(path.stem for path in Path(harness.scoring.__path__[0]).glob("*.py") if path.stem != "__init__")


def test_it_is_used_as_the_compiled_pattern_is() -> None:
    pattern = lazy_pattern(r"(\w)(\d)", re.IGNORECASE)
    assert [found.groups() for found in pattern.finditer("A1 b2")] == [("A", "1"), ("b", "2")]
    assert pattern.sub(r"\2\1", "a1") == "1a"
    assert (pattern.pattern, pattern.flags & re.IGNORECASE) == (r"(\w)(\d)", re.IGNORECASE)


def test_a_method_is_looked_up_once() -> None:
    pattern = lazy_pattern("a")
    assert pattern.match is pattern.match


def test_an_invalid_pattern_fails_at_its_first_use() -> None:
    pattern = lazy_pattern("(")
    with pytest.raises(re.error):
        pattern.search("")


@pytest.mark.parametrize("name", MODULES)
def test_every_pattern_of_a_scorer_is_valid(name: str) -> None:
    for value in vars(import_module(f"harness.scoring.{name}")).values():
        for part in value if isinstance(value, tuple) else (value,):
            pattern = part[0] if isinstance(part, tuple) and part else part
            if type(pattern) is type(lazy_pattern("")):
                assert pattern.flags >= 0
