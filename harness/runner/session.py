"""From settings to an open run: finds or starts the server, chooses the models, opens the run file, closes it all."""

import contextlib
from collections.abc import Callable, Sequence
from functools import cached_property

from harness.client.http import Client, Deadlines
from harness.clock import SystemClock
from harness.domain.model import Model
from harness.errors import ReleaseFailed, StoreError
from harness.lifecycle.journal import state_dir
from harness.lifecycle.selection import Selection, select_models
from harness.lifecycle.sweep import sweep
from harness.runner.interrupt import interruptible
from harness.runner.plan import Plan, check_reasoning
from harness.runner.run import Progress, Run
from harness.settings import Settings
from harness.task.task import Task

DEMONSTRATION = (
    "this is a demonstration. The embedded default models are one small network (SmolLM2-135M-Instruct) in three "
    "quantisations; q4_0 and q8_0 are requantised from q4_1 and cannot be better than it, whatever the figures. "
    "To choose a model, point the harness at LM Studio."
)
_LIST_DEADLINE_S = 3.0


class Session:
    """What a pytest session or a command needs of a server. Nothing happens before it is asked for.

    Args:
        settings: what was asked for.
        argv: the command line, for the record.
        progress: where progress is shown.
        say: prints a line for a person.
    """

    def __init__(
        self, settings: Settings, *, argv: Sequence[str], progress: Progress, say: Callable[[str], None]
    ) -> None:
        self.settings = settings
        self._argv = argv
        self._progress = progress
        self._say = say
        self._told: set[str] = set()
        self._resources = contextlib.ExitStack()
        self.tasks: tuple[Task, ...] = ()
        self.run: Run | None = None
        self.failures: list[ReleaseFailed | StoreError] = []

    @cached_property
    def listing(self) -> tuple[Model, ...]:
        """The server's models, from one request; those of the embedded server are known without starting it.

        Raises:
            HarnessError: nobody listens, it is not LM Studio, it is too old, it wants a token.
        """
        if self.settings.is_embedded:
            return _embedded_listing(self.settings, self._say_once)
        deadlines = Deadlines(connect_s=_LIST_DEADLINE_S, list_s=_LIST_DEADLINE_S)
        with Client(self.settings.url, token=self.settings.token, deadlines=deadlines) as client:
            return client.preflight()

    @cached_property
    def selection(self) -> Selection:
        """The models of this run, cheapest first.

        Raises:
            HarnessError: as `listing`, `select_models` and `check_reasoning`.
        """
        selection = select_models(
            self.listing,
            patterns=self.settings.models,
            exclude=self.settings.exclude,
            max_size_bytes=self.settings.max_size_bytes,
        )
        check_reasoning(selection.models, self.settings.reasoning)
        return selection

    def plan(self) -> Plan:
        """Return what will be done with the tasks that were collected."""
        return Plan(selection=self.selection, tasks=self.tasks, settings=self.settings)

    def open(self) -> Run:
        """Return the run, opening it on the first call: starts the embedded server if asked to, and preflights.

        Raises:
            HarnessError: the server cannot be used, or the run file cannot be made.
        """
        if self.run is not None:
            return self.run
        url = self._start_embedded() if self.settings.is_embedded else self.settings.url
        client = self._resources.enter_context(Client(url, token=self.settings.token))
        client.preflight()
        for swept in sweep(
            state_dir() / "journals", url=client.url, token=self.settings.token, clock=SystemClock(),
            on_begin=lambda lease: self._say(f"A run that died has left {lease.model_key}: looking after it ..."),
        ):  # fmt: skip
            self._say(str(swept))
        listing = client.models()
        plan = self.plan()
        kind = client.server_kind
        self.run = Run(
            self.settings,
            client,
            server_kind=kind,
            listing=listing,
            progress=self._progress,
            plan=plan.as_dict(),
            notes=_notes(kind, plan),
            argv=self._argv,
        )
        self._resources.enter_context(interruptible(on_second=self.run.abandon))
        return self.run

    def close(self, *, exit_code: int, interrupted: bool = False) -> int:
        """End the run and the server that it started; return the exit code: 7 when something of ours is left.

        Where the run could not be recorded it is that error's.
        """
        try:
            if self.run is not None:
                self.run.close(exit_code=exit_code, interrupted=interrupted)
        except (ReleaseFailed, StoreError) as exc:
            self.note_failure(exc)
        finally:
            self._resources.close()
        return max((one.exit_code for one in self.failures), default=exit_code)

    def note_failure(self, failure: ReleaseFailed | StoreError) -> None:
        """Keep what must be told at the end; that nothing can be recorded is told once."""
        if isinstance(failure, ReleaseFailed) or not any(isinstance(one, StoreError) for one in self.failures):
            self.failures.append(failure)

    def _say_once(self, line: str) -> None:
        """Say a line of the embedded server: what its listing said, its start says again."""
        if line not in self._told:
            self._told.add(line)
            self._say(line)

    def _start_embedded(self) -> str:
        from harness.embedded.process import EmbeddedServer

        server = EmbeddedServer.start(models_dir=self.settings.models_dir, on_progress=self._say_once)
        self._resources.callback(server.close)
        return server.url


def _embedded_listing(settings: Settings, tell: Callable[[str], None]) -> tuple[Model, ...]:
    if settings.models_dir is None:
        from harness.embedded.default_models import listing

        return listing()
    from harness.embedded.catalogue import scan

    return scan(settings.models_dir, tell)


def _notes(kind: str, plan: Plan) -> list[str]:
    notes = []
    if kind == "embedded":
        from harness.embedded.default_models import listing

        defaults = {model.key for model in listing()}
        if any(model.key in defaults for model in plan.selection.models):
            notes.append(DEMONSTRATION)
    return notes
