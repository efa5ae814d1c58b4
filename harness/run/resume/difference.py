"""Why the answers of an earlier run cannot be taken over into this one: everything that differs, a line each."""

from collections.abc import Collection, Iterator, Sequence

from harness.domain.answer import Job
from harness.domain.model import Model
from harness.domain.record import InstanceRecord, SampleRecord
from harness.domain.way import way_text
from harness.errors import TaskError
from harness.run.ask.job import Jobs, jobs_of, sample_uid
from harness.run.ask.reasoning import reasoning_for
from harness.run.ask.room import room_tokens, thought_tokens
from harness.run.ask.way import takes_tools
from harness.run.plan.plan import load_config, set_hash
from harness.run.recorder import facts
from harness.settings import Settings
from harness.store.run_file import RunFile
from harness.task.task import Task

_DECISIVE = ("seed", "load", "context_length", "reasoning", "concurrency", "max_output_tokens", "sample_deadline_s")
_GROWING = ("limit", "epochs")
_FACTS = ("size_bytes", "quantisation", "format", "architecture", "params")


def differences(parent: RunFile, *, models: Sequence[Model], tasks: Sequence[Task], settings: Settings) -> list[str]:
    """Return a line for everything that differs; none where this run asks what the earlier one did, or more of it.

    Models and tasks that only one of the runs has make no difference, nor does the order.

    Args:
        parent: the earlier run.
        models: of this one.
        tasks: of this one.
        settings: of this one.
    """
    found = [*_settings(parent, settings), *_tasks(parent, tasks, settings)]
    for model in models:
        if (before := parent.instances.get(model.name)) is not None:
            changed = [*_model(before, model, tasks, settings), *_ways(parent, before, model, tasks, settings)]
            found += changed or ([] if found else _questions(parent, before, model, tasks, settings))
    return found


def _settings(parent: RunFile, settings: Settings) -> Iterator[str]:
    before = parent.run.settings
    for name in (*_DECISIVE, *_GROWING):
        then, now = before.get(name), getattr(settings, name)
        if name in before and (now < then if name in _GROWING else now != then):
            yield f"{name.removesuffix('_s').replace('_', ' ')}: {_shown(then)} then, {_shown(now)} now"


def _shown(value: object) -> str:
    return "not set" if value is None else str(value)


def _tasks(parent: RunFile, tasks: Sequence[Task], settings: Settings) -> Iterator[str]:
    before = parent.run.plan.get("sets", {})
    # With another seed all samples differ, and `_settings` reports the seed already.
    if parent.run.seed != settings.seed:
        return
    for task in tasks:
        if task.name not in before:
            continue
        try:
            now = set_hash(task, task.samples(seed=settings.seed, limit=parent.run.settings.get("limit", 1)))
        except TaskError as exc:
            yield str(exc)
            continue
        if now != before[task.name]:
            yield _task(parent, task)


def _task(parent: RunFile, task: Task) -> str:
    now = f"{task.scorer.name} {task.scorer.version}"
    then = {
        f"{scorer.name} {scorer.version}"
        for key, cell in parent.cells.items()
        for scorer in cell.scorers
        if key.task == task.name and scorer.judge is None
    }
    if then and now not in then:
        return f"task {task.name}: scored by {', '.join(sorted(then))} then, by {now} now"
    return f"task {task.name}: its samples have changed"


def _model(before: InstanceRecord, model: Model, tasks: Sequence[Task], settings: Settings) -> Iterator[str]:
    now = facts(model)
    for name in _FACTS:
        then = getattr(before, name)
        if then != now[name]:
            yield f"{model.name}: {name.replace('_', ' ')}: {_shown(then)} then, {_shown(now[name])} now"
    asked = load_config(model, tasks, settings).context_length
    then = before.requested_config.get("context_length")
    # Where the model was loaded already, nothing was requested; the lease compares the context that it has.
    if before.requested_config and then != asked:
        yield f"{model.name}: context length to load with: {_shown(then)} then, {_shown(asked)} now"


def _ways(
    parent: RunFile, before: InstanceRecord, model: Model, tasks: Sequence[Task], settings: Settings
) -> Iterator[str]:
    """Yield a line for each task whose functions the model gets in another way now, which needs another context."""
    for task in tasks:
        then = parent.ways(model.name, task.name)
        if task.tools_tokens and then:
            now = {job.way for job in _jobs(before, task, model, settings)}
            if not then <= now:
                yield f"{model.name} {task.name}: {_other_way(then, now)}"


def _other_way(then: Collection[str], now: Collection[str]) -> str:
    return f"functions: sent {way_text(then)} then, {way_text(now)} now"


def _questions(
    parent: RunFile, before: InstanceRecord, model: Model, tasks: Sequence[Task], settings: Settings
) -> Iterator[str]:
    """Yield a line for each task whose answers have other uids now though its samples are the same."""
    for task in tasks:
        jobs = _jobs(before, task, model, settings)
        wanted = {job.place: job for job in jobs}
        for uid, sample in parent.samples():
            job = wanted.get((sample.item_id, sample.epoch))
            if sample.key != (model.name, task.name) or job is None or not sample.is_counted:
                continue
            if sample_uid(task, job, model, config=before.effective_config) != uid:
                yield f"{model.name} {task.name}: {_question(parent.sample_record(sample), job, model)}"
                break


def _jobs(before: InstanceRecord, task: Task, model: Model, settings: Settings) -> Jobs:
    """Return what this run asks, where the model thinks as it did in the earlier one."""
    reasoning = reasoning_for(model, settings.reasoning)
    return jobs_of(
        task,
        settings,
        limit=settings.limit,
        address=model.key,
        reasoning=reasoning,
        sends_tools=takes_tools(model, reasoning),
        room_tokens=room_tokens(task, model, settings),
        thought_tokens=thoughts_then(before, task, model, settings),
    )


def thoughts_then(before: InstanceRecord | None, task: Task, model: Model, settings: Settings) -> int:
    """Return what an answer got on top because the model was seen to think in its text in the earlier run."""
    if before is None or not before.thinks_in_text:
        return 0
    return thought_tokens(task, model, settings, context_length=before.effective_config.get("context_length"))


def _question(record: SampleRecord, job: Job, model: Model) -> str:
    for name in ("max_output_tokens", "temperature", "reasoning"):
        then, now = record.request.get(name), getattr(job.request, name)
        if then != now:
            return f"{name.replace('_', ' ')}: {_shown(then)} then, {_shown(now)} now"
    if record.item_hash != job.sample.item_hash:
        return f"{record.item_id} has changed"
    if record.way != job.way:
        return _other_way([record.way], [job.way])
    return f"another variant of the model is selected now: {_shown(model.selected_variant)}"
