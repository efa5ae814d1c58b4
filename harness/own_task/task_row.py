"""The rows of an own task's data, kept outside the memory of the process until all samples are made of them."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from harness.own_task.definition import Definition
from harness.own_task.row_fault import CellFault, RowFaults
from harness.own_task.template import value_of
from harness.store.row import Row, short
from harness.store.spool import Spool


class TaskRow(NamedTuple):
    """A row that can be used.

    Attributes:
        number: among the rows of its file, from 1.
        place: where it stands, for messages.
        values: by column.
    """

    number: int
    place: str
    values: Mapping[str, Any]


def parsed_values(definition: Definition, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row's values, with the JSON in the columns that hold some parsed.

    Raises:
        ValueError: there is no JSON, or no such column.
    """
    parsed = dict(values)
    for column in definition.json_columns:
        value = value_of(values, column)
        if isinstance(value, str):
            try:
                parsed[column] = json.loads(value)
            except (ValueError, RecursionError):
                raise CellFault(column, f"expected JSON, got {short(value)!r}") from None
    return parsed


class TaskRows:
    """All rows of a file. They are looked at several times: for what is wrong, for labels, for examples and samples.

    Args:
        definition: of the task.

    Attributes:
        columns: that occur in some row, in the order in which they first came.
    """

    def __init__(self, definition: Definition) -> None:
        self._definition = definition
        self._spool = Spool()
        self._has_faults = False
        self.columns: dict[str, None] = {}

    def __len__(self) -> int:
        return len(self._spool)

    def __iter__(self) -> Iterator[TaskRow]:
        return map(self.row, range(1, len(self) + 1))

    def add(self, row: Row) -> None:
        """Keep a row, or what is wrong with it.

        Raises:
            StoreError: there is no space for it.
        """
        content = row.content
        if isinstance(content, dict):
            self.columns.update(dict.fromkeys(content))
        try:
            self._spool.append([row.place, content])
        except ValueError as exc:
            content = str(exc)
            self._spool.append([row.place, content])
        self._has_faults |= isinstance(content, str)

    def row(self, number: int) -> TaskRow:
        """Return a row by its number, from 1.

        Raises:
            ValueError: a column has no JSON, or is not there.
        """
        place, content = self._spool.value(number - 1)
        return TaskRow(number, place, parsed_values(self._definition, content))

    def check(self) -> None:
        """Make sure that all rows can be used.

        Raises:
            TaskError: names up to five that cannot.
        """
        if not self._has_faults and not self._definition.json_columns:
            return
        faults = RowFaults()
        for place, content in self._spool:
            if isinstance(content, str):
                faults.add(place, content)
                continue
            with faults.noted(place):
                parsed_values(self._definition, content)
        faults.check()
