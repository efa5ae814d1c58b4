"""The charts of a page: from answers and runs to the points that `report/chart` draws."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean, median
from typing import Any, TypeGuard

from harness.report.answer import TaskAnswer, break_even_of, interval_of
from harness.report.chart.chart import Chart
from harness.report.chart.duration import Span, SpeedBar, durations
from harness.report.chart.history import history
from harness.report.chart.long_context import DepthCell, long_context
from harness.report.chart.pareto import ParetoPoint, pareto
from harness.report.chart.story import HistoryPoint
from harness.report.latency import throughput
from harness.report.latency.depth import HEADERS, depths_of, legend_of, notes_of, row_of
from harness.report.page.answer_line import whole_key
from harness.report.page.content import Figures, Missing
from harness.report.page.explorer import Source
from harness.report.page.past import PastCell
from harness.report.text import task_label
from harness.stats.interval import score_estimate
from harness.stats.latency import is_time, percentile_estimate
from harness.store.cell import SampleEntry
from harness.store.run_file import RunFile
from harness.verdict.contender import Contender, Rule
from harness.verdict.load import LoadKind, answers_until_small, like_for_like, loads_of
from harness.verdict.noise import is_blurred
from harness.verdict.value import value_of

_LONGEST_TASK = 40


def trade_off(answers: Sequence[TaskAnswer]) -> Sequence[Chart] | Missing:
    """Return score against time: all tasks together where every model was asked several, then each task."""
    charts = []
    for number, answer in enumerate(answers):
        points = _task_points(answer)
        if any(point.score is not None and point.seconds is not None for point in points):
            title = task_label(answer.task, limit=_LONGEST_TASK)
            charts.append(
                pareto(points, chart_id=f"trade-off-{number}", title=title, yardstick=answer.choice.yardstick)
            )
    if not charts:
        return Missing(text="No model has both a score and a time.")
    whole = _whole_points(answers)
    if len(charts) > 1 and whole:
        title = f"all {len(answers)} tasks"
        charts.insert(0, pareto(whole, chart_id="trade-off-all", title=title, yardstick=None))
    return charts


def _task_points(answer: TaskAnswer) -> list[ParetoPoint]:
    points = []
    for standing in answer.choice.standings:
        candidate = standing.candidate
        interval = interval_of(candidate) if candidate.n else None
        rival = standing.dominated_by
        reason = f"{whole_key(rival)} is as good and as quick ({standing.dominated:.0%})" if rival else ""
        points.append(
            ParetoPoint(
                model=whole_key(candidate.key),
                score=candidate.score,
                low=interval.low if interval else None,
                high=interval.high if interval else None,
                seconds=candidate.p50_s,
                dominated_by=whole_key(rival) if rival else None,
                reason=standing.refusal or reason,
            )
        )
    return points


def _clusters(candidates: Sequence[Contender]) -> list[str] | None:
    """Return the clusters of a model's items in several tasks, each task with its own; None where none share one."""
    if not any(candidate.clusters for candidate in candidates):
        return None
    return [
        f"{number} {name}"
        for number, candidate in enumerate(candidates)
        for name in candidate.cluster_names or [f"item {item}" for item in sorted(candidate.scores)]
    ]


def _whole_points(answers: Sequence[TaskAnswer]) -> list[ParetoPoint]:
    """Return the models that were asked every task: each item counts the same, and their time is a mean of medians."""
    asked: dict[str, list[Contender]] = defaultdict(list)
    for answer in answers:
        for standing in answer.choice.standings:
            if standing.candidate.n and standing.candidate.p50_s is not None:
                asked[standing.candidate.key].append(standing.candidate)
    whole = {key: candidates for key, candidates in asked.items() if len(candidates) == len(answers)}
    figures = {
        key: (
            score_estimate(
                [value for candidate in candidates for value in candidate.values], clusters=_clusters(candidates)
            ),
            fmean(candidate.p50_s or 0.0 for candidate in candidates),
        )
        for key, candidates in whole.items()
    }
    points = []
    for key, (estimate, time_s) in figures.items():
        rival = next(
            (
                other
                for other, (theirs, time) in figures.items()
                if other != key
                and (theirs.value or 0.0) >= (estimate.value or 0.0)
                and time <= time_s
                and (theirs.value, time) != (estimate.value, time_s)
            ),
            None,
        )
        points.append(
            ParetoPoint(
                model=whole_key(key),
                score=estimate.value,
                low=estimate.interval.low if estimate.interval else None,
                high=estimate.interval.high if estimate.interval else None,
                seconds=time_s,
                dominated_by=whole_key(rival) if rival else None,
                reason=f"{whole_key(rival)} scored as high and was as quick" if rival else "",
            )
        )
    return sorted(points, key=lambda point: -(point.score or 0.0))


def speed(
    sources: Sequence[Source],
    answers: Sequence[TaskAnswer],
    rule: Rule,
    runs: Sequence[RunFile],
    asked: Sequence[str],
) -> Chart | Missing:
    """Return load, first word and whole answer of each model, with what `choose --why` says of its break-even.

    Args:
        sources: all cells.
        answers: who takes which task.
        rule: how to choose.
        runs: that the cells are of.
        asked: the models of these cells, in the order in which they are shown.
    """
    models = list(dict.fromkeys([*asked, *(model for run in runs for model in _measured(run))]))
    break_evens = _break_evens(answers, rule)
    loads = {model: loads_of(runs, model) for model in models}
    kind = like_for_like(loads.values())
    bars = []
    for model in models:
        load = loads[model].get(kind, ()) if kind else [time_s for times in loads[model].values() for time_s in times]
        first_word = _first_words(model, sources, runs)
        answer = _answers(model, sources, runs)
        bars.append(
            SpeedBar(
                model=whole_key(model),
                load=_span(load),
                first_word=_span(first_word),
                answer=_span(answer),
                break_even="; ".join(
                    filter(
                        None,
                        [
                            _pays(load, first_word, answer, kind, asked=bool(sources)),
                            break_evens.get(model, ""),
                            _within_noise(runs, model),
                        ],
                    )
                ),
            )
        )
    timed = [bar for bar in bars if bar.load or bar.first_word or bar.answer]
    return durations(timed) if timed else Missing(text="Nothing was timed.")


def prompt_lengths(runs: Sequence[RunFile]) -> Figures | None:
    """Return prefill and decode of each model by length of the prompt, as the last run says that measured it.

    Args:
        runs: the newest first.
    """
    found = {key: depths for run in reversed(runs) for key, depths in depths_of(run).items()}
    rows = [(whole_key(key), *row_of(depth)) for key, depths in found.items() for depth in depths]
    if not rows:
        return None
    notes = [f"{whole_key(key)}: {note}" for key, depths in found.items() for note in notes_of(depths)]
    return Figures(
        title="By length of the prompt",
        header=("model", *HEADERS),
        rows=tuple(rows),
        notes=(*notes, *legend_of(rows)),
    )


def concurrency(runs: Sequence[RunFile]) -> Figures | None:
    """Return the throughput of each model with 1, 2, 4 … requests at a time, as the last run says that measured it.

    Args:
        runs: the newest first.
    """
    found = {key: ladder for run in reversed(runs) for key, ladder in throughput.ladders_of(run).items()}
    if not found:
        return None
    flips = {key: flips for run in reversed(runs) for key, flips in throughput.flips_of(run).items()}
    notes = [f"{whole_key(key)}: {note}" for key, ladder in found.items() for note in throughput.notes_of(ladder)]
    return Figures(
        title="By number of requests at a time",
        header=("model", *throughput.HEADERS),
        rows=tuple((whole_key(key), *row) for key, ladder in found.items() for row in throughput.rows_of(ladder)),
        notes=(
            *notes,
            throughput.LEGEND,
            *(f"{whole_key(key)}: {text}" for key, text in flips.items()),
            *([throughput.FLIPS] if flips else []),
        ),
    )


def _pays(
    load: Sequence[float],
    first_word: Sequence[float],
    answer: Sequence[float],
    kind: LoadKind | None,
    *,
    asked: bool,
) -> str:
    """Return from how many answers a load on it takes at most a tenth of the time, and of how many the medians are."""
    loads = f"{kind} loads" if kind else "loads"
    answers = "answers" if asked else "answers to short requests"
    counts = f"{loads}: {len(load)}; first words: {len(first_word)}; {answers}: {len(answer)}"
    pays = answers_until_small(median(load), median(answer)) if load and answer else None
    return f"the load is at most 10 % of the time from answer {pays:,} on ({counts})" if pays else counts


def _within_noise(runs: Sequence[RunFile], model: str) -> str:
    """Return which of a model's times do not tell it apart from another one of the same run; "": none."""
    names = {"load_time_s": "load", "ttft_s": "first word", "e2e_s": "answer alone"}
    found = [what for name, what in names.items() if any(is_blurred(run, model, name) for run in runs)]
    return f"within noise of another model's: {', '.join(found)}" if found else ""


def _measured(run: RunFile) -> Iterator[str]:
    yield from (
        measure.model_key for measure in run.measures if measure.model_key and measure.name in {"load_time_s", "ttft_s"}
    )


def _first_words(model: str, sources: Sequence[Source], runs: Sequence[RunFile]) -> list[float]:
    seen = [sample.ttft_s for sample in _samples(model, sources)]
    return [time_s for time_s in _timed(model, "ttft_s", runs) or seen if is_time(time_s)]


def _answers(model: str, sources: Sequence[Source], runs: Sequence[RunFile]) -> list[float]:
    """Return the times of whole answers to the tasks; to short requests where no model was asked a task."""
    seen = (sample.e2e_s for sample in _samples(model, sources)) if sources else _timed(model, "e2e_s", runs)
    return [time_s for time_s in seen if is_time(time_s)]


def _timed(model: str, name: str, runs: Sequence[RunFile]) -> list[float]:
    found = (measure for run in runs for measure in run.measures)
    return [measure.value for measure in found if (measure.model_key, measure.name) == (model, name)]


def _samples(model: str, sources: Sequence[Source]) -> Iterator[SampleEntry]:
    for source in sources:
        if source.key.model_key == model:
            yield from source.run.cells.get(source.key, ())


def _span(times: Sequence[float]) -> Span | None:
    """Return the median and its interval; None without a time."""
    if not times:
        return None
    interval = percentile_estimate(times, 50).interval
    return Span(seconds=median(times), low=interval.low if interval else None, high=interval.high if interval else None)


def _break_evens(answers: Sequence[TaskAnswer], rule: Rule) -> Mapping[str, str]:
    """Return at how many requests per load each chosen model breaks even, on the first task that has such a number."""
    found: dict[str, str] = {}
    for answer in answers:
        turn = break_even_of(answer.choice, rule)
        if turn is not None and answer.choice.key is not None:
            rival, requests = turn
            task = task_label(answer.task, limit=_LONGEST_TASK)
            text = f"{task}: break-even with {whole_key(rival)} at {requests:.3g} requests per load"
            found.setdefault(answer.choice.key, text)
    return found


def depth(sources: Sequence[Source], models: Sequence[str]) -> Chart | Missing:
    """Return the score by where in a text, and in how long a text, the fact stood, from the tags of the samples.

    Args:
        sources: all cells.
        models: of these cells, in the order in which they are shown.
    """
    values: dict[tuple[str, int, float], list[float]] = defaultdict(list)
    for source in sources:
        cell = source.run.cells.get(source.key)
        if not cell or "depth" not in source.run.sample_record(cell.sample(0)).tags:
            continue
        for sample in cell:
            place = _place(source.run.sample_record(sample).tags)
            value = value_of(source.run.score(sample), "mean") if sample.is_counted else None
            if value is not None and place is not None:
                values[source.key.model_key, *place].append(value)
    if not values:
        return Missing(text="No task of these runs hides facts at known depths, as longcontext does.")
    return long_context(
        [
            DepthCell(model=whole_key(model), tokens=tokens, depth=share, score=fmean(scores), n=len(scores))
            for (model, tokens, share), scores in sorted(values.items(), key=lambda cell: models.index(cell[0][0]))
        ]
    )


def _place(tags: Mapping[str, Any]) -> tuple[int, float] | None:
    """Return the length of a text in tokens and where in it the fact stands; None: it is not such a sample."""
    share, length, room = (tags.get(name) for name in ("depth", "length", "room_tokens"))
    if not (_is_number(share) and _is_number(length) and _is_number(room)) or not 0 <= share <= 1:
        return None
    return round(length * room), float(share)


def _is_number(tag: object) -> TypeGuard[float]:
    return isinstance(tag, int | float) and not isinstance(tag, bool)


def past(cells: Sequence[PastCell]) -> Chart | Missing:
    """Return the scores over runs; there must be two runs at least."""
    if len({cell.run_id for cell in cells}) < 2:  # noqa: PLR2004  (one run has no history)
        return Missing(text="A history takes two runs or more. Run again, such as every night, and make the page anew.")
    return history(
        [
            HistoryPoint(
                run=cell.run_id,
                began=cell.began,
                model=whole_key(cell.model),
                task=task_label(cell.task, limit=_LONGEST_TASK),
                score=cell.score,
                low=cell.low,
                high=cell.high,
                changed=cell.changed,
            )
            for cell in cells
        ]
    )
