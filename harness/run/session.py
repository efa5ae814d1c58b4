"""From settings to an open run: finds or starts the server, selects the models, opens the run file, closes it all."""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from harness.client.deadline import Deadlines
from harness.client.http import Client
from harness.client.retry import may_connect_soon, retried
from harness.clock import SystemClock
from harness.domain.model import Model
from harness.errors import ReleaseFailed, StoreError
from harness.reaper.journal import state_dir
from harness.reaper.sweep import sweep
from harness.run.demonstration import embedded_listing, notes, start_embedded
from harness.run.free_form import FreeForm
from harness.run.host import Host
from harness.run.interrupt import interruptible
from harness.run.plan.budget import ModelCost
from harness.run.plan.estimate import Work, model_cost
from harness.run.plan.pace import LATENCY_SHARE, Pace
from harness.run.plan.plan import Plan, by_level, fits
from harness.run.progress import Progress
from harness.run.resume.resume import Resumption
from harness.run.resume.scope import suites_of
from harness.run.run import Run
from harness.selection.need import are_for_embedding, are_mixed
from harness.selection.reference import choose_reference
from harness.selection.selection import Selection, embedders_left_out, left_alone, select_models
from harness.settings import Settings
from harness.store.run_file import RunFile
from harness.task.task import Task

_LIST_DEADLINE_S = 3.0
_SURELY_SHORT_S = 20.0


class Session:
    """One invocation of a pytest session or a command. No network, process or file is touched before it is needed.

    Args:
        settings: what the user set.
        argv: the command line, for the record.
        progress: where progress is shown.
        say: prints a line for the user.

    Attributes:
        settings: as given; within a budget with each model's share of it for the latency suite.
        tasks: that were collected.
        free_form: the free-form tests that were collected.
        resumption: the run that this one continues, if any.
        pace: keeps the run within its budget, if there is one.
        put_off: the keys of models that could not be loaded; their tests run when the run is resumed.
        run: the open run; None before `open`.
        failures: what must be reported at the end.
        gaps: what the run was to check and did not measure, in sentences; known after `close`.
    """

    def __init__(
        self, settings: Settings, *, argv: Sequence[str], progress: Progress, say: Callable[[str], None]
    ) -> None:
        self.settings = settings
        self._argv = argv
        self._progress = progress
        self._say = say
        self._said: set[str] = set()
        self._resources = contextlib.ExitStack()
        self._clock = SystemClock()
        self._host = Host()
        self._started = self._clock.monotonic()
        self._costs: dict[str, ModelCost] = {}
        self.tasks: tuple[Task, ...] = ()
        self.free_form = FreeForm()
        self._suites: tuple[str, ...] = ()
        self._work = Work()
        self.resumption: Resumption | None = None
        self.pace: Pace | None = None
        self.put_off: set[str] = set()
        self._recorded_skips: set[tuple[str, str | None]] = set()
        self.run: Run | None = None
        self.failures: list[ReleaseFailed | StoreError] = []
        self.gaps: list[str] = []

    @cached_property
    def listing(self) -> tuple[Model, ...]:
        """The server's models, from one request; those of the embedded server are known without starting it.

        Raises:
            HarnessError: no server answers, it is not LM Studio, it is too old, or it wants a token.
        """
        if self.settings.is_embedded:
            return embedded_listing(self.settings, self._say_once)
        deadlines = Deadlines(connect_s=_LIST_DEADLINE_S, list_s=_LIST_DEADLINE_S)
        with Client(self.settings.url, token=self.settings.token, deadlines=deadlines) as client:
            client.on_oddity = self._say_once
            return self._preflight(client)

    @cached_property
    def selection(self) -> Selection:
        """The models of this run, cheapest first.

        Raises:
            HarnessError: as `listing`, `select_models`, `by_level` and `choose_reference`.
        """
        selection = select_models(
            self.listing,
            patterns=self.settings.models,
            exclude=self.settings.exclude,
            max_size_bytes=self.settings.max_size_bytes,
            kind="embedding" if are_for_embedding(self.settings.tasks) else "llm",
            is_mixed=are_mixed(self.settings.tasks),
        )
        selection = by_level(selection, self.settings.reasoning)
        self._say_once(left_alone(self.listing, self.settings.models))
        self._say_once(embedders_left_out(self.listing, selection.models, self.settings))
        choose_reference(selection.models, self.settings.primary)
        return selection

    def prepare(
        self,
        tasks: Sequence[Task],
        *,
        tests: Mapping[str | None, Sequence[str]],
        work: Work,
        free_form: FreeForm | None = None,
    ) -> None:
        """Decide, from what was collected, what is taken over from an earlier run and what fits into the budget.

        Args:
            tasks: that were collected.
            tests: the node ids of all tests by model key; those that need no model under None.
            work: of each model, besides the tasks.
            free_form: those of the tests that are free-form.

        Raises:
            HarnessError: the run to resume cannot be read, or this run asks something else.
        """
        self.tasks, self.free_form = tuple(tasks), free_form or FreeForm()
        self._suites = tuple(suites_of(test for tests_of_model in tests.values() for test in tests_of_model))
        models = self.selection.models
        if self.settings.resume is not None:
            parent = RunFile.read(Path(self.settings.resume))
            self.resumption = Resumption(
                parent=parent,
                models=models,
                tasks=self.tasks,
                settings=self.settings,
                tests=tests,
                free_form=self.free_form,
            )
            self.resumption.check_same()
            self.resumption.hand_over()
        self._work = work
        if self.settings.budget_s is None:
            return
        todo = [model for model in models if not self.resumption or model.name not in self.resumption.complete]
        share_s = self.settings.budget_s * LATENCY_SHARE / max(1, len(todo))
        self.settings = replace(self.settings, latency_budget_s=min(self.settings.latency_budget_s, share_s))
        self._costs = self._estimate(todo)
        first = replace(self.settings, limit=self.settings.rounds[0])
        self.pace = Pace(list(self._costs.values()), settings=first, started=self._started, clock=self._clock)

    def _estimate(self, models: Sequence[Model]) -> dict[str, ModelCost]:
        """Return what these models will cost, from earlier runs in the results folder and, without any, from sizes."""
        from harness.run.plan.history import read_history

        history = read_history(self.settings, models)
        known = self.resumption.count if self.resumption else lambda _task, _model: 0
        return {
            model.name: model_cost(
                model,
                [task for task in self.tasks if fits(task, model) is None],
                self.settings,
                history=history,
                work=self._work,
                known=known,
            )
            for model in models
        }

    def plan(self, *, is_shown: bool = False) -> Plan:
        """Return what the run will do with the collected tasks; one that is shown has estimates from earlier runs."""
        before = self.resumption
        complete = before.complete if before else frozenset[str]()
        if is_shown and not self._costs:
            self._costs = self._estimate([model for model in self.selection.models if model.name not in complete])
        known = {
            (str(model.name), task.name): before.count(task, model)
            for model in self.selection.models
            for task in self.tasks
            if before is not None
        }
        return Plan(
            selection=self.selection,
            tasks=self.tasks,
            suites=self._suites,
            settings=self.settings,
            known=known,
            complete=complete,
            allotment=self.pace.allotment if self.pace else None,
            costs=self._costs,
            free_form=self.free_form.fingerprints(),
        )

    def announcement(self) -> str:
        """Return what is about to be asked and how long that takes; nothing for a run of less than a minute.

        Run files of earlier runs are read only if the run does not look quite short: they may be large.
        """
        if (before := self.resumption) is not None and before.is_all_there:
            return ""
        guess = self.plan()
        is_short = not self._costs and sum(row.estimate_s for row in guess.rows()) < _SURELY_SHORT_S
        return "" if is_short else self.plan(is_shown=True).announcement()

    def open(self) -> Run:
        """Return the run. The first call opens it: starts the embedded server if wanted, and makes the run file.

        Before that, what dead runs left on the server is cleaned up.

        Raises:
            HarnessError: the server cannot be used, or the run file cannot be made.
        """
        if self.run is not None:
            return self.run
        url = self._start_embedded() if self.settings.is_embedded else self.settings.url
        client = self._resources.enter_context(Client(url, token=self.settings.token))
        client.on_oddity = self._say_once
        self._preflight(client)
        for swept in sweep(
            state_dir() / "journals",
            url=client.url,
            token=self.settings.token,
            clock=SystemClock(),
            on_begin=lambda lease: self._say(f"A run that died left {lease.model_key} behind: cleaning up ..."),
            on_complaint=self._say_once,
        ):
            self._say(str(swept))
        if self.resumption is not None:
            self.resumption.check_server(client.server_kind)
        listing = retried(lambda _: client.models(), clock=self._clock)
        plan = self.plan()
        self.run = Run(
            self.settings,
            client,
            server_kind=client.server_kind,
            listing=listing,
            progress=self._progress,
            plan=plan.as_dict(),
            notes=notes(client.server_kind, plan.selection.models),
            argv=self._argv,
            resumed=self.resumption,
            pace=self.pace,
            clock=self._clock,
            host=self._host,
        )
        for name, why in plan.selection.left_out.items():
            self.run.recorder.skip(why, model_key=name)
        for model, task, reason in plan.unasked():
            self.run.recorder.skip(reason, model_key=model.name, task=task.name)
        rounds = len(self.settings.rounds)
        self._progress.expect(
            plan.expected(),
            title=f"round 1 of {rounds}" if rounds > 1 else "",
            time_left=self.pace.time_left if self.pace else None,
        )
        self._resources.enter_context(interruptible(on_second=self.run.abandon))
        return self.run

    def go_on(self) -> None:
        """Ask the rounds after the first one, where the run goes on until its tasks are decided.

        Raises:
            HarnessError: as `Rounds.ask`.
        """
        if len(self.settings.rounds) == 1 or (self.run is None and not self._is_open_still()):
            return
        from harness.run.rounds import Rounds

        Rounds(
            self.open(),
            models=self.selection.models,
            tasks=self.tasks,
            settings=self.settings,
            pace=self.pace,
            say=self._say,
            on_failure=self.note_failure,
        ).ask()

    def _is_open_still(self) -> bool:
        """Tell whether the resumed run, whose first round is complete, has something left to ask in a later one."""
        from harness.run.rounds import still_open

        before = self.resumption
        return (
            before is not None
            and before.is_all_there
            and any(
                any(names)
                for size in self.settings.rounds[1:]
                for names in still_open(
                    before.parent, size, models=self.selection.models, tasks=self.tasks, settings=self.settings
                ).values()
            )
        )

    @property
    def path(self) -> Path | None:
        """The file to make the table from: of this run, or of the resumed one where nothing was missing."""
        if self.run is not None:
            return self.run.path
        before = self.resumption
        return before.parent.path if before is not None and before.is_all_there else None

    def why_not(self, model: Model, what: str | None, *, is_measurement: bool) -> str | None:
        """Return why the budget has no time for a test, after recording it once; None: the test may begin.

        Args:
            model: of the test.
            what: the test's task, or how else the record names what is left out.
            is_measurement: whether the test may take as long as the latency budget.

        Raises:
            HarnessError: as `open`.
        """
        if self.pace is None:
            return None
        reason, is_whole = self.pace.why_not(model), not self.pace.is_begun(model)
        if reason is None and is_measurement:
            reason = self.pace.why_not_measure(model)
        if reason is not None:
            task = None if is_whole else what
            if (model.name, task) not in self._recorded_skips:
                self._recorded_skips.add((model.name, task))
                self.open().recorder.skip(reason, model_key=model.name, task=task)
        return reason

    def complete_file(self) -> None:
        """Write a complete file where the resumed run died after its last test, so that only its end is missing."""
        before = self.resumption
        if self.run is None and before is not None and before.is_all_there and not before.is_nothing_missing:
            self.open()

    def close(self, *, exit_code: int, interrupted: bool = False) -> int:
        """End the run, and the server if it was started for it; return the exit code.

        That is 7 where something of ours is still loaded, and the code of the error where records could not be written;
        else 1 where the run passed although it did not measure what it was to check.
        """
        try:
            if self.run is not None:
                if exit_code == 0:
                    self.gaps = self._find_gaps(self.run)
                    exit_code = 1 if self.gaps else 0
                self.run.close(exit_code=exit_code, interrupted=interrupted)
        except (ReleaseFailed, StoreError) as exc:
            self.note_failure(exc)
        finally:
            self._resources.close()
        return max((failure.exit_code for failure in self.failures), default=exit_code)

    def _find_gaps(self, run: Run) -> list[str]:
        from harness.run.gap import gaps
        from harness.store.outline import read_outline

        found = gaps(
            read_outline(run.path),
            models=self.selection.models,
            tasks=self.tasks,
            free_form=self.free_form.tasks,
            floors=self.settings.floors,
            complete=self.resumption.complete if self.resumption else (),
            is_decided_late=self.settings.until_decided,
        )
        return list(found)

    def note_failure(self, failure: ReleaseFailed | StoreError) -> None:
        """Keep a failure for the end of the run; of those to write records only the first one."""
        if isinstance(failure, ReleaseFailed) or not any(isinstance(known, StoreError) for known in self.failures):
            self.failures.append(failure)

    def _preflight(self, client: Client) -> tuple[Model, ...]:
        return retried(lambda _: client.preflight(), clock=self._clock, may_repeat=may_connect_soon)

    def _say_once(self, line: str) -> None:
        """Print a line once, which two steps may come upon: the embedded server's, and odd entries of a listing."""
        if line and line not in self._said:
            self._said.add(line)
            self._say(line)

    def _start_embedded(self) -> str:
        server = start_embedded(self.settings, self._say_once)
        self._resources.callback(server.close)
        self._host = Host(files=server.files, pid=server.pid)
        return server.url
