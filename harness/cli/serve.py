"""`serve`."""

import sys
from pathlib import Path

import click

from harness.cli.option import note


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=1234, show_default=True, help="0 takes a free one.")
@click.option("--models-dir", type=click.Path(path_type=Path), metavar="DIR", help="Serve the GGUF files of a folder.")
@click.option(
    "--token", envvar="LM_API_TOKEN", metavar="TOKEN",
    help="Demand this API token; better in the variable LM_API_TOKEN.",
)  # fmt: skip
@click.option("--parallel", type=click.IntRange(1, 64), default=4, show_default=True, help="Slots of an instance.")
def serve(host: str, port: int, models_dir: Path | None, token: str | None, parallel: int) -> None:
    """Serve LM Studio's API on llama.cpp, for machines without LM Studio.

    Without --models-dir it serves a small default model in three quantisations (93 MB, downloaded once).

    \b
    Examples:
      lms-harness serve
      lms-harness serve --models-dir ~/.lmstudio/models --port 1235
    """
    from harness.embedded.serve import serve as serve_until_stopped

    sys.exit(
        serve_until_stopped(
            host=host, port=port, models_dir=models_dir, token=token, parallel=parallel, on_progress=note
        )
    )
