"""Which rows a limit takes: a random part that the seed alone decides, the same for every model."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable


def ordered(keys: Iterable[tuple[str, str]], seed: int) -> list[int]:
    """Return the indices of samples in a random order of this seed, of which every beginning is a fair part.

    A row's place depends on its id and the seed alone, so that rows that are added later leave the order of the others
    as it is. Where there are strata, every beginning has each of them in about its share of all rows.

    Args:
        keys: the id and the stratum of each sample.
        seed: of the order.
    """
    strata: dict[str, list[tuple[float, str, int]]] = defaultdict(list)
    for index, (item_id, stratum) in enumerate(keys):
        strata[stratum].append((draw(seed, item_id), item_id, index))
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
