"""Runs the embedded server in the foreground."""

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

from harness.domain.count import counted
from harness.embedded.catalogue import ModelFile, model_files
from harness.embedded.extra import require_extra
from harness.errors import EmbeddedError

_ROUTES = (
    "GET  /api/v1/models",
    "POST /api/v1/models/load, /api/v1/models/unload",
    "POST /api/v1/chat",
    "GET  /v1/models",
    "POST /v1/chat/completions, /v1/embeddings",
)
_LOCAL = ("127.0.0.1", "localhost", "[::1]")
_END_DEADLINE_S = 3.0


def serve(
    *,
    host: str = "127.0.0.1",
    port: int = 1234,
    models_dir: Path | None = None,
    with_embedder: bool = False,
    token: str | None = None,
    parallel: int = 4,
    request_deadline_s: float = 30.0,
    on_progress: Callable[[str], None],
    on_ready: Callable[[str], None] | None = None,
    on_files: Callable[[tuple[ModelFile, ...]], None] | None = None,
) -> int:
    """Serve until Ctrl-C or SIGTERM, then end all workers; return the exit code.

    Args:
        host: address to listen on.
        port: 0 takes a free one.
        models_dir: a folder of GGUF files; None: the default models, fetched once.
        with_embedder: the optional embedding model is one of the default models.
        token: demanded of every request; None: authentication is off.
        parallel: slots of every instance.
        request_deadline_s: for a client to send a whole request; its connection is closed then.
        on_progress: gets lines for a person.
        on_ready: gets the address once requests are answered.
        on_files: gets the models with their files, before that.

    Raises:
        EmbeddedError: the extra is missing, the port is taken, or the models cannot be prepared.
    """
    require_extra()
    import uvicorn

    from harness.embedded.app import make_app
    from harness.embedded.connection import Connection
    from harness.embedded.pool import Pool

    listener = _listen(host, port)
    url = f"http://{_bracketed(host)}:{listener.getsockname()[1]}"
    files = _files(models_dir, on_progress, with_embedder=with_embedder)
    if on_files is not None:
        on_files(files)
    app = make_app(Pool(files, parallel=parallel), token=token, hosts=_hosts(host, listener.getsockname()[1]))
    config = uvicorn.Config(
        app,
        http=type("_Connection", (Connection,), {"request_deadline_s": request_deadline_s}),
        # There are no WebSockets, and uvicorn would look for a library that offers them.
        ws="none",
        log_level="warning",
        lifespan="on",
        server_header=False,
        timeout_graceful_shutdown=2,
    )
    server = uvicorn.Server(config)
    listener.listen()
    _announce(url, files, on_progress, on_ready)  # The socket listens: a request from now on is answered.
    server.run(sockets=[listener])
    return 0


def exit_with(pipe: IO[bytes]) -> None:
    """End this process, and with it its workers, as soon as `pipe` ends: the process that started us is gone."""

    def wait() -> None:
        while pipe.read(4096):
            pass
        os.kill(os.getpid(), signal.SIGTERM)  # uvicorn ends the workers on it; before uvicorn runs, it just ends us.
        time.sleep(_END_DEADLINE_S)
        # The workers' stdin is held by this process: they see its end and exit by themselves.
        os._exit(0)

    threading.Thread(target=wait, name="exit-with-parent", daemon=True).start()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    if sys.platform != "win32":
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as exc:
        listener.close()
        raise EmbeddedError(
            f"cannot listen on {_bracketed(host)}:{port}: {exc.strerror}",
            hint="Is LM Studio running there, or another `lms-harness serve`? --port 0 takes a free port.",
        ) from exc
    return listener


def _files(
    models_dir: Path | None, on_progress: Callable[[str], None], *, with_embedder: bool
) -> tuple[ModelFile, ...]:
    if models_dir is None:
        from harness.embedded.default_models import prepare

        return prepare(on_progress, with_embedder=with_embedder)
    return model_files(models_dir, on_progress)


def _hosts(host: str, port: int) -> frozenset[str]:
    names = {*_LOCAL, _bracketed(host).lower()}
    if host in {"0.0.0.0", "::"}:  # noqa: S104  (the user asked for it)
        names |= {socket.gethostname().lower(), *_own_addresses()}
    return frozenset(f"{name}:{port}" for name in names)


def _own_addresses() -> set[str]:
    try:
        return {_bracketed(str(address[4][0])) for address in socket.getaddrinfo(socket.gethostname(), None)}
    except OSError:
        return set()


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _announce(
    url: str, files: tuple[ModelFile, ...], on_progress: Callable[[str], None], on_ready: Callable[[str], None] | None
) -> None:
    if on_ready is not None:
        on_ready(url)
        return
    on_progress(f"Serving {counted(len(files), 'model')} on {url} (Ctrl-C ends it)")
    for route in _ROUTES:
        on_progress(f"  {route}")
