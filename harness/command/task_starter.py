"""Starts an own task from data: guesses which column is asked and which is right, and writes a commented definition."""

import json
import re
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from statistics import fmean
from typing import Any

from harness.domain.sample import is_unicode
from harness.errors import StoreError, TaskError
from harness.own_task.format.table import Table
from harness.own_task.template import as_text
from harness.scoring.number import read_target
from harness.store.row import short
from harness.store.writer import write_new
from harness.task.shipped import shipped_names

NONE = "-"
"""How a person says that there is no such column."""

_LOOKED_AT = 1000
_MOST_LABELS = 50
_ROWS_PER_LABEL = 2
_SHORT_WORDS = 5
_TARGETS = (
    "target",
    "label",
    "answer",
    "expected",
    "gold",
    "class",
    "category",
    "intent",
    "desk",
    "output",
    "solution",
)
_PROMPTS = ("prompt", "question", "text", "input", "message", "body", "content", "ticket", "document", "sentence")
_IDS = ("id", "item_id", "uid", "key", "number", "no")
_BRACES = re.compile(r"[{}]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """What a definition is begun with.

    Attributes:
        columns: of the data that a template can name.
        prompt: the column with what is asked about.
        target: the column with what is right; None: there is none.
        scorer: its name.
        labels: all that were seen, for a scorer of labels.
        id: the column with ids; None: there is none.
        json_columns: the target's, where it holds JSON within text.
        tools: the column with the functions that may be called; None: there is none.
    """

    columns: tuple[str, ...]
    prompt: str
    target: str | None
    scorer: str
    labels: tuple[str, ...] = ()
    id: str | None = None
    json_columns: tuple[str, ...] = ()
    tools: str | None = None


def guess(data: Path) -> tuple[Guess, Sequence[Mapping[str, Any]]]:
    """Return a guess from the first rows of a file, and these rows.

    Raises:
        StoreError: the file cannot be read.
        TaskError: it has no rows, or only wrong ones.
    """
    rows: list[Mapping[str, Any]] = []
    for row in islice(Table().rows(data, columns=(*_TARGETS, *_PROMPTS)), _LOOKED_AT):
        if isinstance(row.content, str):
            raise TaskError(f"{row.place}: {row.content}")
        rows.append(row.content)
    if not rows:
        raise TaskError(f"{data} has no rows", hint="Expected a first row with the names of the columns, and rows.")
    columns = tuple(name for name in rows[0] if _is_fit(name) and all(name in row for row in rows))
    if not columns:
        raise TaskError(f"{data}: expected columns that all rows have, without braces in their names")
    ids = [name for name in _named(columns, _IDS) if len({as_text(row[name]) for row in rows}) == len(rows)]
    free = [name for name in columns if name not in ids]
    tools = next((name for name in free if all(_are_functions(row[name]) for row in rows)), None)
    calls = next((name for name in free if all(_are_calls(row[name]) for row in rows)), None) if tools else None
    target = calls or next(iter(_named(free, _TARGETS)), None) or _fewest(free, rows)
    texts = [name for name in free if name not in (target, tools)] or list(columns)
    prompt = next(iter(_named(texts, _PROMPTS)), None) or max(texts, key=lambda name: _length(name, rows))
    found = Guess(columns=columns, prompt=prompt, target=target, scorer="", id=next(iter(ids), None), tools=tools)
    return with_target(found, rows, target), rows


def with_target(found: Guess, rows: Sequence[Mapping[str, Any]], target: str | None) -> Guess:
    """Return the guess with another target column, and the scorer that suits it."""
    if target is None:
        return replace(found, target=None, scorer="constraints_all", labels=(), json_columns=())
    values = [row[target] for row in rows]
    texts = [as_text(value).strip() for value in values]
    counts = Counter(text for text in texts if text)
    made = replace(found, target=target, labels=(), json_columns=())
    if found.tools and all(map(_are_calls, values)):
        return replace(made, scorer="tool_calls")
    if all(_is_object(value) for value in values):
        return replace(made, scorer="fields", json_columns=(target,) if isinstance(values[0], str) else ())
    if all((read_target(text) is not None and len(text.split()) <= _SHORT_WORDS) or "####" in text for text in texts):
        return replace(made, scorer="number")
    if 1 < len(counts) <= _MOST_LABELS and len(rows) >= _ROWS_PER_LABEL * len(counts):
        return replace(made, scorer="choice", labels=tuple(sorted(counts)))
    is_short = fmean(len(text.split()) for text in texts) <= _SHORT_WORDS
    return replace(made, scorer="normalised" if is_short else "token_f1")


def write_starter(folder: Path, data: Path, found: Guess) -> Path:
    """Write a commented definition into a folder, with a copy of the data unless that lies there; return its path.

    Raises:
        StoreError: it exists already, or cannot be written.
    """
    name = _name_of(data)
    definition, copy = folder / f"{name}.toml", folder / data.name
    if not is_unicode(data.name):
        raise StoreError(f"{data}: a definition can only name a file whose name is UTF-8", hint="Rename the file.")
    if copy == definition:
        raise StoreError(f"{data} is named as a definition would be", hint="Name a file with rows, such as CSV.")
    if definition.exists():
        raise StoreError(f"{definition} exists already", hint="Nothing was written. Name another folder.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not copy.exists():
            shutil.copyfile(data, copy)
            copy.chmod(data.stat().st_mode & 0o777)
        elif not copy.samefile(data):
            raise StoreError(f"{copy} exists already", hint="Nothing was written. Name another folder.")
    except OSError as exc:
        if isinstance(exc, StoreError):
            raise
        raise StoreError(f"cannot write into {folder}: {exc.strerror}", hint="Name another folder.") from exc
    write_new(definition, _toml(name, data.name, found).splitlines())
    return definition


def _is_fit(column: str) -> bool:
    """Return whether a template can name a column, and a comment, too."""
    return bool(column.strip()) and column == column.strip() and column.isprintable() and not _BRACES.search(column)


def _named(columns: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """Return the columns that have one of these names, in the order of the names; the case makes no difference."""
    return [column for name in wanted for column in columns if column.strip().lower() == name]


def _fewest(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the column that looks most like labels: with the fewest values, each of which occurs again."""
    counts = {column: len({as_text(row[column]) for row in rows}) for column in columns}
    likely = [name for name, count in counts.items() if 1 < count <= min(_MOST_LABELS, len(rows) // _ROWS_PER_LABEL)]
    return min(likely, key=lambda name: counts[name], default=None) if len(columns) > 1 else None


def _length(column: str, rows: Sequence[Mapping[str, Any]]) -> float:
    return fmean(len(as_text(row[column])) for row in rows)


def _is_object(value: Any) -> bool:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return False
    return isinstance(value, dict) and bool(value)


def _are_functions(value: Any) -> bool:
    """Return whether these are functions that may be called, as in a request to OpenAI's API."""
    functions = [each.get("function", each) if isinstance(each, dict) else each for each in _list(value)]
    return bool(functions) and all(
        isinstance(function, dict)
        and isinstance(function.get("name"), str)
        and isinstance(function.get("parameters"), dict)
        for function in functions
    )


def _are_calls(value: Any) -> bool:
    """Return whether these are calls of functions, or none. A check says where an argument lacks its list of values."""
    return isinstance(value, list) and all(
        isinstance(call, dict) and isinstance(call.get("name"), str) and isinstance(call.get("arguments"), dict)
        for call in value
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _name_of(data: Path) -> str:
    stem = data.name.partition(".")[0]
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-")[:50] or "task"
    return f"my-{name}" if name in shipped_names() else name


def _quoted(text: str) -> str:
    """Return a text as TOML has it, on one line."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _inside(text: str) -> str:
    """Return a text as it stands in a template within a text of several lines."""
    return _quoted(text.replace("{", "{{").replace("}", "}}"))[1:-1]


_QUESTIONS: Mapping[str, str] = {
    "number": "Answer with the number only.",
    "fields": "Answer with one JSON object and nothing else.",
    "constraints_all": "Sum this up in at most 50 words.",
}


def _question(found: Guess) -> str:
    if found.labels:
        return f"Which of these fits: {_inside(_listed(found.labels))}? Answer with one of them only."
    return _QUESTIONS.get(found.scorer, "Answer as briefly as possible.")


def _listed(labels: Sequence[str]) -> str:
    return f"{', '.join(labels[:-1])} or {labels[-1]}"


def _toml(name: str, data: str, found: Guess) -> str:
    if found.target is None:
        target = 'target = { constraints = [{ kind = "words", max = 50 }] }'
        note = "# There are no right answers, so these are rules that an answer must keep (docs/scorers.md)."
    elif found.scorer == "tool_calls":
        target = f"target = {{ calls = {_quoted(f'{{{found.target}}}')} }}"
        note = "# The column with the right calls: each argument has the list of its allowed values (docs/scorers.md)."
    else:
        target, note = f"target = {_quoted(found.target)}", "# The column with the right answer."
    question = [] if found.scorer == "tool_calls" else ["", _question(found)]
    offered = ["# The column with the functions that may be called.", f"tools = {_quoted(found.tools or '')}", ""]
    lines = [
        "# An own task. Every field: docs/own-tasks.md. Check it with: lms-harness tasks --check DIR",
        "",
        f"name = {_quoted(name)}",
        f"data = {_quoted(data)}",
        "",
        "# What is asked for each row. {column} is a column; {{ and }} are braces.",
        f"# The columns are: {short(', '.join(found.columns))}",
        'prompt = """',
        f"{{{_quoted(found.prompt)[1:-1]}}}",
        *question,
        '"""',
        '# system_prompt = "You are …"',
        "",
        *(offered if found.scorer == "tool_calls" and found.tools else []),
        note,
        target,
        *([f"json_columns = [{_quoted(found.json_columns[0])}]"] if found.json_columns else []),
        "",
        "# How an answer is judged: choice, number, exact, normalised, token_f1, fields, constraints_all, …",
        f"scorer = {_quoted(found.scorer)}",
        *([f"labels = [{', '.join(map(_quoted, found.labels))}]"] if found.labels else []),
        "",
        "# The mean score that suffices to hand this over to a model.",
        "floor = 0.8",
        "",
        "# Ids by which later runs find the rows again, even if their texts change.",
        f"id = {_quoted(found.id)}" if found.id is not None else '# id = "a column"',
        "",
        "# What rows share that was itself sampled, such as the customer: such rows count for less.",
        '# cluster = "a column"',
        "",
        "# The kind of row: each part of the rows that is asked then has its share of each kind.",
        '# strata = "a column"',
    ]
    return "\n".join(lines)
