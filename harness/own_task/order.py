"""Which rows a limit takes: a random part that the seed alone decides, the same for every model."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence

from harness.domain.sample import Sample


def ordered(samples: Sequence[Sample], seed: int) -> list[Sample]:
    """Return the samples in a random order of this seed, of which every beginning is a fair part.

    A row's place depends on its id and the seed alone, so that rows that are added later leave the order of the others
    as it is. Where there are strata, every beginning has each of them in about its share of all rows.
    """
    strata: dict[str, list[tuple[float, Sample]]] = defaultdict(list)
    for sample in samples:
        strata[sample.stratum].append((draw(seed, sample.item_id), sample))
    placed: list[tuple[float, str, Sample]] = []
    for stratum, drawn in strata.items():
        if len(strata) == 1:
            placed += [(draw, sample.item_id, sample) for draw, sample in drawn]
            continue
        start = draw(seed, f"stratum {stratum}")
        drawn.sort(key=lambda found: (found[0], found[1].item_id))
        placed += [((index + start) / len(drawn), sample.item_id, sample) for index, (_, sample) in enumerate(drawn)]
    placed.sort(key=lambda found: found[:2])
    return [sample for _, _, sample in placed]


def draw(seed: int, what: str) -> float:
    """Return a number from 0 to 1 that is the same under every Python version."""
    digest = hashlib.sha256(f"{seed}/{what}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:7]) / 2**56
