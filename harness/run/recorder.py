"""Turns what happens in a run into records, and writes each at once. docs/run-files.md describes them."""

import contextlib
import os
import platform
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from harness.clock import Clock, timestamp
from harness.domain.answer import Answer
from harness.domain.candidate import fields_of
from harness.domain.generation import Generation
from harness.domain.model import InstanceId, LoadConfig, Model
from harness.domain.record import (
    ComparisonRecord,
    EndRecord,
    InstanceRecord,
    ItemRecord,
    MeasureRecord,
    PromptRecord,
    Record,
    ReleaseRecord,
    RunRecord,
    SampleRecord,
    ScoreRecord,
    SkipRecord,
    SummaryRecord,
)
from harness.domain.sample import content_hash
from harness.errors import HarnessError
from harness.lifecycle.lease import Lease, Release
from harness.lifecycle.resident import resident_ids
from harness.reaper.filelock import FileLock
from harness.run.ask.job import sample_uid
from harness.run.ask.prompt import prompt_record
from harness.run.machine import governor, load_average, power_source
from harness.run.provenance import cpu_name, git_state, harness_version, memory_bytes, redacted, versions
from harness.run.seen_prompt import SeenPrompts
from harness.settings import DEFAULT_TOKEN, Settings
from harness.store.writer import RunWriter
from harness.task.task import Task


class Recorder:
    """Writes the records of one run to a file of its own, `<results>/<run id>.jsonl`.

    Args:
        results: the folder.
        clock: for timestamps.
        is_shared: let other users of this machine read the file.
        no_prompts: leave the prompts out.
        carried: records taken over from the run that is resumed; None: none is. They follow the first record as if this
            run had written them. The file appears with all of them at once, so that it can be resumed whenever this
            run dies.

    Raises:
        StoreError: from any method: the file cannot be made or written.
    """

    def __init__(
        self,
        results: Path,
        *,
        clock: Clock,
        is_shared: bool = False,
        no_prompts: bool = False,
        carried: Iterable[Record] | None = None,
    ) -> None:
        self._clock = clock
        self._started = clock.monotonic()
        self._samples = 0
        self._no_prompts = no_prompts
        self._prompts = SeenPrompts()
        """The hashes of the prompts that the file has, as numbers: there may be as many as samples."""
        self._carried = carried
        began = clock.now()
        # Names of run files sort by time, also within a second: three digits are its 4,096th part, five are random.
        part = began.microsecond * 4096 // 1_000_000
        self.run_id = f"{began:%Y%m%dT%H%M%SZ}-{part:03x}{secrets.randbits(20):05x}"
        path = results / f"{self.run_id}.jsonl"
        self._writer = RunWriter(path, is_shared=is_shared, is_hidden=carried is not None)
        # While it is held, others neither resume this run nor append scores to its file.
        self._lock = FileLock(self._writer.path)
        if carried is None:
            self._hold()

    @property
    def path(self) -> Path:
        """The run file."""
        return self._writer.path

    def run(
        self,
        settings: Settings,
        *,
        server_kind: str,
        server_url: str,
        listing: Sequence[Model],
        plan: Mapping[str, Any],
        notes: Sequence[str],
        argv: Sequence[str],
        parent_run_id: str | None = None,
    ) -> None:
        """Record the settings, the plan, the server, the machine and the code. This must be the first record."""
        commit, dirty = git_state(Path.cwd())
        secret = "" if settings.token == DEFAULT_TOKEN else settings.token
        self._writer.write(
            RunRecord(
                **self.head(),
                harness_version=harness_version(),
                versions=versions(),
                platform=platform.platform(),
                cpu=cpu_name(),
                cpu_count=os.cpu_count(),
                memory_bytes=memory_bytes(),
                conditions={"load_average": load_average(), "governor": governor(), "power": power_source()},
                server_kind=server_kind,
                server_url=server_url,
                git_commit=commit,
                git_dirty=dirty,
                argv=redacted(argv, secret),
                plan=dict(plan),
                suite_hash=content_hash(plan.get("tasks", {})),
                seed=settings.seed,
                sampling={"temperature": 0.0, "store": False, "max_output_tokens": settings.max_output_tokens},
                settings=_shown(settings),
                settings_from=dict(settings.source),
                resident_before=list(resident_ids(listing)),
                notes=list(notes),
                parent_run_id=parent_run_id,
            )
        )
        if self._carried is not None:
            for record in self._carried:
                self._samples += isinstance(record, SampleRecord)
                if isinstance(record, PromptRecord):
                    self._prompts.add(record.prompt_hash)
                self._writer.write(record.model_copy(update={"run_id": self.run_id}))
            self._writer.reveal()
            self._hold()

    def _hold(self) -> None:
        # A file system without locks is no reason to stop: only the check by others is lost.
        with contextlib.suppress(OSError):
            self._lock.try_acquire(create=False)

    def instance(
        self,
        lease: Lease,
        *,
        purpose: str,
        addressed_by: Literal["instance_id", "key"] = "instance_id",
        found: tuple[bool, int] = (False, 0),
        level: str | None = None,
    ) -> None:
        """Record an acquired lease.

        Args:
            lease: what was acquired.
            purpose: `use`, or what else it was acquired for, such as `load timing`.
            addressed_by: what requests name.
            level: the reasoning level of the warm-up, where several are asked.
            found: by the warm-up: whether the model thinks in its text, and how many tokens early its server stops.
        """
        self._writer.write(
            InstanceRecord(
                **self.head(),
                **facts(lease.model),
                instance_id=lease.instance.id,
                owned=lease.is_owned,
                load_mode=lease.mode,
                purpose=purpose,
                requested_config=lease.requested.as_dict(),
                effective_config=lease.instance.config.as_dict(),
                load_time_s=lease.load_time_s,
                load_wall_s=lease.load_wall_s,
                addressed_by=addressed_by,
                resident_others=list(lease.others),
                thinks_in_text=found[0],
                short_by_tokens=found[1],
                reasoning_level=level,
            )
        )

    @contextlib.contextmanager
    def recording_failure(self, model: Model, config: LoadConfig, **how: Any) -> Iterator[None]:
        """Record a load that fails within, and let its error go on."""
        try:
            yield
        except HarnessError as exc:
            self.failed_instance(model, config, exc.message, **how)
            raise

    def failed_instance(
        self, model: Model, config: LoadConfig, error: str, *, mode: Literal["explicit", "jit"], purpose: str
    ) -> None:
        """Record that a lease could not be acquired."""
        self._writer.write(
            InstanceRecord(
                **self.head(),
                **facts(model),
                load_mode=mode,
                purpose=purpose,
                requested_config=config.as_dict(),
                error=error,
            )
        )

    def release(
        self, instance_id: str, model_key: str, policy: str, done: Release | None, error: str | None = None
    ) -> None:
        """Record the end of a lease, or of what a request loaded without one; without `done` it failed with `error`."""
        if done is not None:
            error = "left to the reaper" if done.is_left_to_reaper else done.why or None
        self._writer.write(
            ReleaseRecord(
                **self.head(),
                model_key=model_key,
                instance_id=instance_id,
                policy=policy,
                unload_verified=done.is_verified if done else False,
                unload_wall_s=done.unload_wall_s if done else None,
                error=error,
            )
        )

    def answer(
        self,
        task: Task,
        answer: Answer,
        model: Model,
        *,
        instance_id: InstanceId,
        config: LoadConfig,
        uid: str | None = None,
    ) -> None:
        """Record a sample and its score, and before the first sample with its prompt that prompt.

        Without a `uid` the sample is identified by its content.
        """
        self._samples += 1
        item_hash = answer.job.sample.item_hash
        uid = uid or sample_uid(task, answer.job, model, config=config.as_dict(), item_hash=item_hash)
        head = self.head()
        about = {**head, "sample_uid": uid}
        sample = _sample_record({**about, "item_hash": item_hash}, task, answer, model, instance_id)
        is_new = not self._no_prompts and sample.prompt_hash not in self._prompts
        prompt = [prompt_record(answer.job, prompt_hash=sample.prompt_hash, **head)] if is_new else []
        self._writer.write(*prompt, sample, _score_record(about, task, answer))
        if is_new:
            self._prompts.add(sample.prompt_hash)

    def measure(
        self,
        name: str,
        value: float,
        unit: str,
        *,
        model: Model,
        instance_id: str | None = None,
        round: int = 1,  # noqa: A002  (the record's name)
        cold: bool | None = None,
        **params: Any,
    ) -> None:
        """Record one measured figure; docs/run-files.md, Times, defines names and units."""
        self._writer.write(
            MeasureRecord(
                **self.head(),
                name=name,
                value=value,
                unit=unit,
                model_key=model.key,
                reasoning_level=model.reasoning_level,
                instance_id=instance_id,
                round=round,
                cold=cold,
                params=params,
            )
        )

    def summary(self, record: SummaryRecord) -> None:
        """Record one cell of the table."""
        self._writer.write(record)

    def comparison(self, record: ComparisonRecord) -> None:
        """Record a verdict."""
        self._writer.write(record)

    def skip(self, reason: str, *, model_key: str | None = None, task: str | None = None) -> None:
        """Record that a model, or a candidate, or a task was not run."""
        self._writer.write(SkipRecord(**self.head(), **fields_of(model_key), task=task, reason=reason))

    def item(self, test: str, outcome: Literal["passed", "failed", "skipped"], *, model_key: str | None) -> None:
        """Record how a test ended."""
        self._writer.write(ItemRecord(**self.head(), test=test, outcome=outcome, **fields_of(model_key)))

    def end(self, *, exit_code: int, interrupted: bool, resident: Sequence[InstanceId] | None) -> None:
        """Record the end and close the file; `resident` is None when the server could not be asked."""
        try:
            self._writer.write(
                EndRecord(
                    **self.head(),
                    exit_code=exit_code,
                    duration_s=self._clock.monotonic() - self._started,
                    samples=self._samples,
                    interrupted=interrupted,
                    resident_after=None if resident is None else list(resident),
                )
            )
        finally:
            self._writer.close()
            self._lock.release()

    def head(self) -> dict[str, Any]:
        """Return the fields that every record starts with."""
        return {"run_id": self.run_id, "at": timestamp(self._clock.now())}


def _sample_record(
    about: Mapping[str, Any], task: Task, answer: Answer, model: Model, instance_id: InstanceId
) -> SampleRecord:
    sample, generation = answer.job.sample, answer.generation
    stats: dict[str, Any] = generation.stats.as_dict() if generation else {}
    request = answer.job.request.as_dict()
    for text in ("system_prompt", "input"):
        request.pop(text, None)
    return SampleRecord(
        **about,
        task=task.name,
        task_class=task.task_class,
        item_id=sample.item_id,
        stratum=sample.stratum,
        cluster_id=sample.cluster_id,
        tier=sample.tier,
        tags=dict(sample.tags),
        epoch=answer.job.epoch,
        model_key=model.key,
        reasoning_level=model.reasoning_level,
        instance_id=instance_id,
        prompt_hash=answer.job.prompt_hash,
        way=answer.job.way,
        request=request,
        target=sample.target,
        turns=[_turn(generation) for generation in answer.earlier],
        outcome=answer.outcome.value,
        output_text=generation.text if generation else "",
        reasoning_text=generation.reasoning if generation else "",
        usage={name: value for name, value in stats.items() if name.endswith("_tokens")},
        times=generation.times.as_dict() if generation else {},
        server_stats=stats,
        attempts=answer.attempts,
        cold=generation.loaded_model if generation else False,
        error=answer.error,
    )


def _score_record(about: Mapping[str, Any], task: Task, answer: Answer) -> ScoreRecord:
    score = answer.score
    return ScoreRecord(
        **about,
        scorer=task.scorer.name,
        scorer_version=task.scorer.version,
        value=score.value if score else None,
        passed=score.passed if score else None,
        reason=score.reason if score else answer.outcome.value,
        details=dict(score.details) if score else {},
    )


def _turn(generation: Generation) -> dict[str, Any]:
    return {
        "output_text": generation.text,
        "input_tokens": generation.stats.input_tokens,
        "total_output_tokens": generation.stats.total_output_tokens,
        "e2e_s": generation.times.e2e_s,
    }


def facts(model: Model) -> dict[str, Any]:
    """Return the fields that describe a model in a record."""
    return {
        "model_key": model.key,
        "size_bytes": model.size_bytes,
        "variant": model.selected_variant,
        "quantisation": model.quantization.name if model.quantization else None,
        "params": model.params_string,
        "format": model.format,
        "architecture": model.architecture,
        "max_context_length": model.max_context_length,
    }


def _shown(settings: Settings) -> dict[str, Any]:
    shown = {name: getattr(settings, name) for name in settings.__slots__ if name not in {"token", "source"}}
    return {name: str(value) if isinstance(value, Path) else value for name, value in shown.items()}
