"""`export`: a run for other programs, as CSV or in the format of Every Eval Ever."""

from collections.abc import Sequence
from pathlib import Path

import click

from harness.cli.option import checked_out, json_option, results_option
from harness.cli.output import note, note_skipped, print_answer, print_json, print_text
from harness.domain.count import counted

_TABLES = ("cells", "samples", "measures", "comparisons")


@click.command()
@click.argument("runs", nargs=-1, metavar="[RUN...]")
@click.option(
    "--format",
    "kind",
    type=click.Choice(["csv", "eee"]),
    required=True,
    help="csv: a table. eee: Every Eval Ever, 0.3.0, a file of results and one of samples for each model.",
)
@click.option(
    "--table",
    type=click.Choice(_TABLES),
    help="Of csv: cells (a row for each model and task), samples, measures (latency), comparisons.  [default: cells]",
)
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="File of the CSV, without it standard output; of eee the folder, in which data/ is made. What is there is "
    "replaced, but never a run file.",
)
@click.option("--organisation", metavar="NAME", help="Of eee: who publishes the results.  [default: unknown]")
@click.option(
    "--share-results",
    "is_shared",
    is_flag=True,
    help="Let other users of this machine read the files, as far as the umask does. They may hold prompts and answers.",
)
@results_option("Folder of the newest run, and of runs that are named by id.")
@json_option
def export(
    runs: Sequence[str],
    *,
    kind: str,
    table: str | None,
    out: Path | None,
    organisation: str | None,
    is_shared: bool,
    results: Path,
    as_json: bool,
) -> None:
    """Write runs for a spreadsheet, a data frame, or a collection of results. No server is needed.

    RUN is a run file or the id of a run in the results folder; without one, the newest run with samples is taken.

    No score is exported where more than 5 % of the answers were lost: nothing is claimed of it. In csv, such a row
    says why in why_no_score, and an empty score is not 0. Text that a spreadsheet would run as a formula, because it
    begins with = + - @, a tab or a line end, has a ' in front; control characters are escaped.

    In eee a sample must have a score, so samples without one are left out and counted, and so are cells without a
    score. The server's address and the command line are not exported. From a clone, `make validate-export` checks the
    files with the format's own package.

    \b
    Examples:
      lms-harness export --format csv -o cells.csv
      lms-harness export --format csv --table samples > samples.csv
      lms-harness export 20261127T220000Z-1a2b3c4d --format eee -o published --organisation "ACME Labs"
    """
    _check(kind, table=table, out=out, organisation=organisation, as_json=as_json)
    from harness.command.export import exported_runs, write_every_eval_ever

    found, skipped = exported_runs(runs, results, or_measures=table == "measures")
    for path, why in skipped.items():
        note_skipped(path, why)
    if kind == "eee":
        assert out is not None  # noqa: S101  (checked above)
        written = write_every_eval_ever(found, out, organisation=organisation or "unknown", is_shared=is_shared)
        files, rows = written.files, written.rows
        lines = [f"Left out {what}: {why}." for what, why in written.left_out.items()]
        if written.unscored:
            lines.append(f"Left out {counted(written.unscored, 'sample')} without a score.")
        more = {"unscored": written.unscored, "left_out": written.left_out}
    else:
        from harness.report.export.csv_table import as_csv
        from harness.store.whole_file import write_whole

        text, rows = as_csv(found, table or "cells")
        if out is None:
            print_answer(text.removesuffix("\n"))
            return
        write_whole(out, text, is_shared=is_shared)
        files, lines, more = [out], [], {}
    if as_json:
        print_json({"files": list(map(str, files)), "rows": rows, "skipped": skipped, **more})
        return
    for line in lines:
        note(line)
    print_text("\n".join([*map(str, files), f"{counted(rows, 'row')} of {counted(len(found), 'run')}."]))


def _check(kind: str, *, table: str | None, out: Path | None, organisation: str | None, as_json: bool) -> None:
    """Refuse options that do not go together."""
    if kind == "eee":
        if table is not None:
            raise click.UsageError("--table is about --format csv: eee has one layout")
        if out is None or str(out) == "-":
            raise click.UsageError("--format eee writes several files: name a folder with -o")
        if out.exists() and not out.is_dir():
            raise click.UsageError(f"-o: {out} is a file; expected a folder for --format eee")
        return
    if organisation is not None:
        raise click.UsageError("--organisation only applies to --format eee: a table has no publisher")
    if out is None:
        if as_json:
            raise click.UsageError("--json says what was written: name a file with -o")
    elif str(out) == "-":
        raise click.UsageError("-o: expected a file, got -: without -o the table goes to standard output")
    elif out.is_dir():
        raise click.UsageError(f"-o: {out} is a folder; expected a file for --format csv")
    else:
        checked_out(out, example="cells.csv")
