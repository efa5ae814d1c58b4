"""The client: each method sends one request to LM Studio and returns its answer, or raises a `HarnessError`."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Self
from urllib.parse import quote

from harness.client.address import normalised
from harness.client.answer import payload_of
from harness.client.caller import Caller, Sender
from harness.client.deadline import Deadlines
from harness.client.exchange import Exchange
from harness.client.line import Head
from harness.client.listing import read_listing
from harness.client.openai import (
    CompletionWire,
    EmbeddingsWire,
    OpenAIAssembly,
    OpenAIChatRequest,
    embeddings_body,
    openai_chat_body,
)
from harness.client.proxy import name_proxy, proxy_for
from harness.client.redaction import DEFAULT_TOKEN, Redaction
from harness.client.request import chat_body, load_body
from harness.client.stream import ChatAssembly, Listener, Loading, StreamEvent, loading
from harness.client.wire import ChatWire, DownloadWire, LoadWire, ModelsWire, UnloadWire, parse
from harness.clock import Clock, SystemClock
from harness.domain.download import Download
from harness.domain.generation import ChatRequest, Embeddings, Generation
from harness.domain.model import InstanceId, LoadConfig, LoadResult, Model
from harness.errors import (
    ApiError,
    ConnectionLost,
    DeadlineExceeded,
    HarnessError,
    InvalidRequest,
    MalformedAnswer,
    NotAuthorised,
    NotLMStudio,
    ProtocolError,
    ServerTooOld,
    ServerUnreachable,
    SettingsError,
)

_MODELS = "/api/v1/models"
_LOAD = "/api/v1/models/load"
_UNLOAD = "/api/v1/models/unload"
_DOWNLOAD = "/api/v1/models/download"
_CHAT = "/api/v1/chat"
_OPENAI_CHAT = "/v1/chat/completions"
_EMBEDDINGS = "/v1/embeddings"
_GREETING = "/lmstudio-greeting"
_SILENT = "Something accepts connections there but does not answer: check the address, or restart LM Studio's server."


class Client:
    """A client of one server; may be used by many threads at a time, and as a context manager.

    Args:
        url: such as `http://127.0.0.1:1234`; a trailing `/` and the paths of the API are removed.
        token: sent as bearer token, and kept out of every error. LM Studio ignores it while authentication is off.
        deadlines: they also hold against a server that sends a byte now and then.
        clock: for deadlines and times.

    Attributes:
        token: what is sent as bearer token; the reaper sends it, too.
        on_load: called with the id of each instance that a native chat makes the server load, in the thread of that
            chat: when a stream reports that loading begins or is done, and when the answer reports that it is done.
        on_listing: called with each listing of the models.
        on_oddity: called with a line on each odd entry of the listings, once.
        on_error: called with the model or instance that a listing (None), chat or embedding named, with its error, and
            with whether it was a native stream, which reports a load that it causes.
        on_request: called with the model or instance that a chat or embedding names, and with whether it begins or has
            ended.

    Raises:
        SettingsError: the URL or the token cannot be used.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str = DEFAULT_TOKEN,
        deadlines: Deadlines = Deadlines(),  # noqa: B008  (frozen)
        clock: Clock | None = None,
    ) -> None:
        if not (token.isascii() and token.isprintable()) or " " in token:
            raise SettingsError("the token contains invalid characters", hint="Check LM_API_TOKEN.")
        self.url = normalised(url)
        self.token = token
        self.deadlines = deadlines
        self.on_load: Callable[[InstanceId, Loading], None] | None = None
        self.on_listing: Callable[[tuple[Model, ...]], None] | None = None
        self.on_error: Callable[[str | None, HarnessError, bool], None] | None = None
        self.on_request: Callable[[str, bool], None] | None = None
        self.on_oddity: Callable[[str], None] | None = None
        self._noted: set[str] = set()
        self._proxy = proxy_for(self.url)
        self._redaction = Redaction(token)
        self._caller = Caller(self.url, token=token, deadlines=deadlines, clock=clock or SystemClock())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release what the client holds. Requests in flight continue; cancel them through their exchanges."""
        self._caller.close()

    @property
    def server_kind(self) -> str:
        """Which server answered last: `embedded` (our own), `lm-studio` (by its Express header) or `unknown`."""
        return self._caller.server_kind

    def preflight(self) -> tuple[Model, ...]:
        """Return the listing of a server that is ready.

        Raises:
            ServerUnreachable: no server answers in time.
            NotLMStudio: another kind of server answers.
            ServerTooOld: it is LM Studio before 0.4.
            NotAuthorised: the server requires a token, or does not accept this one.
        """
        with self._explaining():
            try:
                return self.models()
            except (ServerUnreachable, ServerTooOld, NotAuthorised):
                raise
            except DeadlineExceeded as exc:
                raise ServerUnreachable(exc.message, hint=exc.hint if exc.phase == "connect" else _SILENT) from exc
            except (ConnectionLost, ProtocolError, ApiError) as exc:
                raise self._diagnosis(exc) from exc

    def models(self, *, exchange: Exchange | None = None) -> tuple[Model, ...]:
        """Return all downloaded models with their loaded instances (`GET /api/v1/models`).

        The request is repeated once when the connection breaks, as a listing changes nothing.
        """
        with self._reporting(None):
            waits = {"list": self.deadlines.list_s}
            try:
                payload, _ = self._caller.ask("GET", _MODELS, waits=waits, exchange=exchange)
            except ConnectionLost:
                payload, _ = self._caller.ask("GET", _MODELS, waits=waits, exchange=exchange)
            listing = read_listing(parse(ModelsWire, payload).models)
        if self.on_listing is not None:
            self.on_listing(listing.models)
        self._note_oddities(listing.oddities)
        return listing.models

    def load(
        self,
        key: str,
        config: LoadConfig = LoadConfig(),  # noqa: B008  (frozen)
        *,
        echo: bool = True,
        exchange: Exchange | None = None,
    ) -> LoadResult:
        """Load one more instance of a model, even if it is loaded already (`POST /api/v1/models/load`).

        Never repeated: after an error other than `ApiError` the server may still be loading the model.

        Raises:
            ModelNotFound: no such model is downloaded.
            LoadFailed: it cannot be loaded.
        """
        with self._redaction.of_errors():
            body = load_body(key, config, echo=echo)
            payload, _ = self._caller.ask("POST", _LOAD, body, waits={"load": self.deadlines.load_s}, exchange=exchange)
            return parse(LoadWire, payload).to_domain()

    def loaded(self, status: int, body: bytes) -> LoadResult:
        """Return the result of a load whose answer was received by another process.

        Raises:
            ApiError, ProtocolError: as `load`.
        """
        with self._redaction.of_errors():
            head = Head(at=0.0, status=status, headers={})
            return parse(LoadWire, payload_of(head, body, route=f"POST {_LOAD}")).to_domain()

    def unload(self, instance_id: str, *, exchange: Exchange | None = None) -> InstanceId:
        """Unload exactly this instance and return its id (`POST /api/v1/models/unload`).

        Raises:
            InstanceNotLoaded: no instance has this id.
        """
        with self._redaction.of_errors():
            body = {"instance_id": instance_id}
            payload, _ = self._caller.ask(
                "POST", _UNLOAD, body, waits={"unload": self.deadlines.unload_s}, exchange=exchange
            )
            unloaded = parse(UnloadWire, payload).instance_id
            if unloaded != instance_id:
                raise MalformedAnswer(f"asked to unload {instance_id}, but the answer names {unloaded}")
            return InstanceId(unloaded)

    def download(self, model: str, *, quantization: str | None = None) -> Download:
        """Start the download of a model (`POST /api/v1/models/download`); the server continues it on its own.

        Args:
            model: its name in LM Studio's catalogue (`owner/name`), or its exact URL at Hugging Face.
            quantization: such as Q4_K_M; LM Studio accepts it only with a URL.
        """
        with self._redaction.of_errors():
            body = {"model": model} | ({"quantization": quantization} if quantization else {})
            payload, _ = self._caller.ask("POST", _DOWNLOAD, body, waits={"download": self.deadlines.download_s})
            return parse(DownloadWire, payload).to_domain()

    def download_status(self, job_id: str) -> Download:
        """Return the progress of a download (`GET /api/v1/models/download/status/:job_id`); there are no events."""
        with self._redaction.of_errors():
            path = f"{_DOWNLOAD}/status/{quote(job_id, safe='')}"
            payload, _ = self._caller.ask("GET", path, waits={"list": self.deadlines.list_s})
            return parse(DownloadWire, payload).to_domain()

    def chat(
        self,
        request: ChatRequest,
        *,
        stream: bool = False,
        on_event: Listener | None = None,
        total_s: float | None = None,
        exchange: Exchange | None = None,
        carrier: Sender | None = None,
        own_thread: bool = False,
    ) -> Generation:
        """Return the answer to one turn (`POST /api/v1/chat`); the caller compares `model_instance_id`.

        Args:
            request: the question.
            stream: read the answer as it is generated, which gives its times and applies the idle deadline.
            on_event: called with each event of a stream.
            total_s: replaces the total deadline.
            exchange: cancels the request; the server then stops generating.
            carrier: sends a streamed request in place of this client: the reaper, where the chat may load its model.
            own_thread: read a stream in a thread of its own, so that an `on_event` that has to wait, such as for a
                terminal, delays neither the reading nor the times.

        Raises:
            ContextOverflow: the prompt does not fit.
            UnknownResponseId: `previous_response_id` is no longer stored.
            ApiError: also for an `error` event, once the stream has been read to its end.
        """
        with self._reporting(request.model, is_stream=stream):
            body = chat_body(request, stream=stream)
            listen = self._noting_loads(on_event)
            assembly = ChatAssembly(route=f"POST {_CHAT}", on_event=listen) if stream else None
            sender = carrier or self._caller.sender(own_thread=own_thread)
            answer = self._caller.generate(_CHAT, body, assembly, total_s=total_s, exchange=exchange, sender=sender)
            generation = answer if isinstance(answer, Generation) else parse(ChatWire, answer[0]).to_domain(answer[1])
            if generation.loaded_model and self.on_load is not None:
                self.on_load(generation.model_instance_id, "loaded")
            return generation

    def openai_chat(
        self,
        request: OpenAIChatRequest,
        *,
        stream: bool = False,
        on_event: Listener | None = None,
        total_s: float | None = None,
        exchange: Exchange | None = None,
    ) -> Generation:
        """Return the answer of `POST /v1/chat/completions`, for what the native chat lacks.

        The caller compares `model_instance_id`: while one model is loaded, LM Studio answers to any model name with it.
        `on_event` is called with each piece of a streamed answer, as with a delta of `chat`.
        """
        with self._reporting(request.model):
            body = openai_chat_body(request, stream=stream)
            assembly = OpenAIAssembly(on_event) if stream else None
            answer = self._caller.generate(_OPENAI_CHAT, body, assembly, total_s=total_s, exchange=exchange)
            return answer if isinstance(answer, Generation) else parse(CompletionWire, answer[0]).to_domain(answer[1])

    def embed(
        self, model: str, texts: Sequence[str], *, exchange: Exchange | None = None
    ) -> tuple[tuple[float, ...], ...]:
        """Return a vector for each text (`POST /v1/embeddings`). LM Studio silently cuts texts to the context."""
        return self.embeddings(model, texts, exchange=exchange).vectors

    def embeddings(
        self, model: str, texts: Sequence[str], *, total_s: float | None = None, exchange: Exchange | None = None
    ) -> Embeddings:
        """Return what `embed` returns, with the times and what the answer says of itself.

        `total_s` replaces the total deadline.
        """
        with self._reporting(model):
            waits = {"total": self.deadlines.total_s if total_s is None else total_s}
            payload, times = self._caller.ask(
                "POST", _EMBEDDINGS, embeddings_body(model, texts), waits=waits, exchange=exchange
            )
            return parse(EmbeddingsWire, payload).to_domain(times, count=len(texts))

    @contextmanager
    def _reporting(self, name: str | None, *, is_stream: bool = False) -> Iterator[None]:
        """Let errors pass without the token, after `on_error` has got them; `on_request` gets the begin and the end."""
        with self._explaining():
            if name is not None and self.on_request is not None:
                self.on_request(name, True)
            try:
                yield
            except HarnessError as exc:
                if self.on_error is not None:
                    self.on_error(name, exc, is_stream)
                raise
            finally:
                if name is not None and self.on_request is not None:
                    self.on_request(name, False)

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        """Let errors pass without the token, and with what only the client knows: that it has none, or uses a proxy."""
        with self._redaction.of_errors():
            try:
                yield
            except HarnessError as exc:
                if self._proxy is not None:
                    name_proxy(exc, proxy=self._proxy, url=self.url)
                if isinstance(exc, NotAuthorised) and exc.code is not None and self.token in {"", DEFAULT_TOKEN}:
                    # LM Studio calls the token that stands for none "malformed".
                    exc.message = "the server requires an API token, and none is set"
                raise

    def _note_oddities(self, oddities: Sequence[str]) -> None:
        """Pass on what is odd about a listing, each line once."""
        if self.on_oddity is not None:
            for line in oddities:
                if line not in self._noted:
                    self._noted.add(line)
                    self.on_oddity(self._redaction.apply(line))

    def _noting_loads(self, on_event: Listener | None) -> Listener:
        """Return a listener that calls `on_load` at once: a stream that is cancelled later never gets an answer."""

        def listen(event: StreamEvent) -> None:
            if (progress := loading(event)) is not None and self.on_load is not None:
                self.on_load(*progress)
            if on_event is not None:
                on_event(event)

        return listen

    def _diagnosis(self, error: HarnessError) -> HarnessError:
        """Return the error that explains a failed listing; the greeting tells an old LM Studio from other servers."""
        try:
            greeting, _ = self._caller.ask("GET", _GREETING, waits={"list": self.deadlines.list_s})
        except HarnessError:
            greeting = None
        if isinstance(greeting, dict) and greeting.get("lmstudio") is True:
            if isinstance(error, NotLMStudio | InvalidRequest):
                return ServerTooOld(f"{self.url} is LM Studio, but {error.message}", hint="Update it to 0.4 or later.")
            return error
        if isinstance(error, NotLMStudio):
            return error
        return NotLMStudio(
            f"what answers at {self.url} is not LM Studio: {error.message}",
            hint="Check the address; LM Studio listens on port 1234 by default.",
        )
