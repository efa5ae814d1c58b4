"""`report`: one offline page of runs, or the same figures as Markdown for a pull request."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.choose import is_floor_set, rule_options, shipped_tasks
from harness.cli.option import checked_out, json_option, results_option
from harness.cli.output import note_skipped, print_json, print_text, spinning
from harness.domain.count import counted

if TYPE_CHECKING:
    from harness.report.page.content import Page


@click.command()
@click.argument("runs", nargs=-1, metavar="[RUN...]")
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write to this file, and replace one that is there, but never a run file.  [default: report.html]",
)
@click.option(
    "--markdown", "is_markdown", is_flag=True, help="Print answers and scores as Markdown, such as for a pull request."
)
@click.option(
    "--primary",
    metavar="KEY|FILE",
    help="What you use now, whose answers are the yardstick: a model that the runs asked, or a file of its answers.",
)
@rule_options
@click.option(
    "--share-results",
    "is_shared",
    is_flag=True,
    help="Let other users of this machine read the file, as far as the umask does. It holds prompts and answers.",
)
@results_option("Folder of the newest runs, and of runs that are named by id.")
@json_option
def report(
    runs: Sequence[str],
    *,
    out: Path | None,
    is_markdown: bool,
    primary: str | None,
    is_shared: bool,
    results: Path,
    as_json: bool,
    **rule: Any,
) -> None:
    """Write one page that shows who takes which task, why, and every sample behind it. No server is needed.

    RUN is a run file or the id of a run in the results folder; without one, the newest runs of the folder are taken,
    as in `choose`, whose answers stand first. Then come every score with its interval, score against time, load and
    answer times, long texts by depth, the history over all runs with what changed between them, and the samples: at
    most 10,000, which you can search, sort, filter, and put side by side for two models.

    The page is one file that opens in any browser, loads nothing and sends nothing. It holds prompts and answers, so
    only you can read the file; see --share-results.

    \b
    Examples:
      lms-harness report
      lms-harness report -o nightly.html --floor 0.9
      lms-harness report 20261127T220000Z-1a2b3c4d results/before.jsonl
      lms-harness report --markdown >> "$GITHUB_STEP_SUMMARY"
    """
    from harness.clock import SystemClock
    from harness.command.report import page_of
    from harness.run.provenance import harness_version
    from harness.verdict.contender import Rule

    file = _checked(out) if out is not None else None if is_markdown else _checked(Path("report.html"))
    with spinning("reading the runs"):
        page = page_of(
            runs,
            results,
            Rule(**rule),
            clock=SystemClock(),
            version=harness_version(),
            primary=primary,
            shipped=shipped_tasks,
            is_floor_set=is_floor_set(),
        )
        text = _text(page, is_markdown=is_markdown)
    if file is not None:
        from harness.store.whole_file import write_whole

        write_whole(file, text, is_shared=is_shared)
    if as_json:
        print_json(_as_dict(page, file, text))
        return
    for path, why in page.skipped:
        note_skipped(path, why)
    if file is None:
        print_text(text)
    else:
        _say(page, file, len(text.encode()))


def _checked(out: Path) -> Path:
    """Return the file if it may be written."""
    if str(out) == "-":
        raise click.UsageError("-o: expected a file, got -: a page of megabytes is for a browser, not for a pipe")
    return checked_out(out, example="report.html")


def _text(page: "Page", *, is_markdown: bool) -> str:
    if is_markdown:
        from harness.report.page.markdown import render_markdown

        return render_markdown(page)
    from harness.report.page.render import render_page

    return render_page(page)


def _say(page: "Page", file: Path, size: int) -> None:
    samples = page.samples
    part = f"{samples.shown:,} of {samples.total:,}" if samples.shown < samples.total else f"{samples.total:,}"
    runs = sum(run.is_used for run in page.runs)
    answers = f"answers from {runs} of {counted(len(page.runs), 'run')}" if len(page.runs) > 1 else "1 run"
    print_text(f"{file} ({size / 1e6:.1f} MB): {answers}, {part} samples.")
    if page.no_answers:
        print_text(page.no_answers)


def _as_dict(page: "Page", file: Path | None, text: str) -> dict[str, Any]:
    return {
        "path": None if file is None else str(file),
        "bytes": len(text.encode()),
        "runs": [run.path for run in page.runs if run.is_used],
        "history": [run.path for run in page.runs],
        "skipped": dict(page.skipped),
        "samples": page.samples.shown,
        "samples_in_runs": page.samples.total,
        "no_answers": page.no_answers or None,
        **({"markdown": text} if file is None else {}),
    }
