"""Turns a template of `code` into a function, right or with one of its bugs."""

import re
from dataclasses import dataclass

from harness import Dice

from .code import NAMES, Program

_MARK = re.compile(r" {1,2}#! ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bug:
    """One way to break a program: the line (from 1), the kind, and what the line is replaced by."""

    line: int
    kind: str
    wrong: str


def bugs(program: Program) -> list[Bug]:
    """Return every bug that a template can have, its names not filled in."""
    found = []
    for number, line in enumerate(program.text.splitlines(), start=1):
        right, *marks = _MARK.split(line)
        indent = right[: len(right) - len(right.lstrip())]
        for mark in marks:
            kind, _, wrong = mark.partition(": ")
            found.append(Bug(line=number, kind=kind, wrong=indent + wrong.strip()))
    return found


def lines(program: Program, bug: Bug | None, names: dict[str, str]) -> list[str]:
    """Return the lines of the function, with this bug if any."""
    made = [_MARK.split(line)[0] for line in program.text.splitlines()]
    if bug:
        made[bug.line - 1] = bug.wrong
    return [line.format(**names) for line in made]


def names(dice: Dice) -> dict[str, str]:
    """Return a name for each place of a template."""
    return {place: dice.pick(choices) for place, choices in NAMES.items()}
