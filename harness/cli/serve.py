"""`serve`: runs the embedded server until it is stopped."""

import sys
from pathlib import Path

import click

from harness.cli.output import note


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=1234, show_default=True, help="0 chooses a free port.")
@click.option("--models-dir", metavar="DIR", help="Serve the GGUF files in this folder.")
@click.option(
    "--token",
    envvar="LM_API_TOKEN",
    metavar="TOKEN",
    help="Require this API token; better set in the variable LM_API_TOKEN.",
)
@click.option("--parallel", type=click.IntRange(1, 64), default=4, show_default=True, help="Slots per instance.")
def serve(host: str, port: int, models_dir: str | None, token: str | None, parallel: int) -> None:
    """Serve LM Studio's API with llama.cpp, for machines without LM Studio.

    Without --models-dir it serves a small default model in three quantisations (93 MB, downloaded once).
    It computes on all cores that it may use, or on as many as the variable LMS_HARNESS_THREADS says.

    \b
    Examples:
      lms-harness serve
      lms-harness serve --models-dir ~/.lmstudio/models --port 1235
    """
    if models_dir is not None and not models_dir.strip():  # Path("") is the current folder.
        raise click.UsageError(f"--models-dir: expected the name of a folder, got {models_dir!r}")
    if token == "":  # As from an unset variable: it must not let everyone in.
        raise click.UsageError("--token: expected a token, got an empty one")
    from harness.embedded.serve import serve as serve_until_stopped

    folder = Path(models_dir) if models_dir is not None else None
    sys.exit(
        serve_until_stopped(host=host, port=port, models_dir=folder, token=token, parallel=parallel, on_progress=note)
    )
