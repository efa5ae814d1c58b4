"""What `tasks` does with own tasks: begins one from data, checks a folder, lists them."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.output import note, print_json, print_text, spinning

if TYPE_CHECKING:
    from harness.command.task_starter import Guess
    from harness.report.own_task import Findings


def begin_task(folder: Path, data: Path | None, *, as_json: bool) -> None:
    """Write a definition with guesses from the data; a person at a terminal is asked whether they are right."""
    from harness.command.task_starter import guess, write_starter

    if data is None:
        raise click.UsageError("--new: name the file with your rows, too: --from DATA")
    if not data.is_file():
        what = "is not a regular file" if data.exists() else "does not exist"
        raise click.UsageError(f"--from: expected a file with rows, but {data} {what}")
    found, rows = guess(data)
    if sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty() and not as_json:
        found = _asked(found, rows)
    path = write_starter(folder, data, found)
    if as_json:
        print_json({"written": str(path), "prompt": found.prompt, "target": found.target, "scorer": found.scorer})
        return
    target = "rules to keep, as no column looks like right answers" if found.target is None else found.target
    print_text(f"Written to {path}: asks about {found.prompt}, target {target}, scorer {found.scorer}.")
    print_text(f"Read it through, then: lms-harness tasks --check {folder}")


def _asked(found: "Guess", rows: Any) -> "Guess":
    """Return the guess as the person at the terminal mends it."""
    from dataclasses import replace

    from harness.command.task_starter import NONE, with_target
    from harness.scoring.registry import scorer_names

    print_text(f"Columns: {', '.join(found.columns)}")
    prompt = click.prompt("Which column is asked about?", type=click.Choice(found.columns), default=found.prompt)
    target = click.prompt(
        f"Which column has the right answer? {NONE} if none has",
        type=click.Choice([*found.columns, NONE]),
        default=found.target or NONE,
        show_choices=False,
    )
    found = with_target(replace(found, prompt=prompt), rows, None if target == NONE else target)
    scorer = click.prompt(
        "How is an answer judged?", type=click.Choice(scorer_names()), default=found.scorer, show_choices=False
    )
    return found if scorer == found.scorer else replace(found, scorer=scorer, labels=())


def check_tasks(path: Path, *, as_json: bool) -> None:
    """Print what is to be known of each definition; end with 2 where one cannot be run."""
    from harness.command.task_check import check_folder
    from harness.report.layout import paragraph, terminal_width
    from harness.report.own_task import render_findings

    with spinning("reading the rows"):
        checked = check_folder(path)
    width = terminal_width()
    if as_json:
        print_json(
            {
                "tasks": [_as_dict(found) for found in checked.tasks],
                "faulty": [{"path": str(faulty.path), "message": faulty.error.message} for faulty in checked.faulty],
            }
        )
    else:
        if checked.tasks:
            print_text("\n\n".join(render_findings(found, width=width) for found in checked.tasks))
        for faulty in checked.faulty:
            for line in str(faulty.error).splitlines():
                note(paragraph(line, width, indent=2))
        if not checked.faulty:
            print_text(f"\nNothing was asked. Run: lms-harness run --tasks {path}")
    if checked.faulty:
        sys.exit(2)


def _as_dict(found: "Findings") -> dict[str, Any]:
    own = found.own
    return {
        "task": own.task.name,
        "definition": str(own.definition.path),
        "rows": len(own.rows.samples),
        "scorer": own.task.scorer.name,
        "scorer_version": own.task.scorer.version,
        "chance": own.task.chance,
        "best_constant_answer": own.constant.answer,
        "ceiling": found.ceiling,
        "repeated": [pair._asdict() for pair in own.repeated],
        "contradictions": [pair._asdict() for pair in found.contradictions],
        "not_right_by_own_target": list(found.unlike),
        "prompt_tokens_estimate": {"median": found.tokens[0], "most": found.tokens[1]},
        "max_output_tokens": own.task.max_output_tokens,
        "context_length": found.context,
        "floor": found.floor,
        "rows_to_answer": [{"pass_rate": round(rate, 4), "rows": rows} for rate, rows in found.prospects],
    }
