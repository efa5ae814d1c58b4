"""What a job sends, as a record: texts as they are, images by hash and size."""

import base64
import binascii
import hashlib
from typing import Any

from harness.domain.answer import Job
from harness.domain.generation import Image
from harness.domain.record import PromptRecord


def prompt_record(job: Job, *, run_id: str, at: str, prompt_hash: str | None = None) -> PromptRecord:
    """Return the record of everything that the model is sent for a job; the hash of it, if that is at hand."""
    sent, sample = job.request.input, job.sample
    parts = (sent,) if isinstance(sent, str) else sent
    return PromptRecord(
        run_id=run_id,
        at=at,
        prompt_hash=prompt_hash or job.prompt_hash,
        prompt="\n".join(part for part in parts if isinstance(part, str)),
        system_prompt=sample.system_prompt,
        turns=list(sample.turns),
        tools=[dict(tool) for tool in job.tools],
        continues=sample.continues,
        images=[
            *(_facts(part) for part in parts if isinstance(part, Image)),
            *({"sha256": image.sha256, "bytes": image.size_bytes} for image in sample.images),
        ],
    )


def _facts(image: Image) -> dict[str, Any]:
    """Return the SHA-256 and the size of an image; of its data URL where that is not base64."""
    content = image.data_url.partition(",")[2]
    try:
        data = base64.b64decode(content, validate=True)
    except binascii.Error:
        data = image.data_url.encode()
    return {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
