"""How near decoding comes to what this machine's memory can give: memory bandwidth utilisation (MBU)."""

from harness.domain.record import MeasureRecord
from harness.report import speed
from harness.report.figure import rate, size
from harness.report.layout import fitted, paragraph
from harness.report.text import one_line
from harness.store.run_file import RunFile

HEADERS = ("model", "token/s", "weights", "memory", "MBU")
LEGEND = (
    "MBU: token/s x weights / memory. token/s: decode rate of single requests, the median. weights: bytes of the "
    "tensors, which are read once for each token; a table of token embeddings that is only looked up is left out. "
    "memory: the fastest of several readings of an array larger than the caches, with as many threads as decode."
)
_NOTHING, _BUG = "*", "!"
_MARKS = {
    _NOTHING: "the weights are smaller than 4 x the last-level cache, so they may stay in it, and MBU says nothing",
    _BUG: "memory cannot give more than 1: the measurement is wrong, as when other work slowed the reading of memory",
}
_PAST_CACHE = 4
_MOST_BYTES = 1e15


def render(seen: RunFile, *, width: int | None) -> list[str]:
    """Return a table of the models whose memory bandwidth was measured, with what the marks in it mean."""
    found = {measure.model_key: measure for measure in seen.measures if measure.name == "memory_bandwidth_bps"}
    rows = [(one_line(key, limit=40), *_figures(seen, key, measure)) for key, measure in found.items()]
    if not rows:
        return []
    marks = (f"{mark} : {meaning}" for mark, meaning in _MARKS.items() if any(row[-1].endswith(mark) for row in rows))
    table = fitted(rows, headers=HEADERS, align=("left", *["right"] * (len(HEADERS) - 1)), width=width)
    return [table, paragraph(LEGEND, width), *(paragraph(mark, width) for mark in marks)]


def _figures(seen: RunFile, key: str, measure: MeasureRecord) -> tuple[str, ...]:
    weights, token_rate = speed.measured(seen, key, "weights_bytes"), speed.measured(seen, key, "decode_tps")
    known = weights is not None and 0 < weights <= _MOST_BYTES
    shown = rate(token_rate), size(int(weights)) if weights and known else "unknown", f"{measure.value / 1e9:.1f} GB/s"
    if not known or not weights or token_rate is None or not measure.value > 0:
        return *shown, "n/a"
    cache = measure.params.get("cache_bytes")
    if isinstance(cache, int) and weights < _PAST_CACHE * cache:
        return *shown, f"-{_NOTHING}"
    share = token_rate * weights / measure.value
    return *shown, f"{share:.2f}{_BUG if share > 1 else ''}"
