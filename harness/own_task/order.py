"""Which rows a limit takes: a random part that the seed alone decides, the same for every model."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable

from harness.domain.sample import Sample


def ordered(samples: Iterable[Sample], seed: int) -> list[int]:
    """Return the indices of the samples in a random order of this seed, of which every beginning is a fair part.

    A row's place depends on its id and the seed alone, so that rows that are added later leave the order of the others
    as it is. Where there are strata, every beginning has each of them in about its share of all rows.
    """
    strata: dict[str, list[tuple[float, str, int]]] = defaultdict(list)
    for index, sample in enumerate(samples):
        strata[sample.stratum].append((draw(seed, sample.item_id), sample.item_id, index))
    placed: list[tuple[float, str, int]] = []
    for stratum, drawn in strata.items():
        drawn.sort()
        if len(strata) == 1:
            placed = drawn
            continue
        start = draw(seed, f"stratum {stratum}")
        placed += [((turn + start) / len(drawn), item_id, index) for turn, (_, item_id, index) in enumerate(drawn)]
    if len(strata) > 1:
        placed.sort()
    return [index for _, _, index in placed]


def draw(seed: int, what: str) -> float:
    """Return a number from 0 to 1 that is the same under every Python version."""
    digest = hashlib.sha256(f"{seed}/{what}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:7]) / 2**56
