"""deepeval: it judges answers that are there, so they are asked for first, as its documentation does."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
from deepeval import evaluate
from deepeval.evaluate import AsyncConfig, CacheConfig, DisplayConfig
from deepeval.metrics import ExactMatchMetric
from deepeval.test_case import LLMTestCase

CONCURRENCY = int(os.environ["BENCH_CONCURRENCY"])
SAMPLES = [json.loads(line) for line in Path("samples.jsonl").read_text().splitlines()]

with httpx.Client(timeout=60) as client:

    def ask(sample: dict[str, str]) -> LLMTestCase:
        """Ask one sample."""
        body = {
            "model": os.environ["BENCH_MODEL"],
            "messages": [{"role": "user", "content": sample["input"]}],
            "temperature": 0,
            "max_tokens": 64,
        }
        reply = client.post(os.environ["BENCH_URL"] + "/v1/chat/completions", json=body)
        reply.raise_for_status()
        answer = reply.json()["choices"][0]["message"]["content"]
        return LLMTestCase(input=sample["input"], actual_output=answer, expected_output=sample["target"])

    with ThreadPoolExecutor(CONCURRENCY) as threads:
        cases = list(threads.map(ask, SAMPLES))

evaluate(
    cases,
    [ExactMatchMetric()],
    async_config=AsyncConfig(max_concurrent=CONCURRENCY),
    display_config=DisplayConfig(
        show_indicator=False, print_results=False, inspect_after_run=False, results_folder="results"
    ),
    cache_config=CacheConfig(write_cache=False),
)
