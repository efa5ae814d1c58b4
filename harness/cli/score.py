"""`score`: judges stored outputs, with no server."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.option import print_json, print_text
from harness.report.layout import terminal_width

if TYPE_CHECKING:
    from harness.command.rescore import Figures, Judged
    from harness.domain.score import Scorer


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--scorer", "name", required=True, metavar="NAME", help="Name of the scorer (docs/scorers.md).")
@click.option("--target-field", metavar="FIELD", help="Where the target is; a path such as doc.answer or refs.0 "
              "(default: target).")  # fmt: skip
@click.option("--output-field", metavar="FIELD", help="Where the model's answer is (default: output; output_text in a "
              "run file).")  # fmt: skip
@click.option("--id-field", metavar="FIELD", help="What a line is called in --out (default: its number).")
@click.option("--target-json", is_flag=True, help="The target is JSON in a text, as in a CSV file.")
@click.option("--task", "tasks", multiple=True, metavar="TASK", help="In a run file: only this task, repeatable.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Write the scores to this new file (JSONL); a run file then stays as it is.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
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
    as_json: bool,
) -> None:
    """Score stored outputs anew, with no server, and print mean, interval and what could not be read.

    A run file gets the scores appended (or --out gets them): nothing in it is rewritten, and of several scores by one
    scorer the last one counts. Any other file is JSONL, or CSV by its name (.csv, .tsv), with a target and an output on
    each line; its scores go to --out. A target that does not suit the scorer is an error that names the line.

    \b
    Examples:
      lms-harness score results/RUN.jsonl --task classify --scorer exact --target-field target.label
      lms-harness score graded.jsonl --scorer number --target-field answer --output-field response --out scores.jsonl
      lms-harness score answers.csv --scorer choice --target-json --json
    """
    from harness.clock import SystemClock
    from harness.command.rescore import append_scores, figures, judge, score_records
    from harness.command.stored import Fields, read_samples, read_stored
    from harness.scoring.registry import make_scorer
    from harness.store.reader import is_run_file
    from harness.store.writer import write_new

    scorer = make_scorer(name)
    is_ours = is_run_file(file)
    if tasks and not is_ours:
        raise click.UsageError("--task is for run files: this one has no tasks")
    if out is not None and out.exists():
        raise click.UsageError(f"--out: {out} exists already")
    fields = Fields(
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
            write_new(out, (one.to_json() for one in records))
    elif out is not None:
        write_new(out, _lines(judged, scorer))
    _tell(list(figures(judged)), scorer, file, out or (file if is_ours else None), as_json=as_json)


def _lines(judged: "Sequence[Judged]", scorer: "Scorer") -> Iterator[str]:
    for one in judged:
        said = {"line": one.answer.line, "id": one.answer.id, "scorer": scorer.name, "scorer_version": scorer.version}
        yield json.dumps({**said, **asdict(one.score)}, allow_nan=False)


def _tell(cells: "Sequence[Figures]", scorer: "Scorer", file: Path, written: Path | None, *, as_json: bool) -> None:
    from harness.report.layout import fitted, paragraph

    told: dict[str, Any] = {"file": str(file), "scorer": scorer.name, "scorer_version": scorer.version}
    if as_json:
        print_json({**told, "written": str(written) if written else None, "cells": [asdict(one) for one in cells]})
        return
    headers = ("model", "task", "mean [95 %]", "n", "passed", "unparsed", "unscored")
    rows = [
        (one.model_key, one.task, _mean(one), str(one.n), str(one.passed), str(one.unparsed), str(one.unscored))
        for one in cells
    ]
    start = 0 if any(one.model_key for one in cells) else 2
    align = ("left", "left", "left", *["right"] * 4)
    print_text(
        fitted([row[start:] for row in rows], headers=headers[start:], align=align[start:], width=terminal_width())
    )
    told_last = f"scorer: {scorer.name}, version {scorer.version}" + (f"; written to {written}" if written else "")
    print_text("\n" + paragraph(told_last, terminal_width(), indent=2))


def _mean(one: "Figures") -> str:
    if one.mean is None:
        return "n/a"
    bounds = "n/a" if one.low is None or one.high is None else f"{one.low:.3f}, {one.high:.3f}"
    return f"{one.mean:.3f} [{bounds}]"
