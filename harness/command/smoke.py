"""A smoke test of one model: load, chat, check, unload, verify. It tests the connection, not the model's quality."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field

from harness.client.http import Client
from harness.client.retry import is_transient, retried
from harness.clock import Clock
from harness.domain.count import counted
from harness.domain.generation import ChatRequest, Generation
from harness.domain.markup import is_only_thoughts
from harness.domain.model import InstanceId, LoadConfig, Model
from harness.errors import ApiError, HarnessError, ModelNotFound, NotAuthorised, SettingsError
from harness.lifecycle.lease import Lease
from harness.lifecycle.leases import Leases
from harness.lifecycle.resident import resident_ids
from harness.run.ask.attempt import check_resident
from harness.run.ask.reasoning import does_reason, extra_tokens, reasoning_for
from harness.selection.need import demand_for
from harness.selection.ranking import rank
from harness.selection.selection import find_model

PROMPT = "What is the capital of France?"
"""Even a 135M model answers it. The answer is shown, but whether it is right makes no difference."""

_OUTPUT_TOKENS = 48
_CONTEXT_TOKENS = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class SmokeStep:
    """One finished step: whether it succeeded, how long it took, and what was seen."""

    name: str
    ok: bool
    seconds: float
    detail: str


@dataclass(slots=True, kw_only=True)
class _Note:
    """The result of a step that is still running."""

    ok: bool = True
    detail: str = ""


def choose_model(listing: Sequence[Model]) -> tuple[Model, str]:
    """Return the chat model to test when none is named, and why: a loaded one, else the smallest.

    Raises:
        ModelNotFound: there is no chat model.
    """
    ranking = rank(listing, demand_for(["chat"]))
    if not ranking.fitting:
        raise ModelNotFound(
            f"of {counted(len(listing), 'listed model')}, none can chat",
            hint="Get one with `lms-harness download MODEL`, or in LM Studio.",
        )
    return ranking.fitting[0].model, ranking.reason


@dataclass(slots=True, kw_only=True)
class Smoke:
    """One smoke test of one model. What it loads, it unloads by its exact id.

    Attributes:
        client: of the server.
        leases: of this call. Where `run` raises, the caller releases what they still hold.
        clock: for durations.
        on_step: gets each step as it ends.
        during: makes a context, such as a spinner, around what may take long.
        steps: all so far, also after an error.
        answer: what the model answered; None before.
        instance_id: of the tested instance; None before it is known.
    """

    client: Client
    leases: Leases
    clock: Clock
    on_step: Callable[[SmokeStep], None] = lambda _: None
    during: Callable[[str], AbstractContextManager[None]] = lambda _: nullcontext()
    steps: list[SmokeStep] = field(default_factory=list)
    answer: Generation | None = None
    instance_id: InstanceId | None = None

    @property
    def ok(self) -> bool:
        """Whether every step so far succeeded."""
        return all(step.ok for step in self.steps)

    def run(self, name: str, *, new_instance: bool = False) -> None:
        """Test the model with this key, or the instance with this id; `ok` then tells whether all steps succeeded.

        A resident instance is tested as it is, and stays loaded.

        Args:
            name: key of a chat model, or id of one of its instances.
            new_instance: load another copy even if one is resident.

        Raises:
            LoadFailed: the model cannot be loaded.
            ReleaseFailed: what was loaded for this test is still loaded.
            HarnessError: the server went away, or there is no chat model of this name.
        """
        before = self._listing()
        with self._step("load") as note, self.during(f"loading {name}"):
            lease = self._lease(before, name, new_instance=new_instance)
            self.instance_id = lease.instance.id
            note.detail = _loaded(lease)
        failure = self._chat(lease)
        with self._step("unload") as note:
            self.leases.release(lease)
            note.detail = (
                lease.instance.id if lease.is_owned else f"{lease.instance.id} was already loaded, so it stays loaded"
            )
        with self._step("verify") as note:
            note.ok, note.detail = _verdict(lease, resident_ids(before), resident_ids(self._listing()))
        if failure is not None:
            raise failure

    def _lease(self, listing: Sequence[Model], name: str, *, new_instance: bool) -> Lease:
        holder = next((model for model in listing if model.instance(name) is not None), None)
        is_key = any(model.key.lower() == name.lower() for model in listing)
        model = holder if holder is not None and not is_key else find_model(listing, name)
        if not model.is_chat:
            raise SettingsError(
                f"expected a chat model, but {model.key} is of type {model.type}",
                hint="Without a name, smoke chooses a model that can chat.",
            )
        if not is_key and not new_instance:
            return self.leases.borrow(InstanceId(name))
        if model.is_loaded and not new_instance:
            return self.leases.acquire(model.key)
        context = min(_CONTEXT_TOKENS, model.max_context_length or _CONTEXT_TOKENS)
        return self.leases.acquire(model.key, LoadConfig(context_length=context), reuse=not new_instance)

    def _chat(self, lease: Lease) -> HarnessError | None:
        """Ask, and check the answer; return the error if it is about the connection or the token, not the model."""
        reasoning = reasoning_for(lease.model, "off")
        reasons = does_reason(reasoning)
        request = ChatRequest(
            model=lease.instance.id,
            input=PROMPT,
            temperature=0.0,
            reasoning=reasoning,
            max_output_tokens=_OUTPUT_TOKENS + extra_tokens(reasoning),
        )
        try:
            with self._step("chat") as note, self.during(f"asking {lease.instance.id}"):
                self.answer, attempts = self._ask(request)
                note.detail = f"answered {(self.answer.text or self.answer.reasoning).strip()!r}"
                if attempts > 1:
                    note.detail += f" (attempt {attempts})"
        except HarnessError as exc:
            return None if isinstance(exc, ApiError) and not isinstance(exc, NotAuthorised) else exc
        with self._step("check") as note:
            problems = list(_problems(self.answer, lease, reasons=reasons))
            stats = self.answer.stats
            note.ok = not problems
            note.detail = "; ".join(problems) or (
                f"answered by {self.answer.model_instance_id}, {_count(stats.input_tokens)} tokens in, "
                f"{_count(stats.total_output_tokens)} out"
            )
        return None

    def _listing(self) -> Sequence[Model]:
        return retried(lambda _: self.client.models(), clock=self.clock)

    def _ask(self, request: ChatRequest) -> tuple[Generation, int]:
        """Return the answer, and how many attempts it took."""
        last_error, attempts = "", 0

        def once(attempt: int) -> Generation:
            nonlocal attempts
            attempts = attempt
            if attempt > 1:
                check_resident(self.client, InstanceId(request.model), after=last_error)
            return self.client.chat(request)

        def may_repeat(error: HarnessError) -> bool:
            nonlocal last_error
            last_error = error.message
            return is_transient(error)

        return retried(once, clock=self.clock, may_repeat=may_repeat), attempts

    @contextmanager
    def _step(self, name: str) -> Iterator[_Note]:
        started, note = self.clock.monotonic(), _Note()
        try:
            yield note
        except HarnessError as exc:
            note.ok, note.detail = False, exc.message
            raise
        except BaseException:  # Ctrl-C, mostly: the step is reported as it is for an error.
            note.ok, note.detail = False, "interrupted"
            raise
        finally:
            step = SmokeStep(name=name, ok=note.ok, seconds=self.clock.monotonic() - started, detail=note.detail)
            self.steps.append(step)
            self.on_step(step)


def _loaded(lease: Lease) -> str:
    context = lease.instance.config.context_length
    loaded = f"{lease.instance.id}, {context} tokens of context"
    return loaded if lease.is_owned else f"{loaded}; it was already loaded, and is tested as it is"


def _count(tokens: int | None) -> str:
    return "an unreported number of" if tokens is None else str(tokens)


def _problems(answer: Generation, lease: Lease, *, reasons: bool) -> Iterator[str]:
    if not (answer.text.strip() or (reasons and answer.reasoning.strip())):
        yield "expected some text, got none"
    elif is_only_thoughts(answer.text):
        yield "expected an answer, got only the model's thoughts"
    if answer.model_instance_id != lease.instance.id:
        yield f"expected an answer from {lease.instance.id}, got one from {answer.model_instance_id}"
    if answer.loaded_model:
        yield "the instance was gone, and the server loaded another one for this request"
    for what, tokens in (("input", answer.stats.input_tokens), ("output", answer.stats.total_output_tokens)):
        # None: the server does not report it, which is not a fault of the model or the connection.
        if tokens == 0:
            yield f"expected {what} tokens to be counted, got 0"


def _verdict(lease: Lease, before: Sequence[InstanceId], after: Sequence[InstanceId]) -> tuple[bool, str]:
    own = lease.instance.id
    gone = [instance_id for instance_id in before if instance_id not in after and instance_id != own]
    others = f"; meanwhile {', '.join(gone)} disappeared, which this test did not cause" if gone else ""
    is_listed = own in after
    return is_listed != lease.is_owned, f"{own} is {'still' if is_listed else 'no longer'} listed{others}"
