"""Takes the fields of a TOML table, and says of a wrong one: file, line, field, what was expected and what came."""

import re
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from harness.errors import TaskError
from harness.store.row import short

T = TypeVar("T")


class Fields:
    """The fields of one table.

    Args:
        path: of the TOML file.
        text: of the whole file, to find lines in.
        values: of the table.
        table: its name; "": the top.
    """

    def __init__(self, path: Path, text: str, values: Mapping[str, Any], table: str = "") -> None:
        self.path = path
        self._text = text
        self._values = values
        self._table = table

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def check_names(self, known: Sequence[str]) -> None:
        """Refuse fields that there are not, because the default would be used in their place.

        Raises:
            TaskError: names the field, and the nearest that there is.
        """
        for name in self._values:
            if name not in known:
                near = get_close_matches(name, known, n=1)
                hint = f"Did you mean {near[0]}?" if near else f"The fields are {', '.join(known)}."
                raise self.error(name, "there is no such field", hint=hint)

    def error(self, name: str, what: str, *, hint: str = "") -> TaskError:
        """Return the error for a field."""
        place = f"{self.path}:{line}" if (line := self.line(name)) else str(self.path)
        return TaskError(f"{place}: field {f'{self._table}.' * bool(self._table)}{name}: {what}", hint=hint)

    def wrong(self, name: str, expected: str) -> TaskError:
        """Return the error for a field that has another value than expected."""
        if name not in self._values:
            return self.error(name, f"expected {expected}, but it is missing")
        return self.error(name, f"expected {expected}, got {short(repr(self._values[name]))}")

    def text(self, name: str, default: str | None = None) -> str | None:
        """Return a text that is not blank."""
        value = self._values.get(name, default)
        if value is not None and not (isinstance(value, str) and value.strip()):
            raise self.wrong(name, "some text")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts; a single one may stand alone."""
        value = self._values.get(name, ())
        texts = [value] if isinstance(value, str) else value
        if not isinstance(texts, list | tuple) or not all(isinstance(text, str) and text.strip() for text in texts):
            raise self.wrong(name, "a text or a list of texts")
        return tuple(texts)

    def one_of(self, name: str, allowed: Sequence[str], default: str) -> str:
        """Return one of these words."""
        value = self._values.get(name, default)
        if value not in allowed:
            raise self.wrong(name, f"one of {', '.join(allowed)}")
        return str(value)

    def whole(self, name: str, *, least: int, most: int) -> int | None:
        """Return a whole number within these bounds."""
        value = self._values.get(name)
        if value is not None and (type(value) is not int or not least <= value <= most):
            raise self.wrong(name, f"a whole number from {least} to {most}")
        return value

    def share(self, name: str) -> float | None:
        """Return a number from 0 to 1."""
        value = self._values.get(name)
        if value is None:
            return None
        if type(value) not in {int, float} or not 0 <= value <= 1:
            raise self.wrong(name, "a number from 0 to 1")
        return float(value)

    def parsed(self, name: str, value: Any, parse: Callable[[Any], T]) -> T:
        """Return what `parse` makes of a value; its `ValueError` becomes the error for the field."""
        try:
            return parse(value)
        except ValueError as exc:
            raise self.error(name, str(exc)) from None

    def value(self, name: str) -> Any:
        """Return the value as it stands; None where there is none."""
        return self._values.get(name)

    def inner(self, name: str) -> "Fields | None":
        """Return a table within this one."""
        value = self._values.get(name)
        if value is None:
            return None
        if not isinstance(value, Mapping):
            raise self.wrong(name, f"a table: [{name}]")
        return Fields(self.path, self._text, value, name)

    def line(self, name: str) -> int | None:
        """Return the line that a field, or else its table, begins in; tomllib does not tell."""
        written = rf"[\"']?{re.escape(name)}[\"']?"
        forms = [rf"^[ \t]*{written}[ \t]*=", rf"[{{,]\s*{written}\s*="]
        begin = 0
        if self._table:
            table = re.escape(self._table)
            head = re.search(rf"^[ \t]*(?:\[+\s*{table}\s*\]|{table}[ \t]*=)", self._text, re.MULTILINE)
            begin = head.start() if head else 0
            forms.append(rf"^[ \t]*(?:\[+\s*{table}\s*\]|{table}[ \t]*=)")
        else:
            forms.append(rf"^[ \t]*\[+\s*{written}\s*\]")
        for form in forms:
            if found := re.compile(form, re.MULTILINE).search(self._text, begin):
                return self._text.count("\n", 0, found.start()) + 1
        return None
