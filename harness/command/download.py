"""A download at the server: begun, followed to its end, and looked for in the listing."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from harness.client.http import Client
from harness.clock import Clock
from harness.domain.download import ALREADY_DOWNLOADED, FAILED, PAUSED, Download
from harness.domain.model import Model
from harness.errors import ApiError, DownloadFailed, InvalidRequest, ModelNotFound, TransportError
from harness.lifecycle.resident import SETTLE_S, wait_for

POLL_S = 1.0
"""There are no events, and asking more often tells nothing new."""

STALL_S = 300.0
"""How long a download may stand still, paused or not, before nobody waits any longer."""

_NOT_IMPLEMENTED = 501
_CATALOGUE_HINT = (
    "Expected a name of LM Studio's catalogue (owner/name, see https://lmstudio.ai/models),\n"
    "or the exact address of a model at https://huggingface.co/"
)
_EMBEDDED_HINT = "The embedded server serves GGUF files of a folder: lms-harness serve --models-dir DIR"
_PART_HINT = (
    "A half-done download (a .part file) can be the cause: LM Studio takes it for a whole one (issue 2291, 0.4.21).\n"
    "Remove the model in LM Studio (My Models), and download it again."
)
_SUFFIX = re.compile(r"(?i)[-_.](gguf|mlx)$")

OnProgress = Callable[[Download], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Downloads:
    """Begins and follows downloads on one server; `clock` is for waiting."""

    client: Client
    clock: Clock
    settle_s: float = SETTLE_S

    def begin(self, model: str, *, quantization: str | None = None) -> Download:
        """Let the server begin.

        Raises:
            ModelNotFound: the server knows no such model to download.
            ApiError: it refuses, or cannot download at all.
        """
        try:
            return self.client.download(model, quantization=quantization)
        except ModelNotFound as exc:
            exc.hint = _CATALOGUE_HINT
            raise
        except ApiError as exc:
            if exc.status == _NOT_IMPLEMENTED:
                exc.hint = _EMBEDDED_HINT
            raise

    def look(self, job_id: str) -> Download:
        """Return how far a job is.

        Raises:
            InvalidRequest: the server knows no such job.
        """
        try:
            return self.client.download_status(job_id)
        except InvalidRequest as exc:
            exc.hint = "Jobs may be forgotten when the server restarts; `lms-harness models` lists what is downloaded."
            raise

    def follow(self, download: Download, *, stall_s: float = STALL_S, on_progress: OnProgress) -> Download:
        """Look at a download every second until it is over, and return how it ended; a failure is an error.

        Args:
            download: as `begin` returned it.
            stall_s: how long it may stand still. Looks that fail for the transport count as standing still.
            on_progress: gets what each look showed.

        Raises:
            DownloadFailed: the server says so, or it stood still for `stall_s`.
        """
        moved_at = self.clock.monotonic()
        trouble: TransportError | None = None
        on_progress(download)
        while not download.is_over and download.job_id is not None:
            self.clock.sleep(POLL_S)
            try:
                now, trouble = self.look(download.job_id), None
            except TransportError as exc:
                now, trouble = download, exc
            if (now.downloaded_bytes or 0) > (download.downloaded_bytes or 0):
                moved_at = self.clock.monotonic()
            if trouble is None:
                on_progress(now)
            download = now
            if not download.is_over and self.clock.monotonic() - moved_at >= stall_s:
                raise _stalled(download, stall_s, trouble)
        if download.status == FAILED:
            raise DownloadFailed(
                f"the server says that the download {download.job_id or ''} failed, and gives no reason",
                hint="LM Studio's own log has the details; is there room on the disk?",
            )
        return download

    def listed(self, asked: str, download: Download, before: Sequence[Model]) -> Model:
        """Return the model that came with a download which is over, once the listing shows it.

        Raises:
            DownloadFailed: it does not, though the server calls it complete.
        """
        patience_s = 0.0 if download.status == ALREADY_DOWNLOADED else self.settle_s
        found = wait_for(lambda: listed_as(asked, before, self.client.models()), self.clock, within_s=patience_s)
        if found is None:
            raise DownloadFailed(
                f"the server says '{download.status}', but its listing shows no model that could be {asked}",
                hint=_PART_HINT,
            )
        return found


def listed_as(asked: str, before: Sequence[Model], now: Sequence[Model]) -> Model | None:
    """Return which listed model `asked` (a catalogue name or an address) is: by its key, else by its name, else new.

    LM Studio derives the key from the repository's name: lower case, without "-GGUF", mostly with a publisher.
    """
    wanted = asked.lower()
    name = _name(wanted)
    known = {model.key for model in before}
    by_key = [model for model in now if model.key.lower() == wanted]
    by_name = [model for model in now if _name(model.key.lower()) == name]
    new = [model for model in now if model.key not in known]
    return next(iter([*by_key, *(one for one in by_name if one in new), *by_name, *new]), None)


def _name(asked: str) -> str:
    path = urlsplit(asked).path if "://" in asked else asked
    return _SUFFIX.sub("", path.rstrip("/").rpartition("/")[2].partition("@")[0])


def _stalled(download: Download, stall_s: float, trouble: TransportError | None) -> DownloadFailed:
    why = "it is paused in LM Studio" if download.status == PAUSED else "no byte came"
    if trouble is not None:
        why = f"the server could not be asked ({trouble.message})"
    return DownloadFailed(
        f"the download {download.job_id} has not got on for {stall_s:g} s: {why}",
        hint=f"It may still go on. Look at it again: {look_command(download)}",
    )


def look_command(download: Download) -> str:
    """Return the command that shows how far a download is."""
    return f"lms-harness download --status {download.job_id}"
