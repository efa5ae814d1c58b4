"""A download at the server. Field meanings: LM Studio's `POST /api/v1/models/download` and its status route."""

from dataclasses import dataclass

DOWNLOADING, PAUSED = "downloading", "paused"
COMPLETED, FAILED, ALREADY_DOWNLOADED = "completed", "failed", "already_downloaded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """How far a download is.

    Attributes:
        status: `downloading`, `paused`, `completed`, `failed`, `already_downloaded`, or one that is yet to come.
        job_id: to look at it again; None for `already_downloaded`, which has no job.
        total_bytes, downloaded_bytes: None where the server does not tell.
        bytes_per_second, estimated_completion: only while it is downloading; the latter is ISO-8601 text.
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
        """Whether looking again will show nothing new."""
        return self.status in {COMPLETED, FAILED, ALREADY_DOWNLOADED}
