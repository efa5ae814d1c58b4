"""Loads, cold and warm apart: server and client, bytes a second, unloads, memory, and loads by a first request."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median, quantiles

from harness.domain.candidate import key_of
from harness.domain.record import MeasureRecord
from harness.report.figure import seconds, size
from harness.report.layout import fitted, paragraph
from harness.report.text import one_line
from harness.stats.latency import is_time
from harness.store.run_file import RunFile
from harness.verdict.load import MEANING, LoadKind, is_load, kind_of

HEADERS = ("model", "load", "n", "server", "client", "MB/s", "unload")
LEGEND = (
    "server: its load_time_seconds. client: from the load requested to its answer. Medians; in brackets: quartiles. "
    "MB/s: size of the file / the server's time. unload: from the request until the listing no longer has it."
)
"""Definitions, printed where the figures are (docs/latency.md)."""

_LEAST_ROUNDS = 5
_LEAK_SHARE, _LEAK_BYTES, _LEAK_ROUNDS = 0.05, 16_000_000, 3
_IN_MEMORY = 0.99
_MOST_NAMED = 5
_MOST_BYTES = 10**18  # A run file may hold anything.


@dataclass(slots=True)
class _Loads:
    """What was measured of one model: by name, in the order of the rounds; times of loads by kind before that."""

    times: dict[LoadKind, dict[str, list[float]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    others: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    size_bytes: int = 0
    why: dict[str, None] = field(default_factory=dict)


_TIMES = frozenset({"load_time_s", "load_wall_s", "unload_wall_s"})
_COMPARED = frozenset({"jit_e2e_s", "jit_load_time_s", "load_then_e2e_s"})
_SHARE = "cached_share"
_MEMORY = ("memory_before_bytes", "memory_loaded_bytes", "memory_after_bytes")


def render(seen: RunFile, *, width: int | None) -> list[str]:
    """Return the table of all loads that the latency suite timed, and what follows from them; empty: there are none."""
    loads = _loads(seen)
    rows = [row for key, found in loads.items() for row in _rows(key, found)]
    if not rows:
        return []
    kinds = [kind for kind in LoadKind if any(kind in found.times for found in loads.values())]
    few = any(int(row[2]) < _LEAST_ROUNDS for row in rows)
    legend = " ".join(
        [LEGEND, *(f"{MEANING[kind]}." for kind in kinds), *(["Fewer than 5 loads show little of the spread."] * few)]
    )
    table = fitted(rows, headers=HEADERS, align=("left", "left", "right", "left", *["right"] * 3), width=width)
    notes = [*_reasons(loads), *(note for key, found in loads.items() for note in _notes(_name(key), found))]
    return [table, paragraph(legend, width), *(paragraph(note, width) for note in notes)]


def leaks(seen: RunFile) -> list[str]:
    """Return the models whose loads and unloads leave more and more memory in use."""
    found = []
    for key, loads in _loads(seen).items():
        before, loaded, after = (loads.others.get(name, []) for name in _MEMORY)
        if len(after) < _LEAK_ROUNDS or not (before and loaded):
            continue
        grown, taken = after[-1] - after[0], median(loaded) - median(before)
        if grown > max(_LEAK_BYTES, _LEAK_SHARE * taken):
            found.append(
                f"memory leak: after {len(after)} loads and unloads of {_name(key)} the server uses "
                f"{size(round(grown))} more than after the first one"
            )
    return found


def _loads(seen: RunFile) -> Mapping[str, _Loads]:
    found: dict[str, _Loads] = defaultdict(_Loads)
    candidates: dict[str, str] = {}
    for measure in sorted(seen.measures, key=lambda measure: measure.round):
        # A run file has a load once for each reasoning level of its model.
        if candidates.setdefault(key_of(measure.model_key), measure.model_key) != measure.model_key:
            continue
        if measure.name in _TIMES and is_load(measure.value):
            own = found[measure.model_key]
            own.times[kind_of(measure.cold)][measure.name].append(measure.value)
            own.size_bytes = own.size_bytes or _count(measure.params.get("size_bytes"))
            if isinstance(why := measure.params.get("why"), str):
                own.why[why] = None
        elif _is_other_figure(measure):
            found[measure.model_key].others[measure.name].append(measure.value)
    for key, loads in found.items():  # Files of version 0.1.0 have the size only there.
        instance = seen.instances.get(key)
        loads.size_bytes = loads.size_bytes or (instance.size_bytes if instance else None) or 0
    return found


def _is_other_figure(measure: MeasureRecord) -> bool:
    if measure.name in _MEMORY:
        return 0 < measure.value < _MOST_BYTES
    if measure.name == _SHARE:
        return measure.cold is True and 0 <= measure.value <= 1
    # The smoke suite measures one first request, too, but nothing to compare it with.
    return measure.name in _COMPARED and measure.cold is False and is_time(measure.value)


def _count(value: object) -> int:
    return value if isinstance(value, int) and 0 < value < _MOST_BYTES else 0


def _rows(key: str, loads: _Loads) -> Iterator[Sequence[str]]:
    for kind in LoadKind:
        if (figures := loads.times.get(kind)) is None:
            continue
        server, client, unload = (figures.get(name, []) for name in ("load_time_s", "load_wall_s", "unload_wall_s"))
        rate = (
            f"{loads.size_bytes / median(server) / 1e6:,.0f}"
            if server and median(server) > 0 and loads.size_bytes
            else "-"
        )
        yield (
            _name(key),
            str(kind),
            str(max(len(server), len(client))),
            _spread(server),
            seconds(median(client)) if client else "-",
            rate,
            seconds(median(unload)) if unload else "-",
        )


def _spread(times: Sequence[float]) -> str:
    """Return the median, with the quartiles where there are enough values for them."""
    if not times:
        return "-"
    if len(times) < 3:  # noqa: PLR2004  (two values have no quartiles)
        return seconds(median(times))
    low, _, high = quantiles(times, n=4, method="inclusive")
    return f"{seconds(median(times))} [{seconds(low)}, {seconds(high)}]"


def _name(key: str) -> str:
    """Return how a model is called here, where its reasoning levels make no difference."""
    return one_line(key_of(key), limit=40)


def _reasons(loads: Mapping[str, _Loads]) -> Iterator[str]:
    """Yield why loads are uncontrolled: in LM Studio, all of them for the same reason."""
    by_reason: dict[str, list[str]] = defaultdict(list)
    for key, found in loads.items():
        for why in found.why:
            by_reason[why].append(_name(key))
    for why, names in by_reason.items():
        more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
        yield f"{', '.join(names[:_MOST_NAMED])}{more}, uncontrolled: {one_line(why, limit=300)}."


def _notes(key: str, loads: _Loads) -> Iterator[str]:
    shares = loads.others.get(_SHARE, [])
    if shares and min(shares) < _IN_MEMORY:
        yield f"{key}: after a cold load only {min(shares):.0%} of its file was in memory."
    yield from _memory(key, loads.others)
    yield from _by_request(key, loads.others)


def _memory(key: str, figures: Mapping[str, Sequence[float]]) -> Iterator[str]:
    """Yield what of the memory is back after an unload."""
    before, loaded, after = (figures.get(name, []) for name in _MEMORY)
    if not (before and loaded and after):
        return
    taken = median(loaded) - median(before)
    if taken <= 0:
        return
    back = (median(loaded) - median(after)) / taken
    yield (
        f"{key}: the server and its workers use {size(round(median(before)))} of memory before a load, "
        f"{size(round(median(loaded)))} with the model, {size(round(median(after)))} after the unload: {back:.0%} of "
        "what the load took is back."
    )


def _by_request(key: str, figures: Mapping[str, Sequence[float]]) -> Iterator[str]:
    """Yield how a first request that loads the model compares with a load and then the same request."""
    jit, then, server = (figures.get(name, []) for name in ("jit_e2e_s", "load_then_e2e_s", "jit_load_time_s"))
    if not (jit and then):
        return
    own = f", of which the server says {seconds(median(server))} is the load" if server else ""
    yield (
        f"{key}: a first request that loads the model (JIT) takes {_spread(jit)}{own}; a load and then the same "
        f"request take {_spread(then)}. n = {min(len(jit), len(then))} of each, in turn; neither is a load figure."
    )
