"""The definition of an own task: a TOML file, checked field by field (docs/own-tasks.md)."""

import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from harness.domain.encoding import CONVERT_HINT
from harness.domain.score import REVIEW
from harness.errors import TaskError
from harness.own_task.field import Fields
from harness.own_task.folder import file_below
from harness.own_task.format.protocol import FORMATS, Format, find_format
from harness.own_task.review import own_scorer
from harness.own_task.template import Template, parse_template
from harness.scoring.registry import scorer_names
from harness.task.prompt import text_of

LABEL_SCORERS = frozenset({"choice", "choices", "labels"})
"""Scorers whose targets name labels, all of which they must know."""
TEXT_SCORERS = frozenset({"exact", "normalised", "rouge_l", "token_f1"})
"""Scorers whose target is a text, or a list of texts that are all right."""
_MOST_BYTES = 1_000_000
_MOST_TOKENS = 1_000_000
_NAME = re.compile(r"\w[\w.-]{0,59}", re.ASCII)

FIELDS = (
    "name",
    "class",
    "description",
    "data",
    "format",
    "json_columns",
    "prompt",
    "system_prompt",
    "turns",
    "images",
    "tools",
    "few_shot",
    "target",
    "target_separator",
    "labels",
    "scorer",
    "floor",
    "id",
    "cluster",
    "strata",
    "tags",
    "sampling",
    "max_output_tokens",
    "prompt_tokens",
)
"""Every field, in the order of docs/own-tasks.md."""

TargetForm: TypeAlias = Any
"""What a target is made of: JSON whose texts are templates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FewShot:
    """Examples that stand before the prompt.

    Attributes:
        data: where they come from; None: the task's own data, whose rows are then not asked.
        rows: their numbers, from 1; empty: the first `count`.
        count: how many; None: all rows of `data`, unless `rows` says which.
        form: of one example; None: the prompt, and the ideal answer on the next line.
    """

    data: Path | None = None
    rows: tuple[int, ...] = ()
    count: int | None = None
    form: Template | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """What an own task asks, and how it is judged.

    Attributes:
        path: of the TOML file.
        name: of the task.
        task_class: what it is listed under.
        description: a few words for lists.
        data: the file with a sample a row.
        format: reads that file.
        json_columns: columns whose texts hold JSON.
        prompt: the user's message; None: the last turn is it.
        system_prompt: sent with the first message.
        turns: the user's earlier messages, or the column that has a list of them.
        images: columns with paths of images, below the definition's folder.
        tools: the column with the functions that may be called; None: there are none.
        few_shot: examples before the prompt.
        target: a column, or JSON whose texts are templates; None: there is none.
        target_separator: between several right answers in one cell.
        labels: all that there are; empty: those that the targets name.
        scorer: its name.
        floor: the mean score that suffices; None: the usual one.
        id: the column with the id of a row; None: its content is its id.
        cluster: the column with what rows share that was itself sampled.
        strata: the column with the kind of row, whose shares each part of the rows keeps.
        tags: columns that are recorded, to group results by.
        sampling: which rows a limit takes.
        max_output_tokens: None: what the longest target needs, with room to spare.
        prompt_tokens: None: estimated from the longest prompt.
        lines: of its fields in the file, from 1.
    """

    path: Path
    name: str
    task_class: str
    description: str
    data: Path
    format: Format
    scorer: str
    json_columns: tuple[str, ...] = ()
    prompt: Template | None = None
    system_prompt: Template | None = None
    turns: tuple[Template, ...] | str = ()
    images: tuple[str, ...] = ()
    tools: str | None = None
    few_shot: FewShot | None = None
    target: str | TargetForm | None = None
    target_separator: str | None = None
    labels: tuple[str, ...] = ()
    floor: float | None = None
    id: str | None = None
    cluster: str | None = None
    strata: str | None = None
    tags: tuple[str, ...] = ()
    sampling: Literal["random", "first"] = "random"
    max_output_tokens: int | None = None
    prompt_tokens: int | None = None
    lines: Mapping[str, int] = field(default_factory=dict)

    @property
    def target_name(self) -> str:
        """What messages call the field with the target."""
        return self.target if isinstance(self.target, str) else "target"

    @property
    def columns_by_field(self) -> Mapping[str, Collection[str]]:
        """The columns that each field of the definition names."""
        turns = [self.turns] if isinstance(self.turns, str) else [name for form in self.turns for name in form.columns]
        return {
            "json_columns": self.json_columns,
            "prompt": self.prompt.columns if self.prompt is not None else (),
            "system_prompt": self.system_prompt.columns if self.system_prompt is not None else (),
            "turns": turns,
            "images": self.images,
            "target": [self.target] if isinstance(self.target, str) else form_columns(self.target),
            **{
                name: [column]
                for name in ("tools", "id", "cluster", "strata")
                if (column := getattr(self, name)) is not None
            },
            "tags": self.tags,
        }

    def place(self, name: str) -> str:
        """Return where a field stands, for messages."""
        return f"{self.path}:{self.lines[name]}" if name in self.lines else str(self.path)

    @property
    def columns(self) -> frozenset[str]:
        """The columns that decide what is asked and what is right."""
        turns = [self.turns] if isinstance(self.turns, str) else [name for form in self.turns for name in form.columns]
        target = [self.target] if isinstance(self.target, str) else form_columns(self.target)
        templates = [form for form in (self.prompt, self.system_prompt) if form is not None]
        tools = [] if self.tools is None else [self.tools]
        return frozenset(
            [*turns, *target, *self.images, *tools, *(name for form in templates for name in form.columns)]
        )

    @property
    def all_columns(self) -> frozenset[str]:
        """All columns that it names."""
        others = filter(None, (self.id, self.cluster, self.strata))
        return self.columns | {*others, *self.tags, *self.json_columns}


def form_columns(form: TargetForm) -> list[str]:
    """Return the columns that the templates in a target's form name."""
    if isinstance(form, Template):
        return list(form.columns)
    inner = form.values() if isinstance(form, dict) else form if isinstance(form, list) else ()
    return [name for part in inner for name in form_columns(part)]


def read_definition(path: Path) -> Definition:
    """Return the definition in a TOML file.

    Raises:
        TaskError: it cannot be read, or a field cannot be used; names file, line and field.
    """
    text = _text(path)
    try:
        values = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as exc:
        raise TaskError(f"{path}: expected TOML: {exc}", hint='Texts stand in quotes: name = "tickets"') from exc
    given = Fields(path, text, values)
    given.check_names(FIELDS)
    kind = find_format(given.one_of("format", tuple(FORMATS), "table"))
    fields = Fields(path, text, {**kind.defaults, **values})
    scorer = _scorer(fields)
    turns = _turns(fields)
    prompt = _template(fields, "prompt")
    if prompt is None and not isinstance(turns, str):
        raise fields.wrong("prompt", "the text to ask, such as 'Which desk takes this ticket? {text}'")
    definition = Definition(
        path=path,
        name=_name(fields),
        task_class=fields.text("class") or _name(fields),
        description=fields.text("description") or "",
        data=_data(fields, kind),
        format=kind,
        json_columns=fields.texts("json_columns"),
        prompt=prompt,
        system_prompt=_template(fields, "system_prompt"),
        turns=turns,
        images=fields.texts("images"),
        tools=fields.text("tools"),
        few_shot=_few_shot(fields),
        target=_target(fields),
        target_separator=fields.text("target_separator"),
        labels=_labels(fields, scorer),
        scorer=scorer,
        floor=fields.share("floor"),
        id=fields.text("id"),
        cluster=fields.text("cluster"),
        strata=fields.text("strata"),
        tags=fields.texts("tags"),
        sampling="first" if fields.one_of("sampling", ("random", "first"), "random") == "first" else "random",
        max_output_tokens=fields.whole("max_output_tokens", least=1, most=_MOST_TOKENS),
        prompt_tokens=fields.whole("prompt_tokens", least=1, most=_MOST_TOKENS),
        lines={name: line for name in values if (line := fields.line(name)) is not None},
    )
    _check_together(definition, fields)
    return definition


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError as exc:
        raise TaskError(f"cannot read {path}: {exc.strerror}") from exc
    if len(data) > _MOST_BYTES:
        raise TaskError(f"{path}: expected a definition of at most 1 MB", hint="Data belongs into the data file.")
    try:
        return text_of(data, name=str(path)).replace("\r\n", "\n")
    except TaskError as exc:
        raise TaskError(exc.message, hint=CONVERT_HINT) from exc


def _name(fields: Fields) -> str:
    name = fields.text("name", fields.path.stem) or ""
    if not _NAME.fullmatch(name):
        raise fields.error("name", f"expected up to 60 letters, digits, '_', '-' and '.', got {name!r}")
    return name


def _data(fields: Fields, kind: Format) -> Path:
    name = fields.text("data")
    if name is None:
        raise fields.wrong("data", "the name of the file with the rows")
    folder = fields.path.parent
    return fields.parsed("data", name, lambda text: file_below(folder, text, may_be_folder=kind.reads_folders))


def _template(fields: Fields, name: str) -> Template | None:
    text = fields.text(name)
    return None if text is None else fields.parsed(name, text, parse_template)


def _turns(fields: Fields) -> tuple[Template, ...] | str:
    value = fields.value("turns")
    if isinstance(value, str):
        return fields.text("turns") or ""
    return tuple(fields.parsed("turns", text, parse_template) for text in fields.texts("turns"))


def _scorer(fields: Fields) -> str:
    name = fields.text("scorer")
    names = [*scorer_names(), REVIEW]
    if name is None or name not in names:
        raise fields.wrong("scorer", f"one of {', '.join(names)}")
    return own_scorer(name).name


def _labels(fields: Fields, scorer: str) -> tuple[str, ...]:
    labels = fields.texts("labels")
    if labels and scorer not in LABEL_SCORERS:
        raise fields.error("labels", f"these are for the scorers {', '.join(sorted(LABEL_SCORERS))}, not for {scorer}")
    if "labels" in fields and len(set(labels)) != max(2, len(labels)):
        raise fields.wrong("labels", "at least two labels, each once")
    return labels


def _target(fields: Fields) -> str | TargetForm | None:
    value = fields.value("target")
    if isinstance(value, str):
        return fields.text("target")
    if value is None or isinstance(value, Mapping):
        return None if value is None else fields.parsed("target", value, _form)
    raise fields.wrong("target", "the name of a column, or a table such as { value = '{answer}', abs = 0.01 }")


def _form(value: Any) -> TargetForm:
    if isinstance(value, str):
        return parse_template(value)
    if isinstance(value, Mapping):
        return {name: _form(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_form(inner) for inner in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    raise ValueError(f"expected JSON values, got {type(value).__name__}: write dates as text")


def _few_shot(fields: Fields) -> FewShot | None:
    inner = fields.inner("few_shot")
    if inner is None:
        return None
    inner.check_names(("data", "rows", "count", "template"))
    rows = inner.value("rows") or []
    if not isinstance(rows, list) or not all(type(row) is int and row > 0 for row in rows) or len({*rows}) < len(rows):
        raise inner.wrong("rows", "a list of numbers of rows, from 1, each once")
    data = inner.text("data")
    count = inner.whole("count", least=1, most=1000)
    if data is None and not rows and count is None:
        raise inner.wrong("rows", "which rows are examples, or count, or another data file")
    return FewShot(
        data=None if data is None else inner.parsed("data", data, lambda text: file_below(fields.path.parent, text)),
        rows=tuple(rows),
        count=count,
        form=_template(inner, "template"),
    )


def _check_together(definition: Definition, fields: Fields) -> None:
    """Refuse fields that are each possible, but not together."""
    if definition.few_shot is not None and (definition.turns or definition.images or definition.tools):
        what = next(name for name in ("turns", "images", "tools") if getattr(definition, name))
        raise fields.error("few_shot", f"examples stand before a single prompt of text, and this task has {what}")
    if definition.target is None and definition.scorer != REVIEW:
        raise fields.wrong("target", f"the column with the right answer, which the scorer {definition.scorer} needs")
    separated = definition.scorer in TEXT_SCORERS | {"choices", "labels"}
    if definition.target_separator and not (separated and isinstance(definition.target, str)):
        raise fields.error("target_separator", f"the scorer {definition.scorer} does not take several targets")
