"""`download`: lets LM Studio fetch a model, and watches it."""

import sys
from typing import TYPE_CHECKING

import click

from harness.cli.connection import connected
from harness.cli.option import parsed_as, server_options
from harness.cli.output import note, print_json, print_text

if TYPE_CHECKING:
    from harness.command.download import Downloads
    from harness.domain.download import Download
    from harness.report.download import DownloadProgress

_INTERRUPTED = 130


@click.command()
@click.argument("model", required=False)
@click.option("--quantization", metavar="Q", help="Such as Q4_K_M; only for a Hugging Face address.")
@click.option("--no-wait", is_flag=True, help="Start it, print the job's id, and leave it to the server.")
@click.option("--status", "job_id", metavar="JOB_ID", help="Show the progress of this download; start none.")
@click.option(
    "--stall",
    "stall_s",
    callback=parsed_as("latency_budget_s"),
    default="5m",
    show_default=True,
    metavar="TIME",
    help="Stop watching after this long without progress, such as 90s or 10m.",
)
@server_options
def download(
    model: str | None,
    url: str,
    token: str,
    *,
    quantization: str | None,
    no_wait: bool,
    job_id: str | None,
    stall_s: float,
    as_json: bool,
) -> None:
    """Let LM Studio download MODEL, show the progress, and verify that the model is listed afterwards.

    MODEL is a name in LM Studio's catalogue (owner/name), or the exact address of a model at Hugging Face. The download
    belongs to the server: it continues after Ctrl-C, because LM Studio's API cannot cancel it; --status shows it.

    Exit code 1: it failed, made no progress, or the server reported success but does not list the model.

    \b
    Examples:
      lms-harness download qwen/qwen3-4b-2507
      lms-harness download https://huggingface.co/bartowski/Qwen2.5-3B-GGUF --quantization Q4_K_M --no-wait
      lms-harness download --status job_493c7c9ded
    """
    if bool(model) == bool(job_id):
        raise click.UsageError("give either a MODEL to download or --status JOB_ID")
    if job_id and (quantization or no_wait):
        raise click.UsageError("--status cannot be combined with --quantization or --no-wait: it starts no download")
    from harness.clock import SystemClock
    from harness.command.download import Downloads

    with connected(url, token) as client:
        downloads = Downloads(client=client, clock=SystemClock())
        if job_id:
            _show_status(downloads, job_id, as_json=as_json)
        elif model:
            _fetch(downloads, model, quantization, stall_s=stall_s, waits=not no_wait, as_json=as_json)


def _show_status(downloads: "Downloads", job_id: str, *, as_json: bool) -> None:
    from harness.domain.download import FAILED
    from harness.report.download import describe

    current = downloads.look(job_id)
    if as_json:
        print_json(_as_dict(current))
    else:
        print_text(f"{job_id}: {describe(current)}")
    if current.status == FAILED:
        sys.exit(1)


def _fetch(
    downloads: "Downloads", model: str, quantization: str | None, *, stall_s: float, waits: bool, as_json: bool
) -> None:
    from harness.command.download import look_command

    before = downloads.client.models()
    begun = downloads.begin(model, quantization=quantization)
    if not waits and not begun.is_over:
        if as_json:
            print_json(_as_dict(begun))
        else:
            print_text(begun.job_id or "")
            note(f"The server is downloading it. See the progress with: {look_command(begun)}")
        return
    try:
        with _progress(model) as progress:
            ended = downloads.follow(begun, stall_s=stall_s, on_progress=progress.show)
        found = downloads.listed(model, ended, before)
    except KeyboardInterrupt:
        if begun.job_id is None:
            raise
        note(f"Stopped watching; the server continues the download. See the progress with: {look_command(begun)}")
        sys.exit(_INTERRUPTED)
    if as_json:
        print_json({**_as_dict(ended), "model": found.key, "size_bytes": found.size_bytes})
    else:
        how = "was downloaded already" if begun.is_over else "is downloaded"
        print_text(f"{found.key} {how}, and the server lists it")


def _progress(name: str) -> "DownloadProgress":
    from harness.report.download import DownloadBar, DownloadLines

    return DownloadBar(sys.stderr, name) if sys.stderr.isatty() else DownloadLines(note)


def _as_dict(download: "Download") -> dict[str, object]:
    return {
        "job_id": download.job_id,
        "status": download.status,
        "total_size_bytes": download.total_bytes,
        "downloaded_bytes": download.downloaded_bytes,
        "bytes_per_second": download.bytes_per_second,
        "estimated_completion": download.estimated_completion,
        "started_at": download.started_at,
        "completed_at": download.completed_at,
    }
