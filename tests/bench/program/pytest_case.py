"""Plain pytest: a parametrised test that asks with httpx."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

SAMPLES = [json.loads(line) for line in Path("samples.jsonl").read_text().splitlines()]


@pytest.fixture(scope="session")
def client() -> Iterator[httpx.Client]:
    with httpx.Client(base_url=os.environ["BENCH_URL"], timeout=60) as client:
        yield client


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: str(sample["input"]))
def test_sample(client: httpx.Client, sample: dict[str, str]) -> None:
    body = {
        "model": os.environ["BENCH_MODEL"],
        "input": sample["input"],
        "temperature": 0,
        "max_output_tokens": 64,
        "store": False,
    }
    reply = client.post("/api/v1/chat", json=body)
    reply.raise_for_status()
    assert reply.json()["output"][0]["content"] == sample["target"]
