"""Resumes a run that died or was interrupted: its answers are taken over, and only the rest is asked.

A sample is there already if its uid is the same now: a hash of everything that can change its answer (adr-0004).
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from harness.domain.answer import Answer, Job
from harness.domain.candidate import candidate_of, key_of, level_of
from harness.domain.generation import Outcome
from harness.domain.model import LoadConfig, Model
from harness.domain.record import (
    EndRecord,
    InstanceRecord,
    ItemRecord,
    PromptRecord,
    Record,
    RunRecord,
    SampleRecord,
    ScoreRecord,
    SkipRecord,
    SummaryRecord,
)
from harness.domain.score import Score, Scorer
from harness.errors import LeaseError, SettingsError, StoreError
from harness.reaper.filelock import FileLock
from harness.run.ask.asker import judge
from harness.run.ask.job import jobs_of, sample_uid
from harness.run.ask.prompt import prompt_record
from harness.run.ask.reasoning import reasoning_for
from harness.run.ask.room import room_tokens
from harness.run.ask.way import takes_tools
from harness.run.free_form import ByTest, Case, FreeForm
from harness.run.plan.plan import fits
from harness.run.resume.difference import differences, thoughts_then
from harness.run.resume.recorded import answer_of, job_of, score_record_of
from harness.settings import Settings, setting
from harness.store.cell import SampleEntry
from harness.store.reader import read_header
from harness.store.row import short
from harness.store.run_file import RunFile
from harness.store.run_folder import last_unfinished
from harness.task.task import Task

LAST = "last"
_OWN = {"token", "results", "budget_s", "review", "details", "resume", "source"}
"""Settings that are not taken over from the resumed run: they concern this invocation."""


def with_parent(settings: Settings) -> Settings:
    """Return the settings of a run that resumes another: what the user has not set is taken from that run.

    Raises:
        StoreError: the run file cannot be read, or its run is still going.
    """
    from pydantic import TypeAdapter, ValidationError

    if settings.resume is None:
        return settings
    path = last_unfinished(settings.results) if settings.resume == LAST else Path(settings.resume)
    run = RunFile(path=path, header=read_header(path)).run
    _check_dead(path)
    names = [
        field.name
        for field in fields(settings)
        if field.name not in _OWN and settings.source.get(field.name) == "default" and field.name in run.settings
    ]
    values: dict[str, Any] = {name: run.settings[name] for name in names}
    _check_own_tasks(path, values.get("own_tasks"))
    source = {**settings.source, **dict.fromkeys(names, f"run {run.run_id}")}
    if settings.source.get("results") == "default":
        values["results"], source["results"] = path.parent, "the folder of the resumed run"
    try:
        typed = TypeAdapter(Settings).validate_python(values)
    except ValidationError as exc:
        where = ".".join(str(part) for part in exc.errors()[0]["loc"])
        raise StoreError(f"{path}: its settings cannot be used: {where}: {exc.errors()[0]['msg']}") from exc
    return replace(settings, **{name: getattr(typed, name) for name in values}, resume=str(path), source=source)


def _check_own_tasks(path: Path, own_tasks: object) -> None:
    """Refuse a path of own tasks, as the user wrote it for the earlier run, that leads nowhere from this folder."""
    if isinstance(own_tasks, str) and not os.path.exists(own_tasks):  # noqa: PTH110  (Path raises where a name is too long)
        raise StoreError(
            f"{path}: its run asked your own tasks in {short(own_tasks)}, and there is no such folder here",
            hint=f"Resume it in the folder in which it was started, or add {setting('own_tasks', 'DIR')}.",
        )


def _check_dead(path: Path) -> None:
    lock = FileLock(path.resolve())  # The user may name a link to the run file.
    try:
        is_free = lock.try_acquire(create=False)
    except OSError:  # Nothing can write this file, so no run is writing it.
        return
    lock.release()
    if not is_free:
        raise StoreError(f"{path}: its run is still going", hint="Wait until it ends, or stop it with Ctrl-C first.")


@dataclass(frozen=True, kw_only=True)
class Resumption:
    """What is taken over from an earlier run.

    Args:
        parent: the earlier run.
        models: of this run, cheapest first.
        tasks: of this run.
        settings: of this run.
        tests: the node ids of this run's tests by model key; those that need no model under None.
        free_form: those of them that are free-form; of these, what passed is taken over test by test.
    """

    parent: RunFile
    models: Sequence[Model]
    tasks: Sequence[Task]
    settings: Settings
    tests: Mapping[str | None, Sequence[str]]
    free_form: FreeForm = field(default_factory=FreeForm)

    def check_same(self) -> None:
        """Make sure that this run asks what the earlier one did, or more of it, in any order.

        Raises:
            SettingsError: lists everything that differs.
        """
        found = differences(self.parent, models=self.models, tasks=self.tasks, settings=self.settings)
        if found:
            lines = "".join(f"\n  {difference}" for difference in found)
            raise SettingsError(
                f"this run does not ask what {self.parent.path} did, so its answers cannot be used:{lines}",
                hint="Settings that you leave out are taken from that run. Where a task or a model has changed, start "
                f"a new run without {setting('resume')}.",
            )

    def check_server(self, kind: str) -> None:
        """Make sure that the server is of the kind that the earlier run asked.

        Raises:
            SettingsError: it is another.
        """
        before = self.parent.run.server_kind
        if before != kind:
            raise SettingsError(
                f"{self.parent.path} ran on another kind of server: {before}, and this one is {kind}",
                hint=f"Name that server with {setting('url')}, or start a new run without {setting('resume')}.",
            )

    def check(self, model: Model, config: LoadConfig) -> None:
        """Make sure that a model is loaded with the config under which its answers in the earlier run were given.

        Raises:
            LeaseError: the config differs.
        """
        before = self._config(model)
        if before is not None and self._has_answers(model.name) and before != config.as_dict():
            raise LeaseError(
                f"{model.name} is loaded with {config.as_dict()}, but its answers in {self.parent.path} were given "
                f"with {before}, so they cannot be combined",
                hint="Unload that instance, or free memory, and resume again; or start a new run.",
            )

    def answers(self, task: Task, model: Model, jobs: Iterable[Job]) -> Mapping[tuple[str, int], Answer]:
        """Return the answers to these jobs that the earlier run has, by the place of the job."""
        found = {}
        for job in jobs:
            sample = self._sample(self._uid(task, model, job))
            if sample is not None:
                record = self.parent.sample_record(sample)
                found[job.place] = answer_of(record, job, self._score(task, job, record))
        return found

    @cached_property
    def kept_tests(self) -> frozenset[str]:
        """The free-form tests that are not run again: they passed or were skipped, and ask what they asked then."""
        now, then = self.free_form.fingerprints(), self.parent.run.plan.get("tasks", {})
        return frozenset(
            test
            for test, case in self.free_form.cases.items()
            if test in self._tests_ended and then.get(case.task) == now[case.task] and case.model_key in self._instances
        )

    def hand_over(self) -> None:
        """Give the answers of the tests that are kept to the free-form tests of this run."""
        for uid, case in self._kept.items():
            sample = self.parent.sample(uid)
            if sample is not None:
                record = self.parent.sample_record(sample)
                self.free_form.take(case, [answer_of(record, job_of(record), self._recorded_score(sample, ByTest()))])
        for test in self.kept_tests:
            self.free_form.end(test, has_failed=False)

    @cached_property
    def _kept(self) -> Mapping[str, Case]:
        """The test of each answer to a free-form test that is taken over, by uid."""
        kept: dict[str, Case] = {}
        tasks = {self.free_form.cases[test].task for test in self.kept_tests}
        for uid, sample in self.parent.samples():
            if sample.key.task in tasks:
                test = str(self.parent.sample_record(sample).tags.get("test"))
                if test in self.kept_tests:
                    kept[uid] = self.free_form.cases[test]
        return kept

    def count(self, task: Task, model: Model) -> int:
        """Return how many answers of a cell the earlier run has."""
        return len(self._known.get((model.name, task.name), {}))

    @cached_property
    def complete(self) -> frozenset[str]:
        """The keys of the models of which no answer and no test is missing; they are not loaded."""
        return frozenset(model.name for model in self.models if self._is_complete(model))

    @cached_property
    def is_server_done(self) -> bool:
        """Whether all tests that need no model have been run."""
        return set(self.tests.get(None, ())) <= self._tests_done

    @property
    def is_nothing_missing(self) -> bool:
        """Whether the earlier run is complete, so that there is nothing to do."""
        return self.parent.is_finished and self.is_all_there

    @property
    def is_all_there(self) -> bool:
        """Whether all tests have been run; the earlier run may still lack its end."""
        return len(self.complete) == len(self.models) and self.is_server_done

    def carried(self) -> Iterator[Record]:
        """Yield the records that are taken over, in the order written, by reading the earlier file once more.

        Of a complete model these are all. Of any other they are the answers that count, their scores, and the instance
        that gave them: everything else about that model is measured again. Prompts are made again: the earlier file may
        have none.
        """
        answered: set[str] = set()
        prompts: set[str] = set()
        judged: set[str] = set()
        for offset, record in self.parent.records():
            if isinstance(record, SampleRecord):
                if self._is_taken_over(record.sample_uid, offset):
                    if not self.settings.no_prompts and record.prompt_hash not in prompts:
                        yield from self._prompt(record)
                        prompts.add(record.prompt_hash)
                    yield record
                    answered.add(record.sample_uid)
            elif isinstance(record, ScoreRecord):
                if record.sample_uid in answered:
                    yield record
                    judged.add(record.sample_uid)
            elif self._is_carried(record):
                yield record
        # A run that died between an answer and its score has left an answer without one.
        for uid in self._known_by_uid.keys() - judged:
            task, job = self._known_by_uid[uid]
            sample = self._sample(uid)
            if sample is not None:
                answer = self.parent.sample_record(sample)
                yield score_record_of(task, answer, self._score(task, job, answer))

    def _is_taken_over(self, uid: str, offset: int) -> bool:
        """Tell whether the sample at this offset is what stands of an answer that is taken over."""
        sample = self.parent.sample(uid) if uid in self._kept else self._sample(uid)
        return sample is not None and sample.offset == offset and (uid in self._kept or uid in self._known_by_uid)

    def _prompt(self, record: SampleRecord) -> Iterator[PromptRecord]:
        """Yield what was sent for a sample: made again, or for a free-form test as it was recorded, if it was."""
        if record.sample_uid in self._known_by_uid:
            yield prompt_record(self._known_by_uid[record.sample_uid][1], run_id=record.run_id, at=record.at)
        elif (prompt := self.parent.prompt(record)) is not None:
            yield prompt

    def _is_carried(self, record: Record) -> bool:
        if isinstance(record, RunRecord | EndRecord | PromptRecord):
            return False
        key = self._owner(record)
        if isinstance(record, SummaryRecord | SkipRecord) and record.task in self._tasks_left_out:
            return False
        if isinstance(record, ItemRecord):
            is_done = self.is_server_done if key is None else key in self.complete
            return record.test in self.kept_tests or (record.test in self._tests_done and is_done)
        if isinstance(record, InstanceRecord):
            names = [model.name for model in self.models if model.key == record.model_key]
            if names:
                return any(name in self.complete or self._is_last_used(name, record) for name in names)
        if key is not None and any(model.key == key_of(key) for model in self.models):
            return key in self.complete
        return self.is_server_done and key not in self.parent.run.plan.get("models", ())

    def _owner(self, record: Record) -> str | None:
        """Return the candidate that a record counts among; what is about a model of several levels, with the first."""
        name = candidate_of(record)
        if name is None or level_of(name) is not None:
            return name
        return next((model.name for model in self.models if model.key == name), name)

    def _is_last_used(self, name: str, record: InstanceRecord) -> bool:
        """Tell whether an instance is the last that was used for a candidate, and its answers are taken over."""
        last = self._instances.get(name)
        return last == record.model_copy(update={"model_key": name}) and self._has_answers(name)

    @cached_property
    def _tasks_left_out(self) -> set[str]:
        now = {*(task.name for task in self.tasks), *self.free_form.tasks}
        return set(self.parent.run.plan.get("tasks", {})) - now

    @cached_property
    def _tests_done(self) -> frozenset[str]:
        """The node ids of the tests that need not be run again."""
        return self._tests_ended - (self.free_form.cases.keys() - self.kept_tests)

    @cached_property
    def _tests_ended(self) -> frozenset[str]:
        """The node ids of the tests that did not fail; each failed subtest is a failure of its test."""
        ended: dict[bool, set[str]] = {False: set(), True: set()}
        for item in self.parent.items:
            ended[item.outcome == "failed"].add(item.test)
        return frozenset(ended[False] - ended[True])

    @cached_property
    def _instances(self) -> Mapping[str, InstanceRecord]:
        return self.parent.instances

    def _sample(self, uid: str | None) -> SampleEntry | None:
        """Return what is taken over of a sample: an answer that counts."""
        sample = None if uid is None else self.parent.sample(uid)
        return sample if sample is not None and sample.is_counted else None

    @cached_property
    def _known(self) -> Mapping[tuple[str, str], Mapping[str, tuple[Task, Job]]]:
        """The task and job of each answer that the earlier run has, by cell and uid."""
        cells = {}
        for model in self.models:
            for task in self.tasks:
                jobs = {self._uid(task, model, job): job for job in self._jobs(task, model)}
                cells[str(model.name), task.name] = {
                    uid: (task, job) for uid, job in jobs.items() if uid is not None and self._sample(uid) is not None
                }
        return cells

    @cached_property
    def _known_by_uid(self) -> Mapping[str, tuple[Task, Job]]:
        return {uid: place for cell in self._known.values() for uid, place in cell.items()}

    def _has_answers(self, key: str) -> bool:
        """Tell whether anything that a model answered is taken over."""
        is_asked = any(cell[0] == key for cell, answers in self._known.items() if answers)
        return is_asked or any(case.model_key == key for case in self._kept.values())

    def _jobs(self, task: Task, model: Model) -> Sequence[Job]:
        reasoning = reasoning_for(model, self.settings.reasoning)
        return jobs_of(
            task,
            self.settings,
            limit=self.settings.limit,
            address=model.key,
            reasoning=reasoning,
            sends_tools=takes_tools(model, reasoning),
            room_tokens=room_tokens(task, model, self.settings),
            thought_tokens=thoughts_then(self._instances.get(model.name), task, model, self.settings),
        )

    def _config(self, model: Model) -> dict[str, Any] | None:
        before = self._instances.get(model.name)
        return None if before is None else before.effective_config

    def _uid(self, task: Task, model: Model, job: Job) -> str | None:
        config = self._config(model)
        return None if config is None else sample_uid(task, job, model, config=config)

    def _is_complete(self, model: Model) -> bool:
        return set(self.tests.get(model.name, ())) <= self._tests_done and all(
            self.count(task, model) >= self._first_round(task, model)
            for task in self.tasks
            if fits(task, model) is None
        )

    def _first_round(self, task: Task, model: Model) -> int:
        """Return how many answers a cell needs at least: what more rounds ask is found out when they begin."""
        jobs = self._jobs(task, model)
        items = dict.fromkeys(job.sample.item_id for job in jobs)
        return min(len(jobs), self.settings.rounds[0] * self.settings.epochs, len(items) * self.settings.epochs)

    def _score(self, task: Task, job: Job, record: SampleRecord) -> Score:
        """Return the recorded score; judge the answer where the run died before its score was written."""
        sample = self._sample(record.sample_uid)
        known = None if sample is None else self._recorded_score(sample, task.scorer)
        return known or judge(task, job.sample, record.output_text, Outcome(record.outcome))

    def _recorded_score(self, sample: SampleEntry, scorer: Scorer) -> Score | None:
        entry = self.parent.score(sample, scorer)
        if entry is None:
            return None
        known = self.parent.score_record(entry)
        return Score(value=known.value, passed=known.passed, reason=known.reason, details=known.details)
