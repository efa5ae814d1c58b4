"""One request to one model: a single turn, or the next turn of a stored conversation (a thread)."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from harness.client.http import Client
from harness.client.request import chat_body
from harness.client.retry import ATTEMPTS, is_transient, retried
from harness.client.stream import StreamEvent
from harness.clock import Clock, SystemClock
from harness.command.request import addressed, fitted
from harness.domain.generation import ChatRequest, Generation, Outcome, outcome_of
from harness.domain.model import LoadConfig, Model, ResponseId
from harness.errors import ApiError, HarnessError, MalformedAnswer, StoreError, UnknownResponseId
from harness.lifecycle.lease import Lease
from harness.lifecycle.leases import Leases
from harness.run.ask.attempt import check_resident
from harness.store.chat_log import ChatLog
from harness.store.conversation import Thread, turn

InThread = Literal["no", "continue", "anew"]
"""Whether a turn belongs to the stored thread of its model: not at all, as its next turn, or as the first of a new."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatReply:
    """An answer, and the lease on the instance that gave it."""

    generation: Generation
    lease: Lease
    outcome: Outcome
    attempts: int = 1

    @property
    def content(self) -> str:
        """The message; the reasoning where the model put everything there."""
        return self.generation.text.strip() or self.generation.reasoning.strip()

    @property
    def content_source(self) -> str | None:
        """Where `content` comes from: `message`, `reasoning`, or None when both are empty."""
        if self.generation.text.strip():
            return "message"
        return "reasoning" if self.generation.reasoning.strip() else None

    def as_dict(self) -> dict[str, Any]:
        """Return what `lms-harness chat` prints as JSON; None stands for what the server did not report.

        `usage.model_load_time_seconds` is the server's figure for the load that this call caused; None where the
        instance was loaded before. `stats.total_seconds` is how long the client waited for the answer, without a load.
        """
        stats = self.generation.stats
        load_s = stats.load_time_s if stats.load_time_s is not None else self.lease.load_time_s
        return {
            "content": self.content,
            "content_source": self.content_source,
            "outcome": self.outcome.value,
            "model_instance_id": self.generation.model_instance_id,
            "response_id": self.generation.response_id,
            "usage": {
                "input_tokens": stats.input_tokens,
                "total_output_tokens": stats.total_output_tokens,
                "reasoning_output_tokens": stats.reasoning_output_tokens,
                "model_load_time_seconds": load_s,
            },
            "stats": {
                "tokens_per_second": stats.tokens_per_second,
                "time_to_first_token_seconds": stats.ttft_s,
                "total_seconds": self.generation.times.total_s,
                "attempts": self.attempts,
            },
            "tool_calls": list(self.generation.tool_calls),
        }


def ask_once(
    client: Client,
    leases: Leases,
    request: ChatRequest,
    *,
    thread: InThread = "no",
    on_text: Callable[[str], None] | None = None,
    log: ChatLog | None = None,
    say: Callable[[str], None] = lambda _: None,
    clock: Clock | None = None,
) -> ChatReply:
    """Return the answer to `request`, whose `model` is a key, an instance id or an alias; loads the model if necessary.

    Args:
        client: of the server.
        leases: holds the lease of the reply afterwards; the caller releases it or hands it over.
        request: what to ask. Its `context_length` is for the load; it is not sent with the chat.
        thread: whether this turn belongs to the stored conversation; the server then stores it as well.
        on_text: gets the pieces of the message as they come, and makes the answer a stream. Once it has got one, the
            request is not retried.
        log: gets every request, and its response or error.
        say: prints for the user: a retry, an option that is not sent, a thread that another process holds.
        clock: for the pauses between attempts.

    Raises:
        HarnessError: there is no such model, it cannot be loaded or cannot do what is asked, or the chat failed. Even
            then a lease may be held.
    """
    clock = clock or SystemClock()
    listing = retried(lambda _: client.models(), clock=clock)
    model, instance_id = addressed(listing, request.model)
    fit = fitted(request, model, instance_id, listing=listing, say=say)
    asking = _Asking(client=client, leases=leases, clock=clock, on_text=on_text, log=log, say=say)
    with _turn(thread, client, model, clock, say) as held:
        previous = fit.previous_response_id or (_stored(held, say) if held and thread == "continue" else None)
        if instance_id is not None:
            lease = leases.borrow(instance_id)
        else:
            lease = leases.acquire(model.key, LoadConfig(context_length=fit.context_length))
        asked = replace(fit, model=lease.instance.id, context_length=None, previous_response_id=previous)
        try:
            reply = asking.ask(asked, lease)
        except UnknownResponseId as exc:
            if held is None or fit.previous_response_id is not None:
                raise
            say(f"Starting a new thread: the server no longer has the last answer of the old one. ({exc.message})")
            held.drop()
            reply = asking.ask(replace(asked, previous_response_id=None), lease)
        if held is not None:
            _keep(held, reply.generation.response_id, say)
    return reply


def _turn(
    thread: InThread, client: Client, model: Model, clock: Clock, say: Callable[[str], None]
) -> AbstractContextManager[Thread | None]:
    return nullcontext() if thread == "no" else turn(client.url, model.key, clock=clock, say=say)


def _stored(thread: Thread, say: Callable[[str], None]) -> ResponseId | None:
    try:
        return thread.last()
    except (ValueError, OSError) as exc:
        say(f"Starting a new thread: {thread.path} cannot be used ({exc}).")
        return None


def _keep(thread: Thread, response_id: ResponseId | None, say: Callable[[str], None]) -> None:
    """Remember the answer for the next turn. A failure is only printed: the answer matters more than its thread."""
    if response_id is None:
        say("The server returned no response_id, so the next turn cannot continue from this answer.")
        return
    try:
        thread.keep(response_id)
    except StoreError as exc:
        say(f"The next turn will not continue from this answer: {exc}")


class _Asking:
    """Asks one turn, and retries it where that is safe and may help."""

    def __init__(
        self,
        *,
        client: Client,
        leases: Leases,
        clock: Clock,
        on_text: Callable[[str], None] | None,
        log: ChatLog | None,
        say: Callable[[str], None],
    ) -> None:
        self._client = client
        self._leases = leases
        self._clock = clock
        self._on_text = on_text
        self._log = log
        self._say = say
        self._attempt = 0
        self._has_delta = False
        self._was_malformed = False
        self._last_error = ""

    def ask(self, request: ChatRequest, lease: Lease) -> ChatReply:
        """Return the answer of the leased instance.

        Raises:
            HarnessError: no answer came, or another instance answered.
        """
        if request.previous_response_id is not None and request.system_prompt is not None:
            self._say("The system prompt is not sent: the thread has one from its first turn.")
            request = replace(request, system_prompt=None)
        answer = retried(
            lambda attempt: self._once(request, lease, attempt),
            clock=self._clock,
            may_repeat=self._may_repeat,
            on_retry=lambda exc, pause_s: self._say(f"{exc.message}; trying again in {pause_s:g} s ..."),
        )
        if self._leases.is_lost(lease):
            self._say(
                f"{lease.instance.id} was unloaded meanwhile; this request loaded it again, with default settings."
            )
        outcome = outcome_of(answer, max_output_tokens=request.max_output_tokens)
        return ChatReply(generation=answer, lease=lease, outcome=outcome, attempts=self._attempt)

    def _once(self, request: ChatRequest, lease: Lease, attempt: int) -> Generation:
        self._attempt = attempt
        if attempt > 1:
            check_resident(self._client, lease.instance.id, after=self._last_error)
        is_streamed = self._on_text is not None

        def listen(event: StreamEvent) -> None:
            if event.name == "chat.start" and isinstance(named := event.data.get("model_instance_id"), str):
                _check_author(named, request)  # Before any text of another instance is shown.
            self._take(event)

        self._note("request", url=self._client.url, request=chat_body(request, stream=is_streamed))
        try:
            answer = self._client.chat(request, stream=is_streamed, on_event=listen, own_thread=True)
            _check_author(answer.model_instance_id, request)
        except (HarnessError, KeyboardInterrupt) as exc:
            message = exc.message if isinstance(exc, HarnessError) else "interrupted"
            self._note("error", error=type(exc).__name__, message=message, status=getattr(exc, "status", None))
            raise
        self._note("response", **_logged(answer))
        is_empty = not (answer.text.strip() or answer.reasoning.strip() or answer.tool_calls)
        if is_empty and not (self._was_malformed or self._has_delta) and attempt < ATTEMPTS:
            raise MalformedAnswer("the answer is empty")
        return answer

    def _may_repeat(self, error: HarnessError) -> bool:
        self._last_error = error.message
        if self._has_delta:
            return False
        if isinstance(error, MalformedAnswer):
            is_first, self._was_malformed = not self._was_malformed, True
            return is_first
        return is_transient(error)

    def _take(self, event: StreamEvent) -> None:
        self._has_delta |= event.is_delta
        if self._on_text is not None and event.name == "message.delta" and event.is_delta:
            self._on_text(str(event.data["content"]))

    def _note(self, kind: str, **entry: Any) -> None:
        if self._log is not None:
            self._log.write(kind, {"attempt": self._attempt, **entry})


def _check_author(instance_id: str, request: ChatRequest) -> None:
    if instance_id != request.model:
        raise ApiError(
            f"asked {request.model}, but {instance_id} answered",
            hint="That answer is not shown. `lms-harness models` lists what is loaded.",
        )


def _logged(answer: Generation) -> dict[str, Any]:
    fields = asdict(answer)
    names = ("model_instance_id", "response_id", "text", "reasoning", "tool_calls", "stats", "times")
    return {name: fields[name] for name in names}
