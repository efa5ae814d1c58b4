"""Which models and runs to compare, and how they compare."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.command.named import key_of, matching, models_of, run_path, why_not
from harness.domain.candidate import candidates_in, names_in
from harness.domain.record import RunRecord
from harness.errors import SettingsError, StoreError
from harness.report.text import one_line
from harness.store.reader import read_header
from harness.store.run_file import RunFile
from harness.store.run_folder import run_paths, whole_runs
from harness.verdict.comparability import Subject
from harness.verdict.compare import Contrast, contrasts
from harness.verdict.quantisation import ladder
from harness.verdict.single_time import has_times

_TWO = 2
_SHOWN = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What was compared.

    Attributes:
        contrasts: a reference and a candidate each.
        is_ladder: they are quantisations of one model, each against the largest.
        runs: the files, the reference's first.
        skipped: files that were passed over, and why.
        is_forced: what is not comparable was compared all the same.
    """

    contrasts: tuple[Contrast, ...]
    is_ladder: bool
    runs: tuple[Path, ...]
    skipped: dict[str, str]
    is_forced: bool

    @property
    def is_worse(self) -> bool:
        """Whether a candidate is worse on a task, or overall."""
        return any(contrast.is_worse for contrast in self.contrasts)

    @property
    def is_refused(self) -> bool:
        """Whether something that both were asked could not be compared, or nothing at all could."""
        is_measured = any(contrast.is_measured for contrast in self.contrasts)
        return not is_measured or any(contrast.refused for contrast in self.contrasts)


def compare_all(
    words: Sequence[str], results: Path, *, margin: float, tasks: Collection[str] = (), is_forced: bool = False
) -> Compared:
    """Return how runs, or models of one run, compare: the first one with each of the others.

    Args:
        words: run files or run ids, and model keys, or parts of keys that fit one model. Two runs or more: each model
            that the first one and another one have asked, or only the named models. One run or none: the named models,
            in that run or in the newest run that has asked them all.
        results: the folder of the runs that are named by id, and of the newest one.
        margin: the largest loss of score that does not matter.
        tasks: only these; none: all.
        is_forced: compare also what is not comparable.

    Raises:
        SettingsError: fewer than two sides, an unknown model or task, or runs without a model in common.
        StoreError: fewer than two of the named runs can be read, or there is no run of these models.
    """
    paths = {word: path for word in words if (path := run_path(word, results)) is not None}
    names = [word for word in words if word not in paths]
    if len(words) > 1 and not names and len(set(paths.values())) == 1:
        raise SettingsError(
            f"expected two runs to compare, got {paths[words[0]]} twice",
            hint="Name another run, or two models of this one.",
        )
    skipped: dict[str, str] = {}
    runs = _named(list(paths.values()), skipped) if paths else [_newest(names, results, skipped)]
    # Of two runs the first one stays the reference: what came after an update may be larger.
    subjects = _single(runs, names) if len(runs) > _TWO else _subjects(runs[0], names) if len(runs) == 1 else []
    rungs = ladder(subjects)
    if rungs:
        pairs = rungs
    elif len(runs) > 1:
        pairs = _between(runs, names)
    else:
        pairs = [(subjects[0], other) for other in subjects[1:]]
    _check_tasks(tasks, pairs)
    return Compared(
        contrasts=contrasts(pairs, margin=margin, tasks=tasks, is_forced=is_forced),
        is_ladder=bool(rungs),
        runs=tuple(run.path for run in runs),
        skipped=skipped,
        is_forced=is_forced,
    )


def _named(paths: Sequence[Path], skipped: dict[str, str]) -> list[RunFile]:
    """Return the runs in the order named; what is not a whole run is skipped, but for the first and if two are left.

    The first one is what the others are compared with: without it they would be compared with the wrong run.
    """

    def skip(path: Path, reason: str, *, is_damaged: bool) -> None:  # noqa: ARG001  (the protocol's)
        skipped[str(path)] = reason

    runs = list(whole_runs(paths, on_skip=skip))
    if len(runs) < min(_TWO, len(paths)) or runs[0].path != paths[0]:
        raise StoreError(
            f"these run files cannot be compared: {why_not(skipped)}", hint="Name two runs that can be read."
        )
    return runs


def _newest(names: Sequence[str], results: Path, skipped: dict[str, str]) -> RunFile:
    """Return the newest run of a folder that finished a task with each of these models, or measured times of each."""
    if len(names) < _TWO:
        raise SettingsError(
            f"expected two runs or two models to compare, got {len(names)}", hint="Name the reference first."
        )
    newest: RunRecord | None = None
    for path in run_paths(results):
        try:
            header = read_header(path)
            if header is None:
                skipped[str(path)] = "an empty run"
                continue
            newest = newest or header
            planned = names_in(header.plan)
            if all(len(matching(name, planned)) == 1 for name in names):
                run = RunFile.read(path)
                finished = {summary.model_key for summary in run.summaries}
                keys = [matching(name, planned)[0] for name in names]
                if finished.issuperset(keys) or all(has_times(run, key) for key in keys):
                    return run
                skipped[str(path)] = "not every one of these models finished a task or was timed"
        except StoreError as exc:
            skipped[str(path)] = exc.message
    asked = newest.plan.get("models", []) if newest else []
    raise StoreError(
        f"there is no run in {results} of all of {one_line(', '.join(names), limit=_SHOWN)}",
        hint=f"The newest run asked {', '.join(map(str, asked)) or 'no models'}."
        if newest
        else "Name run files, or their folder.",
    )


def _subjects(run: RunFile, names: Sequence[str]) -> list[Subject]:
    asked = models_of(run)
    keys = list(dict.fromkeys(key_of(name, asked) for name in names))
    if len(keys) < _TWO:
        raise SettingsError(
            f"expected two runs, or a run and two of its models, got {len(keys)} of {candidates_in(asked)}",
            hint=f"The run asked {', '.join(asked)}.",
        )
    return [Subject(run=run, model_key=key) for key in keys]


def _single(runs: Sequence[RunFile], names: Sequence[str]) -> list[Subject]:
    """Return the model of each run; none where a run has several, or models are named."""
    models = [models_of(run) for run in runs]
    if names or any(len(keys) != 1 for keys in models):
        return []
    return [Subject(run=run, model_key=key) for run, (key,) in zip(runs, models, strict=True)]


def _between(runs: Sequence[RunFile], names: Sequence[str]) -> list[tuple[Subject, Subject]]:
    first, *others = runs
    mine = models_of(first)
    pairs = []
    for run in others:
        theirs = models_of(run)
        shared = [key for key in mine if key in theirs]
        if names:
            shared = list(dict.fromkeys(key_of(name, shared) for name in names))
        if shared:
            pairs += [(Subject(run=first, model_key=key), Subject(run=run, model_key=key)) for key in shared]
        elif len(mine) == len(theirs) == 1:  # One model each: there is only one pair that can be meant.
            pairs.append((Subject(run=first, model_key=mine[0]), Subject(run=run, model_key=theirs[0])))
        else:
            raise SettingsError(
                f"{first.run.run_id} and {run.run.run_id} have no model in common",
                hint=f"One asked {', '.join(mine)}, the other {', '.join(theirs)}.",
            )
    return pairs


def _check_tasks(tasks: Collection[str], pairs: Sequence[tuple[Subject, Subject]]) -> None:
    known = {task for pair in pairs for side in pair for task in side.tasks}
    unknown = [task for task in tasks if task not in known]
    if unknown:
        raise SettingsError(f"no such task: {', '.join(unknown)}", hint=f"Asked were: {', '.join(sorted(known))}.")
