"""The record of what a model is sent."""

import base64
import hashlib

from harness.domain.answer import Job
from harness.domain.generation import ChatRequest, Image
from harness.domain.sample import Sample
from harness.run.ask.prompt import prompt_record

HEAD = {"run_id": "r", "at": "2026-11-28T08:00:00.000Z"}


def test_images_stand_in_it_by_hash_and_size_and_not_themselves() -> None:
    data = b"\x89PNG" + bytes(2000)
    urls = [f"data:image/png;base64,{base64.b64encode(data).decode()}", "data:,no base64!"]
    sent = ("What is", Image(data_url=urls[0]), Image(data_url=urls[1]), "this?")
    job = Job(sample=Sample(item_id="i", prompt="", target=None), epoch=1, request=ChatRequest(model="m", input=sent))
    record = prompt_record(job, **HEAD)
    assert record.prompt == "What is\nthis?"
    assert record.images == [
        {"sha256": hashlib.sha256(data).hexdigest(), "bytes": 2004},
        {"sha256": hashlib.sha256(urls[1].encode()).hexdigest(), "bytes": len(urls[1])},
    ]
    assert "base64" not in record.to_json()
