"""The samples of one model on one task in a run file, and their scores, kept in columns.

A run file may hold a gigabyte of answers. Kept of each sample are a few small values in arrays, and the offset of its
record. That is about 350 bytes with its score, where one object a sample took 850 (50,000 samples, 2026-11-28).
"""

from array import array
from collections.abc import Iterator
from itertools import zip_longest
from typing import NamedTuple

from harness.domain.generation import Outcome

NOT_COUNTED = frozenset(outcome.value for outcome in Outcome if not outcome.is_scored)
"""Outcomes that do not count: what the server or an interruption took."""
# What stands for None in a column: counts and offsets are never negative, and records refuse NaN.
_NO_COUNT = -1
_NO_FIGURE = float("nan")


class CellKey(NamedTuple):
    """Which model on which task."""

    model_key: str
    task: str


class ScorerId(NamedTuple):
    """Who judged: a scorer by name and version, and the model that it asked, if any."""

    name: str
    version: str
    judge: str | None = None


class ScoreEntry(NamedTuple):
    """The small values of a score record.

    Attributes:
        value: 0 to 1; None: unscored.
        passed: whether the answer is right as a whole; None where the scorer does not say.
        offset: where the record begins in the file.
    """

    value: float | None
    passed: bool | None
    offset: int


class SampleEntry(NamedTuple):
    """The small values of a sample record.

    Attributes:
        key: of its cell.
        row: its place in the cell.
        item_id, epoch, tier, outcome: as in the record.
        stratum, cluster_id: the same, but for files of version 0.1.0 (see `strata_of`).
        ttft_s, e2e_s: of the scored turn, in seconds; None where they were not measured.
        output_tokens: as the server counted them; None where it did not.
        server_tps: tokens per second as the server reports them; None where it does not.
        offset: where the record begins in the file.
    """

    key: CellKey
    row: int
    item_id: str
    epoch: int
    tier: int
    stratum: str
    cluster_id: str
    outcome: str
    ttft_s: float | None
    e2e_s: float | None
    output_tokens: int | None
    server_tps: float | None
    offset: int

    @property
    def is_counted(self) -> bool:
        """Whether the outcome counts. What the server or an interruption took does not, and is to be asked again."""
        return self.outcome not in NOT_COUNTED


class CellSamples:
    """All samples of a cell in the order of the file; iterating yields their entries.

    Attributes:
        key: which model on which task.
        scorers: whose scores there are, in the order in which they first came.
        ways: in which ways it was asked (`harness.domain.way`).
    """

    __slots__ = ("_counts", "_figures", "_offsets", "_texts", "key", "scorers", "ways")

    def __init__(self, key: CellKey) -> None:
        self.key = key
        self.scorers: dict[ScorerId, _ScoreColumn] = {}
        self.ways: set[str] = set()
        self._texts: list[str] = []  # item, stratum, cluster, outcome
        self._counts: array[int] = array("q")  # epoch, tier, output tokens
        self._figures: array[float] = array("d")  # ttft_s, e2e_s, server_tps
        self._offsets: array[int] = array("q")

    def __len__(self) -> int:
        return len(self._offsets)

    def __iter__(self) -> Iterator[SampleEntry]:
        return map(self.sample, range(len(self)))

    def sample(self, row: int) -> SampleEntry:
        """Return the entry at a place."""
        item_id, stratum, cluster_id, outcome = self._texts[4 * row : 4 * row + 4]
        epoch, tier, tokens = self._counts[3 * row : 3 * row + 3]
        ttft_s, e2e_s, server_tps = self._figures[3 * row : 3 * row + 3]
        return SampleEntry(
            key=self.key,
            row=row,
            item_id=item_id,
            epoch=epoch,
            tier=tier,
            stratum=stratum,
            cluster_id=cluster_id,
            outcome=outcome,
            ttft_s=_figure(ttft_s),
            e2e_s=_figure(e2e_s),
            output_tokens=None if tokens == _NO_COUNT else tokens,
            server_tps=_figure(server_tps),
            offset=self._offsets[row],
        )

    def put(
        self,
        row: int,
        texts: tuple[str, str, str, str],
        counts: tuple[int, int, int | None],
        figures: tuple[float | None, float | None, float | None],
        offset: int,
    ) -> None:
        """Append a sample, or put it in place of an earlier record of it, whose scores were those of another answer.

        Args:
            row: its place; the number of samples so far appends it.
            texts: item id, stratum, cluster id, outcome.
            counts: epoch, tier, output tokens.
            figures: seconds to the first token, seconds end to end, tokens per second of the server.
            offset: where the record begins in the file.
        """
        epoch, tier, tokens = counts
        packed = (epoch, tier, _NO_COUNT if tokens is None else tokens)
        known = [_NO_FIGURE if figure is None else figure for figure in figures]
        if row == len(self._offsets):
            self._texts.extend(texts)
            self._counts.extend(packed)
            self._figures.extend(known)
            self._offsets.append(offset)
            return
        self._texts[4 * row : 4 * row + 4] = texts
        self._counts[3 * row : 3 * row + 3] = array("q", packed)
        self._figures[3 * row : 3 * row + 3] = array("d", known)
        self._offsets[row] = offset
        for column in self.scorers.values():
            column.drop(row)

    def outcome(self, row: int) -> str:
        """Return how the sample at a place ended."""
        return self._texts[4 * row + 3]

    def values(self, scorer: ScorerId | None) -> Iterator[tuple[str, float | None]]:
        """Yield the item id and the score of every sample; None for one that does not count, or has no score."""
        column = self.scorers.get(scorer) if scorer is not None else None
        scores = column.values() if column is not None else ()
        for item_id, outcome, score in zip_longest(self._texts[0::4], self._texts[3::4], scores):
            yield item_id, None if outcome in NOT_COUNTED else score

    def clusters(self) -> dict[str, str]:
        """Return the cluster of each item that has one."""
        return {item: name for item, name in zip(self._texts[0::4], self._texts[2::4], strict=True) if name}

    @property
    def e2e_s(self) -> list[float]:
        """The times of the answers, end to end, where they were measured."""
        return [time_s for time_s in self._figures[1::3] if time_s == time_s]  # noqa: PLR0124  (NaN differs from itself)

    @property
    def ttft_s(self) -> list[float]:
        """The times to the first token, where they were measured."""
        return [time_s for time_s in self._figures[0::3] if time_s == time_s]  # noqa: PLR0124

    def score(self, row: int, scorer: ScorerId) -> ScoreEntry | None:
        """Return the last score of a sample by a scorer; None if it has none."""
        column = self.scorers.get(scorer)
        return None if column is None else column.get(row)

    def put_score(self, row: int, scorer: ScorerId, score: ScoreEntry) -> None:
        """Note a score; an earlier one by the same scorer and version counts no longer."""
        if scorer not in self.scorers:
            self.scorers[scorer] = _ScoreColumn()
        self.scorers[scorer].put(row, score)


class _ScoreColumn:
    """The last score of each sample of a cell by one scorer."""

    __slots__ = ("_offsets", "_passes", "_values")

    def __init__(self) -> None:
        self._values: array[float] = array("d")
        self._passes: array[int] = array("b")
        self._offsets: array[int] = array("q")

    def get(self, row: int) -> ScoreEntry | None:
        if row >= len(self._offsets) or self._offsets[row] == _NO_COUNT:
            return None
        passed = self._passes[row]
        return ScoreEntry(_figure(self._values[row]), None if passed == _NO_COUNT else bool(passed), self._offsets[row])

    def values(self) -> Iterator[float | None]:
        for value, offset in zip(self._values, self._offsets, strict=True):
            yield None if offset == _NO_COUNT else _figure(value)

    def put(self, row: int, score: ScoreEntry) -> None:
        # Answers may come out of order, so a score may be ahead of those before it.
        while len(self._offsets) <= row:
            self._values.append(_NO_FIGURE)
            self._passes.append(_NO_COUNT)
            self._offsets.append(_NO_COUNT)
        self._values[row] = _packed(score.value)
        self._passes[row] = _NO_COUNT if score.passed is None else score.passed
        self._offsets[row] = score.offset

    def drop(self, row: int) -> None:
        if row < len(self._offsets):
            self._offsets[row] = _NO_COUNT


def _packed(value: float | None) -> float:
    return _NO_FIGURE if value is None else value


def _figure(value: float) -> float | None:
    return None if value != value else value  # noqa: PLR0124  (only NaN differs from itself)
