"""The tables of a race, for a terminal and for Markdown."""

from collections.abc import Sequence

from tabulate import tabulate

from tests.bench.figure import BY_NAME, FIGURES, Results, Spread
from tests.bench.growth import Grown
from tests.bench.kill import Killed
from tests.bench.peers import EMPTY, PYTEST, RAW
from tests.bench.target import Judged

_DIGITS = {"s": 2, "ms": 2, "%": 0, "MB": 0}
_SHORT = {
    "wall_1": "{samples} samples",
    "wall_16": "16 at a time",
    "marginal_1": "a sample",
    "start": "start-up",
    "slots": "slots busy",
    "peak": "memory",
}
"""The columns of the README's table, whose lines have at most 100 characters."""


class Tables:
    """Everything that a race says, as text or as Markdown."""

    def __init__(self, results: Results, kills: Sequence[Killed], *, samples: int, is_markdown: bool) -> None:
        self._results = results
        self._kills = {killed.peer: killed for killed in kills}
        self._samples = samples
        self._is_markdown = is_markdown

    def short(self) -> str:
        """Return the table of the README: medians, and the share of the answers that a kill left."""
        head = ["", *(label.format(samples=f"{self._samples:,}") for label in _SHORT.values()), "kept"]
        rows = [
            [peer, *(self._median(peer, name) for name in _SHORT), self._kept(peer)]
            for peer in self._results.peers
            if peer != EMPTY
        ]
        return self._table(rows, head)

    def medians(self) -> str:
        """Return all figures with their spread."""
        head = ["median (least to most)", *(f"{figure.label}, {figure.unit}" for figure in FIGURES)]
        rows = [
            [peer, *(_spread(self._results.figure(peer, figure.name), _DIGITS[figure.unit]) for figure in FIGURES)]
            for peer in self._results.peers
        ]
        return self._table(rows, head)

    def ratios(self, base: str) -> str:
        """Return all figures as multiples of one peer's in the same round."""
        head = [f"times {base}", *(figure.label for figure in FIGURES)]
        rows = [
            [peer, *(_spread(self._results.ratio(peer, base, figure.name), 2) for figure in FIGURES)]
            for peer in self._results.peers
            if peer != base
        ]
        return self._table(rows, head)

    def kills(self) -> str:
        """Return what a SIGKILL half way left."""
        rows = [
            [
                killed.peer,
                killed.samples,
                killed.answered,
                killed.asked_again if killed.error is None else "-",
                killed.kept if killed.error is None else "-",
                killed.error or ("" if killed.has_resume else "starts again: it has no command that goes on"),
            ]
            for killed in self._kills.values()
        ]
        return self._table(rows, ["killed half way", "samples", "answered by then", "asked again", "kept", ""])

    def growth(self, growths: Sequence[Grown]) -> str:
        """Return how a run grows."""
        rows = [
            [
                f"{grown.samples:,}",
                f"{grown.wall_s:.1f}",
                f"{1000 * grown.wall_s / grown.samples:.2f}",
                _megabytes(grown.asking_bytes),
                _megabytes(grown.peak_bytes),
                f"{grown.file_bytes / grown.samples / 1000:.2f}",
                grown.error or "",
            ]
            for grown in growths
        ]
        head = ["samples", "s", "ms a sample", "MB while it asks", "MB at its peak", "KB a sample on disk", ""]
        return self._table(rows, head)

    def targets(self, targets: Sequence[Judged]) -> str:
        """Return the targets with what was found."""
        rows = [[judged.label, judged.wanted, judged.found or "-", judged.state] for judged in targets]
        return self._table(rows, ["target", "wanted", "measured", ""])

    def everything(self, growths: Sequence[Grown]) -> str:
        """Return all tables of a race, one below the other."""
        blocks = [self.medians()]
        blocks += [self.ratios(base) for base in (RAW, PYTEST) if base in self._results.peers]
        blocks += [self.kills()] if self._kills else []
        blocks += [self.growth(growths)] if growths else []
        return "\n\n".join(blocks)

    def _median(self, peer: str, name: str) -> str:
        unit, spread = BY_NAME[name].unit, self._results.figure(peer, name)
        return "-" if spread is None else f"{spread.median:.{_DIGITS[unit]}f} {unit}"

    def _kept(self, peer: str) -> str:
        killed = self._kills.get(peer)
        if killed is None or killed.error is not None or not killed.answered:
            return "-"
        return f"{min(1, killed.kept / killed.answered):.0%}".replace("%", " %")

    def _table(self, rows: Sequence[Sequence[object]], head: Sequence[str]) -> str:
        if self._is_markdown:
            return _markdown([head, *rows])
        return tabulate(rows, head, disable_numparse=True)


def _markdown(rows: Sequence[Sequence[object]]) -> str:
    """Return a table whose first row is its head; tabulate pads two more columns in each cell."""
    texts = [[str(cell) for cell in row] for row in rows]
    widths = [max(3, *map(len, column)) for column in zip(*texts, strict=True)]
    lines = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in texts]
    lines.insert(1, "| " + " | ".join("-" * width for width in widths) + " |")
    return "\n".join(lines)


def _spread(spread: Spread | None, digits: int) -> str:
    if spread is None:
        return "-"
    return f"{spread.median:.{digits}f} ({spread.low:.{digits}f} to {spread.high:.{digits}f})"


def _megabytes(size: int | None) -> str:
    return "-" if size is None else f"{size / 1e6:.0f}"
