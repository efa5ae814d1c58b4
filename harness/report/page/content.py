"""What a page holds, as values: `command/report` puts them together, `render` and `markdown` write them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from harness.report.chart.chart import Chart
from harness.report.page.explorer import Explorer


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """A score on a line from 0 to 1, with its interval and the score by chance; all within 0 to 1."""

    value: float
    low: float
    high: float
    chance: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerLine:
    """Who takes a task, and why.

    Attributes:
        task: its name.
        kind: `model`, `primary` or `open`.
        cells: as in the table of `choose`, without the task.
        model: the model that is named; "": there is none.
        strip: its score.
        headline: the answer as a sentence.
        standings: every model, as in the table of `choose --why`.
        reasons: what the answer may cost, and what would change it.
    """

    task: str
    kind: str
    cells: tuple[str, ...]
    model: str
    strip: Strip | None
    headline: str
    standings: tuple[tuple[str, ...], ...]
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixCell:
    """A model on a task.

    Attributes:
        score: "0.80"; "-" where nothing is claimed.
        interval: "0.63 to 0.91"; "" where there is none.
        strip: the same as a picture.
        facts: n and what was lost.
        weakest: the stratum with the lowest mean; "" where none has enough items.
        why: why there is no score.
        has_samples: whether there are samples to look at.
    """

    model: str
    task: str
    score: str = "-"
    interval: str = ""
    strip: Strip | None = None
    facts: str = ""
    weakest: str = ""
    why: str = ""
    has_samples: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixRow:
    """A task, the score of answers that did not read its prompt, and its cells in the order of the models."""

    task: str
    chance: float | None
    cells: tuple[MatrixCell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """Tasks x models."""

    models: tuple[str, ...] = ()
    rows: tuple[MatrixRow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLine:
    """A run of the page: where it stands, what it asked, and what changed since the run before it."""

    run_id: str
    path: str
    began: str
    about: str
    changed: tuple[str, ...] = ()
    is_used: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A part that has nothing to show, and why."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """A table of figures without a drawing.

    Attributes:
        title: what it shows.
        header: of its columns; the first one names the row.
        rows: the figures as they are shown.
        notes: what the columns and marks mean, and what was left out.
    """

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Everything that a page shows.

    Attributes:
        made: when.
        version: of the harness that made it.
        subtitle: which runs it is about.
        notes: what a reader of the figures must know.
        skipped: files that were passed over, and why.
        answers: who takes which task.
        summary: what one model for everything would mean; "" where that says nothing.
        legend: what the words of the answers mean.
        no_answers: why there are none; "" where there are.
        trade_off: score against time: all tasks together, then each.
        speed, depth, history: charts, or why there are none.
        prompt_lengths: prefill and decode by length of the prompt; None: not measured.
        concurrency: throughput by number of requests at a time; None: not measured.
    """

    made: str
    version: str
    subtitle: str
    notes: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...]
    runs: tuple[RunLine, ...]
    answers: tuple[AnswerLine, ...]
    summary: str
    legend: str
    no_answers: str
    matrix: Matrix
    trade_off: Sequence[Chart] | Missing
    speed: Chart | Missing
    depth: Chart | Missing
    history: Chart | Missing
    prompt_lengths: Figures | None = None
    concurrency: Figures | None = None
    samples: Explorer = field(default_factory=Explorer)
