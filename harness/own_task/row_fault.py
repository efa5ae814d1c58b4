"""What is wrong with rows: each with its place and column, five at a time, so that a file is mended in few steps."""

from collections.abc import Iterator
from contextlib import contextmanager

from harness.errors import TaskError
from harness.own_task.template import UnknownColumn

MOST_FAULTS = 5


class CellFault(ValueError):
    """A row cannot be used because of one of its columns."""

    def __init__(self, column: str, what: str) -> None:
        super().__init__(f"field {column}: {what}")


class RowFaults:
    """Collects what is wrong with the rows of a file."""

    def __init__(self) -> None:
        self._messages: list[str] = []

    @contextmanager
    def noted(self, place: str) -> Iterator[None]:
        """Note a fault of this row, and continue after the block.

        Raises:
            TaskError: five rows have faults.
        """
        try:
            yield
        except TaskError:
            raise
        except ValueError as exc:
            self.add(place, str(exc))

    def add(self, place: str, what: str) -> None:
        """Note a fault.

        Raises:
            TaskError: five rows have faults.
        """
        self._messages.append(f"{place}: {what}")
        if len(self._messages) == MOST_FAULTS:
            self.check()

    def check(self) -> None:
        """End where there is a fault.

        Raises:
            TaskError: names the rows.
        """
        if self._messages:
            raise TaskError("\n".join(self._messages))


@contextmanager
def in_column(column: str) -> Iterator[None]:
    """Add the column to a fault of its value.

    Raises:
        CellFault: the block raised a `ValueError` that names no column.
    """
    try:
        yield
    except (TaskError, UnknownColumn, CellFault):
        raise
    except ValueError as exc:
        raise CellFault(column, str(exc)) from None
