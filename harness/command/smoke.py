"""Load, chat, check, unload, verify: does the plumbing between us and one model work? Its wisdom is not judged."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field

from harness.client.http import Client
from harness.clock import Clock
from harness.domain.generation import ChatRequest, Generation
from harness.domain.markup import is_only_thoughts
from harness.domain.model import InstanceId, LoadConfig, Model
from harness.errors import ApiError, HarnessError, ModelNotFound, NotAuthorised, SettingsError
from harness.lifecycle.lease import Lease
from harness.lifecycle.leases import Leases
from harness.lifecycle.resident import resident_ids
from harness.run.ask.reasoning import does_reason, extra_tokens, reasoning_for
from harness.selection.need import demand_for
from harness.selection.ranking import rank
from harness.selection.selection import find_model

PROMPT = "What is the capital of France?"
"""Even a 135M model has something to say to it; whether it is Paris is shown, and decides nothing."""

_OUTPUT_TOKENS = 48
_CONTEXT_TOKENS = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step: whether what it checks holds, how long it took, and what was seen."""

    name: str
    ok: bool
    seconds: float
    detail: str


@dataclass(slots=True, kw_only=True)
class _Note:
    """What a step has to tell while it runs."""

    ok: bool = True
    detail: str = ""


def choose_model(listing: Sequence[Model]) -> tuple[Model, str]:
    """Return the chat model to try when none is named, and why: loaded first, then the smallest.

    Raises:
        ModelNotFound: there is no chat model.
    """
    ranking = rank(listing, demand_for(["chat"]))
    if not ranking.fitting:
        raise ModelNotFound(
            f"the server lists {len(listing)} models, but none that can chat",
            hint="Get one with `lms-harness download MODEL`, or in LM Studio.",
        )
    return ranking.fitting[0].model, ranking.reason


@dataclass(slots=True, kw_only=True)
class Smoke:
    """One smoke test of one model; what it loads, it unloads by its exact id, whatever happens.

    Attributes:
        leases: of this call; what is held when an error leaves `run` is for their owner to release.
        on_step: gets each step as it ends.
        during: a context for what may take long, such as a spinner.
        steps: all so far, also after an error.
        answer: what the model said, None before it said anything.
    """

    client: Client
    leases: Leases
    clock: Clock
    on_step: Callable[[Step], None] = lambda _: None
    during: Callable[[str], AbstractContextManager[None]] = lambda _: nullcontext()
    steps: list[Step] = field(default_factory=list)
    answer: Generation | None = None
    instance_id: InstanceId | None = None

    @property
    def ok(self) -> bool:
        """Whether every step so far held."""
        return all(step.ok for step in self.steps)

    def run(self, name: str, *, new_instance: bool = False) -> None:
        """Try the model with this key, or the instance with this id; `ok` tells afterwards whether all held.

        A resident instance is tried as it is and stays loaded.

        Args:
            name: of a chat model or of one of its instances.
            new_instance: load another copy even if one is resident.

        Raises:
            LoadFailed: it cannot be loaded.
            ReleaseFailed: what was loaded for this is still there.
            HarnessError: the server went away, or the name is none of a chat model.
        """
        before = self.client.models()
        with self._step("load") as note, self.during(f"loading {name}"):
            lease = self._lease(before, name, new_instance=new_instance)
            self.instance_id = lease.instance.id
            note.detail = _loaded(lease)
        trouble = self._chat(lease)
        with self._step("unload") as note:
            self.leases.release(lease)
            note.detail = lease.instance.id if lease.is_owned else f"{lease.instance.id} was loaded before, and stays"
        with self._step("verify") as note:
            note.ok, note.detail = _verdict(lease, resident_ids(before), resident_ids(self.client.models()))
        if trouble is not None:
            raise trouble

    def _lease(self, listing: Sequence[Model], name: str, *, new_instance: bool) -> Lease:
        holder = next((model for model in listing if model.instance(name) is not None), None)
        is_key = any(model.key.lower() == name.lower() for model in listing)
        model = holder if holder is not None and not is_key else find_model(listing, name)
        if not model.is_chat:
            raise SettingsError(
                f"{model.key} is of type {model.type}: expected a chat model, as smoke asks it something",
                hint="Without a name, smoke chooses one.",
            )
        if not is_key and not new_instance:
            return self.leases.borrow(InstanceId(name))
        if model.is_loaded and not new_instance:
            return self.leases.acquire(model.key)
        context = min(_CONTEXT_TOKENS, model.max_context_length or _CONTEXT_TOKENS)
        return self.leases.acquire(model.key, LoadConfig(context_length=context), reuse=not new_instance)

    def _chat(self, lease: Lease) -> HarnessError | None:
        """Ask, and check the answer; return the error that says more about the server than about the model."""
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
                self.answer = self.client.chat(request)
                note.detail = f"said {(self.answer.text or self.answer.reasoning).strip()!r}"
        except HarnessError as exc:
            return None if isinstance(exc, ApiError) and not isinstance(exc, NotAuthorised) else exc
        with self._step("check") as note:
            problems = list(_problems(self.answer, lease, reasons=reasons))
            stats = self.answer.stats
            note.ok = not problems
            note.detail = "; ".join(problems) or (
                f"answered by {self.answer.model_instance_id}, {stats.input_tokens} tokens in, "
                f"{stats.total_output_tokens} out"
            )
        return None

    @contextmanager
    def _step(self, name: str) -> Iterator[_Note]:
        started, note = self.clock.monotonic(), _Note()
        try:
            yield note
        except HarnessError as exc:
            note.ok, note.detail = False, exc.message
            raise
        except BaseException:
            note.ok, note.detail = False, "interrupted"
            raise
        finally:
            step = Step(name=name, ok=note.ok, seconds=self.clock.monotonic() - started, detail=note.detail)
            self.steps.append(step)
            self.on_step(step)


def _loaded(lease: Lease) -> str:
    context = lease.instance.config.context_length
    told = f"{lease.instance.id}, {context} tokens of context"
    return told if lease.is_owned else f"{told}; it was loaded before, and is tried as it is"


def _problems(answer: Generation, lease: Lease, *, reasons: bool) -> Iterator[str]:
    if not (answer.text.strip() or (reasons and answer.reasoning.strip())):
        yield "expected some text, got none"
    elif is_only_thoughts(answer.text):
        yield "expected an answer, got only the model's thoughts"
    if answer.model_instance_id != lease.instance.id:
        yield f"expected an answer of {lease.instance.id}, got one of {answer.model_instance_id}"
    if answer.loaded_model:
        yield "the instance had gone away, and the server loaded another for this request"
    for what, tokens in (("input", answer.stats.input_tokens), ("output", answer.stats.total_output_tokens)):
        if not tokens:
            yield f"expected {what} tokens to be counted, got {tokens}"


def _verdict(lease: Lease, before: Sequence[InstanceId], after: Sequence[InstanceId]) -> tuple[bool, str]:
    own = lease.instance.id
    gone = [one for one in before if one not in after and one != own]
    others = f"; meanwhile somebody unloaded {', '.join(gone)}" if gone else ""
    if lease.is_owned:
        return own not in after, f"{own} is {'still' if own in after else 'no longer'} listed{others}"
    return own in after, f"{own} is {'still' if own in after else 'no longer'} listed{others}"
