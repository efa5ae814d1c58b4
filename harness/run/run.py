"""One run: acquires leases, asks samples, scores, measures, and records everything as it happens."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from harness.client.exchange import Exchange
from harness.client.http import Client
from harness.clock import Clock, SystemClock
from harness.domain.answer import Answer, Job
from harness.domain.generation import ChatRequest, Generation
from harness.domain.model import InstanceId, LoadConfig, Model
from harness.domain.record import SummaryRecord
from harness.errors import ApiError, HarnessError, InstanceLost, ReleaseFailed, StoreError
from harness.lifecycle.lease import Lease
from harness.lifecycle.leases import Leases
from harness.lifecycle.resident import other_ids, resident_ids
from harness.reaper.journal import Journal
from harness.reaper.link import Guard
from harness.report.figure import size
from harness.run.ask.asker import asker
from harness.run.ask.attempt import lost
from harness.run.ask.job import jobs_of
from harness.run.ask.request import reasoning_for
from harness.run.ask.room import room_tokens, slots_for
from harness.run.cell import Cell
from harness.run.plan.pace import Pace
from harness.run.recorder import Recorder
from harness.run.resume.resume import Resumption
from harness.run.slot import Slots
from harness.settings import Settings
from harness.store.reader import read_run
from harness.task.task import Task
from harness.verdict.comparison import comparisons
from harness.verdict.race import race_for
from harness.verdict.summary import summarise

RunTask: TypeAlias = Callable[[Task], SummaryRecord]
"""What the fixture `lms_run_task` gives: runs a task on the leased instance and returns its cell."""

_WARM_UP = "Say hello."


class Progress(Protocol):
    """Shows a person how far a task has got."""

    def task(
        self, model_key: str, task: str, total: int
    ) -> "contextlib.AbstractContextManager[Callable[[Answer], None]]":
        """Show a task while the block runs; the function it yields is called with every answer."""
        ...

    def note(self, line: str) -> None:
        """Show one line."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LeasedModel:
    """A leased instance that answered a warm-up.

    Attributes:
        address: what requests name it by: its id, or its key where the server refuses ids.
        reasoning: what is sent as `reasoning`; None: nothing.
    """

    lease: Lease
    address: str
    reasoning: str | None

    @property
    def model(self) -> Model:
        """The model, as listed when the lease was verified."""
        return self.lease.model

    @property
    def instance_id(self) -> InstanceId:
        """Who must answer."""
        return self.lease.instance.id


class Run:
    """One invocation on one server.

    Args:
        settings: what was asked for.
        client: of the preflighted server.
        server_kind: `lm-studio`, `embedded` or `unknown`.
        listing: the server's models at the start.
        progress: where progress is shown.
        plan: recorded as it is; its `tasks` decide the suite hash, its `reference` what models are compared with.
        notes: what a reader of the figures must know, such as that this is a demonstration.
        argv: the command line; secrets are blanked in the record.
        clock: for every duration and timestamp.
        resumed: what an earlier run has left.
        pace: keeps the run within its budget.

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
    ) -> None:
        self.settings = settings
        self.client = client
        self.clock = clock or SystemClock()
        self._progress = progress
        self._resumed = resumed
        self._pace = pace
        self._reference: str | None = plan.get("reference")
        carried = resumed.carried if resumed else ()
        self.recorder = Recorder(settings.results, clock=self.clock, carried=carried)
        journal = Journal(self.recorder.run_id, url=client.url, clock=self.clock, is_server_ours=settings.is_embedded)
        guard = Guard(journal, token=settings.token, say=progress.note)
        self._leases = Leases(client, journal, guard=guard, policy=settings.unload, clock=self.clock)
        self.recorder.run(
            settings, server_kind=server_kind, server_url=client.url, listing=listing, plan=plan, notes=notes,
            argv=argv, parent_run_id=resumed.parent.run.run_id if resumed else None,
        )  # fmt: skip

    @property
    def path(self) -> Path:
        """The run file."""
        return self.recorder.path

    def acquire(self, model: Model, config: LoadConfig, *, reuse: bool = True, purpose: str = "use") -> Lease:
        """Return a verified lease; it, or the failed attempt, is recorded.

        Raises:
            HarnessError: as `Leases.acquire`.
        """
        with self._recording_failure(model, config, mode="explicit", purpose=purpose):
            lease = self._leases.acquire(model.key, config, reuse=reuse)
        self.recorder.instance(lease, purpose=purpose)
        return lease

    def acquire_jit(
        self, model: Model, request: ChatRequest, *, purpose: str, despite_others: bool = False
    ) -> tuple[Lease, Generation]:
        """Let a chat load the model; the lease, or the failed attempt, is recorded.

        Raises:
            HarnessError: as `Leases.acquire_jit`.
        """
        config = LoadConfig(context_length=request.context_length)
        with self._recording_failure(model, config, mode="jit", purpose=purpose):
            lease, answer = self._leases.acquire_jit(model.key, request, despite_others=despite_others)
        self.recorder.instance(lease, purpose=purpose)
        return lease, answer

    def release(self, lease: Lease) -> float | None:
        """Give a lease back, verified, and record it; return the seconds it took, None if nothing had to be unloaded.

        Raises:
            ReleaseFailed: recorded, and still raised.
        """
        try:
            done = self._leases.release(lease)
        except HarnessError as exc:
            self.recorder.release(lease, self.settings.unload, None, exc.message)
            raise
        self.recorder.release(lease, self.settings.unload, done)
        return done.unload_wall_s

    @contextlib.contextmanager
    def leased(self, model: Model, config: LoadConfig) -> Iterator[LeasedModel]:
        """Hold a lease on a warmed-up instance that answers as itself; it is released however the block ends.

        Raises:
            HarnessError: as `Leases.acquire`; or the instance does not answer; or it cannot be released.
        """
        self._progress.note(f"{model.key}: loading ({size(model.size_bytes)}) ...")
        lease = self._acquire_as_set(model, config)
        took = f"loaded in {lease.load_wall_s:.1f} s" if lease.load_wall_s is not None else "is loaded already"
        self._progress.note(f"{model.key}: {took}, {lease.instance.slots} slots")
        asked, got = config.context_length, lease.instance.config.context_length
        if asked is not None and got is not None and got < asked:
            self._progress.note(f"{model.key}: its context is {got} tokens, less than the {asked} that were asked for")
        try:
            if self._resumed is not None:
                self._resumed.check(lease.model, lease.instance.config)
            reasoning = reasoning_for(lease.model, self.settings.reasoning)
            yield LeasedModel(lease=lease, address=self._warm_up(lease, reasoning), reasoning=reasoning)
        finally:
            self.release(lease)

    def others(self, leased: LeasedModel) -> tuple[InstanceId, ...]:
        """Return the ids of all instances that are resident now besides the target's: they may be busy, too."""
        return other_ids(self.client.models(), leased.instance_id)

    def check(self, lease: Lease) -> None:
        """Make sure that what was asked through a lease was answered by its instance.

        Raises:
            InstanceLost: the instance went away in use, and a request of ours made the server load another.
        """
        if self._leases.is_lost(lease):
            raise InstanceLost(lost(lease.instance.id))

    def evaluate(self, task: Task, leased: LeasedModel) -> SummaryRecord:
        """Ask all samples of a task over the instance's slots, record each as it ends, and return the cell's summary.

        No more are asked at a time than the context holds. A task about length gets samples as long as it allows.

        An interruption cancels what is in flight and records it as `cancelled`, never as a wrong answer. After five
        server errors in a row the rest is given up: the model has crashed, and the samples stay unscored. A race is
        given up as soon as its test has decided.
        """
        jobs, began = self._jobs(task, leased), self.clock.monotonic()
        known = self._resumed.answers(task, leased.model, jobs) if self._resumed else {}
        race = race_for(task, jobs, self.settings)
        cell = Cell(task, leased.model, jobs, known, race=race, pace=self._pace)
        ask = asker(
            self.client, task, instance_id=leased.instance_id, deadline_s=self.settings.sample_deadline_s,
            is_lost=lambda: self._leases.is_lost(leased.lease), clock=self.clock,
        )  # fmt: skip
        slots = Slots(
            self._pace.bounded(ask) if self._pace else ask,
            count=slots_for(task, leased.model, leased.lease.instance, self.settings),
        )

        def take(answer: Answer) -> None:
            if cell.add(answer):
                config = leased.lease.instance.config
                self.recorder.answer(task, answer, leased.model, instance_id=leased.instance_id, config=config)

        with self._progress.task(leased.model.key, task.name, len(cell.todo)) as advance:
            try:
                for answer in slots.map(cell.todo):
                    take(answer)
                    advance(answer)
                    if cell.is_over:
                        break
            finally:
                for answer in slots.stop():
                    take(answer)
        summary = summarise(
            task, cell.answers, planned=cell.planned, epochs=self.settings.epochs, model_key=leased.model.key,
            head=self.recorder.head(), reducer=self.settings.reducer, race=race,
            elapsed_s=self.clock.monotonic() - began,
        )  # fmt: skip
        self.recorder.summary(summary)
        if self._pace is not None:
            self._pace.end_cell(task, leased.model, asked=len(cell.answers) - len(known))
        if cell.left_out:
            reason = f"{cell.left_out} of {cell.count} samples left out: no time for them within the budget"
            self.recorder.skip(reason, model_key=leased.model.key, task=task.name)
        return summary

    def abandon(self) -> None:
        """Leave everything that is loaded to the reaper, at once."""
        self._leases.abandon()

    def close(self, *, exit_code: int, interrupted: bool = False) -> None:
        """Release what is still held, write the last record, close the files.

        Raises:
            ReleaseFailed: an instance of ours is or may be still loaded; the last record is written all the same.
            StoreError: records cannot be written any more; everything was released all the same.
        """
        failed: ReleaseFailed | StoreError | None = None
        for lease in self._leases.held:
            try:
                self.release(lease)
            except (ReleaseFailed, StoreError) as exc:
                failed = failed if isinstance(failed, ReleaseFailed) else exc
        with contextlib.suppress(HarnessError):  # What it leaves is open in the journal, so the reaper goes on with it.
            self._leases.release_strays()
        for key in self._leases.left_to_reaper:
            self._progress.note(f"{key}: left to the reaper, which unloads it in the background (lms-harness doctor)")
        resident: tuple[InstanceId, ...] | None = None
        if not self._leases.is_abandoned:  # Somebody is in a hurry.
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

    def _end(self, *, exit_code: int, interrupted: bool, resident: tuple[InstanceId, ...] | None) -> None:
        """Write the verdicts, which need the answers of all models and so come from the file, and the last record."""
        try:
            if not self._leases.is_abandoned:
                for verdict in comparisons(
                    read_run(self.path), self.settings, reference=self._reference, head=self.recorder.head
                ):
                    self.recorder.comparison(verdict)
        finally:
            self.recorder.end(exit_code=exit_code, interrupted=interrupted, resident=resident)

    def _jobs(self, task: Task, leased: LeasedModel) -> list[Job]:
        return jobs_of(
            task, self.settings, limit=self.settings.limit, address=leased.address, reasoning=leased.reasoning,
            room_tokens=room_tokens(task, leased.model, self.settings),
        )  # fmt: skip

    def _acquire_as_set(self, model: Model, config: LoadConfig) -> Lease:
        if self.settings.load == "explicit" or model.is_loaded:
            return self.acquire(model, config)
        request = ChatRequest(
            model=model.key,
            input=_WARM_UP,
            max_output_tokens=1,
            context_length=config.context_length,
            reasoning=reasoning_for(model, self.settings.reasoning),
        )
        return self.acquire_jit(model, request, purpose="use", despite_others=True)[0]

    def _warm_up(self, lease: Lease, reasoning: str | None) -> str:
        """Ask once, discard the answer, and return how the instance is addressed: by its id wherever that works."""
        try:
            self._greet(lease.instance.id, lease, reasoning)
        except ApiError:
            # Some servers take only keys; a key is exact only while one instance of it is resident.
            if len(lease.model.loaded_instances) > 1:
                raise
            self._greet(lease.model.key, lease, reasoning)
            self.recorder.instance(lease, purpose="use", addressed_by="key")
            return lease.model.key
        return lease.instance.id

    def _greet(self, address: str, lease: Lease, reasoning: str | None) -> None:
        request = ChatRequest(model=address, input=_WARM_UP, temperature=0.0, max_output_tokens=4, reasoning=reasoning)
        # Streamed, so that a load that it causes is known at once.
        answer = self.client.chat(request, stream=True, exchange=Exchange(), total_s=self.settings.sample_deadline_s)
        if answer.model_instance_id != lease.instance.id:
            raise ApiError(f"asked {address}, but {answer.model_instance_id} answered")
        self.check(lease)

    @contextlib.contextmanager
    def _recording_failure(self, model: Model, config: LoadConfig, **how: Any) -> Iterator[None]:
        try:
            yield
        except HarnessError as exc:
            self.recorder.failed_instance(model, config, exc.message, **how)
            raise
