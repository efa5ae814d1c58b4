"""A primary that is not local: its questions go out as a file, and its answers come back as `choose`'s yardstick.

Each item goes out under an id that names its task, its place in it, and a hash of what is asked and what is right. So
an answer needs no more than that id, and an answer to another item is found out.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from harness.domain.sample import DrawnImage, ImageFile, Sample
from harness.domain.score import Scorer
from harness.errors import SettingsError, TaskError
from harness.scoring.judge import judged
from harness.scoring.registry import make_scorer
from harness.store.cell import SampleEntry
from harness.store.row import read_rows, short
from harness.store.run_file import RunFile
from harness.store.source import open_source
from harness.task.image import image_of
from harness.task.task import Task
from harness.task.tool_prompt import asked_text
from harness.verdict.contender import Contender
from harness.verdict.evidence import TaskEvidence

ShippedTasks = Callable[[], Mapping[str, Task]]
"""Returns the shipped tasks by name; asked only where they are needed, as all must be imported for it."""

_NAMED = 5
_EXPECTED = "Expected on each line: an id as exported, and the answer to it."


@dataclass(frozen=True, slots=True, kw_only=True)
class PrimaryAnswers:
    """The scored answers of a primary.

    Attributes:
        name: of its model, else of the file.
        by_task: what it scored on the items that the runs asked.
        notes: what was scored, and what was left out.
    """

    name: str
    by_task: Mapping[str, Contender]
    notes: tuple[str, ...]


class _Asked(NamedTuple):
    """An item that the runs asked."""

    task: str
    run: RunFile
    sample: SampleEntry


class _Given(NamedTuple):
    """What the file says to an item; None: it has no answer, which counts as wrong."""

    place: str
    answer: str | None
    model: str | None


def export_items(tasks: Iterable[Task], *, seed: int, n: int) -> Iterator[dict[str, Any]]:
    """Yield the first n items of each task as they are asked, without what is right.

    `turns` are the user's messages before the prompt, each to be answered in turn; `system_prompt` goes with the first,
    and `images`, where there are any, are the paths of those that go with the prompt, or data URLs of drawn ones.

    Raises:
        TaskError: a task makes no samples.
    """
    for task in tasks:
        for sample in task.samples(seed=seed, limit=n):
            yield {
                "id": f"{_place(task.name, sample.item_id)}@{sample.item_hash}",
                "task": task.name,
                "system_prompt": sample.system_prompt,
                "turns": _turns(sample),
                "prompt": asked_text(sample),
                **({"images": [_image(image) for image in sample.images]} if sample.images else {}),
            }


def _image(image: ImageFile | DrawnImage) -> str:
    return str(image.path) if isinstance(image, ImageFile) else image_of(image).data_url


def read_primary(
    path: Path, runs: Sequence[RunFile], tasks: Sequence[TaskEvidence], *, shipped: ShippedTasks
) -> PrimaryAnswers:
    """Return what a file of answers scores on the items that these runs asked, by the tasks' own scorers.

    Args:
        path: rows with `id` and `answer`, and `model` if you like: JSONL, a JSON array or CSV. An answer that is null
            was lost, and counts as wrong.
        runs: whose items are meant.
        tasks: what was gathered of them.
        shipped: gives the shipped tasks, whose scorers judge.

    Raises:
        SettingsError: a task was judged by another scorer.
        StoreError: a file cannot be read.
        TaskError: rows cannot be used, ids occur twice, belong to other items or are missing; or nothing fits.
    """
    given = _read(path)
    if not given:
        raise TaskError(f"{path} has no answers", hint=_EXPECTED)
    asked = _asked(runs, tasks)
    known = {item_id: row for item_id, row in given.items() if _place_of(item_id) in asked}
    if not known:
        first = short(next(iter(given)))
        raise TaskError(
            f"{path}: none of its {len(given)} ids is an item of these runs; the first is {first}",
            hint="Export the items with `lms-harness tasks --export`, and keep their ids.",
        )
    scorers = _scorers({asked[_place_of(item_id)].task for item_id in known}, tasks, shipped)
    name = next((row.model for row in known.values() if row.model), path.name)
    scores = _scores(path, known, asked, scorers)
    missing = [place for place, item in asked.items() if item.task in scores and not _has(scores, item)]
    if missing:
        raise TaskError(
            f"{path}: {_listed(missing)} without an answer",
            hint="Answer every item of a task that the runs asked; write null where there is no answer: it counts as "
            "wrong. Tasks without any answer keep their floor.",
        )
    by_task = {task: Contender(key=name, scores=found) for task, found in scores.items()}
    for task, primary in by_task.items():
        if primary.has_lost_too_many:
            raise TaskError(
                f"{path}: {primary.lost} of {primary.n} answers to {task} were lost: too many for a yardstick"
            )
    unknown = [item_id for item_id in given if item_id not in known]
    scored = ", ".join(f"{task} {primary.score:.2f} (n = {primary.n})" for task, primary in by_task.items())
    who = f"{path}" if name == path.name else f"{short(name)}, from {path}"
    notes = [f"Yardstick: {who}: {scored}"]
    if unknown:
        notes.append(f"{path}: {_listed(unknown)} not asked by these runs, so not used")
    return PrimaryAnswers(name=name, by_task=by_task, notes=tuple(notes))


def _asked(runs: Sequence[RunFile], tasks: Sequence[TaskEvidence]) -> dict[str, _Asked]:
    """Return the items that the runs asked, by task and id; of several runs the newest counts, as for the models."""
    return {
        _place(task.task, sample.item_id): _Asked(task.task, run, sample)
        for task in tasks
        for run in reversed(runs)
        if run.run.run_id in {record.run_id for record in task.runs}
        for key, cell in run.cells.items()
        if key.task == task.task
        for sample in cell
    }


def _scores(
    path: Path, known: Mapping[str, _Given], asked: Mapping[str, _Asked], scorers: Mapping[str, Scorer]
) -> dict[str, dict[str, float | None]]:
    """Return the score of each item by task.

    Raises:
        TaskError: answers are to other items.
    """
    scores: dict[str, dict[str, float | None]] = {task: {} for task in scorers}
    others: list[str] = []
    for item_id, row in known.items():
        item = asked[_place_of(item_id)]
        record = item.run.sample_record(item.sample)
        if item_id != f"{_place_of(item_id)}@{record.item_hash}":
            others.append(item_id)
            continue
        value = None if row.answer is None else judged(scorers[item.task], row.answer, record.target).value
        scores[item.task][item.sample.item_id] = value
    if others:
        raise TaskError(
            f"{path}: {_listed(others)} not the same as in the runs: what is asked, or what is right, differs",
            hint="Export the items again, with the --seed of the runs, and have those answered.",
        )
    return scores


def _turns(sample: Sample) -> list[str]:
    """Return the turns before the prompt: a branch leaves out those after the one that it continues."""
    return list(sample.turns[: sample.continues])


def _place(task: str, item_id: str) -> str:
    return f"{task}/{item_id}"


def _place_of(item_id: str) -> str:
    return item_id.rpartition("@")[0]


def _has(scores: Mapping[str, Mapping[str, float | None]], item: _Asked) -> bool:
    return item.sample.item_id in scores[item.task]


def _read(path: Path) -> dict[str, _Given]:
    """Return the answers by id.

    Raises:
        TaskError: rows cannot be used, an id occurs twice, or there are answers of several models.
    """
    given: dict[str, _Given] = {}
    wrong: list[str] = []
    with open_source(path) as source:
        for row in read_rows(source, columns={"id", "answer", "model"}):
            if isinstance(row.content, str):
                wrong.append(f"{row.place}: {row.content}")
                continue
            item_id, answer, model = (row.content.get(name) for name in ("id", "answer", "model"))
            if not isinstance(item_id, str) or not item_id:
                wrong.append(f"{row.place}: field id: expected text, got {short(repr(item_id))}")
            elif "answer" not in row.content or not isinstance(answer, str | None):
                wrong.append(f"{row.place}: field answer: expected text or null, got {short(repr(answer))}")
            elif not isinstance(model, str | None):
                wrong.append(f"{row.place}: field model: expected text, got {short(repr(model))}")
            elif item_id in given:
                wrong.append(f"{row.place}: {short(item_id)} is answered twice, first at {given[item_id].place}")
            else:
                given[item_id] = _Given(row.place, answer, model)
            if len(wrong) == _NAMED:
                break
    if wrong:
        raise TaskError("\n".join(wrong), hint=_EXPECTED)
    models = sorted({row.model for row in given.values() if row.model})
    if len(models) > 1:
        raise TaskError(f"{path} has answers of {', '.join(map(short, models[:_NAMED]))}", hint="Use a file for each.")
    return given


def _scorers(names: Iterable[str], tasks: Sequence[TaskEvidence], shipped: ShippedTasks) -> dict[str, Scorer]:
    """Return the scorer of each task: the shipped task's own, else the one of that name that judged the runs.

    Raises:
        SettingsError: it is not the one that judged the runs.
    """
    ours = {name: task.scorer for name, task in shipped().items()}
    used = {task.task: task.scorer for task in tasks}
    found = {}
    for name in sorted(names):
        judge = used[name]
        if judge is None:
            raise SettingsError(f"{name}: the runs have no scores, so the primary has nothing to be compared with")
        scorer = ours[name] if name in ours else make_scorer(judge.name)
        if (scorer.name, scorer.version) != (judge.name, judge.version):
            raise SettingsError(
                f"{name}: the runs were judged by {judge.name} {judge.version}, and this version has {scorer.name} "
                f"{scorer.version}",
                hint="Run again with this version, so that all answers are judged alike.",
            )
        found[name] = scorer
    return found


def _listed(ids: Sequence[str]) -> str:
    """Return "3 items (a, b, c) are"."""
    more = ", …" if len(ids) > _NAMED else ""
    shown = ", ".join(map(short, ids[:_NAMED]))
    return f"1 item ({shown}) is" if len(ids) == 1 else f"{len(ids)} items ({shown}{more}) are"
