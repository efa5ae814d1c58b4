"""One run: acquires leases, asks samples, scores, measures, and records everything as it happens."""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from harness.client.address import is_loopback
from harness.client.exchange import Exchange
from harness.client.http import Client
from harness.clock import Clock, SystemClock
from harness.domain.answer import Answer, Job
from harness.domain.generation import ChatRequest, Generation, Outcome
from harness.domain.model import InstanceId, LoadConfig, Model
from harness.domain.record import SummaryRecord
from harness.errors import HarnessError, InstanceLost, ReleaseFailed, ServerUnreachable, StoreError
from harness.lifecycle.lease import Lease, Release
from harness.lifecycle.leases import Leases
from harness.lifecycle.resident import other_ids, resident_ids
from harness.reaper.journal import Journal
from harness.run.ask.asker import asker, scored
from harness.run.ask.attempt import lost
from harness.run.ask.room import slots_for, slots_of
from harness.run.cell import Cell
from harness.run.conclusion import verdicts
from harness.run.holding import hold
from harness.run.host import Host
from harness.run.kept_lease import KeptLease
from harness.run.leased_model import LeasedModel, extra_thoughts, jobs_on
from harness.run.machine import busy_cores
from harness.run.plan.pace import Pace
from harness.run.progress import Progress
from harness.run.recorder import Recorder
from harness.run.resume.resume import Resumption
from harness.run.slot import Slots
from harness.settings import Settings
from harness.store.run_file import RunFile
from harness.task.task import Task
from harness.verdict.summary import summarise
from harness.verdict.supply import Supply

RunTask: TypeAlias = Callable[[Task], SummaryRecord]
"""The type of the fixture `lms_run_task`: runs a task on the leased instance and returns the summary of the cell."""

_LEFT_HINT = "The reaper unloads it once the server answers again: see `lms-harness doctor`."
_GONE_HINT = "What was measured is in the run file. Start the server again and resume the run."


class Run:
    """One invocation on one server.

    Args:
        settings: what the user set.
        client: of the preflighted server.
        server_kind: `lm-studio`, `embedded` or `unknown`.
        listing: the server's models at the start.
        progress: where progress is shown; also an attribute.
        plan: is recorded as it is; its `tasks` make up the suite hash, models are compared by its `reference_order`.
        notes: what a reader of the figures must know, such as that this is a demonstration.
        argv: the command line; it is recorded without secrets.
        clock: for every duration and timestamp.
        resumed: the run that this one continues, if any; also an attribute.
        pace: keeps the run within its budget, if there is one.
        host: files and processes of the server, if this run started it; also an attribute.

    Attributes:
        kept_lease: the lease on the model of which another reasoning level is asked next.

    Raises:
        StoreError: the run file cannot be made.
    """

    def __init__(
        self,
        settings: Settings,
        client: Client,
        *,
        server_kind: str,
        listing: Sequence[Model],
        progress: Progress,
        plan: Mapping[str, Any],
        notes: Sequence[str] = (),
        argv: Sequence[str] = (),
        clock: Clock | None = None,
        resumed: Resumption | None = None,
        pace: Pace | None = None,
        host: Host | None = None,
    ) -> None:
        self.settings = settings
        self.client = client
        self.clock = clock or SystemClock()
        self.progress = progress
        self.host = host or Host()
        self.resumed = resumed
        self._pace = pace
        self._tasks: dict[str, Task] = {}
        reference: str | None = plan.get("reference")
        self._references: Sequence[str] = plan.get("reference_order") or ([reference] if reference else [])
        self._gone: ServerUnreachable | None = None
        self._seen: RunFile | None = None
        self.recorder = Recorder(
            settings.results,
            clock=self.clock,
            is_shared=settings.share_results,
            no_prompts=settings.no_prompts,
            carried=resumed.carried() if resumed else None,
        )
        journal = Journal(self.recorder.run_id, url=client.url, clock=self.clock, is_server_ours=settings.is_embedded)
        self._leases = Leases(client, journal, say=progress.note, policy=settings.unload, clock=self.clock)
        self.kept_lease = KeptLease(client, self.release)
        self.recorder.run(
            settings,
            server_kind=server_kind,
            server_url=client.url,
            listing=listing,
            plan=plan,
            notes=notes,
            argv=argv,
            parent_run_id=resumed.parent.run.run_id if resumed else None,
        )

    @property
    def path(self) -> Path:
        """The run file."""
        return self.recorder.path

    def acquire(self, model: Model, config: LoadConfig, *, reuse: bool = True, purpose: str = "use") -> Lease:
        """Return a verified lease, after recording it; a failed attempt is recorded as well.

        Raises:
            HarnessError: as `Leases.acquire`.
        """
        self.kept_lease.let_go()
        with self.recorder.recording_failure(model, config, mode="explicit", purpose=purpose):
            lease = self._leases.acquire(model.key, config, reuse=reuse)
        self.recorder.instance(lease, purpose=purpose)
        return lease

    def acquire_jit(
        self, model: Model, request: ChatRequest, *, purpose: str, despite_others: bool = False
    ) -> tuple[Lease, Generation]:
        """Let a chat load the model; return the lease, which is recorded as a failed attempt is, and the answer.

        Raises:
            HarnessError: as `Leases.acquire_jit`.
        """
        self.kept_lease.let_go()
        config = LoadConfig(context_length=request.context_length)
        with self.recorder.recording_failure(model, config, mode="jit", purpose=purpose):
            lease, answer = self._leases.acquire_jit(model.key, request, despite_others=despite_others)
        self.recorder.instance(lease, purpose=purpose)
        return lease, answer

    def release(self, lease: Lease) -> float | None:
        """Release a lease, verify and record that; return how long the unload took, None if nothing was unloaded.

        Raises:
            ReleaseFailed: it is recorded as well.
        """
        return self._release(lease.instance.id, lease.model.key, lambda: self._leases.release(lease)).unload_wall_s

    def leased(
        self, model: Model, config: LoadConfig, *, has_more_levels: bool = False
    ) -> contextlib.AbstractContextManager[LeasedModel]:
        """Hold a lease on a warmed-up instance while the block runs: see `hold`."""
        return hold(self, model, config, has_more_levels=has_more_levels)

    def others(self, leased: LeasedModel) -> tuple[InstanceId, ...]:
        """Return the ids of all other resident instances: they may be busy, and slow this one down."""
        return other_ids(self.client.models(), leased.instance_id)

    def busy_cores(self) -> tuple[float, int] | None:
        """Return how many CPU cores of the server's machine are busy while nothing is asked, and how many it has.

        None where that is not known: the server is on another machine, or the system does not tell.
        """
        return busy_cores(self.clock) if is_loopback(self.client.url) else None

    def slots(self, leased: LeasedModel) -> int:
        """Return how many requests this instance is sent at a time: what the user set, else its number of slots."""
        return slots_of(leased.lease.instance, self.settings)

    def check(self, lease: Lease) -> None:
        """Make sure that the leased instance was there all the time, so that its answers are its own.

        Raises:
            InstanceLost: it went away in use, and a request of ours made the server load another one.
        """
        if self.is_lost(lease):
            raise InstanceLost(lost(lease.instance.id))

    def is_lost(self, lease: Lease) -> bool:
        """Return whether the leased instance went away in use: what is loaded by its name now may be another one."""
        return self._leases.is_lost(lease)

    def evaluate(self, task: Task, leased: LeasedModel, *, limit: int | None = None) -> SummaryRecord:
        """Ask all samples of a task over the instance's slots, record each as it ends, and return the cell's summary.

        As many samples are in flight as the instance has slots and context for. A task about length gets samples that
        fill the context.

        An interruption cancels what is in flight and records it as `cancelled`, never as a wrong answer. After five
        server errors in a row nothing more is asked: the model has crashed, and the rest stays unscored.

        Args:
            task: of the samples.
            leased: the instance.
            limit: how many samples, in all; None: as many as the first round asks.

        Raises:
            ServerUnreachable: the server went away; everything that was answered is recorded.
        """
        self._tasks[task.name] = task
        jobs = jobs_on(leased, task, self.settings, limit=limit or self.settings.rounds[0])
        known = self.resumed.answers(task, leased.model, jobs) if self.resumed else {}
        cell = Cell(task, leased.model, jobs, known, pace=self._pace)
        del jobs  # The cell has those that are left to ask.
        self._ask(task, leased, cell)
        cell.todo = ()
        summary = summarise(
            task,
            cell.answers,
            planned=cell.planned,
            epochs=self.settings.epochs,
            model_key=leased.model.name,
            head=self.recorder.head(),
            reducer=self.settings.reducer,
        )
        self.recorder.summary(summary)
        self.progress.ended(summary)
        if self._pace is not None:
            self._pace.end_cell(task, leased.model, asked=len(cell.answers) - len(known))
        if cell.left_out:
            reason = f"{cell.left_out} of {cell.count} samples left out: the budget has no time for them"
            self.recorder.skip(reason, model_key=leased.model.name, task=task.name)
        if self._gone is not None:
            raise self._gone
        return summary

    def _is_server_gone(self) -> bool:
        """Tell whether the server no longer accepts connections: then nothing more of the run can succeed."""
        try:
            self.client.models()
        except ServerUnreachable as exc:
            self._gone = ServerUnreachable(f"the server went away during the run: {exc.message}", hint=_GONE_HINT)
            if self.settings.unload != "keep":
                # Waiting for the server here would only delay the end: the reaper waits for it instead.
                self._leases.abandon()
        except HarnessError:
            pass  # It answers, if only with an error: what that means is decided by the next request.
        return self._gone is not None

    def _ask(self, task: Task, leased: LeasedModel, cell: Cell) -> None:
        """Ask what the cell still lacks; every answer is recorded, also those that an interruption cancels."""
        instance = leased.lease.instance
        ask, extra = self._asker(leased), extra_thoughts(task, leased, self.settings)
        count = slots_for(task, leased.model, instance, self.settings, extra=extra)
        ask = self._pace.bounded(ask) if self._pace else ask
        slots = Slots[Job, Answer](ask, count=count, finish=partial(scored, task))

        def take(answer: Answer) -> None:
            if cell.add(answer):
                self.recorder.answer(task, answer, leased.model, instance_id=instance.id, config=instance.config)

        with self.progress.task(leased.model.name, task.name, len(cell.todo), known=tuple(cell.answers)) as advance:
            try:
                for answer in slots.map(cell.todo):
                    take(answer)
                    advance(answer)
                    if cell.is_over or (answer.outcome is Outcome.SERVER_ERROR and self._is_server_gone()):
                        break
            finally:
                for answer in slots.stop():
                    take(answer)

    def ask_one(self, task: Task, leased: LeasedModel, *, take: Callable[[Answer], None]) -> Answer:
        """Ask the first sample of a task once, and return its answer; `take` gets it too, also one that is cancelled.

        Raises:
            ServerUnreachable: the server went away.
        """
        slots = Slots[Job, Answer](self._asker(leased), count=1, finish=partial(scored, task))
        try:
            (answer,) = slots.map(jobs_on(leased, task, self.settings, limit=1)[:1])
            take(answer)
        finally:
            for cancelled in slots.stop():
                take(cancelled)
        if answer.outcome is Outcome.SERVER_ERROR and self._is_server_gone() and self._gone is not None:
            raise self._gone
        return answer

    def _asker(self, leased: LeasedModel) -> Callable[[Job, Exchange], Answer]:
        return asker(
            self.client,
            instance_id=leased.instance_id,
            deadline_s=self.settings.sample_deadline_s,
            is_lost=lambda: self._leases.is_lost(leased.lease),
            clock=self.clock,
            short_by_tokens=leased.short_by_tokens,
        )

    def continue_from(self, known: Resumption) -> None:
        """From now on, ask only what is not among these answers."""
        self.resumed = known

    def abandon(self) -> None:
        """Leave everything that is loaded to the reaper, without waiting for it."""
        self._leases.abandon()

    def close(self, *, exit_code: int, interrupted: bool = False) -> None:
        """Release what is still held, write the verdicts and the last record, close the files.

        Raises:
            ReleaseFailed: an instance of ours is, or may be, still loaded; the last record is written all the same.
            StoreError: records can no longer be written; everything was released all the same.
        """
        failed: ReleaseFailed | StoreError | None = None
        for lease in self._leases.held:
            try:
                self.release(lease)
            except (ReleaseFailed, StoreError) as exc:
                failed = failed if isinstance(failed, ReleaseFailed) else exc
        for instance_id, model_key in self._leases.strays.items():
            try:
                self._release(instance_id, model_key, partial(self._leases.release_stray, instance_id))
            except (ReleaseFailed, StoreError) as exc:
                failed = failed if isinstance(failed, ReleaseFailed) else exc
        left = self._leases.left_to_reaper
        if self._gone is not None and left:
            failed = ReleaseFailed(f"{', '.join(left)} may still be loaded: {self._gone.message}", hint=_LEFT_HINT)
        for key in left:
            self.progress.note(f"{key}: the reaper unloads it in the background; `lms-harness doctor` shows its state")
        resident: tuple[InstanceId, ...] | None = None
        # After a second Ctrl-C the user waits for nothing, and a server that is gone has no listing.
        if not self._leases.is_abandoned:
            with contextlib.suppress(HarnessError):
                resident = resident_ids(self.client.models())
        try:
            self._end(exit_code=failed.exit_code if failed else exit_code, interrupted=interrupted, resident=resident)
        except StoreError as exc:
            failed = failed or exc
        finally:
            self._leases.close()
        if failed is not None:
            raise failed

    def _release(self, instance_id: InstanceId, model_key: str, release: Callable[[], Release]) -> Release:
        """Unload what a lease, or a request of ours without one, loaded, and record it."""
        try:
            done = release()
        except HarnessError as exc:
            self.recorder.release(instance_id, model_key, self.settings.unload, None, exc.message)
            raise
        self.recorder.release(instance_id, model_key, self.settings.unload, done)
        return done

    def view(self) -> RunFile:
        """Return the view of the run file; after the end, only what was written since the verdicts is read.

        Raises:
            StoreError: as `RunFile.read`.
        """
        return RunFile.read(self.path) if self._seen is None else self._seen.read_on()

    @property
    def supply(self) -> Supply:
        """How many items its tasks can give."""
        return Supply(lambda: self._tasks, seed=self.settings.seed)

    def _end(self, *, exit_code: int, interrupted: bool, resident: tuple[InstanceId, ...] | None) -> None:
        """Write the verdicts and the last record."""
        try:
            if not self._leases.is_abandoned or self._gone is not None:
                self._seen = RunFile.read(self.path)
                for verdict in verdicts(
                    self._seen,
                    self.settings,
                    references=self._references,
                    head=self.recorder.head,
                    supply=self.supply,
                    note=self.progress.note,
                ):
                    self.recorder.comparison(verdict)
        finally:
            self.recorder.end(exit_code=exit_code, interrupted=interrupted, resident=resident)
