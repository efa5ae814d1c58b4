"""What is drawn of a run that is going on, as much of it as fits: lines of at most so many columns."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from harness.domain.candidate import level_of
from harness.report.figure import seconds
from harness.report.live.forecast import left_s, roughly
from harness.report.live.standing import CellStanding, ModelStanding, Stage, Standing
from harness.report.text import one_line

_WIDEST = 200
_MARGIN = 4
"""Columns that stay free on the right: the terminal echoes `^C` there."""
_ROOM_ABOVE = 4
"""Rows of the screen that stay free for what is printed above."""
_LONGEST_NAME = 60
_LEAST_NAME, _MOST_NAME, _LONGEST_TASK = 10, 24, 16
_LEAST_BAR, _MOST_BAR = 8, 40
_STYLES = {Stage.WAITING: "dim", Stage.NOW: "bold", Stage.OVER: ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """How large a terminal is."""

    columns: int
    rows: int


def draw(
    standing: Standing,
    console: Console,
    screen: Screen,
    *,
    now: float,
    began: float,
    budget_s: float | None = None,
    title: str = "",
) -> list[str]:
    """Return the lines to show, with their colours: the fullest of three pictures that fits on the screen.

    Args:
        standing: how far the run has got.
        console: knows which colours and characters the terminal can show.
        screen: its size.
        now: the clock's time.
        began: when the run began.
        budget_s: the time left in the budget; None: there is none.
        title: such as the number of the round.
    """
    width = max(1, min(_WIDEST, screen.columns - _MARGIN))
    console.width = width
    room = screen.rows - _ROOM_ABOVE
    foot: list[RenderableType] = [
        _what(standing, title, width),
        _bar(standing, width, now=now, began=began, budget_s=budget_s),
    ]
    for table, height in _tables(standing, width):
        if height + len(foot) <= room:
            return ["", *_lines(console, [table]), *_lines(console, foot)]
    return _lines(console, foot[-max(1, room) :])


def _lines(console: Console, parts: Iterable[RenderableType]) -> list[str]:
    with console.capture() as captured:
        for part in parts:
            console.print(part, no_wrap=True, overflow="ellipsis", crop=True)
    return captured.get().rstrip("\n").split("\n")


def _tables(standing: Standing, width: int) -> Iterator[tuple[Table, int]]:
    """Yield the tables that are narrow enough, with their heights: of all models, then of the current one."""
    tasks = list(dict.fromkeys(task for model in standing.models.values() for task in model.cells))
    if not tasks:
        return
    models = list(standing.models.values())
    names = _short_names([model.plan.key for model in models])
    room = width - min(_LONGEST_TASK, max(map(len, tasks))) - 2
    widest = max(len(_figures(cell).plain) for cell in standing.cells())
    each = room // len(models) - 2
    if each >= max(widest, _LEAST_NAME):
        yield _matrix(tasks, models, min(each, max(_MOST_NAME, widest)), names), len(tasks) + 1
    if (model := standing.models.get(standing.current)) is not None and model.cells:
        yield _matrix(list(model.cells), [model], room), len(model.cells)


def _matrix(tasks: Sequence[str], models: Sequence[ModelStanding], width: int, names: Sequence[str] = ()) -> Table:
    """Return a row for each task and a column for each model, under their names if there are any."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(max_width=_LONGEST_TASK, no_wrap=True, overflow="ellipsis")
    for _ in models:
        table.add_column(max_width=width, no_wrap=True, overflow="ellipsis")
    if names:
        table.add_row("", *(Text(name, _STYLES[model.stage]) for name, model in zip(names, models, strict=True)))
    for task in tasks:
        cells = (_figures(cell) if (cell := model.cells.get(task)) else Text("-", "dim") for model in models)
        table.add_row(Text(one_line(task, limit=_LONGEST_NAME)), *cells)
    return table


def _figures(cell: CellStanding) -> Text:
    """Return "12/30 0.83": answers so far, answers to come, and the mean score."""
    score = "" if cell.score is None else f"{cell.score:.2f}"
    return Text(f"{cell.done:>{len(str(cell.total))}}/{cell.total}  {score:4}", _STYLES[cell.stage])


def _short_names(keys: Sequence[str]) -> list[str]:
    """Return the keys without their publishers, where that leaves them different."""
    shorter = [key.rpartition("/")[2] or key for key in keys]
    shown = shorter if len(set(shorter)) == len(keys) else keys
    return [one_line(name, limit=_LONGEST_NAME) for name in shown]


def _what(standing: Standing, title: str, width: int) -> Text:
    """Return what is done now, on which model, and how many models are done and to come."""
    keys = list(standing.models)
    if standing.current not in standing.models:
        return Text(title or "starting")
    what = "candidate" if any(level_of(key) for key in keys) else "model"
    place = f"{what} {keys.index(standing.current) + 1} of {len(keys)}" if len(keys) > 1 else ""
    doing = standing.task or standing.doing
    rest = ", ".join(filter(None, [place, _skipped(standing), title]))
    rest = f"  ({rest})" if rest else ""
    name = one_line(standing.current, limit=_LONGEST_NAME)
    text = Text(f"{name}: {one_line(doing, limit=_LONGEST_NAME)}" if doing else name, style="bold")
    if text.cell_len + len(rest) > width:  # The place matters less than the name.
        return text
    return text.append(rest, style="not bold")


def _skipped(standing: Standing) -> str:
    skipped = sum(model.is_skipped for model in standing.models.values())
    return f"{skipped} skipped" if skipped else ""


def _bar(standing: Standing, width: int, *, now: float, began: float, budget_s: float | None) -> Table | Text:
    """Return the bar of the whole run with its figures; on a narrow terminal, or without a task, the figures only."""
    done, total = standing.counts()
    left = left_s(standing, now)
    if left is not None and budget_s is not None:
        left = min(left, max(0.0, budget_s))
    spent = seconds(round(now - began)) if now - began >= 100 else f"{now - began:.0f} s"  # noqa: PLR2004
    ahead = "" if left is None else f", {roughly(left)} left"
    if not total:
        return Text(spent)
    counts = f"{done:>{len(f'{total:,}')},}/{total:,}"
    row = Table.grid(padding=(0, 2, 0, 0))
    for figures in (f"{counts} samples  {spent}{ahead}", f"{counts}  {spent}{ahead}", f"{counts}{ahead}", counts):
        room = width - len(figures) - 2
        if room >= _LEAST_BAR:
            row.add_row(ProgressBar(total=total, completed=done, width=min(_MOST_BAR, room)), Text(figures))
            return row
    return Text(counts)
