"""How long `choose` takes over many samples, and how much memory; a measurement, never a test."""

import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tabulate import tabulate

SIZES = (10_000, 100_000, 1_000_000)
_MODELS, _TASKS, _ITEMS = 7, 10, 30
_AT = "2026-11-25T08:00:00.000Z"
_MIB = 1024.0
_PROGRAM = """
import resource, sys
from harness.cli import main
try:
    main()
finally:
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(used.ru_utime + used.ru_stime, used.ru_maxrss, file=sys.stderr)
"""


def measure(sizes: Sequence[int]) -> str:
    """Return a table: time and peak memory of `choose --json`, over one run, and over nights.

    A night asks 2,100 samples, always the same ones, so only the newest answers count.
    """
    rows = []
    for size in sizes:
        for name, write in (("one run", _one_run), ("nights", _many_runs)):
            with tempfile.TemporaryDirectory(prefix="lms-bench-") as folder:
                files = write(Path(folder), size)
                took_s, used_s, peak_mib = _choose(files)
                total = sum(file.stat().st_size for file in files)
            figures = [f"{total / 1e6:,.0f}", f"{took_s:.2f}", f"{used_s:.2f}", f"{peak_mib:.0f}"]
            rows.append([name, f"{size:,}", str(len(files)), *figures])
    headers = ["choose over", "samples", "files", "MB", "time, s", "CPU, s", "peak memory, MiB"]
    return tabulate(rows, headers=headers, disable_numparse=True, colalign=["left", *["right"] * 6])


def _choose(files: Sequence[Path]) -> tuple[float, float, float]:
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, "choose", "--json", *map(str, files)],
        capture_output=True,
        text=True,
        check=False,
    )
    took_s = time.perf_counter() - began
    if done.returncode:
        raise AssertionError(done.stderr[-2000:])
    if len(json.loads(done.stdout)["tasks"]) < _TASKS:
        raise AssertionError("not every task has an answer")
    *_, used_s, peak_kib = done.stderr.split()
    return took_s, float(used_s), int(peak_kib) / _MIB


def _one_run(folder: Path, size: int) -> list[Path]:
    path = folder / "20260101T000000Z-00000000.jsonl"
    _write(path, items=size // (_MODELS * _TASKS))
    return [path]


def _many_runs(folder: Path, size: int) -> list[Path]:
    paths = [
        folder / f"2026{number // 28 + 1:04}T000000Z-{number:08x}.jsonl"
        for number in range(size // (_MODELS * _TASKS * _ITEMS))
    ]
    for path in paths:
        _write(path, items=_ITEMS)
    return paths


def _write(path: Path, *, items: int) -> None:
    """Write a run file whose lines have the fields and about the length of real ones."""
    chance = random.Random(path.name)
    with path.open("w", encoding="ascii") as file:
        for record in _records(path.stem, items, chance):
            about = {"kind": record.pop("kind"), "schema": "lms-harness/1", "run_id": path.stem, "at": _AT}
            file.write(json.dumps({**about, **record}, separators=(",", ":")) + "\n")


def _records(run_id: str, items: int, chance: random.Random) -> Iterator[dict[str, Any]]:
    tasks = [f"task{number}" for number in range(_TASKS)]
    models = [f"acme/model{number}-{number + 1}b" for number in range(_MODELS)]
    yield {
        "kind": "run",
        "harness_version": "0.2.0",
        "server_kind": "lm-studio",
        "server_url": "http://127.0.0.1:1234",
        "plan": {"models": models, "tasks": dict.fromkeys(tasks, f"of {items}")},
        "sampling": {"temperature": 0.0},
    }
    for number, model in enumerate(models):
        yield {
            "kind": "instance",
            "model_key": model,
            "instance_id": model,
            "owned": True,
            "load_time_s": 2.0 + number,
            "size_bytes": 10**9 * (number + 1),
            "max_context_length": 32768,
        }
        for task in tasks:
            for item in range(items):
                if number == 0:
                    yield {
                        "kind": "prompt",
                        "prompt_hash": _hash(task, item),
                        "prompt": f"Message {item}: " + "the invoice is attached, please pay it within ten days. " * 10,
                        "system_prompt": None,
                        "turns": [],
                        "continues": None,
                        "images": [],
                    }
                uid = f"{chance.getrandbits(64):016x}"
                passed = chance.random() < 0.6 + 0.05 * number
                yield _sample(uid, model, task, item, e2e_s=chance.expovariate(1 / (1 + number)))
                yield {
                    "kind": "score",
                    "sample_uid": uid,
                    "scorer": "exact",
                    "scorer_version": "1",
                    "value": float(passed),
                    "passed": passed,
                    "reason": "" if passed else "the answer is another one",
                    "details": {},
                    "judge": None,
                }
            yield {
                "kind": "summary",
                "model_key": model,
                "task": task,
                "task_class": task,
                "scorer": "exact",
                "n": items,
                "unscored": 0,
                "planned": items,
                "score": 0.8,
            }
    yield {"kind": "end", "exit_code": 0, "duration_s": 1.0, "samples": items * _TASKS * _MODELS}


def _hash(task: str, item: int) -> str:
    return f"{task.removeprefix('task')}{item:015x}"


def _sample(uid: str, model: str, task: str, item: int, *, e2e_s: float) -> dict[str, Any]:
    return {
        "kind": "sample",
        "sample_uid": uid,
        "task": task,
        "task_class": task,
        "item_id": f"{task}-0-{item:05}",
        "item_hash": f"{item:016x}",
        "stratum": f"template {item % 9}",
        "cluster_id": "",
        "tier": 1 + item % 3,
        "tags": {},
        "epoch": 1,
        "model_key": model,
        "instance_id": model,
        "prompt_hash": _hash(task, item),
        "request": {"model": model, "temperature": 0.0, "max_output_tokens": 32, "store": False},
        "target": {"label": "not spam", "labels": ["spam", "not spam"]},
        "turns": [],
        "outcome": "ok",
        "output_text": "It is not spam, because the sender is known to the recipient. " * 3,
        "reasoning_text": "",
        "usage": {"input_tokens": 44, "total_output_tokens": 40, "reasoning_output_tokens": 0, "cached_tokens": None},
        "times": {
            "ttft_s": e2e_s / 4,
            "ttft_answer_s": e2e_s / 4,
            "e2e_s": e2e_s,
            "total_s": e2e_s,
            "chunks": 2,
            "max_gap_s": 0.008122000508592464,
        },
        "server_stats": {
            "input_tokens": 44,
            "total_output_tokens": 40,
            "reasoning_output_tokens": 0,
            "tokens_per_second": 100.0,
            "ttft_s": 0.01,
            "load_time_s": None,
            "cached_tokens": None,
        },
        "attempts": 1,
        "cold": False,
        "error": None,
    }
