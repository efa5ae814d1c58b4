import builtins
import inspect
import re

import pytest

from harness import errors
from harness.errors import HarnessError

LINE = re.compile(r"^(?P<indent>[│├└─ ]*)(?P<name>[A-Z]\w+)(?: \((?P<builtin>\w+)\))?\s*(?P<exit>\d+)?(?:\s|$)")


def drawn() -> dict[str, tuple[str | None, str | None, int]]:
    """The tree in the docstring: name -> parent, builtin base, exit code (inherited where none is drawn)."""
    tree: dict[str, tuple[str | None, str | None, int]] = {}
    path: list[tuple[int, str]] = []
    assert errors.__doc__ is not None
    for line in errors.__doc__.splitlines():
        match = LINE.match(line)
        if match is None or (match["name"] != "HarnessError" and not match["indent"]):
            continue
        depth = len(match["indent"])
        path = [step for step in path if step[0] < depth]
        parent = path[-1][1] if path else None
        code = int(match["exit"]) if match["exit"] else tree[parent][2] if parent else 1
        tree[match["name"]] = (parent, match["builtin"], code)
        path.append((depth, match["name"]))
    return tree


def classes() -> dict[str, type[HarnessError]]:
    return {
        name: member
        for name, member in inspect.getmembers(errors, inspect.isclass)
        if issubclass(member, HarnessError) and member.__module__ == errors.__name__
    }


def test_the_tree_in_the_docstring_names_every_error() -> None:
    assert set(drawn()) == set(classes())


@pytest.mark.parametrize("name", sorted(classes()))
def test_an_error_stands_where_it_is_drawn(name: str) -> None:
    kind = classes()[name]
    parent, builtin, _ = drawn()[name]
    assert kind.__bases__[0].__name__ == (parent or "Exception")
    drawn_builtins = (getattr(builtins, builtin),) if builtin else ()
    assert kind.__bases__[1:] == drawn_builtins


@pytest.mark.parametrize("name", sorted(classes()))
def test_an_error_has_the_exit_code_that_is_drawn(name: str) -> None:
    # Ctrl-C is told by its own exit code, which the drawing leaves to the class.
    expected = 130 if name == "Cancelled" else drawn()[name][2]
    assert classes()[name].exit_code == expected


@pytest.mark.parametrize("name", sorted(classes()))
def test_an_error_says_when_it_comes(name: str) -> None:
    assert (classes()[name].__doc__ or "").strip()


def test_a_hint_is_shown_below_the_message() -> None:
    assert str(HarnessError("No.", hint="Do this.")) == "No.\nDo this."
    assert str(HarnessError("No.")) == "No."


def test_a_ring_of_causes_is_walked_once() -> None:
    first, second = ValueError("first"), KeyError("second")
    first.__cause__, second.__context__ = second, first
    assert list(errors.chain(first)) == [first, second]
