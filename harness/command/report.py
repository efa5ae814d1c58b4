"""Which runs a page is about, and everything that it shows of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.clock import Clock
from harness.command.choose import MOST_FILES, Chosen, choose_all
from harness.command.named import no_run, run_path, why_not
from harness.command.primary import ShippedTasks
from harness.domain.candidate import models_in
from harness.domain.count import counted
from harness.errors import StoreError
from harness.report.answer import TaskAnswer, legend_of, one_for_all
from harness.report.page.answer_line import answer_lines, whole_key
from harness.report.page.content import Page, RunLine
from harness.report.page.explorer import Source, explorer
from harness.report.page.figure import concurrency, depth, past, prompt_lengths, speed, trade_off
from harness.report.page.matrix import matrix
from harness.report.page.past import Past
from harness.report.table import notes
from harness.report.text import one_line
from harness.store.cell import CellKey
from harness.store.outline import read_outline
from harness.store.run_file import RunFile
from harness.store.run_folder import run_paths, whole_headers
from harness.verdict.contender import Rule

_SHOWN = 80
_NAMED_MODELS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """What was read of the runs.

    Attributes:
        used: the runs whose answers count, the newest first.
        lines: every run, the newest first.
        past: what they scored.
    """

    used: list[RunFile]
    lines: list[RunLine]
    past: Past


def page_of(
    words: Sequence[str],
    results: Path,
    rule: Rule,
    *,
    clock: Clock,
    version: str,
    primary: str | None = None,
    shipped: ShippedTasks = dict,
    is_floor_set: bool = False,
) -> Page:
    """Return what a page of these runs shows: its answers are those of `choose`.

    Args:
        words: run files, or ids of runs in the folder; none: the newest runs of the folder. Answers come from the
            newest and those that can stand beside it, the history from all of them.
        results: the folder.
        rule: how to choose.
        clock: says when the page is made.
        version: of the harness.
        primary: what is used now; see `choose_all`.
        shipped: gives the shipped tasks.
        is_floor_set: see `choose_all`.

    Raises:
        SettingsError: nobody has asked the primary.
        StoreError: there is no such run, or none of them can be read.
        TaskError: the primary's answers cannot be used.
    """
    paths = _paths(words, results)
    chosen, no_answers = _chosen(
        lambda: choose_all(
            paths, results, rule, primary=primary, shipped=shipped, is_floor_set=is_floor_set, skips_unlike=True
        )
    )
    skipped: dict[str, str] = {}
    read = _read_some(paths, chosen, skipped)
    answers = [TaskAnswer.of(found) for found in chosen.tasks] if chosen else []
    sources = _sources(chosen, read.used)
    scores = matrix(sources, read.past.asked)
    return Page(
        made=clock.now().strftime("%Y-%m-%d %H:%M UTC"),
        version=version,
        subtitle=_subtitle(read, sources),
        notes=_notes(read, chosen),
        skipped=tuple({**skipped, **(chosen.skipped if chosen else {})}.items()),
        runs=tuple(read.lines),
        answers=answer_lines(answers, rule),
        summary=one_for_all(answers, rule, name=whole_key),
        legend=legend_of(answers, rule),
        no_answers=no_answers,
        matrix=scores,
        trade_off=trade_off(answers),
        speed=speed(sources, answers, rule, read.used, scores.models),
        depth=depth(sources, scores.models),
        history=past(read.past.cells),
        prompt_lengths=prompt_lengths(read.used),
        concurrency=concurrency(read.used),
        samples=explorer(sources),
    )


def _chosen(choose: Callable[[], Chosen]) -> tuple[Chosen | None, str]:
    """Return what is chosen, or why nothing can be: a run that died still has something to show."""
    try:
        return choose(), ""
    except StoreError as exc:  # Also of a run of the latency suite alone.
        return None, f"There is no answer: {exc.message}."


def _notes(read: _Read, chosen: Chosen | None) -> tuple[str, ...]:
    of_choice = chosen.notes if chosen else ()
    return tuple(dict.fromkeys(note for run in read.used for note in (*of_choice, *notes(run))))


def _read_some(paths: Sequence[Path], chosen: Chosen | None, skipped: dict[str, str]) -> _Read:
    read = _read(paths, chosen, skipped)
    if not read.lines:
        raise StoreError(
            f"none of these files is a run: {why_not(skipped)}",
            hint="Start a run, or name run files or another folder.",
        )
    return read


def _paths(words: Sequence[str], results: Path) -> list[Path]:
    if not words:
        found = run_paths(results)[:MOST_FILES]
        if not found:
            raise StoreError(f"there is no run in {results}", hint="Start a run, or name run files or another folder.")
        return found
    paths = []
    for word in words:
        path = run_path(word, results)
        if path is None:
            raise no_run(word)
        paths.append(path)
    return list(dict.fromkeys(paths))


def _read(paths: Sequence[Path], chosen: Chosen | None, skipped: dict[str, str]) -> _Read:
    """Read the outline of every run, the oldest first, and the whole of those whose answers count: else the newest."""

    def skip(path: Path, reason: str, *, is_damaged: bool) -> None:  # noqa: ARG001  (the protocol's)
        skipped[str(path)] = reason

    wanted = set(chosen.runs) if chosen else set()
    past, lines, used = Past(), [], []
    newest: Path | None = None
    headers = whole_headers(paths, on_skip=skip)
    for path, _ in sorted(headers.items(), key=lambda found: found[1].run_id):
        try:
            run = read_outline(path)
            if path in wanted:
                used.append(RunFile.read(path))
        except StoreError as exc:
            skipped[str(path)] = exc.message
            continue
        past.add(run)
        lines.append(_line(run, past, is_used=path in wanted))
        newest = path
    if not used and newest is not None:
        used = [RunFile.read(newest)]
    return _Read(used=used[::-1], lines=lines[::-1], past=past)


def _line(run: RunFile, past: Past, *, is_used: bool) -> RunLine:
    models = {summary.model_key for summary in run.summaries} or set(map(str, run.run.plan.get("models", ())))
    tasks = {summary.task for summary in run.summaries} or set(run.run.plan.get("tasks", ()))
    asked = [models_in(models), counted(len(tasks), "task")]
    if run.end is not None:
        asked.append(counted(run.end.samples, "sample"))
    if not run.is_finished:
        asked.append("interrupted" if run.end else "did not end")
    return RunLine(
        run_id=run.run.run_id,
        path=str(run.path),
        began=run.run.at[:16].replace("T", " "),
        about=", ".join(asked),
        changed=past.changed.get(run.run.run_id, ()),
        is_used=is_used,
    )


def _sources(chosen: Chosen | None, used: Sequence[RunFile]) -> list[Source]:
    """Return the cells whose answers count, each with its run."""
    if chosen is None:
        return [Source(run=run, key=key) for run in used[:1] for key in run.cells]
    by_id = {run.run.run_id: run for run in used}
    return [
        Source(run=by_id[run_id], key=CellKey(model, found.evidence.task))
        for found in chosen.tasks
        for model, run_id in found.evidence.origins.items()
        if run_id in by_id
    ]


def _subtitle(read: _Read, sources: Sequence[Source]) -> str:
    models = {source.key.model_key for source in sources}
    tasks = {source.key.task for source in sources}
    asked = sum(len(source.run.cells.get(source.key, ())) for source in sources)
    began = sorted(run.run.at[:10] for run in read.used)
    when = began[0] if began[0] == began[-1] else f"{began[0]} to {began[-1]}"
    where = {run.run.server_kind: run.run.server_version for run in read.used}
    servers = ", ".join(f"{_server(kind)} {version or ''}".strip() for kind, version in where.items())
    parts = (models_in(models), counted(len(tasks), "task"), counted(asked, "sample"))
    return f"{', '.join(parts)}, {when}, {one_line(servers, limit=_SHOWN)}"


def _server(kind: str) -> str:
    return {"lm-studio": "LM Studio", "embedded": "embedded server"}.get(kind, kind)
