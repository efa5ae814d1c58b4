"""The models of a server: as a table that fits the terminal, and as JSON like LM Studio's own."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

from tabulate import tabulate

from harness.domain.count import counted
from harness.domain.model import Capabilities, Instance, Model
from harness.report.figure import size
from harness.report.text import one_line
from harness.selection.memory import resident_bytes
from harness.selection.selection import left_alone, parameters

_INDENT = "  "


_DROPPED = (
    (),
    ("params",),
    ("params", "quant"),
    ("params", "quant", "max context"),
    ("params", "quant", "max context", "kind"),
)
"""Which columns are left out, step by step, where there is no room for all."""


def render_models(listing: Sequence[Model], *, width: int | None = None) -> str:
    """Return the table, and below it how much is resident.

    Args:
        listing: the models.
        width: columns of the terminal; None: unlimited. In a narrow one, columns are left out; if that is not enough,
            each model takes a few lines. A key is never cut, as people copy it.
    """
    if not listing:
        return "No models."
    for dropped in _DROPPED:
        table = _table(listing, dropped)
        if width is None or all(len(line) <= width for line in table.splitlines()):
            return "\n".join([table, "", *_below(listing, width)])
    return "\n".join([*(_lines(model, width or 0) for model in listing), "", *_below(listing, width)])


def listed(model: Model) -> dict[str, Any]:
    """Return the model as `GET /api/v1/models` lists it, without what the server left out, plus derived fields.

    Derived: `is_loaded`; `total_parameters` and `active_parameters`, null where `params_string` does not give them;
    `resident_bytes`, the file's size for each loaded instance.
    """
    known = parameters(model)
    quantization, can = model.quantization, model.capabilities
    optional: dict[str, Any] = {
        "architecture": model.architecture,
        "description": model.description,
        "variants": list(model.variants) or None,
        "selected_variant": model.selected_variant,
        "capabilities": can and _capabilities(can),
    }
    return {
        "type": model.type,
        "publisher": model.publisher,
        "key": model.key,
        "display_name": model.display_name,
        "quantization": quantization and {"name": quantization.name, "bits_per_weight": quantization.bits_per_weight},
        "size_bytes": model.size_bytes,
        "params_string": model.params_string,
        "loaded_instances": [
            {"id": instance.id, "config": instance.config.as_dict()} for instance in model.loaded_instances
        ],
        "max_context_length": model.max_context_length,
        "format": model.format,
        **{name: value for name, value in optional.items() if value is not None},
        "is_loaded": model.is_loaded,
        "total_parameters": known and int(known[0]),
        "active_parameters": known and int(known[1]),
        "resident_bytes": resident_bytes([model]),
    }


def _capabilities(can: Capabilities) -> dict[str, Any]:
    listed: dict[str, Any] = {"vision": can.vision, "trained_for_tool_use": can.trained_for_tool_use}
    if can.reasoning_options is not None:
        listed["reasoning"] = {"allowed_options": list(can.reasoning_options), "default": can.reasoning_default}
    return listed


def _table(listing: Sequence[Model], dropped: Sequence[str]) -> str:
    columns = [column for column in _COLUMNS if column.header not in dropped]
    return tabulate(
        [[column.cell(model) for column in columns] for model in listing],
        headers=[column.header for column in columns],
        colalign=[column.align for column in columns],
        disable_numparse=True,
    )


def _lines(model: Model, width: int) -> str:
    facts = " ".join(filter(None, (_kind(model), _quant(model), model.params_string, size(model.size_bytes))))
    lines = [_fitted(f"{one_line(facts, limit=200)}, at most {model.max_context_length or 'n/a'} tokens", width)]
    lines += [_fitted(f"loaded: {_instance(instance)}", width) for instance in model.loaded_instances]
    return "\n".join([one_line(model.key, limit=200), *(f"{_INDENT}{line}" for line in lines)])


def _fitted(text: str, width: int | None) -> str:
    if width is None:
        return text
    lines = wrap(text, max(width - len(_INDENT), 20), break_long_words=False, break_on_hyphens=False)
    return f"\n{_INDENT}".join(lines)


def _below(listing: Sequence[Model], width: int | None) -> Iterator[str]:
    """Yield how much is resident, and which models are never asked."""
    yield _fitted(_total(listing), width)
    if alone := left_alone(listing):
        yield _fitted(one_line(alone, limit=400), width)


def _total(listing: Sequence[Model]) -> str:
    models = counted(len(listing), "model")
    count = sum(len(model.loaded_instances) for model in listing)
    if not count:
        return f"{models}, none loaded."
    copies = counted(count, "instance")
    return f"{models}; resident: {copies}, {size(resident_bytes(listing))} (file sizes; contexts need more)."


def _instance(instance: Instance) -> str:
    return one_line(f"{instance.id} ({instance.config.context_length or 'n/a'})", limit=100)


def _quant(model: Model) -> str:
    return one_line((model.quantization.name if model.quantization else None) or "", limit=12)


def _kind(model: Model) -> str:
    able = model.capabilities
    extra = [
        word for word, has in (("vision", able and able.vision), ("tools", able and able.trained_for_tool_use)) if has
    ]
    return one_line("+".join([model.type, *extra]), limit=30)


@dataclass(frozen=True, slots=True)
class _Column:
    header: str
    align: str
    cell: Callable[[Model], str]


_COLUMNS = (
    _Column("key", "left", lambda model: one_line(model.key, limit=70)),
    _Column("kind", "left", _kind),
    _Column("quant", "left", _quant),
    _Column("params", "left", lambda model: one_line(model.params_string or "", limit=10)),
    _Column("size", "right", lambda model: size(model.size_bytes)),
    _Column("max context", "right", lambda model: str(model.max_context_length or "n/a")),
    _Column("loaded (context)", "left", lambda model: ", ".join(map(_instance, model.loaded_instances))),
)
