"""`show`: prompt, answer, target and score of samples, from what a run has recorded."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.option import json_option, results_option, tasks_option
from harness.cli.output import note_skipped, page_text, print_json, print_text
from harness.domain.candidate import key_of
from harness.domain.count import counted
from harness.domain.generation import Outcome

if TYPE_CHECKING:
    from harness.command.show import ShownRun
    from harness.report.sample import ShownSample


@click.command()
@click.argument("run", required=False, metavar="[RUN]")
@tasks_option
@click.option("--model", metavar="KEY", default="", help="Only this model, by its key or a part of it.")
@click.option("--failed", "is_failed", is_flag=True, help="Only answers that count and do not pass.")
@click.option(
    "--outcome",
    "outcomes",
    multiple=True,
    type=click.Choice([outcome.value for outcome in Outcome]),
    help="Only samples that ended so, repeatable.",
)
@click.option("--item", "items", multiple=True, metavar="ID", help="Only this item, repeatable.")
@click.option(
    "--flipped",
    nargs=2,
    metavar="A B",
    help="Only items that one of these two models passes and the other does not, with both answers.",
)
@click.option(
    "--limit",
    type=click.IntRange(1),
    default=20,
    show_default=True,
    help="Number of samples, at most; with --flipped, the last item is whole.",
)
@click.option("--no-pager", is_flag=True, help="Do not page on a terminal.")
@results_option("Folder of the newest run, and of a run that is named by its id.")
@json_option
def show(
    run: str | None,
    *,
    tasks: Sequence[str],
    model: str,
    is_failed: bool,
    outcomes: Sequence[str],
    items: Sequence[str],
    flipped: tuple[str, str] | None,
    limit: int,
    no_pager: bool,
    results: Path,
    as_json: bool,
) -> None:
    """Show samples of a run: prompt, answer, target, score with its reason, and times; the worst first.

    RUN is a run file or the id of a run in the results folder; without it, the newest run with samples is shown. If you
    give several conditions, all must hold. No server is needed.

    First come answers that no scorer could judge, then the lowest scores, and of equal scores the items that the other
    answers do best on; what the server or an interruption took comes last. Long texts are cut in the middle; --json has
    them whole. A run with --no-prompts, or of version 0.1.0, has no prompts to show.

    Exit codes: 0 also where no sample fits, 2 usage: there is no such run, task, model or item.

    \b
    Examples:
      lms-harness show --failed
      lms-harness show --task extract --model qwen3-4b --limit 3
      lms-harness show results/20261127T220000Z-1a2b3c4d.jsonl --outcome truncated
      lms-harness show --flipped qwen3-4b gemma-3-4b
      lms-harness show --item extract-0-00007 --json
    """
    from harness.command.show import show_samples
    from harness.verdict.worst import SampleFilter

    if flipped and model:
        raise click.UsageError("--flipped names the models: leave out --model")
    wanted = SampleFilter(
        tasks=tasks,
        model_key=model,
        items=items,
        outcomes=outcomes,
        is_failed=is_failed,
        flipped=flipped or (),
    )
    found = show_samples(run, results, wanted, limit=limit)
    if as_json:
        print_json(_as_dict(found))
    else:
        _print(found, is_paged=not no_pager)


def _print(found: "ShownRun", *, is_paged: bool) -> None:
    from harness.report.layout import paragraph, terminal_width
    from harness.report.sample import render_samples

    for path, why in found.skipped.items():
        note_skipped(path, why)
    width, count = terminal_width(), len(found.samples)
    if not count:
        print_text(paragraph(f"No sample of {found.run.path} fits.", width))
        return
    more = f"; --limit {found.total} shows all" if count < found.total else ""
    end = f"{count} of {counted(found.total, 'sample')} of {found.run.path}{more}."
    text = f"{render_samples(found.samples, total=found.total, width=width)}\n\n{paragraph(end, width)}"
    if is_paged:
        page_text(text)
    else:
        print_text(text)


def _as_dict(found: "ShownRun") -> dict[str, Any]:
    return {
        "run": str(found.run.path),
        "run_id": found.run.run.run_id,
        "skipped": found.skipped,
        "total": found.total,
        "samples": [_sample_as_dict(shown) for shown in found.samples],
    }


def _sample_as_dict(shown: "ShownSample") -> dict[str, Any]:
    head = {"kind", "schema_name", "run_id"}
    prompt = None if shown.prompt is None else shown.prompt.model_dump(exclude={*head, "at", "prompt_hash"})
    score = None if shown.score is None else shown.score.model_dump(exclude={*head, "sample_uid"})
    who = {"model_key": key_of(shown.sample.model_key)}  # The level is a field of its own, as in the run file.
    return {**shown.sample.model_dump(exclude=head), **who, "prompt": prompt, "score": score}
