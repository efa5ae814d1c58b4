"""Whether the answers of two models, or of one model in two runs, can be put side by side, and what else differs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.domain.record import SummaryRecord
from harness.domain.way import way_text
from harness.store.cell import CellKey
from harness.store.run_file import RunFile

_REQUEST = ("temperature", "top_p", "top_k", "min_p", "repeat_penalty", "max_output_tokens", "reasoning")
_RUN = ("harness_version", "server_kind", "server_version", "server_url", "platform", "cpu", "memory_bytes")
_SETTINGS = ("seed", "limit", "concurrency", "load", "context_length", "reasoning", "sample_deadline_s")
_MODEL = ("variant", "quantisation", "size_bytes", "params", "format", "architecture", "load_mode")
_NOT_REPORTED = "not reported"
_SIDES = "A", "B"
NO_ITEMS = "no items in common"
"""Why two runs of a task cannot be compared that asked nothing alike."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A model in a run: one side of a comparison."""

    run: RunFile
    model_key: str

    @property
    def tasks(self) -> frozenset[str]:
        """What it was to be asked."""
        planned = self.run.run.plan.get("tasks", {})
        return frozenset(planned) | {key.task for key in self.run.cells if key.model_key == self.model_key}

    def summary(self, task: str) -> SummaryRecord | None:
        """Return the summary of a task; None where it did not come to its end."""
        key = self.model_key, task
        return next((found for found in self.run.summaries if (found.model_key, found.task) == key), None)

    def request(self, task: str) -> Mapping[str, Any]:
        """Return the request of a sample of a task, without its texts."""
        samples = self.run.cells.get(CellKey(self.model_key, task))
        return self.run.sample_record(samples.sample(0)).request if samples else {}

    def ways(self, task: str) -> frozenset[str]:
        """Return in which ways it was asked (`harness.domain.way`)."""
        return self.run.ways(self.model_key, task)

    def item_hashes(self, task: str) -> dict[str, str]:
        """Return the hash of each item: of what was asked and of what is right. Reads all samples of the task."""
        samples = self.run.cells.get(CellKey(self.model_key, task), ())
        return {sample.item_id: self.run.sample_record(sample).item_hash for sample in samples}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A fact that differs between two subjects, as text."""

    name: str
    reference: str
    candidate: str


def changes(reference: Subject, candidate: Subject) -> tuple[Change, ...]:
    """Return what may explain a difference: of the run, its settings, and the model's file and config."""
    found: list[Change] = []
    ours, theirs = candidate.run.run, reference.run.run
    if reference.run is not candidate.run:
        for name in _RUN:
            found += _change(name, getattr(theirs, name), getattr(ours, name))
        found += _changes(theirs.versions, ours.versions)
        settings = ({name: run.settings[name] for name in _SETTINGS if name in run.settings} for run in (theirs, ours))
        found += _changes(*settings)
    before, after = (side.run.instances.get(side.model_key) for side in (reference, candidate))
    if before is not None and after is not None:
        for name in _MODEL:
            found += _change(name, getattr(before, name), getattr(after, name))
        found += _changes(before.effective_config, after.effective_config)
    return tuple(found)


def obstacles(reference: Subject, candidate: Subject, *, names: tuple[str, str] = _SIDES) -> list[str]:
    """Return why nothing that these two answered can be compared: sampling, and the config of one model in two runs.

    Two models have configs of their own, so those are only named (`changes`).

    Args:
        reference: one side.
        candidate: the other one.
        names: what messages call them.
    """
    if reference.run is candidate.run:
        return []
    found = [*_known_changes(reference.run.run.sampling, candidate.run.run.sampling)]
    if reference.model_key == candidate.model_key:
        before, after = (side.run.instances.get(side.model_key) for side in (reference, candidate))
        if before is not None and after is not None:
            found += _known_changes(before.effective_config, after.effective_config)
    return [_differs(change, names) for change in found]


def config_obstacles(reference: Subject, candidate: Subject, *, names: tuple[str, str] = _SIDES) -> list[str]:
    """Return why the times of one model in two runs cannot be compared: what it was loaded with, its quantisation."""
    before, after = (side.run.instances.get(side.model_key) for side in (reference, candidate))
    if before is None or after is None:
        return []
    found = _known_changes(
        {**before.effective_config, "quantisation": before.quantisation},
        {**after.effective_config, "quantisation": after.quantisation},
    )
    return [_differs(change, names) for change in found]


def task_obstacle(reference: Subject, candidate: Subject, task: str, *, names: tuple[str, str] = _SIDES) -> str:
    """Return why the answers to one task cannot be compared; empty: they can. `names`: what messages call the sides."""
    for side, name in zip((reference, candidate), names, strict=True):
        summary = side.summary(task)
        if summary is None:
            return f"not finished in {name}{_reason(side, task)}"
        if summary.stopped_early:
            return f"stopped early in {name}, so its answers are a biased part"
    before, after = (side.run.scorer(task) for side in (reference, candidate))
    if before != after:
        return f"scored by {_scorer(before)} in {names[0]} and by {_scorer(after)} in {names[1]}"
    for name in ("epochs", "reducer"):
        values = [getattr(side.summary(task), name) for side in (reference, candidate)]
        if values[0] != values[1]:
            return f"{name}: {values[0]} in {names[0]} and {values[1]} in {names[1]}"
    if reference.run is not candidate.run and reference.model_key == candidate.model_key:
        for change in _known_changes(*(_asking(side, task) for side in (reference, candidate))):
            return _differs(change, names)
    return _items(reference, candidate, task)


def _differs(change: Change, names: tuple[str, str]) -> str:
    return f"{change.name} is {change.reference} in {names[0]} and {change.candidate} in {names[1]}"


def _items(reference: Subject, candidate: Subject, task: str) -> str:
    plans = [side.run.run.plan for side in (reference, candidate)]
    rooms = [
        plan.get("room_tokens", {}).get(task, {}).get(side.model_key)
        for plan, side in zip(plans, (reference, candidate), strict=True)
    ]
    fingerprints = [plan.get("tasks", {}).get(task) for plan in plans]
    if fingerprints[0] is not None and fingerprints[0] == fingerprints[1] and rooms[0] == rooms[1]:
        return ""
    # Only part of the samples may differ, such as with another limit: their own hashes decide.
    before, after = reference.item_hashes(task), candidate.item_hashes(task)
    shared = {*before} & {*after}
    if not shared:
        return NO_ITEMS
    unlike = sum(before[item] != after[item] for item in shared)
    return f"{unlike} of {len(shared)} items are not the same" if unlike else ""


def _reason(side: Subject, task: str) -> str:
    reasons = [
        skip.reason
        for skip in side.run.skips
        if (skip.model_key in {None, side.model_key} and skip.task in {None, task})
    ]
    return f": {reasons[-1]}" if reasons else ""


def _scorer(scorer: Any) -> str:
    return "nothing" if scorer is None else f"{scorer.name} {scorer.version}"


def _asking(side: Subject, task: str) -> dict[str, Any]:
    """Return how a task was asked: functions that are sent as `tools` make another question of it."""
    request, ways = side.request(task), side.ways(task)
    # Absent is a value here: what is not sent is left to the server.
    sampling = {name: request.get(name) for name in _REQUEST} if request else {}
    return sampling | ({"the way of asking": way_text(ways)} if ways else {})


def _known_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    """Yield the changes of what both report: an older version of the harness or of LM Studio reports less."""
    for name in before:
        if name in after:
            yield from _change(name, before[name], after[name])


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    for name in {**before, **after}:
        yield from _change(name, before.get(name), after.get(name))


def _change(name: str, before: object, after: object) -> Iterator[Change]:
    if before != after:
        yield Change(name=name, reference=_shown(before), candidate=_shown(after))


def _shown(value: object) -> str:
    return _NOT_REPORTED if value is None else str(value)
