"""What a table shows of a model's speed: what the latency suite measured, else what was seen beside a task; marked."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import median

from harness.domain.count import counted
from harness.report.figure import rate, seconds
from harness.stats.latency import is_one_block, tpot_s, trusted_rate
from harness.stats.noise import is_busy
from harness.store.cell import SampleEntry
from harness.store.run_file import RunFile
from harness.verdict.load import LoadKind, like_for_like, load_of, loads_of
from harness.verdict.noise import is_blurred

SERVERS, ONE_BLOCK, BESIDE_TASK, NOISY = "*", "<", "~", "?"
UNPROVED = "^"
MARKS = {
    SERVERS: "the server's own figure: ours differs by more than 20 %, or is none, as when answers come in blocks",
    ONE_BLOCK: "the whole answer came in one block, so this is an upper bound",
    UNPROVED: "unproved: the server does not tell how many prompt tokens it took from its cache",
    NOISY: "another model's is no further away than noise, so this does not tell the two apart",
}
"""What the marks mean that only some tables have."""

TTFT = "TTFT: from the request written to the first delta of any kind."
DECODE_RATE = (
    "token/s: (n - 1) / (last delta - first delta), which is 1 / TPOT; n: output tokens as the server counts them."
)
PREFILL = (
    "prefill/s: (prompt tokens - cached tokens) / TTFT. The first token comes out of the prefill, so no decode step is "
    "in it; the request's way to the server and its queue are."
)
LOAD = "load: the server's load_time_seconds, of cold loads if all models have one, else of warm ones."
ALL_SLOTS = "All slots: output tokens of all answers / time until the last one ended."
"""Definitions, printed where the figures are: other tools mean other things by these names (docs/latency.md)."""

_LONG_TOKENS = 8
_MOST_NAMED = 5
_MOST_CORES = 100_000


def measured(seen: RunFile, model_key: str, name: str) -> float | None:
    """Return the median of what the latency suite measured under a name; None: nothing."""
    return _median(measure.value for measure in seen.measures if (measure.model_key, measure.name) == (model_key, name))


def prefill_rate(seen: RunFile, model_key: str) -> str:
    """Return prompt tokens per second of single requests, marked where the prompt cache may have helped."""
    found = [measure for measure in seen.measures if (measure.model_key, measure.name) == (model_key, "prefill_tps")]
    is_proved = all(isinstance(measure.params.get("cached_tokens"), int) for measure in found)
    return rate(_median(measure.value for measure in found)) + UNPROVED * (not is_proved)


def load_time(seen: RunFile, model_key: str) -> str:
    """Return how long the model takes to load, by the kind of load that all models of the run have."""
    keys = dict.fromkeys([*seen.instances, *(measure.model_key for measure in seen.measures)])
    loads = {key: loads_of([seen], key) for key in keys}
    found = load_of(loads.get(model_key, {}), like_for_like(loads.values()))
    if found is None:
        return seconds(None)
    load_s, _, kind = found
    if not any((measure.model_key, measure.name) == (model_key, "load_time_s") for measure in seen.measures):
        return f"{BESIDE_TASK}{seconds(load_s)}"
    return seconds(load_s) + NOISY * (kind is LoadKind.WARM and is_blurred(seen, model_key, "load_time_s"))


def ttft(seen: RunFile, model_key: str, samples: Sequence[SampleEntry] = ()) -> str:
    """Return the time to the first token; one that equals the whole answer's is marked, or replaced by the server's."""
    found = measured(seen, model_key, "ttft_s")
    if found is not None:
        tokens = _median(_output_tokens(seen, model_key))
        e2e_s = measured(seen, model_key, "e2e_s")
        if not is_one_block(ttft_s=found, e2e_s=e2e_s, output_tokens=int(tokens or 0)):
            return seconds(found) + NOISY * is_blurred(seen, model_key, "ttft_s")
        server_s = measured(seen, model_key, "server_ttft_s")
        return f"{ONE_BLOCK}{seconds(found)}" if server_s is None else f"{seconds(server_s)}{SERVERS}"
    here = [sample for sample in samples if sample.ttft_s is not None and sample.e2e_s is not None]
    if not here:
        return seconds(None)
    blocks = sum(
        is_one_block(ttft_s=sample.ttft_s, e2e_s=sample.e2e_s, output_tokens=sample.output_tokens) for sample in here
    )
    mark = ONE_BLOCK if 2 * blocks > len(here) else ""
    return f"{BESIDE_TASK}{mark}{seconds(_median(sample.ttft_s for sample in here))}"


def decode_rate(seen: RunFile, model_key: str, samples: Sequence[SampleEntry] = ()) -> str:
    """Return the tokens per second of one answer; the server's where the client's differs from it by more than 20 %."""
    found, is_servers = trusted_rate(measured(seen, model_key, "decode_tps"), measured(seen, model_key, "server_tps"))
    if found is not None:
        return rate(found) + (SERVERS if is_servers else NOISY * is_blurred(seen, model_key, "decode_tps"))
    per_token = (
        tpot_s(ttft_s=sample.ttft_s, e2e_s=sample.e2e_s, output_tokens=sample.output_tokens)
        for sample in samples
        if sample.e2e_s is not None
    )
    client_tps = _median(1 / tpot for tpot in per_token if tpot is not None)
    # In a few tokens the two count differently, and a difference says nothing about blocks.
    long = [sample.server_tps for sample in samples if (sample.output_tokens or 0) >= _LONG_TOKENS]
    found, is_servers = trusted_rate(client_tps, _median(long))
    return rate(None) if found is None else f"{BESIDE_TASK}{rate(found)}{SERVERS * is_servers}"


def legend_of(shown: Iterable[str]) -> str:
    """Return what the marks in these cells mean; "" where there are none."""
    texts = list(shown)
    return "; ".join(f"{mark} : {meaning}" for mark, meaning in MARKS.items() if any(mark in text for text in texts))


def busy_note(seen: RunFile) -> str | None:
    """Return a note where other processes kept this machine busy just before or after latencies were measured."""
    by_model: dict[str, list[Mapping[str, object]]] = defaultdict(list)
    for measure in seen.measures:
        if measure.model_key:
            by_model[measure.model_key].append(measure.params)
    found = {key: _busiest(params) for key, params in by_model.items()}
    disturbed = {key: (busy, cores) for key, (cores, busy) in found.items() if is_busy(busy, cores)}
    if not disturbed:
        return None
    most, cores = max(disturbed.values())
    more = len(disturbed) - _MOST_NAMED
    whose = ", ".join([*disturbed][:_MOST_NAMED]) + f" and {more} more" * (more > 0)
    return (
        f"Just before or after the latency of {whose} was measured, other processes used {most:.1f} of this machine's "
        f"{counted(cores, 'CPU core')} (the most seen in a sample of 0.2 s): "
        f"{'it' if len(disturbed) == 1 else 'they'} may be faster than the figures."
    )


def _busiest(found: Iterable[Mapping[str, object]]) -> tuple[int, float]:
    cores, busiest = 1, 0.0
    for params in found:
        busy, of = params.get("busy_cores"), params.get("cores")
        if isinstance(busy, int | float) and isinstance(of, int) and busy > busiest:
            cores, busiest = of, min(float(_MOST_CORES), busy)
    return cores, busiest


def _output_tokens(seen: RunFile, model_key: str) -> Iterable[float | None]:
    for measure in seen.measures:
        if (measure.model_key, measure.name) == (model_key, "ttft_s"):
            tokens = measure.params.get("output_tokens")
            yield tokens if isinstance(tokens, int) else None


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None
