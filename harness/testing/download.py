"""Downloads of a scripted server: what its catalogue offers, and jobs that advance by one step with each look."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from harness.domain.download import COMPLETED, DOWNLOADING, FAILED, PAUSED
from harness.domain.model import Model
from harness.serving import refusal
from harness.serving.body import download_body
from harness.serving.refusal import Refusal
from harness.testing.library import Library
from harness.testing.message import Request, Response, json_response

_STARTED_AT = "2026-01-01T00:00:00.000Z"
_ENDED_AT = "2026-01-01T00:01:00.000Z"
_RUNNING = {DOWNLOADING, PAUSED}
_BYTES_PER_S = 50_000_000


@dataclass(frozen=True, slots=True)
class Step:
    """What one look at a job shows: its status, and the share of the bytes that have arrived."""

    status: str = DOWNLOADING
    share: float = 0.0


QUICK = (Step(share=0.25), Step(share=0.5), Step(share=0.75), Step(COMPLETED, 1.0))
"""A download without trouble, complete at the fourth look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A model that can be downloaded.

    Attributes:
        name: what a client asks for, in any case: `owner/name` or an address.
        model: what is listed once the download is complete; None: nothing, as after LM Studio's bug 2291.
        steps: one for each look; the last one stays.
    """

    name: str
    model: Model | None
    steps: tuple[Step, ...] = QUICK


@dataclass(slots=True, kw_only=True)
class DownloadJob:
    """A download that has begun: at `steps[at]` since the last look, at -1 before the first."""

    id: str
    offer: Offer
    at: int = -1

    @property
    def step(self) -> Step:
        """The step that the last look showed."""
        return Step() if self.at < 0 else self.offer.steps[self.at]

    def advance(self) -> None:
        """Take the next step; the last one stays."""
        self.at = min(self.at + 1, len(self.offer.steps) - 1)


class Catalogue:
    """What can be downloaded, and the jobs so far. A job that completes adds its model to the library."""

    def __init__(self) -> None:
        self._offers: dict[str, Offer] = {}
        self._jobs: dict[str, DownloadJob] = {}

    def copy(self) -> "Catalogue":
        """Return an equal state of its own."""
        other = Catalogue()
        other._offers = dict(self._offers)
        other._jobs = {name: replace(job) for name, job in self._jobs.items()}
        return other

    def add(self, offer: Offer) -> None:
        """Offer a model."""
        self._offers[offer.name.lower()] = offer

    def begin(self, request: Request, library: Library) -> Response:
        """Answer `POST /api/v1/models/download`; a second request for what is being downloaded gets the same job."""
        body = download_body(request.body)
        if library.find(body.model) is not None:
            return json_response({"status": "already_downloaded"})
        offer = self._offers.get(body.model.lower())
        if offer is None:
            raise Refusal(404, f"Model '{body.model}' not found", type="model_not_found")
        if body.quantization is not None and "://" not in body.model:
            raise Refusal(400, "'quantization' is for Hugging Face links only", code="invalid_value")
        with library.lock:
            running = (job for job in self._jobs.values() if job.offer is offer and job.step.status in _RUNNING)
            job = next(running, None) or DownloadJob(id=f"job_{len(self._jobs) + 1:010x}", offer=offer)
            self._jobs[job.id] = job
            return json_response(_shown(job))

    def status(self, job_id: str, library: Library) -> Response:
        """Answer `GET /api/v1/models/download/status/:job_id`."""
        with library.lock:
            job = self._jobs.get(job_id)
            if job is None:
                raise refusal.unknown_job(job_id)
            job.advance()
            model = job.offer.model
            if job.step.status == COMPLETED and model is not None and library.find(model.key) is None:
                library.models = (*library.models, model)
            return json_response(_shown(job))


def _shown(job: DownloadJob) -> Mapping[str, Any]:
    step, model = job.step, job.offer.model
    total = model.size_bytes if model else 1_000_000
    shown: dict[str, Any] = {
        "job_id": job.id,
        "status": step.status,
        "total_size_bytes": total,
        "started_at": _STARTED_AT,
    }
    if job.at >= 0 and step.status != FAILED:
        shown["downloaded_bytes"] = int(total * step.share)
    if job.at >= 0 and step.status == DOWNLOADING:
        shown |= {"bytes_per_second": _BYTES_PER_S, "estimated_completion": _ENDED_AT}
    if step.status == COMPLETED:
        shown["completed_at"] = _ENDED_AT
    return shown
