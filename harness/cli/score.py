"""`score`: scores stored outputs again, without a server."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import compress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.completion import task_names
from harness.cli.option import json_option
from harness.cli.output import print_json, print_text
from harness.domain.candidate import fields_of
from harness.domain.count import counted
from harness.report.layout import terminal_width

if TYPE_CHECKING:
    from harness.command.rescore import Figures, Judgement, ScoredAnswer
    from harness.command.stored import FieldPaths
    from harness.domain.score import Scorer

_MOST_LINES = 5


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
@click.option("--scorer", "name", metavar="NAME", help="Name of the scorer (docs/scorers.md).")
@click.option(
    "--grades",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="In place of --scorer: read a person's grades of a run's answers, from the file that run --review wrote.",
)
@click.option(
    "--target-field",
    metavar="FIELD",
    help="Field with the target, or a path to it such as doc.answer or refs.0; . is the whole row (default: target).",
)
@click.option(
    "--output-field",
    metavar="FIELD",
    help="Field with the model's answer (default: output; in a run file, output_text).",
)
@click.option("--id-field", metavar="FIELD", help="Field with the id of a line, for --out (default: its number).")
@click.option(
    "--targets",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    metavar="FILE",
    help="Another file with the targets; each row of FILE is completed by its row there, found by --match.",
)
@click.option("--match", metavar="FIELD", help="With --targets: the field that is the same in both files.")
@click.option("--target-json", is_flag=True, help="The target is JSON inside a string, as in a CSV file.")
@click.option(
    "--labels",
    metavar="A,B,C",
    callback=lambda _context, _parameter, text: _labels(text),
    help="For choice, choices and labels: all labels, where the target is only the right one, or a list of them.",
)
@click.option("--by", "group", metavar="FIELD", help="Print a line for each value of this field, such as the model.")
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
    name: str | None,
    grades: Path | None,
    tasks: Sequence[str],
    out: Path | None,
    share_results: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Score stored outputs again, without a server; print mean, interval, and how many outputs could not be parsed.

    FILE is a run file, or any JSONL, JSON array or CSV with a target and an output in each row; - is standard input.
    It may be packed with gzip. CSV is separated by commas, semicolons, tabs or |.

    The scores are appended to a run file (unless --out names another file): nothing in it is rewritten, and of several
    scores by one scorer the last one counts. Scores of any other file go to --out. Outputs that are null are counted as
    unscored, and samples of a run file without the target field are left out and counted. If a target does not suit the
    scorer, the error names its line.

    \b
    Examples:
      lms-harness score results/RUN.jsonl --task classify --scorer exact --target-field target.label
      lms-harness score graded.jsonl --scorer number --target-field answer --output-field response --out scores.jsonl
      lms-harness score answers.csv --scorer choice --labels billing,login,other --by model
      lms-harness score out.jsonl --scorer ifeval --output-field text --targets in.jsonl --match prompt --target-field .
      zcat answers.jsonl.gz | lms-harness score - --scorer number --json
      lms-harness score results/RUN.jsonl --grades grades.csv
    """
    if (name is None) == (grades is None):
        raise click.UsageError("expected either --scorer NAME, or --grades FILE")
    if grades is not None:
        if tasks or out is not None or share_results or any(options.values()):
            raise click.UsageError("--grades goes with a run file and --json alone: the grades say what they are for")
        _read_grades(file, grades, as_json=as_json)
        return
    _score(file, str(name), tasks, out, is_shared=share_results, as_json=as_json, **options)


def _read_grades(file: Path, grades: Path, *, as_json: bool) -> None:
    """Append a person's grades to a run file."""
    from harness.clock import SystemClock
    from harness.command.review import read_grades

    found = read_grades(file, grades, clock=SystemClock())
    if as_json:
        print_json({"file": str(file), "graded": found.graded, "left": found.left})
        return
    left = f"; {counted(found.left, 'row has', several='rows have')} no grade yet" if found.left else ""
    print_text(f"{found.graded} grades written to {file}{left}. See: lms-harness choose {file}")


def _score(
    file: Path,
    name: str,
    tasks: Sequence[str],
    out: Path | None,
    *,
    target_field: str | None,
    output_field: str | None,
    targets: Path | None,
    match: str | None,
    is_shared: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Score stored outputs, write the scores, and print the figures."""
    from harness.command.rescore import judge
    from harness.command.stored import read_samples, read_stored, read_targets
    from harness.scoring.registry import make_scorer
    from harness.store.reader import begins_as_run_file
    from harness.store.source import open_source

    scorer = make_scorer(name)
    if is_shared and out is None:
        raise click.UsageError("--share-results is for the file of --out, which is missing")
    if out == Path("-"):
        raise click.UsageError("--out: expected the name of a new file; --json prints the figures for scripts")
    if out is not None and out.exists():
        raise click.UsageError(f"--out: expected a new file, but {out} exists already")
    if (targets is None) != (match is None):
        raise click.UsageError("--targets and --match belong together: a file, and a field that both files have")
    with open_source(file) as source:
        is_run = begins_as_run_file(source.beginning(200))
        if tasks and not is_run:
            raise click.UsageError("--task is for run files, and this is not one")
        if targets is not None and is_run:
            raise click.UsageError("--targets is for other files: a run file has its targets")
        fields = _fields(
            scorer, target=target_field or "target", output=output_field or _default_output(is_run=is_run), **options
        )
        more = read_targets(targets, match) if targets is not None and match is not None else None
        found = read_samples(source, fields, tasks=tasks) if is_run else read_stored(source, fields, more)
        judgement = judge(found, scorer, name=source.name, target_field=fields.target)
        written = out or (file if is_run and source.is_appendable else None)
    if written is not None:
        _write(judgement, scorer, written, is_run=is_run, is_new=out is not None, is_shared=is_shared)
    _report(judgement, scorer, _Scoring(file=file, fields=fields, written=written, is_run=is_run), as_json=as_json)


def _labels(text: str | None) -> tuple[str, ...]:
    if text is None:
        return ()
    labels = tuple(label.strip() for label in text.split(","))
    if "" in labels or len(labels) == 1:
        raise click.BadParameter(f"expected at least two labels with commas between, got {text!r}")
    return labels


def _default_output(*, is_run: bool) -> str:
    return "output_text" if is_run else "output"


def _fields(
    scorer: "Scorer",
    *,
    target: str,
    output: str,
    id_field: str | None,
    group: str | None,
    target_json: bool,
    labels: tuple[str, ...],
) -> "FieldPaths":
    from harness.command.rescore import LABEL_SCORERS
    from harness.command.stored import FieldPaths

    if labels and scorer.name not in LABEL_SCORERS:
        raise click.UsageError(f"--labels is for the scorers {', '.join(LABEL_SCORERS)}, not for {scorer.name}")
    return FieldPaths(
        target=target,
        output=output,
        id=id_field,
        group=group,
        is_json=target_json,
        labels=labels,
        is_set=scorer.name == "choices",
    )


def _write(
    judgement: "Judgement", scorer: "Scorer", target: Path, *, is_run: bool, is_new: bool, is_shared: bool
) -> None:
    """Append the scores of a run to its file, or write them, or the scores of any other file, to a new one."""
    from harness.clock import SystemClock
    from harness.command.rescore import append_scores, score_records
    from harness.store.writer import write_json_lines

    if not is_run:
        values = (_value(answer, scorer) for answer in judgement.answers)
        write_json_lines(target, values, is_shared=is_shared)
        return
    records = score_records(judgement.answers, scorer, clock=SystemClock())
    if is_new:
        write_json_lines(target, records, is_shared=is_shared)
    else:
        append_scores(target, records)


def _value(answer: "ScoredAnswer", scorer: "Scorer") -> dict[str, Any]:
    place = {"line": answer.answer.line, "id": answer.answer.id}
    by = {"scorer": scorer.name, "scorer_version": scorer.version}
    return {**place, **by, **asdict(answer.score)}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scoring:
    """What the report says of the file and of the options."""

    file: Path
    fields: "FieldPaths"
    written: Path | None
    is_run: bool


def _who(name: str) -> dict[str, Any]:
    """Return key and level of a run's model; "" where the file is not a run."""
    return fields_of(name) if name else {"model_key": name}


def _report(judgement: "Judgement", scorer: "Scorer", scoring: _Scoring, *, as_json: bool) -> None:
    from harness.command.rescore import figures
    from harness.report.figure import metrics_line
    from harness.report.layout import fitted, paragraph

    cells = list(figures(judgement.answers, scorer))
    if as_json:
        print_json(
            {
                "file": str(scoring.file),
                "scorer": scorer.name,
                "scorer_version": scorer.version,
                "written": str(scoring.written) if scoring.written else None,
                "lacking": judgement.lacking,
                "cells": [{**asdict(cell), **_who(cell.model_key)} for cell in cells],
            }
        )
        return
    columns = [
        ("model", "left", scoring.is_run),
        ("task", "left", scoring.is_run),
        (scoring.fields.group or "", "left", scoring.fields.group is not None),
        *((header, "right", True) for header in ("mean [95 %]", "n", "passed", "unparsed", "unscored")),
    ]
    headers, align, shown = zip(*columns, strict=True)
    rows = [list(compress(_row(cell), shown)) for cell in cells]
    width = terminal_width()
    print_text(fitted(rows, headers=list(compress(headers, shown)), align=list(compress(align, shown)), width=width))
    found = [
        f"{' '.join(filter(None, (cell.model_key, cell.task, cell.by))) or 'all'}: {metrics_line(cell.metrics)}"
        for cell in cells
        if cell.metrics
    ]
    remarks = [*found, *_remarks(judgement, scorer, scoring)]
    print_text("\n" + "\n".join(paragraph(line, width, indent=2) for line in remarks))


def _remarks(judgement: "Judgement", scorer: "Scorer", scoring: _Scoring) -> Iterator[str]:
    from harness.command.rescore import NO_OUTPUT

    without = [scored.answer.line for scored in judgement.answers if scored.score.reason == NO_OUTPUT]
    if without:
        more = ", …" if len(without) > _MOST_LINES else ""
        places = ", ".join(map(str, without[:_MOST_LINES]))
        yield f"unscored: {len(without)} without an output (line {places}{more})"
    if judgement.lacking:
        yield f"left out: {counted(judgement.lacking, 'sample')} without the field {scoring.fields.target}"
    where = f"; written to {scoring.written}" if scoring.written else ""
    if scoring.is_run and not scoring.written:
        where = "; not written: nothing can be appended to this file (--out FILE)"
    yield f"scorer: {scorer.name}, version {scorer.version}{where}"


def _row(cell: "Figures") -> tuple[str, ...]:
    counts = (cell.n, cell.passed, cell.unparsed, cell.unscored)
    return (cell.model_key, cell.task, cell.by, _mean(cell), *map(str, counts))


def _mean(cell: "Figures") -> str:
    if cell.mean is None:
        return "n/a"
    bounds = "n/a" if cell.low is None or cell.high is None else f"{cell.low:.3f}, {cell.high:.3f}"
    return f"{cell.mean:.3f} [{bounds}]"
