"""A double of LM Studio on a real socket: LM Studio's answers without models, and faults on demand."""

import socket
import socketserver
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from harness.domain.model import InstanceId, LoadConfig, Model
from harness.testing.chat import Reply, World
from harness.testing.connection import Handler
from harness.testing.download import Offer
from harness.testing.fault import ScriptedFault
from harness.testing.library import DEFAULT_MODELS, Library
from harness.testing.message import Request, Response, json_response
from harness.testing.plan import FaultPlan
from harness.testing.route import respond

_JOIN_S = 5.0


class ScriptedServer:
    """LM Studio's API with a state of its own: a load lists an instance, an unload removes it, chats are counted.

    Use it as a context manager; it listens on 127.0.0.1 from the start of the context to its end.

        with ScriptedServer() as server:
            server.reply_with(lambda request: "Paris")
            server.on("POST", "/api/v1/models/load", Drop(after_effect=True), times=1)
            ...
            assert server.loaded == []

    Args:
        models: the downloaded models; loaded where they have `loaded_instances`. By default two for chat and one for
            embeddings (`harness.testing.library.DEFAULT_MODELS`).
        token: what clients must send; None: authentication is off.
        parallel: slots of each instance.
        jit: whether a chat loads the model that it names.
        load_s: how long a load takes, in seconds.
        token_s: how long each token takes.
        unknown_status: HTTP status for unknown routes, which LM Studio answers with 200.
        odd_entries: raw entries that follow the models in the listing, such as those of `harness.testing.odd_entry`.
        port: to listen on, such as that of a server that was closed; 0 takes a free one.

    Attributes:
        requests: all requests that were received, in order.
        abandoned: those whose client left before it had its answer.
    """

    def __init__(
        self,
        models: Sequence[Model] = DEFAULT_MODELS,
        *,
        token: str | None = None,
        parallel: int = 4,
        jit: bool = True,
        load_s: float = 0.0,
        token_s: float = 0.0,
        unknown_status: int = 200,
        odd_entries: Sequence[Any] = (),
        port: int = 0,
    ) -> None:
        self._port = port
        self._closing = threading.Event()
        self._world = World(
            library=Library.of(models, parallel=parallel, odd_entries=odd_entries),
            speak=lambda request: request.prompt,
            pause=self._pause,
            load_s=load_s,
            token_s=token_s,
            jit=jit,
        )
        self._token = token
        self._unknown_status = unknown_status
        self._plan: FaultPlan[ScriptedFault] = FaultPlan()
        self._lock = threading.Lock()
        self._listener: _Listener | None = None
        self.requests: list[Request] = []
        self.abandoned: list[Request] = []

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Begin to listen."""
        self._closing.clear()
        self._listener = _Listener(type("_Handler", (Handler,), {"desk": self}), self._port)
        self._listener.start()

    def close(self) -> None:
        """End every connection and stop listening; harmless when repeated."""
        self._closing.set()
        if self._listener is not None:
            self._listener.stop()
            self._listener = None

    @property
    def url(self) -> str:
        """The address where it listens, such as `http://127.0.0.1:40123`."""
        if self._listener is None:
            raise RuntimeError("the server listens only within its context")
        host, port = self._listener.server_address[:2]
        return f"http://{host!s}:{port}"

    @property
    def models(self) -> tuple[Model, ...]:
        """The downloaded models."""
        return self._world.library.models

    @property
    def loaded(self) -> list[str]:
        """The ids of all loaded instances, the oldest first."""
        with self._world.library.lock:
            return [str(instance_id) for instance_id in self._world.library.instances]

    def load(self, key: str, config: LoadConfig = LoadConfig()) -> InstanceId:  # noqa: B008  (frozen)
        """Load a model as another client would, and return the id of the new instance."""
        model = self._world.library.find(key)
        if model is None:
            raise LookupError(f"{key} is not one of {', '.join(listed.key for listed in self.models)}")
        return self._world.library.load(model, config).id

    def unload(self, instance_id: str) -> None:
        """Unload an instance as another client would, or a crash."""
        self._world.library.unload(instance_id)

    def reconfigure(self, instance_id: str, config: LoadConfig) -> None:
        """List another config for a loaded instance, as LM Studio does when it changes a context after the load."""
        library = self._world.library
        with library.lock:
            library.before_change = library.listing()
            library.instances[InstanceId(instance_id)].config = config

    def offer(self, offer: Offer) -> None:
        """Make a model available for download."""
        self._world.catalogue.add(offer)

    def peak_in_flight(self, instance_id: str) -> int:
        """Return the most requests that this loaded instance has answered at a time."""
        return self._world.library.instances[InstanceId(instance_id)].peak

    def reply_with(self, speak: Callable[[Request], str | Reply]) -> None:
        """Answer all chats with this function; by default the prompt comes back."""
        self._world.speak = speak

    def on(self, method: str, path: str, fault: ScriptedFault, *, after: int = 0, times: int | None = None) -> None:
        """Let a fault hit the next requests of this method and path (each may be `harness.testing.plan.ANY`).

        Faults for the same requests come in the order in which they were given.

        Args:
            method: such as GET.
            path: without a query.
            fault: what goes wrong.
            after: how many such requests pass first.
            times: how many requests it hits; None: all.
        """
        self._plan.add(method, path, fault, after=after, times=times)

    def heal(self) -> None:
        """Drop all planned faults; those in progress stay."""
        self._plan.clear()

    def asked(self, method: str, path: str) -> list[Any]:
        """Return the JSON bodies of all requests of this method and path, in order."""
        return [request.json for request in tuple(self.requests) if (request.method, request.path) == (method, path)]

    def received(self, request: Request) -> ScriptedFault | None:
        """Note a request and return what shall go wrong with it (for connections)."""
        with self._lock:
            self.requests.append(request)
        return self._plan.next_fault(request.method, request.path.partition("?")[0])

    def answer(self, request: Request) -> Response:
        """Do what was asked (for connections)."""
        return respond(self._world, request, token=self._token, unknown_status=self._unknown_status)

    def rehearse(self, request: Request) -> Response:
        """Answer without doing it (for connections)."""
        library, catalogue = self._world.library.copy(), self._world.catalogue.copy()
        world = World(library=library, speak=self._world.speak, pause=self._pause, catalogue=catalogue)
        return respond(world, request, token=self._token, unknown_status=self._unknown_status)

    def stale_listing(self) -> Response:
        """Return the listing before the last change (for connections)."""
        return json_response(self._world.library.before_change)

    def abandoned_by_client(self, request: Request) -> None:
        """Note that the client left before it had its answer (for connections)."""
        with self._lock:
            self.abandoned.append(request)

    def is_closing_within(self, seconds: float) -> bool:
        """Wait, and return whether the server is being closed (for connections)."""
        return self._closing.wait(seconds)

    def _pause(self, seconds: float) -> None:
        if seconds > 0:
            self._closing.wait(seconds)


class _Listener(socketserver.TCPServer):
    """Accepts connections and serves each in a thread; `stop` leaves none behind."""

    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, handler: type[Handler], port: int) -> None:
        super().__init__(("127.0.0.1", port), handler)
        self._connections: dict[socket.socket, threading.Thread] = {}
        self._lock = threading.Lock()
        self._accepting = threading.Thread(target=self.serve_forever, args=(0.01,), name="scripted-server", daemon=True)

    def start(self) -> None:
        """Accept connections in a thread."""
        self._accepting.start()

    def stop(self) -> None:
        """End all connections and their threads."""
        self.shutdown()
        self._accepting.join(_JOIN_S)
        with self._lock:
            connections = dict(self._connections)
        for connection, thread in connections.items():
            with suppress(OSError):  # It may have ended by itself.
                connection.shutdown(socket.SHUT_RDWR)
            thread.join(_JOIN_S)
        self.server_close()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in a thread of its own."""
        thread = threading.Thread(target=self._serve, args=(request, client_address), name="scripted", daemon=True)
        with self._lock:
            self._connections[request] = thread
        thread.start()

    def _serve(self, request: Any, client_address: Any) -> None:
        try:
            self.finish_request(request, client_address)
        finally:
            self.shutdown_request(request)
            with self._lock:
                self._connections.pop(request, None)
