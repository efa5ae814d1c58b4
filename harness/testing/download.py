"""Downloads of a scripted server: what its catalogue offers, and jobs that get on by one step a look."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from harness.domain.download import COMPLETED, DOWNLOADING, FAILED, PAUSED
from harness.domain.model import Model
from harness.testing.body import DOWNLOAD_FIELDS, checked
from harness.testing.library import Library
from harness.testing.message import Refusal, Request, Response, json_answer

_STARTED_AT = "2026-01-01T00:00:00.000Z"
_ENDED_AT = "2026-01-01T00:01:00.000Z"
_RUNNING = {DOWNLOADING, PAUSED}
_BYTES_PER_S = 50_000_000


@dataclass(frozen=True, slots=True)
class Step:
    """What one look at a job shows: its status, and the share of the bytes that are there."""

    status: str = DOWNLOADING
    share: float = 0.0


QUICK = (Step(share=0.25), Step(share=0.5), Step(share=0.75), Step(COMPLETED, 1.0))
"""A download without trouble, over at the fourth look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A model that can be downloaded.

    Attributes:
        name: what a client asks for, in any case: `owner/name` or an address.
        model: what is listed once it is complete; None: nothing is, as after LM Studio's bug 2291.
        steps: one a look; the last one stays.
    """

    name: str
    model: Model | None
    steps: tuple[Step, ...] = QUICK


@dataclass(slots=True, kw_only=True)
class Job:
    """A download that has begun. It is at `steps[at]` since the last look; before the first one at none."""

    id: str
    offer: Offer
    at: int = -1

    @property
    def step(self) -> Step:
        """Where it is."""
        return Step() if self.at < 0 else self.offer.steps[self.at]

    def advance(self) -> None:
        """Go one step further, but not beyond the last."""
        self.at = min(self.at + 1, len(self.offer.steps) - 1)


class Catalogue:
    """What can be downloaded, and the jobs so far. Held by a `World`; changes the library when a job completes."""

    def __init__(self) -> None:
        self._offers: dict[str, Offer] = {}
        self._jobs: dict[str, Job] = {}

    def copy(self) -> "Catalogue":
        """Return an equal state of its own."""
        other = Catalogue()
        other._offers = dict(self._offers)
        other._jobs = {name: replace(job) for name, job in self._jobs.items()}
        return other

    def add(self, offer: Offer) -> None:
        """Offer a model from now on."""
        self._offers[offer.name.lower()] = offer

    def begin(self, request: Request, library: Library) -> Response:
        """Answer `POST /api/v1/models/download`; a second request for what is being downloaded gets the same job."""
        body = checked(request, DOWNLOAD_FIELDS, required=("model",))
        if library.find(body["model"]) is not None:
            return json_answer({"status": "already_downloaded"})
        offer = self._offers.get(body["model"].lower())
        if offer is None:
            raise Refusal(404, f"Model '{body['model']}' not found", type="model_not_found")
        if "quantization" in body and "://" not in body["model"]:
            raise Refusal(400, "'quantization' is for Hugging Face links only", code="invalid_value")
        with library.lock:
            running = (one for one in self._jobs.values() if one.offer is offer and one.step.status in _RUNNING)
            job = next(running, None) or Job(id=f"job_{len(self._jobs) + 1:010x}", offer=offer)
            self._jobs[job.id] = job
            return json_answer(_told(job))

    def status(self, job_id: str, library: Library) -> Response:
        """Answer `GET /api/v1/models/download/status/:job_id`."""
        with library.lock:
            job = self._jobs.get(job_id)
            if job is None:
                raise Refusal(404, f"Download job with id '{job_id}' not found", type="job_not_found")
            job.advance()
            model = job.offer.model
            if job.step.status == COMPLETED and model is not None and library.find(model.key) is None:
                library.models = (*library.models, model)
            return json_answer(_told(job))


def _told(job: Job) -> Mapping[str, Any]:
    step, model = job.step, job.offer.model
    total = model.size_bytes if model else 1_000_000
    told: dict[str, Any] = {
        "job_id": job.id,
        "status": step.status,
        "total_size_bytes": total,
        "started_at": _STARTED_AT,
    }
    if job.at >= 0 and step.status != FAILED:
        told["downloaded_bytes"] = int(total * step.share)
    if job.at >= 0 and step.status == DOWNLOADING:
        told |= {"bytes_per_second": _BYTES_PER_S, "estimated_completion": _ENDED_AT}
    if step.status == COMPLETED:
        told["completed_at"] = _ENDED_AT
    return told
