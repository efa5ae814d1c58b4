"""The models of a server as a table."""

from collections.abc import Sequence

from tabulate import tabulate

from harness.domain.model import Model
from harness.report.table import size
from harness.report.text import one_line


def render_models(listing: Sequence[Model]) -> str:
    """Return the table: key, kind, quantisation, parameters, size, trained context, loaded instances."""
    if not listing:
        return "No models."
    rows = [
        (
            one_line(model.key, limit=70),
            _kind(model),
            one_line((model.quantization.name if model.quantization else None) or "", limit=12),
            one_line(model.params_string or "", limit=10),
            size(model.size_bytes),
            model.max_context_length,
            one_line(", ".join(f"{one.id} ({one.config.context_length})" for one in model.loaded_instances), limit=200),
        )
        for model in listing
    ]
    headers = ("key", "kind", "quant", "params", "size", "max context", "loaded (context)")
    return tabulate(rows, headers=headers, disable_numparse=True, colalign=("left",) * 4 + ("right",) * 2 + ("left",))


def _kind(model: Model) -> str:
    able = model.capabilities
    extra = [
        word for word, has in (("vision", able and able.vision), ("tools", able and able.trained_for_tool_use)) if has
    ]
    return "+".join([model.type, *extra])
