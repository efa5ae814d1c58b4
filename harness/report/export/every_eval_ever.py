"""A run in the format of Every Eval Ever, version 0.3.0: for each model an aggregate, and a file of its samples.

The schemas are those of the package `every_eval_ever`; `make validate-export` checks an export with it. In the format a
sample must have a score, so samples without one are left out, and counted in the aggregate. Neither the address of the
server nor the command line is exported.
"""

import json
import re
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from harness.domain.candidate import level_of
from harness.domain.record import PromptRecord, RunRecord, SampleRecord, ScoreRecord, SummaryRecord
from harness.domain.sample import canonical_json
from harness.report.no_score import why_no_score
from harness.store.cell import CellKey
from harness.store.run_file import RunFile

SCHEMA_VERSION = "0.3.0"
LIBRARY = "lmstudio-harness"
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_RESERVED = re.compile(r"(data|con|prn|aux|nul|com[1-9]|lpt[1-9])(\..*)?", re.IGNORECASE)
_LONGEST_PART = 100

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """One model of a run.

    Attributes:
        model_key: its key.
        aggregate: the path of the aggregate below a folder, and its text.
        samples: the same of the samples.
        rows: how many samples there are.
        unscored: how many samples were left out, as they have no score.
        left_out: tasks that were left out, and why.
    """

    model_key: str
    aggregate: tuple[str, str]
    samples: tuple[str, str]
    rows: int
    unscored: int
    left_out: dict[str, str]


def export_models(run: RunFile, *, organisation: str) -> Iterator[Exported]:
    """Yield every model of a run; one without any score has no files, but says what was left out.

    Exporting a run again gives the same files.

    Args:
        run: that is exported.
        organisation: who publishes the results.

    Raises:
        StoreError: the file has changed since it was read.
    """
    for model_key in dict.fromkeys(cell.model_key for cell in run.summaries):
        yield _Model(run, model_key, organisation).export()


class _Model:
    def __init__(self, run: RunFile, model_key: str, organisation: str) -> None:
        self._run = run
        self._key = model_key
        self._organisation = organisation
        self._file_id = uuid.UUID(bytes=sha256(f"{run.run.run_id}\n{model_key}".encode()).digest()[:16], version=4)
        self._began = run.run.at
        self._id = f"{LIBRARY}/{_clean(model_key)}/{_epoch(self._began)}"

    def export(self) -> Exported:
        cells = [cell for cell in self._run.summaries if cell.model_key == self._key]
        left_out = {cell.task: why for cell in cells if (why := why_no_score(cell))}
        kept = [cell for cell in cells if cell.task not in left_out]
        rows, unscored = [], 0
        for cell in kept:
            for entry in self._run.cells.get(CellKey(self._key, cell.task), ()):
                score = self._run.score(entry)
                judged = None if score is None else self._run.score_record(score)
                if judged is None or judged.value is None:
                    unscored += 1
                    continue
                sample = self._run.sample_record(entry)
                rows.append(_text(self._row(sample, judged, self._run.prompt(sample))))
        folder = f"data/{LIBRARY}/{'/'.join(_path_parts(self._key))}"
        text = "".join(f"{row}\n" for row in rows)
        samples = f"{folder}/{self._file_id}_samples.jsonl"
        log = self._aggregate(kept)
        if rows:
            log["detailed_evaluation_results"] = {
                "format": "jsonl",
                "file_path": samples,
                "hash_algorithm": "sha256",
                "checksum": sha256(text.encode()).hexdigest(),
                "total_rows": len(rows),
                "additional_details": {"unscored_samples_left_out": str(unscored)},
            }
        return Exported(
            model_key=self._key,
            aggregate=(f"{folder}/{self._file_id}.json", f"{_text(log, indent=2)}\n" if kept else ""),
            samples=(samples, text),
            rows=len(rows),
            unscored=unscored,
            left_out=left_out,
        )

    def _aggregate(self, cells: Sequence[SummaryRecord]) -> Json:
        run = self._run.run
        return {
            "schema_version": SCHEMA_VERSION,
            "evaluation_id": self._id,
            "evaluation_timestamp": self._began,
            "retrieved_timestamp": _epoch(self._began),
            "source_metadata": {
                "source_name": LIBRARY,
                "source_type": "evaluation_run",
                "source_organization_name": self._organisation,
                "evaluator_relationship": "third_party",
                "additional_details": {"run_id": run.run_id, **{f"note_{n}": note for n, note in enumerate(run.notes)}},
            },
            "eval_library": {"name": LIBRARY, "version": run.harness_version},
            "model_info": self._model_info(run),
            "evaluation_results": [self._result(cell) for cell in cells],
        }

    def _model_info(self, run: RunRecord) -> Json:
        developer, _ = _path_parts(self._key)
        used = self._run.instances.get(self._key)
        details: Json = {"deployment_type": "self_deployed", "model_availability": "unknown"}
        if (level := level_of(self._key)) is not None:
            details["reasoning_level"] = level
        if used is not None:
            found = {
                "quantisation": used.quantisation,
                "variant": used.variant,
                "parameters": used.params,
                "format": used.format,
                "architecture": used.architecture,
                "size_bytes": used.size_bytes,
                "context_length": used.effective_config.get("context_length"),
                "parallel": used.effective_config.get("parallel"),
            }
            details |= {name: str(value) for name, value in found.items() if value is not None}
        platforms = {"lm-studio": "LM Studio", "embedded": "llama.cpp, embedded in lmstudio-harness"}
        platform = platforms.get(run.server_kind, run.server_kind)
        return {
            "name": self._key,
            "id": self._key,
            "developer": developer,
            "inference_platform": platform,
            "inference_engine": {"name": platform, "version": run.server_version or "unknown"},
            "additional_details": details,
        }

    def _result(self, cell: SummaryRecord) -> Json:
        run = self._run.run
        scorer = self._run.scorer(cell.task)
        uncertainty: Json = {"num_samples": cell.n}
        if cell.low is not None and cell.high is not None:
            uncertainty["confidence_interval"] = {
                "lower": cell.low, "upper": cell.high, "confidence_level": 0.95, "method": cell.interval,
            }  # fmt: skip
        details = {
            "planned_answers": cell.answers,
            "unscored_answers": cell.unscored,
            "outcomes": json.dumps(cell.outcomes),
            "score_by_tier": json.dumps(cell.by_tier),
            "chance": cell.chance,
        }
        args: Json = {"temperature": run.sampling.get("temperature"), "max_tokens": self._most_tokens(cell.task)}
        return {
            "evaluation_result_id": cell.task,
            "evaluation_name": cell.task,
            "source_data": {
                "dataset_name": cell.task,
                "source_type": "other",
                "additional_details": {
                    "task_class": cell.task_class,
                    "set_hash": str(run.plan.get("sets", {}).get(cell.task, "unknown")),
                    "seed": str(run.seed),
                },
            },
            "evaluation_timestamp": cell.at,
            "metric_config": {
                "metric_id": f"{LIBRARY}.{cell.scorer}",
                "metric_name": cell.scorer,
                "metric_unit": "proportion",
                "evaluation_description": f"Mean over items of the scorer {cell.scorer}, 0 to 1.",
                "lower_is_better": False,
                "score_type": "continuous",
                "min_score": 0.0,
                "max_score": 1.0,
                "additional_details": {
                    "scorer_version": scorer.version if scorer else "unknown",
                    "epochs": str(cell.epochs),
                    "reducer": cell.reducer,
                },
            },
            "score_details": {
                "score": cell.score,
                "details": {name: str(value) for name, value in details.items() if value is not None},
                "uncertainty": uncertainty,
            },
            "generation_config": {
                "generation_args": {name: value for name, value in args.items() if value is not None},
                "additional_details": {"way": " ".join(sorted(self._run.ways(self._key, cell.task)))},
            },
        }

    def _most_tokens(self, task: str) -> int | None:
        first = next(iter(self._run.cells.get(CellKey(self._key, task), ())), None)
        limit = None if first is None else self._run.sample_record(first).request.get("max_output_tokens")
        return limit if isinstance(limit, int) and limit > 0 else None

    def _row(self, sample: SampleRecord, judged: ScoreRecord, prompt: PromptRecord | None) -> Json:
        target = sample.target
        reference = [] if target is None else [target if isinstance(target, str) else _text(target)]
        asked = prompt.prompt if prompt else ""
        is_passed = judged.passed if judged.passed is not None else judged.value == 1.0
        row: Json = {
            "schema_version": SCHEMA_VERSION,
            "evaluation_id": self._id,
            "model_id": self._key,
            "evaluation_name": sample.task,
            "evaluation_result_id": sample.task,
            "sample_id": sample.item_id,
            "sample_hash": sha256(_clean(asked + "".join(reference)).encode()).hexdigest() if prompt else None,
            "interaction_type": "multi_turn" if sample.turns else "single_turn",
            "input": {"raw": asked, "formatted": None, "reference": reference},
            "answer_attribution": [],
            "evaluation": {"score": judged.value, "is_correct": is_passed},
            "token_usage": _usage(sample),
            "performance": {
                "latency_ms": _ms(sample.times.get("e2e_s")),
                "time_to_first_token_ms": _ms(sample.times.get("ttft_s")),
            },
            "error": sample.error,
            "metadata": {
                "outcome": sample.outcome,
                "epoch": str(sample.epoch),
                "tier": str(sample.tier),
                "stratum": sample.stratum,
                "item_hash": sample.item_hash,
                "way": sample.way,
                "reason": judged.reason,
                **({} if prompt else {"prompt": "not recorded"}),
                **({"tools": canonical_json(prompt.tools)} if prompt and prompt.tools else {}),
            },
        }
        if sample.turns:
            row["messages"] = _messages(sample, prompt)
        else:
            thoughts = [sample.reasoning_text] if sample.reasoning_text else None
            row["output"] = {"raw": [sample.output_text], "reasoning_trace": thoughts}
            if prompt is not None and prompt.system_prompt is not None:
                row["input"]["formatted"] = f"system: {prompt.system_prompt}\n\nuser: {asked}"
        return row


def _messages(sample: SampleRecord, prompt: PromptRecord | None) -> list[Json]:
    """Return the conversation; the turns of the user are unknown where the run did not record prompts."""
    said = [*(prompt.turns if prompt else [None] * len(sample.turns)), prompt.prompt if prompt else None]
    answered = [*(turn.get("output_text", "") for turn in sample.turns), sample.output_text]
    messages: list[Json] = []
    if prompt is not None and prompt.system_prompt is not None:
        messages.append({"turn_idx": 0, "role": "system", "content": prompt.system_prompt})
    for turn, (question, answer) in enumerate(zip(said, answered, strict=False)):
        messages.append({"turn_idx": turn, "role": "user", "content": question})
        messages.append({"turn_idx": turn, "role": "assistant", "content": answer})
    if sample.reasoning_text:
        messages[-1]["reasoning_trace"] = sample.reasoning_text
    return messages


def _usage(sample: SampleRecord) -> Json | None:
    """Return the tokens of a sample as the server counted them; None where it did not."""
    asked, answered = sample.usage.get("input_tokens"), sample.usage.get("total_output_tokens")
    if asked is None or answered is None:
        return None
    return {
        "input_tokens": asked,
        "output_tokens": answered,
        "total_tokens": asked + answered,
        "reasoning_tokens": sample.usage.get("reasoning_output_tokens"),
        "input_tokens_cache_read": sample.usage.get("cached_tokens"),
    }


def _ms(duration_s: float | None) -> float | None:
    return None if duration_s is None else max(0.0, 1000 * duration_s)


def _path_parts(model_key: str) -> tuple[str, str]:
    """Return developer and model as names of folders that any system can have."""
    developer, _, model = model_key.rpartition("/")
    return _path_part(developer), _path_part(model)


def _path_part(name: str) -> str:
    part = _UNSAFE.sub("_", name)[:_LONGEST_PART].strip(". ") or "unknown"
    return f"_{part}" if _RESERVED.fullmatch(part) else part


def _epoch(at: str) -> str:
    return str(datetime.fromisoformat(at).timestamp())


def _text(value: Any, *, indent: int | None = None) -> str:
    """Return JSON in ASCII that any reader takes: half of a pair of surrogates is none."""
    return json.dumps(_cleaned(value), indent=indent, ensure_ascii=True, allow_nan=False)


def _cleaned(value: Any) -> Any:
    match value:
        case str():
            return _clean(value)
        case dict():
            return {_clean(str(name)): _cleaned(inner) for name, inner in value.items()}
        case list() | tuple():
            return [_cleaned(inner) for inner in value]
        case _:
            return value


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
