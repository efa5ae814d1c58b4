"""BFCL's single-turn categories as its authors publish them: BFCL_….json and possible_answer/ (docs/formats.md)."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from harness.errors import StoreError
from harness.own_task.row_fault import CellFault
from harness.scoring.json_answer import MAX_DEPTH, is_nested_deeper
from harness.store.row import Row, read_rows, short
from harness.store.source import open_source

_ANSWERS = "possible_answer"
_NUMBER = re.compile(r"_\d[\d-]*$")
_UNREADABLE = re.compile(r"java|multi_turn|memory|web_search|format_sensitivity|(?<!ir)relevance")
_READABLE = "Only the single-turn categories with Python's types are read."
_MAX_SHOWN = 12
_IRRELEVANCE = "irrelevance"
_TYPES = {"dict": "object", "float": "number", "tuple": "array"}
_TRUTH = '[{"get_weather": {"city": ["Oslo", "Oslo, Norway"], "unit": ["C", ""]}}]'
_DEFAULTS = MappingProxyType(
    {
        "prompt": "{request}",
        "tools": "tools",
        "id": "id",
        "strata": "category",
        "tags": ["category"],
        "target": {"calls": "{calls}", "form": "bfcl"},
        "scorer": "tool_calls",
        "max_output_tokens": 512,
    }
)


class BfclFile:
    """A row is a request with the functions that may be called, and the calls that are right."""

    reads_folders = True

    @property
    def defaults(self) -> Mapping[str, Any]:
        """The request alone; all calls are judged, in any order."""
        return _DEFAULTS

    def files(self, data: Path, *, columns: Collection[str]) -> Sequence[Path]:  # noqa: ARG002  (the protocol's)
        """Return the files with questions, and those with their answers."""
        files = _data_files(data)
        return [*files, *map(_answer_file, files)]

    def rows(self, data: Path, *, columns: Collection[str]) -> Iterator[Row]:  # noqa: ARG002  (the protocol's)
        """Yield the questions of a file, or of all categories in a folder, each with its calls.

        Raises:
            StoreError: a file cannot be read, or the answers of a category are missing.
        """
        files = _data_files(data)
        if not files:
            raise StoreError(f"{data}: expected files such as BFCL_v4_multiple.json, but there is no .json file")
        _refuse_other_categories(data, files)
        for file in files:
            answers = _answers(_answer_file(file))
            with open_source(file) as source:
                for row in read_rows(source, columns=()):
                    if isinstance(row.content, str):
                        yield row
                        continue
                    try:
                        yield row._replace(content=_content(row.content, file, answers))
                    except ValueError as exc:
                        yield row._replace(content=str(exc))


def _data_files(data: Path) -> list[Path]:
    return sorted(data.glob("*.json*")) if data.is_dir() else [data]


def _refuse_other_categories(data: Path, files: Sequence[Path]) -> None:
    """Name them all at once: whoever copies the authors' folder has several."""
    unread = [file.name for file in files if file.name.startswith("BFCL_") and _UNREADABLE.search(file.name)]
    if unread:
        more = f" and {len(unread) - _MAX_SHOWN} more" if len(unread) > _MAX_SHOWN else ""
        raise StoreError(
            f"{data}: not read: {', '.join(map(short, unread[:_MAX_SHOWN]))}{more}",
            hint=f"{_READABLE} Move the others out of the folder.",
        )


def _answer_file(file: Path) -> Path:
    return file.parent / _ANSWERS / file.name


def _answers(file: Path) -> Mapping[str, Row] | None:
    """Return the rows of a file with answers, by id; None where there is no file."""
    if not file.is_file():
        return None
    found: dict[str, Row] = {}
    with open_source(file) as source:
        for row in read_rows(source, columns=()):
            if isinstance(row.content, str):
                raise StoreError(f"{row.place}: {row.content}")
            name = row.content.get("id")
            if not isinstance(name, str) or "ground_truth" not in row.content:
                raise StoreError(f"{row.place}: expected an object with id and ground_truth, got {_shown(row.content)}")
            if name in found:
                raise StoreError(
                    f"{row.place}: field id: {found[name].place} has answers to {short(name)}, too",
                    hint="Keep one of the two lines.",
                )
            found[name] = row
    return found


def _content(record: Mapping[str, Any], file: Path, answers: Mapping[str, Row] | None) -> dict[str, Any]:
    name = record.get("id")
    if not isinstance(name, str) or not name.strip():
        raise CellFault("id", f"expected a text such as 'multiple_0', got {_shown(name)}")
    category = _NUMBER.sub("", name)
    if _UNREADABLE.search(category):
        raise CellFault("id", f"the category {short(category)} is not read. {_READABLE}")
    if is_nested_deeper(record, MAX_DEPTH):
        raise ValueError(f"expected at most {MAX_DEPTH} levels of JSON")
    if "ground_truth" in record and "question" not in record:
        raise CellFault("question", f"this is an answer: name the file of questions beside the folder {_ANSWERS}")
    request = _request(record.get("question"))
    tools = _tools(record.get("function"))
    return {
        "id": name,
        "category": category,
        "request": request,
        "tools": tools,
        "calls": _calls(name, category, tools, file, answers),
    }


def _request(question: Any) -> str:
    """Return the messages of the only turn; where there are several, each with its role."""
    expected = 'one turn of messages, such as [[{"role": "user", "content": "…"}]]'
    if not isinstance(question, list) or len(question) != 1 or not isinstance(question[0], list) or not question[0]:
        what = f"{len(question)} turns" if isinstance(question, list) and len(question) > 1 else _shown(question)
        raise CellFault("question", f"expected {expected}, got {what}")
    messages = []
    for message in question[0]:
        role, content = (message.get("role"), message.get("content")) if isinstance(message, dict) else (None, None)
        if not isinstance(role, str) or not isinstance(content, str):
            raise CellFault("question", f"expected {expected}, got {_shown(message)}")
        messages.append((role, content))
    return (
        messages[0][1]
        if len(messages) == 1
        else "\n\n".join(f"{role.capitalize()}: {content}" for role, content in messages)
    )


def _tools(functions: Any) -> list[dict[str, Any]]:
    found = [functions] if isinstance(functions, dict) else functions
    if not isinstance(found, list):
        raise CellFault("function", f"expected a list of functions with name and parameters, got {_shown(functions)}")
    tools: dict[str, dict[str, Any]] = {}
    for function in found:
        name = function.get("name") if isinstance(function, dict) else None
        if not isinstance(name, str) or not isinstance(function.get("parameters", {}), dict):
            raise CellFault("function", f"expected a function with name and parameters, got {_shown(function)}")
        if name in tools:
            raise CellFault("function", f"there are two functions {short(name)}")
        tools[name] = {**function, "parameters": _schema(function.get("parameters", {}))}
    return [*tools.values()]


def _schema(schema: Any) -> Any:
    """Return a parameter's description as JSON Schema: BFCL has the names of Python's types."""
    if not isinstance(schema, dict):
        return schema
    found = dict(schema)
    kind = schema.get("type")
    if kind == "any":
        del found["type"]
    elif isinstance(kind, str):
        found["type"] = _TYPES.get(kind, kind)
    if isinstance(properties := schema.get("properties"), dict):
        found["properties"] = {name: _schema(inner) for name, inner in properties.items()}
    if "items" in schema:
        found["items"] = _schema(schema["items"])
    choices, items = found.get("enum"), found.get("items", {})
    is_of_elements = isinstance(choices, list) and not any(isinstance(choice, list) for choice in choices)
    if found.get("type") == "array" and is_of_elements and isinstance(items, dict):
        # Some functions of the live_ categories have the choices of the elements beside the type of the list.
        del found["enum"]
        found["items"] = {"enum": choices, **items}
    return found


def _calls(
    name: str, category: str, tools: Sequence[Mapping[str, Any]], file: Path, answers: Mapping[str, Row] | None
) -> list[dict[str, Any]]:
    answer = (answers or {}).get(name)
    if answer is None:
        if _IRRELEVANCE in category:
            return []
        if answers is None:
            raise StoreError(
                f"{_answer_file(file)} does not exist: it has the right calls of {file.name}",
                hint=f"Put the authors' folder {_ANSWERS} beside the file; only {_IRRELEVANCE} needs none.",
            )
        raise CellFault("id", f"there is no answer to {short(name)} in {_answer_file(file)}")
    truth = answer.content["ground_truth"]  # type: ignore[index]
    schemas = {tool["name"]: tool["parameters"] for tool in tools}
    try:
        return [_call(call, schemas) for call in (truth if isinstance(truth, list) else [truth])]
    except ValueError as exc:
        raise ValueError(f"{answer.place}: field ground_truth: {exc}") from None


def _call(call: Any, schemas: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    ((name, allowed),) = call.items() if isinstance(call, dict) and len(call) == 1 else [(None, None)]
    if name is None or not isinstance(allowed, dict):
        raise ValueError(f"expected calls such as {_TRUTH}, got {_shown(call)}")
    if name not in schemas:
        raise ValueError(f"{short(str(name))} is not a function of the question: {short(', '.join(schemas))}")
    properties, required = schemas[name].get("properties"), schemas[name].get("required")
    arguments, optional = {}, []
    for argument, values in allowed.items():
        schema = properties.get(argument) if isinstance(properties, dict) else None
        kept, may_be_left_out = _values(argument, values, schema)
        if kept:
            arguments[argument] = kept
        if kept and may_be_left_out and not (isinstance(required, list) and argument in required):
            optional.append(argument)
    return {"name": name, "arguments": arguments, "optional": optional}


def _values(argument: str, values: Any, schema: Any) -> tuple[list[Any], bool]:
    """Return the allowed values of an argument, and whether "" among them says that it may be left out."""
    kind = schema.get("type") if isinstance(schema, dict) else None
    # Two rows of live_simple have [] where an empty list is meant: the authors' checker passes no answer to them.
    found = [[]] if values == [] and kind == "array" else values
    if not isinstance(found, list) or not found:
        raise ValueError(f"expected calls such as {_TRUTH}, got {_shown({argument: values})}")
    # For a text, "" is a value besides.
    is_text = not isinstance(kind, str) or kind == "string"
    return [value for value in found if is_text or value != ""], "" in found


def _shown(value: Any) -> str:
    return short(repr(value))
