"""The tables of a race, for a terminal and for Markdown."""

from collections.abc import Sequence

from tabulate import tabulate

from tests.bench.figure import BY_NAME, FIGURES, Figure, Results, Spread, significant
from tests.bench.growth import Grown
from tests.bench.kill import Killed
from tests.bench.peers import EMPTY, PYTEST, RAW
from tests.bench.target import Judged

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

    def figure(self, figure: Figure) -> str:
        """Return one figure of all peers, with its definition, its spread, and how many times those of others it is."""
        bases = [base for base in (RAW, PYTEST) if base in self._results.peers]
        rows = []
        for peer in self._results.peers:
            spread = self._results.figure(peer, figure.name)
            if spread is not None:
                ratios = [None if peer == base else self._results.ratio(peer, base, figure.name) for base in bases]
                rows.append([peer, *map(_spread, (spread, *ratios))])
        if not rows:
            return f"{figure.label}: not measured"
        head = ["", f"{figure.unit} (least to most)", *(f"times {base}" for base in bases)]
        return f"{figure.label}: {figure.definition}\n{self._table(rows, head)}"

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
        blocks = [self.short(), *map(self.figure, FIGURES)]
        blocks += [self.kills()] if self._kills else []
        blocks += [self.growth(growths)] if growths else []
        return "\n\n".join(blocks)

    def _median(self, peer: str, name: str) -> str:
        spread = self._results.figure(peer, name)
        return "-" if spread is None else f"{significant(spread.median)} {BY_NAME[name].unit}"

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


def _spread(spread: Spread | None) -> str:
    if spread is None:
        return "-"
    if spread.rounds == 1:
        return significant(spread.median)
    return f"{significant(spread.median)} ({significant(spread.low)} to {significant(spread.high)})"


def _megabytes(size: int | None) -> str:
    return "-" if size is None else f"{size / 1e6:.0f}"
