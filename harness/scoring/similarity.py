"""Judge how an embedding model sees texts: the cosines of a first text with others, as `{"similarities": [0.81, …]}`.

Targets name the others by their places, counted from 0, and say how many there are:

- `Ranking`: `{"relevant": [3], "count": 20}`;
- `Pairs`: `{"alike": [0], "unlike": [1, 2]}`;
- `Nearest`: `{"nearest": 4, "count": 6}`, perhaps with `labels`, a name for each.

Ties earn nothing: a right text counts as ranked behind every text of the same similarity, and in `Pairs` as half.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from harness.domain.sample import Json
from harness.domain.score import Score
from harness.scoring.json_answer import find_object
from harness.scoring.verdict import graded, malformed, right_or_wrong, unparsed

_CUT = 10
_KEY = "similarities"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """nDCG@10 of the others, ordered by their similarity; passed when a relevant one is first (recall@1).

    Formula: Järvelin and Kekäläinen 2002, https://doi.org/10.1145/582415.582418, with gains of 1 and 0, as in BEIR:
    the sum of 1 / log2(1 + rank) over the relevant ones among the first ten, over the largest that this can be.
    """

    name: str = "ranking"
    version: str = "1"

    def __call__(self, output: str, target: Json) -> Score:
        """Return the score; details have `recall_at_1` and the `rank` of the first relevant one.

        Raises:
            TaskError: the target has not this form.
        """
        count, relevant = _count(self.name, target), _places(self.name, target, "relevant")
        if not relevant or max(relevant) >= count:
            raise malformed(self.name, "relevant, places below count", target)
        found = _read(output, count)
        if isinstance(found, str):
            return unparsed(found)
        # Of equal ones, those that are not relevant come first: equal similarities must not pay.
        order = sorted(range(count), key=lambda place: (-found[place], place in relevant))
        ranks = [rank for rank, place in enumerate(order, 1) if place in relevant]
        gain = sum(1 / math.log2(1 + rank) for rank in ranks if rank <= _CUT)
        ideal = sum(1 / math.log2(1 + rank) for rank in range(1, 1 + min(len(relevant), _CUT)))
        is_first = ranks[0] == 1
        return graded(
            min(1.0, gain / ideal),
            passed=is_first,
            reason=f"the first relevant text is no. {ranks[0]} of {count}",
            recall_at_1=int(is_first),
            rank=ranks[0],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """The share of pairs of a text that is alike and one that is not whose similarities are in that order.

    That is the area under the ROC curve of one item (Hanley and McNeil 1982, https://doi.org/10.1148/radiology.143.1.7063747).
    """

    name: str = "pairs"
    version: str = "1"

    def __call__(self, output: str, target: Json) -> Score:
        """Return the score; details have `margin`, by which the least alike leads the most similar of the unlike.

        Raises:
            TaskError: the target has not this form.
        """
        alike, unlike = _places(self.name, target, "alike"), _places(self.name, target, "unlike")
        count = len(alike) + len(unlike)
        if not (alike and unlike) or sorted([*alike, *unlike]) != list(range(count)):
            raise malformed(self.name, "alike and unlike, each place once", target)
        found = _read(output, count)
        if isinstance(found, str):
            return unparsed(found)
        pairs = [(found[ours], found[theirs]) for ours, theirs in product(alike, unlike)]
        wins = sum(1.0 if ours > theirs else 0.5 * (ours == theirs) for ours, theirs in pairs)
        margin = min(found[place] for place in alike) - max(found[place] for place in unlike)
        return graded(
            wins / len(pairs),
            passed=margin > 0,
            reason=f"an unlike text is more similar by {-margin:.3f}",
            margin=round(margin, 6),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Nearest:
    """1 when the right text is more similar than each of the others."""

    name: str = "nearest"
    version: str = "1"

    def __call__(self, output: str, target: Json) -> Score:
        """Return the score; details have `right` and `chosen`, for macro-F1: names where the target has `labels`.

        Raises:
            TaskError: the target has not this form.
        """
        count = _count(self.name, target)
        right, labels = target.get("nearest"), target.get("labels")
        if not _is_place(right) or right >= count:
            raise malformed(self.name, "nearest, a place below count", target)
        if labels is not None and not (isinstance(labels, list) and len(labels) == count):
            raise malformed(self.name, "labels, one for each of the others", target)
        found = _read(output, count)
        if isinstance(found, str):
            return unparsed(found)
        most = max(found)
        first = [place for place in range(count) if found[place] == most]
        names = labels or list(range(count))
        chosen = names[first[0]] if len(first) == 1 else None
        return right_or_wrong(
            is_right=first == [right],
            reason=f"nearest is {chosen!r}" if len(first) == 1 else f"{len(first)} are equally near",
            right=names[right],
            chosen=chosen,
        )


def _read(output: str, count: int) -> list[float] | str:
    """Return the similarities of an answer, or why they cannot be used."""
    answer = find_object(output)
    values = answer.get(_KEY) if answer else None
    if not isinstance(values, list):
        return f'expected {{"{_KEY}": […]}}'
    if len(values) != count:
        return f"expected {count} similarities, got {len(values)}"
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return "a text has no direction, or a similarity is not a number"
    # Beyond what rounding can do to a cosine: a whole number may also be too large for a float.
    if not all(-1.01 <= value <= 1.01 for value in values):  # noqa: PLR2004
        return "a similarity is not between -1 and 1"
    return [float(value) for value in values]


def _count(scorer: str, target: Json) -> int:
    count: Json = target.get("count") if isinstance(target, dict) else None
    if not _is_place(count) or count < 1:
        raise malformed(scorer, "count, how many others there are", target)
    return int(count)


def _places(scorer: str, target: Json, name: str) -> Sequence[int]:
    places = target.get(name) if isinstance(target, dict) else None
    if not isinstance(places, list) or not all(map(_is_place, places)) or len({*places}) < len(places):
        raise malformed(scorer, f"{name}, a list of places", target)
    return places


def _is_place(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
