"""`smoke`: does everything between us and one model work?"""

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from harness.cli.completion import model_names
from harness.cli.option import (
    connected,
    leasing,
    note,
    print_json,
    print_text,
    server_options,
    spinning,
)

if TYPE_CHECKING:
    from harness.command.smoke import Smoke, Step
    from harness.errors import HarnessError


@click.command()
@click.argument("model", required=False, envvar="MODEL", shell_complete=model_names)
@click.option("--new-instance", is_flag=True, help="Load another copy even if the model is loaded.")
@server_options
@click.pass_context
def smoke(
    context: click.Context, model: str | None, url: str, token: str, *, new_instance: bool, as_json: bool
) -> None:
    """Load MODEL, let it answer, check the answer, unload it, and verify that it is gone.

    MODEL is the key of a chat model or the id of an instance (or the variable MODEL); without, it is chosen as
    `select` would: loaded first, then the smallest. A model that is loaded already is tried as it is and stays loaded.
    Checked are the plumbing only: some text, from the very instance that was asked, tokens counted, the unload
    verified. What the model said is shown, and decides nothing.

    Exit codes: 0 all held; 1 a check failed; 6 the load failed; 7 what was loaded could not be unloaded.

    \b
    Examples:
      lms-harness smoke
      lms-harness smoke qwen/qwen3-4b-2507 --new-instance --json
    """
    from harness.clock import SystemClock
    from harness.command.smoke import Smoke, choose_model
    from harness.errors import HarnessError

    if context.get_parameter_source("model") is click.core.ParameterSource.ENVIRONMENT:
        note(f"{model}: from the variable MODEL")
    with connected(url, token) as client, leasing(client, token) as leases:
        because = None
        if not model:
            chosen, because = choose_model(client.models())
            model = chosen.key
            note(f"{model}: {because}")
        test = Smoke(
            client=client, leases=leases, clock=SystemClock(), on_step=_silent if as_json else _show, during=spinning
        )
        trouble = None
        try:
            test.run(model, new_instance=new_instance)
        except HarnessError as exc:
            trouble = exc
            raise
        finally:
            if as_json and test.steps:
                print_json(_told(test, model, because, trouble))
    sys.exit(0 if test.ok else 1)


def _show(step: "Step") -> None:
    from harness.report.figure import seconds
    from harness.report.text import one_line

    state = "ok" if step.ok else "FAILED"
    print_text(f"{step.name:<7} {state:<7} {seconds(step.seconds):>7}  {one_line(step.detail, limit=160)}")


def _silent(_: "Step") -> None:
    pass


def _told(test: "Smoke", model: str, because: str | None, trouble: "HarnessError | None") -> dict[str, object]:
    return {
        "ok": test.ok,
        "model": model,
        "chosen_because": because,
        "instance_id": test.instance_id,
        "answer": test.answer.text if test.answer else None,
        "error": trouble and trouble.message,
        "steps": [{**asdict(step), "seconds": round(step.seconds, 4)} for step in test.steps],
    }
