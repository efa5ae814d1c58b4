"""`smoke`: checks that everything between the harness and one model works."""

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from harness.cli.completion import model_names
from harness.cli.connection import connected, leasing
from harness.cli.option import server_options
from harness.cli.output import note, print_json, print_text, rendered, spinning

if TYPE_CHECKING:
    from harness.command.smoke import Smoke, SmokeStep
    from harness.errors import HarnessError


@click.command()
@click.argument("model", required=False, envvar="MODEL", shell_complete=model_names)
@click.option("--new-instance", is_flag=True, help="Load another copy even if the model is loaded.")
@server_options
@click.pass_context
def smoke(
    context: click.Context, model: str | None, url: str, token: str, *, new_instance: bool, as_json: bool
) -> None:
    """Load MODEL, ask it something, check the answer, unload it, and verify that it is gone.

    MODEL is the key of a chat model or the id of an instance (or the variable MODEL). Without it, the model is chosen
    as `select` does: a loaded one first, then the smallest. A model that is loaded already is tested as it is and stays
    loaded. Only the plumbing is checked: there is some text, it comes from the instance that was asked, tokens are
    counted, and the unload is verified. What the model said is shown, but does not matter.

    Exit codes: 0 all checks passed; 1 a check failed; 6 the load failed; 7 the instance could not be unloaded.

    \b
    Examples:
      lms-harness smoke
      lms-harness smoke qwen/qwen3-4b-2507 --new-instance --json
    """
    from harness.client.retry import retried
    from harness.clock import SystemClock
    from harness.command.smoke import Smoke, choose_model
    from harness.errors import HarnessError

    if context.get_parameter_source("model") is click.core.ParameterSource.ENVIRONMENT:
        note(f"{model}: from the variable MODEL")
    with connected(url, token) as client, leasing(client, token) as leases:
        reason = None
        if not model:
            chosen, reason = choose_model(retried(lambda _: client.models(), clock=SystemClock()))
            model = chosen.key
            note(f"{model}: {reason}")
        test = Smoke(
            client=client, leases=leases, clock=SystemClock(), on_step=_silent if as_json else _show, during=spinning
        )
        error = None
        try:
            test.run(model, new_instance=new_instance)
        except HarnessError as exc:
            error = exc
            raise
        finally:
            if as_json and test.steps:
                print_json(_as_dict(test, model, reason, error))
    sys.exit(0 if test.ok else 1)


def _show(step: "SmokeStep") -> None:
    from harness.report.figure import seconds
    from harness.report.text import one_line

    state = "ok" if step.ok else "FAILED"
    print_text(f"{step.name:<7} {state:<7} {seconds(step.seconds):>7}  {one_line(step.detail, limit=160)}")


def _silent(_: "SmokeStep") -> None:
    pass


def _as_dict(test: "Smoke", model: str, reason: str | None, error: "HarnessError | None") -> dict[str, object]:
    return {
        "ok": test.ok,
        "model": model,
        "chosen_because": reason,
        "instance_id": test.instance_id,
        "answer": test.answer.text if test.answer else None,
        "error": error and rendered(error.message),
        "steps": [{**asdict(step), "seconds": round(step.seconds, 4)} for step in test.steps],
    }
