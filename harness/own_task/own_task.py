"""Loads own tasks: from definitions and their rows to tasks that run, resume, and are compared like shipped ones."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from harness.domain.sample import Json, Sample, canonical_json
from harness.errors import TaskError
from harness.own_task.chance import Constant, IdealAnswers, best_constant
from harness.own_task.definition import LABEL_SCORERS, Definition, read_definition
from harness.own_task.folder import check_below, definition_paths
from harness.own_task.kept_sample import SampleStore
from harness.own_task.review import own_scorer
from harness.own_task.row_fault import CellFault, RowFaults, in_column
from harness.own_task.row_sample import example_of, sample_of
from harness.own_task.rows import Rows
from harness.own_task.target import labels_of, right_of
from harness.own_task.task_row import TaskRows
from harness.store.row import short
from harness.task.shipped import shipped_names
from harness.task.task import Needs, Task
from harness.task.tool_prompt import asked_text

_TEMPLATE_TOKENS = 64
_BYTES_PER_TOKEN = 3
_IMAGE_TOKENS = 2000
_HOW_TO_CALL_TOKENS = 200
"""More than most models make of an image; the definition can say otherwise (`prompt_tokens`)."""
_USUAL_ANSWER_TOKENS = 512
_LEAST_ANSWER_TOKENS = 64
_NO_ROWS = "Expected a first row with the names of the columns, and rows."


class Repetition(NamedTuple):
    """A row that asks and expects the same as an earlier one; both places."""

    place: str
    earlier: str


@dataclass(frozen=True, kw_only=True)
class OwnTask:
    """An own task with its rows.

    Attributes:
        definition: as it was read.
        task: what a run asks.
        rows: all its samples.
        repeated: rows that repeat an earlier one, and are left out.
        constant: the best answer that ignores the row.
    """

    definition: Definition
    task: Task
    rows: Rows
    repeated: Sequence[Repetition]
    constant: Constant


def load_own_tasks(path: Path) -> tuple[OwnTask, ...]:
    """Return the tasks that a folder, or one TOML file, defines; by name.

    Raises:
        StoreError: a data file cannot be read.
        TaskError: a definition or rows cannot be used, or a name is taken.
    """
    return tuple(map(load_own_task, read_definitions(path)))


def read_definitions(path: Path) -> list[Definition]:
    """Return the definitions of a folder, or of one TOML file, by name; no data is read.

    Raises:
        TaskError: a definition cannot be used, or a name is taken.
    """
    named: dict[str, Path] = {}
    definitions = []
    for file in definition_paths(path):
        definition = read_definition(file)
        check_names(definition, named)
        definitions.append(definition)
    return sorted(definitions, key=lambda definition: definition.name)


def check_names(definition: Definition, named: dict[str, Path]) -> None:
    """Make sure that no other task has the name of this one, and note it in `named`.

    Raises:
        TaskError: a task that ships, or another one of the folder, has it.
    """
    name = definition.name
    if name in shipped_names():
        raise TaskError(
            f"{definition.path}: field name: a task that ships is called {name}", hint="Give yours another name."
        )
    if name in named:
        raise TaskError(
            f"{definition.path}: field name: {named[name]} is called {name}, too",
            hint="Give each task a name of its own.",
        )
    named[name] = definition.path


def load_own_task(definition: Definition) -> OwnTask:
    """Return the task of a definition, with all its rows.

    Raises:
        StoreError: the data file cannot be read.
        TaskError: rows cannot be used; names up to five of them.
    """
    found = _rows(definition, definition.data, definition.all_columns)
    labels = _labels(definition, found)
    examples, taken = _examples(definition, found, labels)
    store = SampleStore(labels, examples)
    numbers: dict[str, int] = {}
    repeated: list[Repetition] = []
    answers, sizes = IdealAnswers(definition.scorer), _Sizes()
    faults = RowFaults()
    for row in found:
        if row.number in taken:
            continue
        with faults.noted(row.place):
            sample = sample_of(definition, row, labels, examples)
            earlier = numbers.get(sample.item_id)
            if earlier is None:
                store.add(sample, row.place)
                numbers[sample.item_id] = len(store) - 1
                answers.add(sample.target)
                sizes.add(sample)
            elif store.sample(earlier).item_hash == sample.item_hash:
                repeated.append(Repetition(row.place, store.place(earlier)))
            else:
                raise CellFault(definition.id or "id", f"{store.place(earlier)} has the same id")
    faults.check()
    if not len(store):
        raise TaskError(f"{definition.data}: all rows are examples: none is left to ask", hint="Add rows.")
    del numbers
    rows = Rows(definition, store)
    constant = best_constant(own_scorer(definition.scorer), rows.samples, answers)
    output = definition.max_output_tokens or _answer_tokens(answers.frequent)
    return OwnTask(
        definition=definition,
        task=Task(
            name=definition.name,
            task_class=definition.task_class,
            generate=rows,
            scorer=own_scorer(definition.scorer),
            max_output_tokens=output,
            prompt_tokens=definition.prompt_tokens or sizes.most(output),
            tools_tokens=sizes.most_for_tools,
            chance=constant.score,
            needs=Needs(vision=bool(definition.images)),
            description=definition.description or f"{len(store)} rows of {definition.data.name}",
            floor=definition.floor,
            can_grow=True,
        ),
        rows=rows,
        repeated=repeated,
        constant=constant,
    )


def _rows(definition: Definition, data: Path, columns: frozenset[str]) -> TaskRows:
    check_below(definition.path.parent, definition.format.files(data, columns=columns))
    found = TaskRows(definition)
    for row in definition.format.rows(data, columns=columns):
        found.add(row)
    if found.columns and data == definition.data:
        _check_columns(definition, found.columns)
    found.check()
    if not len(found):
        raise TaskError(f"{data} has no rows", hint=_NO_ROWS)
    return found


def _check_columns(definition: Definition, known: Collection[str]) -> None:
    """Make sure that each column that the definition names occurs in the data.

    Raises:
        TaskError: one occurs in no row; names the field.
    """
    for field, columns in definition.columns_by_field.items():
        for column in columns:
            if column not in known:
                raise TaskError(
                    f"{definition.place(field)}: field {field}: there is no column {short(column)!r} in "
                    f"{definition.data.name}; the columns are {short(', '.join(map(str, known)))}"
                )


def _labels(definition: Definition, rows: TaskRows) -> tuple[str, ...]:
    if not isinstance(definition.target, str) or definition.scorer not in LABEL_SCORERS or definition.labels:
        return definition.labels
    faults, rights = RowFaults(), list[Json]()
    for row in rows:
        with faults.noted(row.place), in_column(definition.target):
            rights.append(right_of(definition, row.values))
    faults.check()
    try:
        return labels_of(definition, rights)
    except ValueError as exc:
        raise TaskError(
            f"{definition.data}: field {definition.target}: {exc}",
            hint=f"Is {definition.target} the column with the labels? All of them can be listed, too: labels = […]",
        ) from None


def _examples(definition: Definition, rows: TaskRows, labels: Sequence[str]) -> tuple[str, frozenset[int]]:
    """Return the text of all examples, and the numbers of the rows that they take."""
    shot = definition.few_shot
    if shot is None:
        return "", frozenset()
    source = rows if shot.data is None else _rows(definition, shot.data, definition.columns)
    numbers = shot.rows or tuple(range(1, len(source) + 1)[: shot.count])
    if missing := [number for number in numbers if number > len(source)]:
        raise TaskError(
            f"{definition.path}: field few_shot.rows: there is no row {missing[0]}; there are {len(source)}",
            hint="Rows are counted from 1; the one with the names of the columns does not count.",
        )
    faults, parts = RowFaults(), list[str]()
    for number in numbers:
        row = source.row(number)
        with faults.noted(row.place):
            parts.append(example_of(definition, row, labels))
    faults.check()
    return "".join(parts), frozenset(numbers) if shot.data is None else frozenset()


def _answer_tokens(ideal: Iterable[str]) -> int:
    """Return twice what the longest ideal answer takes, but not too few; the usual number where there is none."""
    longest = max(map(tokens, ideal), default=None)
    return _USUAL_ANSWER_TOKENS if longest is None else max(_LEAST_ANSWER_TOKENS, 2 * longest)


class _Sizes:
    """How long prompts are at most, before it is known how long the answers to their turns may be.

    Attributes:
        most_for_tools: how many more tokens one takes at most where its functions are sent as `tools`.
    """

    def __init__(self) -> None:
        self._most: dict[int, int] = {}
        self.most_for_tools = 0

    def add(self, sample: Sample) -> None:
        """Take in a sample."""
        turns = len(sample.turns)
        self._most[turns] = max(self._most.get(turns, 0), prompt_tokens(sample, 0))
        self.most_for_tools = max(self.most_for_tools, tools_tokens(sample))

    def most(self, output: int) -> int:
        """Return an upper estimate of the longest prompt, where an answer may take so many tokens."""
        return max(size + turns * output for turns, size in self._most.items())


def prompt_tokens(sample: Sample, output: int) -> int:
    """Return an upper estimate of a prompt, with the model's template, and in a conversation all earlier turns.

    Args:
        sample: that is asked.
        output: how many tokens an answer may take.
    """
    texts = (sample.system_prompt or "", *sample.turns, asked_text(sample))
    images = len(sample.images) * _IMAGE_TOKENS
    return sum(map(tokens, texts)) + images + len(sample.turns) * output + _TEMPLATE_TOKENS


def tools_tokens(sample: Sample) -> int:
    """Return how many more a prompt takes where its functions are sent as `tools`: as JSON, and with how to call."""
    if not sample.tools or sample.turns or sample.images:
        return 0
    sent = tokens(sample.prompt) + tokens(canonical_json(list(sample.tools))) + _HOW_TO_CALL_TOKENS
    return max(0, sent - tokens(asked_text(sample)))


def tokens(text: str) -> int:
    """Return an upper estimate of the tokens of a text: English has 4 bytes to the token, other scripts about 3."""
    return len(text.encode("utf-8", "surrogatepass")) // _BYTES_PER_TOKEN + 1
