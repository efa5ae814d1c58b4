"""Texts with columns in braces: `{name}` is the column `name`, `{{` and `}}` are braces, nothing else is interpreted.

Unlike `str.format`, a name is never an attribute or an index, and has no format: data and definitions come from anyone.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.domain.sample import Json
from harness.store.row import short

_PART = re.compile(r"\{\{|\}\}|\{([^{}\n]+)\}|[{}]")


class UnknownColumn(ValueError):
    """A row lacks a column that a template names."""

    def __init__(self, column: str, row: Mapping[str, Any]) -> None:
        super().__init__(f"there is no column {short(column)!r}; the columns are {short(', '.join(map(str, row)))}")
        self.column = column


@dataclass(frozen=True, slots=True)
class Column:
    """A column in a template."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A text whose columns are filled in row by row."""

    parts: tuple[str | Column, ...]

    @property
    def columns(self) -> frozenset[str]:
        """The names of its columns."""
        return frozenset(part.name for part in self.parts if isinstance(part, Column))

    def text(self, row: Mapping[str, Any]) -> str:
        """Return the text for a row.

        Raises:
            UnknownColumn: the row lacks a column.
        """
        return "".join(part if isinstance(part, str) else as_text(value_of(row, part.name)) for part in self.parts)

    def value(self, row: Mapping[str, Any]) -> Json:
        """Return the text for a row; of a template that is one column alone, its value, whatever the type.

        Raises:
            UnknownColumn: the row lacks a column.
        """
        if len(self.parts) == 1 and isinstance(column := self.parts[0], Column):
            return value_of(row, column.name)
        return self.text(row)


def parse_template(text: str) -> Template:
    """Return the template in a text.

    Raises:
        ValueError: a brace stands alone; says which, and how it is written as itself.
    """
    parts: list[str | Column] = []
    end = 0
    for found in _PART.finditer(text):
        parts.append(text[end : found.start()])
        end = found.end()
        if found[0] in {"{{", "}}"}:
            parts.append(found[0][0])
        elif found[1] is not None:
            parts.append(Column(found[1].strip()))
        else:
            line = text.count("\n", 0, found.start()) + 1
            near = text[max(0, found.start() - 10) : found.end() + 10].replace("\n", " ")
            raise ValueError(
                f"expected {{column}}, or {found[0] * 2} for a brace as itself, got a single {found[0]} "
                f"in line {line} of the text, near {near!r}"
            )
    parts.append(text[end:])
    return Template(parts=tuple(_joined(parts)))


def _joined(parts: list[str | Column]) -> Iterator[str | Column]:
    """Yield the parts with neighbouring texts as one, and without empty ones."""
    text = ""
    for part in parts:
        if isinstance(part, str):
            text += part
            continue
        if text:
            yield text
            text = ""
        yield part
    if text:
        yield text


def value_of(row: Mapping[str, Any], column: str) -> Json:
    """Return what a row has in a column.

    Raises:
        UnknownColumn: it has no such column.
    """
    if column not in row:
        raise UnknownColumn(column, row)
    return row[column]


def as_text(value: Json) -> str:
    """Return how a value stands in a prompt: a text as it is, nothing for null, and JSON for all else."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False)
