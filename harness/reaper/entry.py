"""Reads the entries of a journal file, whatever the file holds: only entries that are as the writers make them count.

Like the rest of the reaper's start, it imports the standard library alone.
"""

import errno
import json
import math
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MAX_BYTES = 16 * 2**20
"""The largest journal that is read. An entry has about 300 bytes, and a run of hours writes a few hundred of them."""

_FLAGS = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_CLOEXEC", "O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"))
_MAX_PID = 2**31


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


def _is_seconds(value: object) -> bool:
    try:
        return type(value) in {int, float} and math.isfinite(float(value)) and value >= 0  # type: ignore[arg-type, operator]
    except OverflowError:
        return False


def _is_whole(value: object) -> bool:
    return type(value) is int


def _is_pid(value: object) -> bool:
    return type(value) is int and 0 < value < _MAX_PID


def _is_bool(value: object) -> bool:
    return isinstance(value, bool)


def _or_none(is_valid: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: value is None or is_valid(value)


@dataclass(frozen=True, slots=True)
class _Kind:
    """What an entry of one kind holds besides its `lease`; fields that it does not name may hold anything."""

    required: Mapping[str, Callable[[object], bool]]
    optional: Mapping[str, Callable[[object], bool]]


_KINDS: Mapping[str, _Kind] = {
    "owner": _Kind(
        {"url": _is_text},
        {
            "pid": _or_none(_is_pid),
            "process_start": _or_none(_is_text),
            "boot_id": _or_none(_is_text),
            "is_server_ours": _is_bool,
        },
    ),
    "intent": _Kind(
        {"model_key": _is_text},
        {
            "resident": _is_texts,
            "mode": lambda value: value in ("explicit", "jit"),
            "config": _is_object,
            "deadline_s": _is_seconds,
        },
    ),
    "sent": _Kind({}, {}),
    "answered": _Kind({}, {"status": _or_none(_is_whole)}),
    "grant": _Kind({"instance_id": _is_text}, {}),
    "verified": _Kind({"config": _is_object}, {}),
    "absent": _Kind({}, {"why": _is_text}),
    "loading": _Kind({}, {}),
    "doubt": _Kind({}, {"why": _is_text, "instances": _is_texts}),
    "released": _Kind({}, {}),
    "denied": _Kind({}, {}),
    "handed_over": _Kind({}, {}),
    "gone": _Kind({}, {}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """One line of a journal.

    Attributes:
        fields: as written; without the ones that cannot be right where there is a flaw.
        flaw: why the entry does not count, with its line; empty for one that does.
    """

    fields: Mapping[str, Any]
    flaw: str = ""

    @property
    def kind(self) -> str:
        """What it says; empty where that cannot be read."""
        return str(self.fields.get("kind", ""))

    @property
    def lease(self) -> int | None:
        """The number of the lease that it is about; None for the owner, and where it cannot be read."""
        return self.fields.get("lease")


def entries(path: Path) -> Iterator[JournalEntry]:
    """Yield the entries of a journal in their order, those with a flaw too; torn lines are left out.

    Raises:
        OSError: it cannot be read, or is not a regular file of this user of at most `MAX_BYTES`.
    """
    for number, line in enumerate(_content(path).split(b"\n"), start=1):
        if line.strip() and (entry := _read(line, number)) is not None:
            yield entry


def _content(path: Path) -> bytes:
    try:
        # O_NONBLOCK: opening a pipe without a writer would block for ever.
        descriptor = os.open(path, _FLAGS)
    except OSError as exc:
        if exc.errno == errno.ELOOP:  # What O_NOFOLLOW makes of a link.
            raise OSError(errno.ELOOP, "it is a symbolic link", str(path)) from exc
        raise
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", str(path))
        if hasattr(os, "getuid") and status.st_uid != os.getuid():
            raise PermissionError(errno.EPERM, "it belongs to another user", str(path))
        with open(descriptor, "rb", closefd=False) as file:
            content = file.read(MAX_BYTES + 1)
    finally:
        os.close(descriptor)
    if len(content) > MAX_BYTES:
        # Reading only its beginning could miss that a lease has ended.
        raise OSError(errno.EFBIG, f"it is larger than {MAX_BYTES // 2**20} MiB", str(path))
    return content


def _read(line: bytes, number: int) -> JournalEntry | None:
    """Return what a line says; None for one that was torn when its writer died."""
    try:
        fields = json.loads(line)
    except json.JSONDecodeError:
        return None if line.startswith(b"{") else JournalEntry(fields={}, flaw=f"line {number}: not JSON")
    except (ValueError, RecursionError):  # Not UTF-8, a number of 5,000 digits; 200,000 brackets.
        return JournalEntry(fields={}, flaw=f"line {number}: not JSON that can be read")
    if not isinstance(fields, dict):
        return JournalEntry(fields={}, flaw=f"line {number}: not a JSON object")
    kind = _KINDS.get(name) if isinstance(name := fields.get("kind"), str) else None
    if kind is None:
        known = {"lease": fields["lease"]} if _is_whole(fields.get("lease")) else {}
        return JournalEntry(fields=known, flaw=f"line {number}: its kind is unknown")
    checks = {**kind.required, **kind.optional, **({} if name == "owner" else {"lease": _is_whole})}
    needed = {*kind.required, *(() if name == "owner" else ("lease",))}
    wrong = [field for field, is_valid in checks.items() if field in fields and not is_valid(fields[field])]
    missing = [field for field in sorted(needed) if field not in fields]
    if not wrong and not missing:
        return JournalEntry(fields=fields)
    flaw = (
        f"line {number}: {name} with an invalid {wrong[0]}" if wrong else f"line {number}: {name} without {missing[0]}"
    )
    return JournalEntry(fields={field: value for field, value in fields.items() if field not in wrong}, flaw=flaw)
