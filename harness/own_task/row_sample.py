"""Makes a sample of a row: prompt, turns, target, and the id by which later runs find it again."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from harness.domain.sample import ImageFile, Json, Sample, content_hash
from harness.errors import TaskError
from harness.own_task.definition import Definition
from harness.own_task.folder import file_below
from harness.own_task.row_fault import CellFault, in_column
from harness.own_task.target import ideal_answer, target_of
from harness.own_task.task_row import TaskRow
from harness.own_task.template import as_text, value_of
from harness.store.row import short
from harness.task.image import image_file

_ID_DIGITS = 12
_TURNS = 'a list of the user\'s messages, such as ["Hello", "How are you?"]'
_TOOLS = 'a list of functions, such as [{"name": "get_weather", "description": "…", "parameters": {…}}]'


def sample_of(definition: Definition, row: TaskRow, labels: Sequence[str], examples: str) -> Sample:
    """Return the sample of a row.

    Args:
        definition: of the task.
        row: with all columns of the definition.
        labels: all that there are.
        examples: the text that stands before the prompt.

    Raises:
        ValueError: a column is missing, or its value cannot be used.
    """
    values = row.values
    turns = list(_turns(definition, values))
    prompt = turns.pop() if definition.prompt is None else definition.prompt.text(values)
    if not prompt.strip():
        raise CellFault("prompt", "expected some text, but it is empty for this row")
    with in_column(definition.target_name):
        target: Json = None if definition.target is None else target_of(definition, values, labels)
        tools = tuple(_tools(definition, values))
        if definition.tools is not None and definition.scorer == "tool_calls":
            _check_callable(target, [tool["name"] for tool in tools])
    return Sample(
        item_id=f"{definition.name}-{_id(definition, values)}",
        prompt=examples + prompt,
        target=target,
        stratum=_cell(values, definition.strata),
        cluster_id=_cell(values, definition.cluster),
        system_prompt=definition.system_prompt.text(values) if definition.system_prompt is not None else None,
        turns=tuple(turns),
        images=tuple(image for column in definition.images for image in _images(definition, values, column)),
        tools=tools,
        tags={"row": row.number, **{column: value_of(values, column) for column in definition.tags}},
    )


def example_of(definition: Definition, row: TaskRow, labels: Sequence[str]) -> str:
    """Return a row as an example: as the definition says, else its prompt and the ideal answer to it.

    Raises:
        ValueError: a column is missing, or its value cannot be used.
    """
    if definition.few_shot is not None and definition.few_shot.form is not None:
        return definition.few_shot.form.text(row.values)
    prompt = definition.prompt.text(row.values) if definition.prompt is not None else ""
    with in_column(definition.target_name):
        answer = ideal_answer(definition.scorer, target_of(definition, row.values, labels))
    if answer is None:
        raise CellFault("target", "it does not say what an answer looks like: set few_shot.template")
    return f"{prompt}\n{answer}\n\n"


def _turns(definition: Definition, values: Mapping[str, Any]) -> Iterator[str]:
    if not isinstance(definition.turns, str):
        yield from (form.text(values) for form in definition.turns)
        return
    column = definition.turns
    turns = value_of(values, column)
    if not isinstance(turns, list) or not turns:
        hint = f"; is it JSON? Then add json_columns = [{column!r}]" if isinstance(turns, str) else ""
        raise CellFault(column, f"expected {_TURNS}, got {short(as_text(turns))!r}{hint}")
    for turn in turns:
        text = turn.get("content") if isinstance(turn, dict) and turn.get("role") == "user" else turn
        if not isinstance(text, str) or not text.strip():
            raise CellFault(
                column,
                f"expected {_TURNS}, or messages of the role user, got {short(as_text(turn))!r}; the model itself "
                "answers each turn, and system_prompt is a field of its own",
            )
        yield text


def _images(definition: Definition, values: Mapping[str, Any], column: str) -> Iterator[ImageFile]:
    """Yield the images of a cell: a path, a list of paths, or nothing."""
    paths = value_of(values, column)
    for name in paths if isinstance(paths, list) else [paths]:
        if name is None or name == "":
            continue
        if not isinstance(name, str):
            raise CellFault(column, f"expected the path of an image, got {short(as_text(name))!r}")
        with in_column(column):
            path = file_below(definition.path.parent, name)
        try:
            yield image_file(path)
        except TaskError as exc:
            raise CellFault(column, f"{exc.message}. {exc.hint}") from None


def _tools(definition: Definition, values: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the functions of a cell, which has a list of them."""
    column = definition.tools
    if column is None:
        return
    tools = value_of(values, column)
    if not isinstance(tools, list):
        hint = f"; is it JSON? Then add json_columns = [{column!r}]" if isinstance(tools, str) else ""
        raise CellFault(column, f"expected {_TOOLS}, got {short(as_text(tools))!r}{hint}")
    names: set[str] = set()
    for tool in tools:
        # As requests to OpenAI's API have it.
        function = tool.get("function", tool) if isinstance(tool, dict) and tool.get("type") == "function" else tool
        if not _is_function(function):
            raise CellFault(column, f"expected {_TOOLS}, got {short(as_text(tool))!r}")
        if function["name"] in names:
            raise CellFault(column, f"there are two functions {short(function['name'])!r}")
        names.add(function["name"])
        yield function


def _is_function(value: Any) -> bool:
    parameters = value.get("parameters") or {} if isinstance(value, dict) else None
    return (
        isinstance(parameters, dict)
        and isinstance(parameters.get("properties") or {}, dict)
        and isinstance(parameters.get("required") or [], list)
        and isinstance(value.get("name"), str)
        and bool(value["name"].strip())
    )


def _check_callable(target: Json, names: Sequence[str]) -> None:
    """Refuse calls of functions that the row does not offer, as no answer could be right, and arguments with one value.

    The scorer checks the rest.
    """
    calls = target.get("calls") if isinstance(target, dict) else None
    for call in calls if isinstance(calls, list) else ():
        name = call.get("name") if isinstance(call, dict) else None
        if isinstance(name, str) and name not in names:
            raise ValueError(
                f"{short(name)!r} is not a function of the row: {short(', '.join(names)) or 'it has none'}"
            )
        arguments = call.get("arguments") if isinstance(call, dict) else None
        # Calls as a log has them. A value that is itself a list cannot be told from a list of allowed values.
        plain = {key: value for key, value in _items(arguments) if not isinstance(value, list)}
        if plain:
            argument, value = next(iter(plain.items()))
            raise ValueError(
                f"argument {short(argument)!r} of {short(str(name))!r}: expected the list of its allowed values, "
                f"such as {short(as_text([value]))}, got {short(as_text(value))}"
            )


def _items(value: Any) -> Iterable[tuple[str, Any]]:
    return value.items() if isinstance(value, dict) else ()


def _id(definition: Definition, values: Mapping[str, Any]) -> str:
    """Return the id of a row: what its column says, else a hash of the columns that the task uses."""
    if definition.id is None:
        return content_hash({column: values.get(column) for column in sorted(definition.columns)})[:_ID_DIGITS]
    text = _cell(values, definition.id).strip()
    if not text:
        raise CellFault(definition.id, "expected an id, but it is empty")
    return text


def _cell(values: Mapping[str, Any], column: str | None) -> str:
    return "" if column is None else as_text(value_of(values, column))
