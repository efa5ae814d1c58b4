"""Records of runs, made for tests: a header, an instance, and a model's answers to a task."""

from collections.abc import Sequence
from typing import Any

from harness.domain.record import InstanceRecord, Record, RunRecord, SampleRecord, ScoreRecord, SummaryRecord

AT = "2026-11-25T08:00:00.000Z"
KEY, OTHER = "acme/small-4b", "acme/tiny-1b"
N = 40


def head(run_id: str = "r1", **more: Any) -> RunRecord:
    facts: dict[str, Any] = {
        "harness_version": "0.2.0",
        "server_kind": "lm-studio",
        "server_url": "http://127.0.0.1:1234",
        "plan": {"models": [KEY], "tasks": {"say": "f"}},
        "sampling": {"temperature": 0.0},
        "settings": {"limit": N},
    }
    return RunRecord.model_validate({"run_id": run_id, "at": AT, **facts, **more})


def instance(key: str = KEY, **more: Any) -> InstanceRecord:
    facts = {"model_key": key, "instance_id": key, "quantisation": "Q8_0", "size_bytes": 4_000, "architecture": "llama"}
    return InstanceRecord.model_validate({"run_id": "r1", "at": AT, **facts, **more})


def cell(
    passed: Sequence[float | None],
    *,
    key: str = KEY,
    task: str = "say",
    version: str = "1",
    e2e_s: float = 1.0,
    item_hash: str = "h",
    request: dict[str, Any] | None = None,
    planned: int | None = None,
    way: str = "prompt",
) -> list[Record]:
    """The records of a model on a task: of each item the score, None where it was lost."""
    records: list[Record] = []
    for number, value in enumerate(passed):
        uid = f"{key}-{task}-{number}"
        about: dict[str, Any] = {"run_id": "r1", "at": AT, "sample_uid": uid}
        records.append(
            SampleRecord.model_validate(
                {
                    **about,
                    "task": task,
                    "task_class": task,
                    "item_id": f"i{number:02}",
                    "item_hash": f"{item_hash}{number}",
                    "model_key": key,
                    "instance_id": key,
                    "prompt_hash": "p",
                    "way": way,
                    "request": request or {"temperature": 0.0},
                    "output_text": f"answer {value}",
                    "outcome": "ok" if value is not None else "server_error",
                    "times": {"e2e_s": e2e_s * (1 + number % 3), "ttft_s": 0.1 * (1 + number % 3)},
                }
            )
        )
        records.append(ScoreRecord(**about, scorer="exact", scorer_version=version, value=value))
    summary = {
        "run_id": "r1",
        "at": AT,
        "model_key": key,
        "task": task,
        "task_class": task,
        "scorer": "exact",
        "n": len(passed),
        "unscored": 0,
        "score": 0.5,
        "planned": planned or len(passed),
    }
    return [*records, SummaryRecord.model_validate(summary)]


def passes(count: int, n: int = N) -> list[float]:
    return [float(number < count) for number in range(n)]


def lost(records: Sequence[Record], unscored: int) -> list[Record]:
    """The same records, with a summary that says how many answers were lost, and no score if all were."""
    return [
        record.model_copy(update={"unscored": unscored, "score": None if unscored == record.planned else record.score})
        if isinstance(record, SummaryRecord)
        else record
        for record in records
    ]
