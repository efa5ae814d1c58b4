"""The server's side of one loaded instance: its worker process and how to ask it."""

import asyncio
import contextlib
import json
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import httpx

from harness import child
from harness.domain.model import InstanceId, LoadConfig
from harness.embedded.catalogue import ModelFile
from harness.embedded.gguf_header import BrokenHeader, read_tensor_bytes
from harness.serving.refusal import Refusal, crashed, load_failed

_LOAD_DEADLINE_S = 900.0
_STOP_DEADLINE_S = 10.0
_END_DEADLINE_S = 5.0
_LOG_TAIL_BYTES = 4096
_SOCKET = "worker.sock"  # llama.cpp takes a host for a path by this ending.
_LONGEST_SOCKET_BYTES = 100  # Linux allows 107, macOS 103.


@dataclass(slots=True, kw_only=True)
class LoadedInstance:
    """A worker process that has loaded its model.

    Attributes:
        load_time_s: from the request to a model that answers, the start of the process included.
        is_jit: loaded by a request, so it may be evicted by the next one and expires when idle.
        folder: of the worker's socket, and for this user alone.
        busy: requests in flight.
        last_used: monotonic seconds.
    """

    id: InstanceId
    file: ModelFile
    config: LoadConfig
    load_time_s: float
    is_jit: bool
    process: asyncio.subprocess.Process
    folder: Path
    http: httpx.AsyncClient
    busy: int = 0
    last_used: float = field(default_factory=time.monotonic)

    async def stop(self) -> None:
        """End the worker; its memory is back when this returns."""
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        await asyncio.wait_for(self.process.wait(), _STOP_DEADLINE_S)
        await self.close()

    async def close(self) -> None:
        """Let go of a worker that has ended."""
        await self.http.aclose()
        shutil.rmtree(self.folder, ignore_errors=True)

    @contextlib.asynccontextmanager
    async def post(self, path: str, body: dict[str, Any]) -> AsyncIterator[httpx.Response]:
        """Yield the worker's answer, still to be read. Leaving the block early ends the generation.

        Raises:
            Refusal: the worker crashed, before or while the block ran.
        """
        self.busy += 1
        try:
            async with self.http.stream("POST", path, json=body) as response:
                yield response
        except httpx.HTTPError as exc:
            raise await self._refusal(exc) from exc
        finally:
            self.busy -= 1
            self.last_used = time.monotonic()

    async def _refusal(self, exc: httpx.HTTPError) -> Refusal:
        """Return why the connection to the worker broke."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.process.wait(), 1.0)
        if self.process.returncode is None:
            message = f"The connection to the model's process broke ({type(exc).__name__}: {exc})."
            return Refusal(500, message, type="internal_error", code="unknown")
        return crashed(self.process.returncode)


async def start_instance(
    file: ModelFile, instance_id: InstanceId, config: LoadConfig, *, is_jit: bool
) -> LoadedInstance:
    """Return an instance that answers.

    Raises:
        Refusal: llama.cpp could not load the model (500 model_load_failed, with its reason).
    """
    started = time.monotonic()
    key = secrets.token_urlsafe(24)
    with contextlib.ExitStack() as files:
        folder: Path | None = None
        try:
            folder = _socket_folder()
            log = files.enter_context(tempfile.TemporaryFile())
            process = await _start_worker(log)
        except OSError as exc:  # No room or no right for temporary files, or no more processes.
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)
            raise load_failed(file.model.key, f"its process could not be started: {exc.strerror}") from exc
        spec = worker_spec(file, instance_id, config, api_key=key, folder=folder)
        try:
            socket = await asyncio.wait_for(_handshake(process, spec), _LOAD_DEADLINE_S)
        except BaseException as exc:  # The client may have gone; a worker that no one knows of must not stay.
            if isinstance(exc, _NotReady):
                with contextlib.suppress(TimeoutError):  # It ends by itself, once its log is complete.
                    await asyncio.wait_for(process.wait(), _END_DEADLINE_S)
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            shutil.rmtree(folder, ignore_errors=True)
            if isinstance(exc, TimeoutError | _NotReady):
                told = str(exc) or f"the worker ended with exit code {process.returncode}"
                raise load_failed(file.model.key, _reason(log) or _damage(file.path) or told) from exc
            raise
    # No connection is kept alive: llama-server spends a thread of a small pool on each idle one, and closes it after
    # 5 s, so that a request may meet one that is being closed (2026-11: one lost answer in 72).
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    http = httpx.AsyncClient(
        base_url="http://worker",
        headers={"Authorization": f"Bearer {key}"},
        timeout=httpx.Timeout(None, connect=5.0),
        transport=httpx.AsyncHTTPTransport(uds=socket, limits=limits),
    )
    return LoadedInstance(
        id=instance_id,
        file=file,
        config=config,
        load_time_s=time.monotonic() - started,
        is_jit=is_jit,
        process=process,
        folder=folder,
        http=http,
    )


async def _start_worker(log: IO[bytes]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *child.command("harness.embedded.worker"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=log,
        cwd=child.FOLDER,
        env=child.environment(),
        # A Ctrl-C in the terminal is for the server, which ends its workers itself.
        start_new_session=True,
    )


class _NotReady(Exception):
    """The worker ended, or said that it failed: its text is what it said."""


async def _handshake(process: asyncio.subprocess.Process, spec: dict[str, Any]) -> str:
    if process.stdin is None or process.stdout is None:
        raise _NotReady
    try:
        process.stdin.write(json.dumps(spec).encode() + b"\n")
        await process.stdin.drain()
        answer = json.loads(await process.stdout.readline())
    except (OSError, ValueError) as exc:
        raise _NotReady from exc
    if "socket" not in answer:
        raise _NotReady(answer.get("error", ""))
    return str(answer["socket"])


def _socket_folder() -> Path:
    """Return a new folder that only this user may enter, with a path short enough for a socket in it."""
    wanted = Path(tempfile.mkdtemp(prefix="lms-"))
    if len(os.fsencode(wanted / _SOCKET)) <= _LONGEST_SOCKET_BYTES:
        return wanted
    wanted.rmdir()
    return Path(tempfile.mkdtemp(prefix="lms-", dir="/tmp"))


def worker_spec(
    file: ModelFile, instance_id: InstanceId, config: LoadConfig, *, api_key: str, folder: Path
) -> dict[str, Any]:
    """Return what a worker is told: what to load, with which settings, and where to listen."""
    cores = _cores()
    return {
        "path": str(file.path.absolute()),
        "instance_id": instance_id,
        "api_key": api_key,
        "socket": str(folder / _SOCKET),
        "context_length": config.context_length,
        "parallel": config.parallel or 1,
        "eval_batch_size": config.eval_batch_size,
        "flash_attention": config.flash_attention,
        "embedding": file.model.is_embedding,
        "decode_threads": decode_threads(),
        # An embedding is a prompt alone, and often a short one: with as many threads as cores, each waiting for the
        # slowest in between, one took 3 s beside busy neighbours (2026-11), and 20 ms alone.
        "batch_threads": max(1, cores - 1) if file.model.is_embedding else cores,
    }


def decode_threads() -> int:
    """Return with how many threads an instance decodes one answer: one core is left for its clients."""
    return max(1, _cores() - 1)


def _cores() -> int:
    """Return how many cores an instance may compute on: LMS_HARNESS_THREADS, else those that this process may use.

    llama.cpp's threads wait for each other by spinning, so more of them than there are free cores waste time.
    """
    chosen = os.environ.get("LMS_HARNESS_THREADS", "")
    if chosen.isdecimal() and int(chosen) > 0:
        return int(chosen)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _reason(log: IO[bytes]) -> str:
    """Return llama.cpp's own error messages from the end of its log; it may have died before it wrote one."""
    size = log.seek(0, os.SEEK_END)
    log.seek(max(0, size - _LOG_TAIL_BYTES))
    lines = log.read().decode("utf-8", "replace").splitlines()
    errors = [line.partition(": ")[2] or line for line in lines if " E " in line or "error" in line.lower()]
    # It also reports an unreadable file as a lack of memory, and the hint for that would be wrong here.
    errors = [line for line in errors if "fit params to free device memory" not in line] or errors
    return "; ".join(dict.fromkeys(line.strip() for line in errors[:3]))


def _damage(path: Path) -> str:
    """Return what is wrong with a file whose tensors do not lie within it.

    llama.cpp says that too, but ends now and then without a line in its log (2026-11: in one of some thousand loads).
    """
    try:
        read_tensor_bytes(path)
    except (BrokenHeader, OSError) as exc:
        return f"{exc}: the file is corrupted or incomplete"
    return ""
