"""Routing files made for a test."""

from collections.abc import Mapping
from typing import Any

MODEL: Mapping[str, Any] = {
    "model_key": "acme/tiny",
    "variant": "acme/tiny@q4",
    "quantisation": "Q4",
    "size_bytes": 5,
    "n": 9,
    "suffices": 0.9,
}
EVIDENCE: Mapping[str, Any] = {
    "run_ids": ["r"],
    "measured_at": "2026-11-01T00:00:00.000Z",
    "valid_until": "2026-12-01T00:00:00.000Z",
    "n": 30,
    "yardstick": 0.8,
    "servers": [],
    "harness_versions": ["1"],
}


def routing(**tasks: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "schema": "lms-harness-routing/1",
        "made_at": "2026-11-01T00:00:00.000Z",
        "harness_version": "1",
        "rule": {},
        "baselines": {},
        "tasks": tasks,
    }


def task(answer: str = "model", **more: Any) -> dict[str, Any]:
    named = [MODEL] if answer in {"model", "certified"} else []
    return {
        "task_class": "x",
        "answer": answer,
        "model_key": named[0]["model_key"] if named else None,
        "best_so_far": None if named else "acme/tiny",
        "items_to_settle": None,
        "suffices": named,
        "rejected": [] if named else [MODEL],
        "evidence": EVIDENCE,
        "is_demonstration": False,
        **more,
    }
