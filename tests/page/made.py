"""Runs made for the tests of the page: shipped tasks, models of known ability, several nights."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import fmean
from typing import Any

from harness.domain.record import (
    EndRecord,
    InstanceRecord,
    MeasureRecord,
    PromptRecord,
    Record,
    RunRecord,
    SampleRecord,
    ScoreRecord,
    SummaryRecord,
)
from harness.domain.sample import Sample
from harness.stats.interval import score_estimate
from harness.task.catalogue import Entry, load_catalogue
from harness.task.shipped import suites_dir
from tests.store.written import write


@dataclass(frozen=True, kw_only=True)
class MadeModel:
    """A model that passes so many of a hundred items, and takes so long."""

    key: str
    passes: int
    e2e_s: float
    load_s: float
    size_bytes: int


MODELS = (
    MadeModel(key="qwen/qwen3-14b", passes=93, e2e_s=6.4, load_s=14.0, size_bytes=9_000_000_000),
    MadeModel(key="qwen/qwen3-4b-2507", passes=86, e2e_s=2.1, load_s=4.1, size_bytes=2_500_000_000),
    MadeModel(key="google/gemma-3-4b", passes=81, e2e_s=2.6, load_s=5.0, size_bytes=3_300_000_000),
    MadeModel(key="mistralai/ministral-8b-instruct", passes=72, e2e_s=4.8, load_s=8.3, size_bytes=4_900_000_000),
    MadeModel(key="liquid/lfm2-1.2b", passes=47, e2e_s=0.6, load_s=1.2, size_bytes=900_000_000),
)
HARD = {"reason": 30, "review": 25, "longcontext": 10, "multiturn": 12, "classify": -12, "brainstorm": 4, "rewrite": 6}


@cache
def shipped() -> dict[str, Entry]:
    return {entry.task.name: entry for entry in load_catalogue(suites_dir())}


def night(
    folder: Path,
    *,
    run_id: str = "20261126T230000Z-0a1b2c3d",
    models: Sequence[MadeModel] = MODELS,
    tasks: Sequence[str] = (),
    n: int = 30,
    epochs: int = 1,
    version: str = "0.3.31",
    drop: int = 0,
) -> Path:
    """Write a run: every model asked every task; `drop` of a hundred items fail that usually pass."""
    made = _Night(run_id=run_id, n=n, epochs=epochs, version=version, drop=drop)
    names = list(tasks) or list(shipped())
    return write(folder / f"{run_id}.jsonl", made.records(models, names))


@dataclass(frozen=True, kw_only=True)
class _Night:
    run_id: str
    n: int
    epochs: int
    version: str
    drop: int

    @property
    def about(self) -> dict[str, Any]:
        stamp = self.run_id
        return {
            "run_id": self.run_id,
            "at": f"{stamp[:4]}-{stamp[4:6]}-{stamp[6:8]}T{stamp[9:11]}:{stamp[11:13]}:{stamp[13:15]}.000Z",
        }

    def records(self, models: Sequence[MadeModel], tasks: Sequence[str]) -> Iterator[Record]:
        yield RunRecord(
            **self.about,
            harness_version="0.2.0",
            server_kind="lm-studio",
            server_url="http://127.0.0.1:1234",
            server_version=self.version,
            plan={
                "models": [model.key for model in models],
                "tasks": {task: f"made-{task}" for task in tasks},
                "limit": self.n,
            },
            sampling={"temperature": 0.0},
            settings={"limit": self.n},
        )
        asked = len(models) * len(tasks) * self.n * self.epochs
        samples = {task: shipped()[task].task.samples(seed=0, limit=self.n) for task in tasks}
        yield from self._prompts(samples.values())
        for model in models:
            yield InstanceRecord(
                **self.about,
                model_key=model.key,
                instance_id=model.key,
                load_time_s=model.load_s,
                size_bytes=model.size_bytes,
                quantisation="Q4_K_M",
                effective_config={"context_length": 8192},
            )
            yield from self._measures(model)
            for task in tasks:
                yield from self._cell(model, task, samples[task])
        yield EndRecord(**self.about, exit_code=0, duration_s=900.0, samples=asked)

    def _prompts(self, tasks: "Iterator[Sequence[Sample]] | Any") -> Iterator[Record]:
        seen = set()
        for sample in (sample for samples in tasks for sample in samples):
            if sample.item_hash not in seen:
                seen.add(sample.item_hash)
                yield PromptRecord(
                    **self.about,
                    prompt_hash=sample.item_hash,
                    prompt=sample.prompt,
                    system_prompt=sample.system_prompt,
                    turns=list(sample.turns),
                )

    def _measures(self, model: MadeModel) -> Iterator[Record]:
        for number in range(3):
            for name, value in (("load_time_s", model.load_s), ("ttft_s", 0.12 * model.e2e_s)):
                yield MeasureRecord(
                    **self.about, name=name, value=value * (0.93 + 0.06 * number), unit="s", model_key=model.key
                )
            for depth in (512, 8000):
                yield MeasureRecord(
                    **self.about,
                    name="depth_ttft_s",
                    value=0.12 * model.e2e_s * depth / 512,
                    unit="s",
                    model_key=model.key,
                    params={"depth": depth, "prompt_tokens": depth},
                )

    def _cell(self, model: MadeModel, task: str, samples: Sequence[Sample]) -> Iterator[Record]:
        values: dict[str, list[float]] = {}
        for sample in samples:
            for epoch in range(1, self.epochs + 1):
                uid = f"{model.key} {sample.item_id} {epoch}"
                record, value = self._sample(model, task, sample, epoch, uid)
                yield record
                reason = "" if value == 1 else "expected another answer"
                yield ScoreRecord(
                    **self.about,
                    sample_uid=uid,
                    scorer="made",
                    scorer_version="1",
                    value=value,
                    passed=None if value is None else value == 1,
                    reason=reason,
                )
                if value is not None:
                    values.setdefault(sample.item_id, []).append(value)
        estimate = score_estimate(list(map(fmean, values.values())))
        planned = len(samples) * self.epochs
        yield SummaryRecord(
            **self.about,
            model_key=model.key,
            task=task,
            task_class=task,
            scorer="made",
            n=len(values),
            unscored=planned - sum(map(len, values.values())),
            planned=planned,
            epochs=self.epochs,
            score=estimate.value,
            low=estimate.interval.low if estimate.interval else None,
            high=estimate.interval.high if estimate.interval else None,
            chance=shipped()[task].task.chance,
            e2e_p50_s=model.e2e_s,
        )

    def _sample(
        self, model: MadeModel, task: str, sample: Sample, epoch: int, uid: str
    ) -> tuple[SampleRecord, float | None]:
        # How hard an item is for all, how much luck a model has with it, and how much this repeat.
        hard, luck, again = (_dice(*names) for names in ((sample.item_id,), (model.key, sample.item_id), (uid,)))
        level = model.passes - HARD.get(task, 0) - 12 * (sample.tier - 2) - (self.drop if task == "extract" else 0)
        place = 0.5 * hard + 0.42 * luck + 0.08 * again
        outcome, value = "ok", float(place < level)
        if value == 0 and again > 88:
            outcome = "truncated"
        elif luck == 99 and self.n > 60:
            outcome, value = "server_error", None  # type: ignore[assignment]
        answer = shipped()[task].reference(sample) if value else _wrong(model, sample)
        seconds = model.e2e_s * (0.6 + 0.008 * again)
        return SampleRecord(
            **self.about,
            sample_uid=uid,
            task=task,
            task_class=task,
            item_id=sample.item_id,
            item_hash=sample.item_hash,
            stratum=sample.stratum,
            tier=sample.tier,
            tags=dict(sample.tags),
            epoch=epoch,
            model_key=model.key,
            instance_id=model.key,
            prompt_hash=sample.item_hash,
            target=sample.target,
            turns=[{"output_text": "Understood."} for _ in sample.turns],
            outcome=outcome,
            output_text="" if outcome == "server_error" else answer,
            usage={"total_output_tokens": 4 + len(answer) // 4},
            times={"e2e_s": seconds, "ttft_s": 0.12 * seconds},
        ), value


def _dice(*names: str) -> int:
    return int(hashlib.sha256(" ".join(names).encode()).hexdigest(), 16) % 100


def _wrong(model: MadeModel, sample: Sample) -> str:
    openings = ("I am not sure, but", "The answer is probably", "Based on the text,", "Let me think:")
    words = sample.prompt.split()[-12:]
    return f"{openings[_dice(model.key, sample.item_id) % 4]} {' '.join(words)}"
