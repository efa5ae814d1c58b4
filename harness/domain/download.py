"""A download by the server. Field meanings: LM Studio's `POST /api/v1/models/download` and its status route."""

from dataclasses import dataclass

DOWNLOADING, PAUSED = "downloading", "paused"
COMPLETED, FAILED, ALREADY_DOWNLOADED = "completed", "failed", "already_downloaded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """The progress of a download.

    Attributes:
        status: `downloading`, `paused`, `completed`, `failed`, `already_downloaded`, or one of a later LM Studio.
        job_id: for the next look; None for `already_downloaded`, which has no job.
        total_bytes, downloaded_bytes: None when the server does not report them.
        bytes_per_second, estimated_completion: only while downloading; the latter is ISO-8601 text.
    """

    status: str
    job_id: str | None = None
    total_bytes: int | None = None
    downloaded_bytes: int | None = None
    bytes_per_second: float | None = None
    estimated_completion: str | None = None
    started_at: str | None = None
    completed_at: str | None = None

    @property
    def is_over(self) -> bool:
        """Whether its status will not change any more."""
        return self.status in {COMPLETED, FAILED, ALREADY_DOWNLOADED}
