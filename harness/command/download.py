"""A download at the server: started, followed to its end, and found in the listing."""

import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from harness.client.http import Client
from harness.clock import Clock
from harness.domain.download import ALREADY_DOWNLOADED, FAILED, PAUSED, Download
from harness.domain.model import Model
from harness.errors import ApiError, DownloadFailed, InvalidRequest, MalformedAnswer, ModelNotFound, TransportError
from harness.lifecycle.resident import SETTLE_S, wait_for

POLL_S = 1.0
"""How often the server is asked: it sends no events, and its figures hardly change faster."""

STALL_S = 300.0
"""How long a download may make no progress, paused or not, before we stop waiting for it."""

_NOT_IMPLEMENTED = 501
_CATALOGUE_HINT = (
    "Expected a name from LM Studio's catalogue (owner/name, see https://lmstudio.ai/models),\n"
    "or the address of a model at https://huggingface.co/"
)
_EMBEDDED_HINT = "The embedded server serves the GGUF files of a folder instead: lms-harness serve --models-dir DIR"
_PART_HINT = (
    "A partial download (a .part file) can be the cause: LM Studio 0.4.21 takes it for a complete one (issue 2291).\n"
    "Remove the model in LM Studio (My Models), then download it again."
)
_SUFFIX = re.compile(r"(?i)[-_.](gguf|mlx)$")

OnProgress = Callable[[Download], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Downloads:
    """Starts and follows downloads on one server; `settle_s` is how long a new model may take to be listed."""

    client: Client
    clock: Clock
    settle_s: float = SETTLE_S

    def begin(self, model: str, *, quantization: str | None = None) -> Download:
        """Make the server start a download, and return its state.

        Raises:
            ModelNotFound: the server finds no such model.
            ApiError: it refuses, or cannot download at all.
            MalformedAnswer: the answer has no id to look at the download by.
        """
        try:
            begun = self.client.download(model, quantization=quantization)
        except ModelNotFound as exc:
            exc.hint = _CATALOGUE_HINT
            raise
        except ApiError as exc:
            if exc.status == _NOT_IMPLEMENTED:
                exc.hint = _EMBEDDED_HINT
            raise
        if begun.job_id is None and not begun.is_over:
            raise MalformedAnswer(f"the download's status is {begun.status!r}, but the answer names no job to look at")
        return begun

    def look(self, job_id: str) -> Download:
        """Return the state of a download.

        Raises:
            InvalidRequest: the server knows no such job.
        """
        try:
            return self.client.download_status(job_id)
        except InvalidRequest as exc:
            exc.hint = "A restarted server may have forgotten it; `lms-harness models` lists what is downloaded."
            raise

    def follow(self, download: Download, *, stall_s: float = STALL_S, on_progress: OnProgress) -> Download:
        """Ask for the state of a download every second until it is over, and return the last one.

        Progress is what has never been there before: more bytes than ever, and not more than the model has.

        Args:
            download: as `begin` returned it.
            stall_s: how long it may make no progress. A request that fails counts as no progress.
            on_progress: gets each state.

        Raises:
            DownloadFailed: the server reports a failure, or there was no progress for `stall_s`.
        """
        moved_at, most_bytes = self.clock.monotonic(), 0
        last_error: TransportError | None = None
        on_progress(download)
        while not download.is_over and download.job_id is not None:
            self.clock.sleep(POLL_S)
            try:
                now, last_error = replace(self.look(download.job_id), job_id=download.job_id), None
            except TransportError as exc:
                now, last_error = download, exc
            if (arrived := _arrived(now)) > most_bytes:
                moved_at, most_bytes = self.clock.monotonic(), arrived
            if last_error is None:
                on_progress(now)
            download = now
            if not download.is_over and self.clock.monotonic() - moved_at >= stall_s:
                raise _stalled(download, stall_s, last_error)
        if download.status == FAILED:
            raise DownloadFailed(
                f"the server reports that the download {download.job_id or ''} failed, without a reason",
                hint="LM Studio's log has the details. Is the disk full?",
            )
        return download

    def listed(self, asked: str, download: Download, before: Sequence[Model]) -> Model:
        """Return the model that a finished download brought, once the listing shows it.

        Raises:
            DownloadFailed: the listing does not show it, though the server reports success.
        """
        patience_s = 0.0 if download.status == ALREADY_DOWNLOADED else self.settle_s
        found = wait_for(lambda: listed_as(asked, before, self.client.models()), self.clock, within_s=patience_s)
        if found is None:
            raise DownloadFailed(
                f"the server reports '{download.status}', but lists no model that could be {asked}",
                hint=_PART_HINT,
            )
        return found


def listed_as(asked: str, before: Sequence[Model], now: Sequence[Model]) -> Model | None:
    """Return the listed model that `asked` (a catalogue name or an address) means: by its key, its name, or as new.

    LM Studio derives the key from the repository's name: lower case, without "-GGUF", mostly with a publisher.
    """
    wanted = asked.lower()
    name = _name(wanted)
    known = {model.key for model in before}
    by_key = [model for model in now if model.key.lower() == wanted]
    by_name = [model for model in now if _name(model.key.lower()) == name]
    new = [model for model in now if model.key not in known]
    return next(iter([*by_key, *(model for model in by_name if model in new), *by_name, *new]), None)


def _name(asked: str) -> str:
    path = urlsplit(asked).path if "://" in asked else asked
    return _SUFFIX.sub("", path.rstrip("/").rpartition("/")[2].partition("@")[0])


def _arrived(download: Download) -> int:
    done = download.downloaded_bytes or 0
    return done if download.total_bytes is None else min(done, download.total_bytes)


def _stalled(download: Download, stall_s: float, last_error: TransportError | None) -> DownloadFailed:
    why = "it is paused in LM Studio" if download.status == PAUSED else "no data received"
    if last_error is not None:
        why = f"the server could not be asked ({last_error.message})"
    return DownloadFailed(
        f"the download {download.job_id} made no progress for {stall_s:g} s: {why}",
        hint=f"It may still continue. Check it with: {look_command(download)}",
    )


def look_command(download: Download) -> str:
    """Return the command that shows the state of a download."""
    return f"lms-harness download --status {shlex.quote(str(download.job_id))}"
