"""`score`: scores stored outputs again, without a server."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.completion import task_names
from harness.cli.option import json_option
from harness.cli.output import print_json, print_text
from harness.report.layout import terminal_width

if TYPE_CHECKING:
    from harness.command.rescore import Figures, ScoredAnswer
    from harness.domain.score import Scorer


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--scorer", "name", required=True, metavar="NAME", help="Name of the scorer (docs/scorers.md).")
@click.option(
    "--target-field",
    metavar="FIELD",
    help="Field with the target, or a path to it such as doc.answer or refs.0 (default: target).",
)
@click.option(
    "--output-field",
    metavar="FIELD",
    help="Field with the model's answer (default: output; in a run file, output_text).",
)
@click.option("--id-field", metavar="FIELD", help="Field with the id of a line, for --out (default: its number).")
@click.option("--target-json", is_flag=True, help="The target is JSON inside a string, as in a CSV file.")
@click.option(
    "--task",
    "tasks",
    multiple=True,
    metavar="TASK",
    shell_complete=task_names,
    help="In a run file: only this task, repeatable.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the scores to this new file (JSONL); a run file is then not changed.",
)
@click.option("--share-results", is_flag=True, help="Let other users read the file of --out, as far as the umask does.")
@json_option
def score(
    file: Path,
    *,
    name: str,
    target_field: str | None,
    output_field: str | None,
    id_field: str | None,
    target_json: bool,
    tasks: Sequence[str],
    out: Path | None,
    share_results: bool,
    as_json: bool,
) -> None:
    """Score stored outputs again, without a server; print mean, interval, and how many outputs could not be parsed.

    The scores are appended to a run file (unless --out names another file): nothing in it is rewritten, and of several
    scores by one scorer the last one counts. Any other file is JSONL, or CSV if its name ends in .csv or .tsv, with a
    target and an output on each line; its scores go to --out. If a target does not suit the scorer, the error names
    its line.

    \b
    Examples:
      lms-harness score results/RUN.jsonl --task classify --scorer exact --target-field target.label
      lms-harness score graded.jsonl --scorer number --target-field answer --output-field response --out scores.jsonl
      lms-harness score answers.csv --scorer choice --target-json --json
    """
    from harness.clock import SystemClock
    from harness.command.rescore import append_scores, figures, judge, score_records
    from harness.command.stored import FieldPaths, read_samples, read_stored
    from harness.scoring.registry import make_scorer
    from harness.store.reader import is_run_file
    from harness.store.writer import write_new

    scorer = make_scorer(name)
    is_ours = is_run_file(file)
    if tasks and not is_ours:
        raise click.UsageError("--task is for run files, and this is not one")
    if share_results and out is None:
        raise click.UsageError("--share-results is for the file of --out, which is missing")
    if out is not None and out.exists():
        raise click.UsageError(f"--out: expected a new file, but {out} exists already")
    fields = FieldPaths(
        target=target_field or "target",
        output=output_field or ("output_text" if is_ours else "output"),
        id=id_field,
        is_json=target_json,
    )
    found = read_samples(file, fields, tasks=tasks) if is_ours else read_stored(file, fields)
    judged = judge(found, scorer, path=file, target_field=fields.target)
    if is_ours:
        records = score_records(file, judged, scorer, clock=SystemClock())
        if out is None:
            append_scores(file, records)
        else:
            write_new(out, (record.to_json() for record in records), is_shared=share_results)
    elif out is not None:
        write_new(out, _lines(judged, scorer), is_shared=share_results)
    _report(list(figures(judged)), scorer, file, out or (file if is_ours else None), as_json=as_json)


def _lines(judged: "Sequence[ScoredAnswer]", scorer: "Scorer") -> Iterator[str]:
    for answer in judged:
        place = {"line": answer.answer.line, "id": answer.answer.id}
        by = {"scorer": scorer.name, "scorer_version": scorer.version}
        yield json.dumps({**place, **by, **asdict(answer.score)}, allow_nan=False)


def _report(cells: "Sequence[Figures]", scorer: "Scorer", file: Path, written: Path | None, *, as_json: bool) -> None:
    from harness.report.layout import fitted, paragraph

    if as_json:
        print_json(
            {
                "file": str(file),
                "scorer": scorer.name,
                "scorer_version": scorer.version,
                "written": str(written) if written else None,
                "cells": [asdict(cell) for cell in cells],
            }
        )
        return
    headers = ("model", "task", "mean [95 %]", "n", "passed", "unparsed", "unscored")
    rows = [_row(cell) for cell in cells]
    # Only run files know models and tasks.
    start = 0 if any(cell.model_key for cell in cells) else 2
    align = ("left", "left", "left", *["right"] * 4)
    print_text(
        fitted([row[start:] for row in rows], headers=headers[start:], align=align[start:], width=terminal_width())
    )
    summary = f"scorer: {scorer.name}, version {scorer.version}" + (f"; written to {written}" if written else "")
    print_text("\n" + paragraph(summary, terminal_width(), indent=2))


def _row(cell: "Figures") -> tuple[str, ...]:
    counts = (cell.n, cell.passed, cell.unparsed, cell.unscored)
    return (cell.model_key, cell.task, _mean(cell), *map(str, counts))


def _mean(cell: "Figures") -> str:
    if cell.mean is None:
        return "n/a"
    bounds = "n/a" if cell.low is None or cell.high is None else f"{cell.low:.3f}, {cell.high:.3f}"
    return f"{cell.mean:.3f} [{bounds}]"
