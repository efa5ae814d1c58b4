"""What one would write by hand: a client, a pool of threads, a line for each answer."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

URL = os.environ["BENCH_URL"] + "/api/v1/chat"
CONCURRENCY = int(os.environ["BENCH_CONCURRENCY"])
SAMPLES = [json.loads(line) for line in Path("samples.jsonl").read_text().splitlines()]

with httpx.Client(timeout=60) as client, Path("answers.jsonl").open("w") as answers:

    def ask(sample: dict[str, str]) -> str:
        """Ask one sample, and return the line with its score."""
        body = {
            "model": os.environ["BENCH_MODEL"],
            "input": sample["input"],
            "temperature": 0,
            "max_output_tokens": 64,
            "store": False,
        }
        reply = client.post(URL, json=body)
        reply.raise_for_status()
        answer = reply.json()["output"][0]["content"]
        return json.dumps({**sample, "answer": answer, "score": float(answer == sample["target"])})

    with ThreadPoolExecutor(CONCURRENCY) as threads:
        answers.writelines(line + "\n" for line in threads.map(ask, SAMPLES))
