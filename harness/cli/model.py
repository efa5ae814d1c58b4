"""`preflight` and `models`: what the server is and what it has."""

import click

from harness.cli.connection import connected
from harness.cli.option import server_options
from harness.cli.output import print_json, print_text
from harness.domain.count import counted


@click.command()
@server_options
def preflight(url: str, token: str, *, as_json: bool) -> None:
    """Check whether LM Studio is reachable and accepts the token, and show what is loaded.

    Exit codes: 0 ready; 3 nothing listens there, or it is not LM Studio, or older than 0.4; 4 it refuses the token.

    \b
    Examples:
      lms-harness preflight
      lms-harness preflight --url http://127.0.0.1:1235 --json
    """
    from harness.lifecycle.resident import resident_ids

    with connected(url, token) as client:
        listing = client.models()
        loaded = resident_ids(listing)
        kind = client.server_kind
    if as_json:
        print_json({"url": client.url, "server": kind, "models": len(listing), "loaded": list(loaded)})
        return
    print_text(f"Ready: {client.url} ({kind}), {counted(len(listing), 'model')}, {len(loaded)} loaded")
    for instance_id in loaded:
        print_text(f"  {instance_id}")


@click.command()
@server_options
@click.option("--loaded", is_flag=True, help="Only models with a loaded instance.")
def models(url: str, token: str, *, as_json: bool, loaded: bool) -> None:
    """List the downloaded models, their loaded instances, and how much memory those take.

    The table fits the terminal (or COLUMNS); in a pipe it is as wide as it needs to be. --json has the fields of LM
    Studio's own listing, and derived ones: is_loaded, total_parameters, active_parameters and resident_bytes of each
    model, and resident_bytes of all.

    \b
    Examples:
      lms-harness models --loaded
      lms-harness models --json | jq -r '.models[].key'
    """
    from harness.report.layout import terminal_width
    from harness.report.models import listed, render_models
    from harness.selection.memory import resident_bytes

    with connected(url, token) as client:
        listing = [model for model in client.models() if model.is_loaded or not loaded]
    if as_json:
        print_json({"models": [listed(model) for model in listing], "resident_bytes": resident_bytes(listing)})
    else:
        print_text(render_models(listing, width=terminal_width()))
