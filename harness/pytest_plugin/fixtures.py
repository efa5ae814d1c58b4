"""The fixtures of the plugin, all of session scope but the last two; docs/pytest.md lists them with those of `asking`.

- `lms_settings`: the `Settings`.
- `lms_run`: the open `Run` on a preflighted server; its `recorder` writes records.
- `lms_client`: the run's `Client`.
- `lms_model`: a `Model`; a test that asks for it runs once for every selected model, cheapest model first.
- `lms_instance`: a `LeasedModel`: one verified lease per model for the whole run, released before the next is loaded.
- `lms_own_task`: a `Task` of the user's own; a test that asks for it runs once for each of them (`--lms-tasks`).
- `lms_run_task`: a function that runs a `Task` on the instance and returns its `SummaryRecord`.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from harness.errors import LeaseError, LoadFailed, ReleaseFailed, SettingsError, StoreError
from harness.pytest_plugin.state import or_exit, printed, session_of

if TYPE_CHECKING:
    from harness.client.http import Client
    from harness.domain.model import Model
    from harness.domain.record import SummaryRecord
    from harness.run.leased_model import LeasedModel
    from harness.run.run import Run
    from harness.settings import Settings
    from harness.task.task import Task


@pytest.fixture(scope="session")
def lms_settings(pytestconfig: pytest.Config) -> "Settings":
    """The settings of this run."""
    return session_of(pytestconfig).settings


@pytest.fixture(scope="session")
def lms_run(pytestconfig: pytest.Config) -> "Run":
    """The open run on a preflighted server; ends the session when the server cannot be used."""
    return or_exit(pytestconfig, session_of(pytestconfig).open)


@pytest.fixture(scope="session")
def lms_client(lms_run: "Run") -> "Client":
    """The run's client. A test that loads through it must unload too; prefer `lms_instance`."""
    return lms_run.client


@pytest.fixture(scope="session")
def lms_model(request: pytest.FixtureRequest) -> "Model":
    """One of the selected models, as it was listed at the start."""
    if not hasattr(request, "param"):
        raise SettingsError(
            "lms_model: expected the fixture among the test's parameters, got getfixturevalue",
            hint="A test runs once for each model: pytest must know that before the test begins.",
        )
    model: Model = request.param
    return model


@pytest.fixture(scope="session")
def lms_instance(lms_run: "Run", lms_model: "Model", pytestconfig: pytest.Config) -> Iterator["LeasedModel"]:
    """A leased, warmed-up instance of the model: one for all its tests. A model that cannot be loaded is skipped."""
    from harness.run.plan.plan import load_config

    session = session_of(pytestconfig)
    config = load_config(lms_model, session.tasks, session.settings)
    at_levels = [model for model in session.selection.models if model.key == lms_model.key]
    holding = lms_run.leased(lms_model, config, has_more_levels=lms_model != at_levels[-1])
    try:
        leased = holding.__enter__()
    except (LoadFailed, LeaseError) as exc:
        lms_run.recorder.skip(str(exc), model_key=lms_model.name)
        session.put_off.add(lms_model.name)
        pytest.skip(printed(pytestconfig, f"{lms_model.name} could not be loaded: {exc}"))
    try:
        yield leased
    finally:
        try:
            for cell in session.free_form.summaries(lms_model.name, head=lms_run.recorder.head()):
                lms_run.recorder.summary(cell)
        except StoreError as exc:
            session.note_failure(exc)
        try:
            holding.__exit__(None, None, None)
        except ReleaseFailed as exc:
            # Raised here, it would end the session before its last records are written.
            session.note_failure(exc)


@pytest.fixture
def lms_own_task(request: pytest.FixtureRequest) -> "Task":
    """One of the user's own tasks (docs/own-tasks.md)."""
    task: Task = request.param
    return task


@pytest.fixture
def lms_run_task(
    request: pytest.FixtureRequest, lms_run: "Run", lms_instance: "LeasedModel", lms_settings: "Settings"
) -> "Callable[[Task], SummaryRecord]":
    """A function that runs a task on the instance; fails the test only on lost answers or below a floor."""
    from harness.pytest_plugin.gating import cell_properties
    from harness.report.ending import how_to_see_worst
    from harness.run.plan.plan import fits

    def run_task(task: "Task") -> "SummaryRecord":
        if reason := fits(task, lms_instance.model):
            lms_run.recorder.skip(reason, model_key=lms_instance.model.name, task=task.name)
            pytest.skip(reason)
        cell = lms_run.evaluate(task, lms_instance)
        request.node.user_properties += cell_properties(cell, lms_run.path)
        # Until the last round has ended, a floor is not missed: the end of the run says so.
        floor = None if lms_settings.until_decided else lms_settings.floors.get(task.name)
        if why := _why_failed(cell, floor):
            worst = how_to_see_worst(lms_run.path, cell, outcome=_lost_by(cell))
            pytest.fail(f"{task.name}: {why}\nThe worst samples: {worst}", pytrace=False)
        return cell

    return run_task


def _why_failed(cell: "SummaryRecord", floor: float | None) -> str:
    """Return what is wrong with a cell: its scorer failed, answers were lost, or it misses the user's floor; or ""."""
    if cell.scorer_faults:
        return "\n".join(["answers could not be scored", *cell.scorer_faults])
    if _is_lost(cell):
        outcomes = ", ".join(f"{count} {outcome}" for outcome, count in cell.outcomes.items())
        return f"{cell.unscored} of {cell.answers} answers were lost ({outcomes})"
    if floor is None or (cell.score is not None and cell.score >= floor):
        return ""
    return f"scored {'nothing' if cell.score is None else f'{cell.score:.3f}'}, below the floor of {floor:g}"


def _is_lost(cell: "SummaryRecord") -> bool:
    from harness.domain.generation import Outcome
    from harness.domain.score import REVIEW
    from harness.stats.pairing import MOST_UNSCORED

    # A person grades later: until then only what was not answered is lost.
    lost = sum(count for outcome, count in cell.outcomes.items() if not Outcome(outcome).is_scored)
    return (lost if cell.scorer == REVIEW else cell.unscored) > MOST_UNSCORED * cell.answers


def _lost_by(cell: "SummaryRecord") -> str:
    """Return how most of the lost answers ended, where they are why the test fails; else ""."""
    from harness.domain.generation import Outcome

    if cell.scorer_faults or not _is_lost(cell):
        return ""
    lost = {outcome: count for outcome, count in cell.outcomes.items() if not Outcome(outcome).is_scored}
    return max(lost, key=lambda outcome: lost[outcome], default="")
