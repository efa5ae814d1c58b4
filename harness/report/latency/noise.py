"""How far the figures of a run are from themselves, and which of them do not tell two models apart."""

from harness.stats.latency import is_time
from harness.stats.noise import is_within, together
from harness.store.run_file import RunFile
from harness.verdict.noise import median_in, noise_in


def is_blurred(seen: RunFile, model_key: str, name: str) -> bool:
    """Return whether a figure is no further from another model's in this run than noise may take the two."""
    ours, noise = median_in(seen, model_key, name), noise_in(seen, model_key, name)
    if not is_time(ours) or noise.value is None:
        return False
    others = {measure.model_key for measure in seen.measures if measure.name == name} - {model_key}
    return any(
        is_within(ours / theirs, together([noise, noise_in(seen, other, name)]))
        for other in others
        if is_time(theirs := median_in(seen, other, name))
    )
