"""The embedded server in a process of its own, which ends with the process that started it."""

import contextlib
import json
import queue
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from harness import child
from harness.embedded.extra import require_extra
from harness.errors import EmbeddedError

_READY_DEADLINE_S = 1200.0
"""The first start downloads the default model; a download that hangs ends earlier, by its own deadline."""

_CLOSE_DEADLINE_S = 10.0


class EmbeddedServer:
    """A running embedded server; `start` makes one.

    Attributes:
        url: its address on the loopback interface.
        files: of each model, by its key.
        pid: of its process; its workers are its children.
    """

    def __init__(self, process: subprocess.Popen[str], url: str, files: Mapping[str, Sequence[Path]]) -> None:
        self._process = process
        self.url = url
        self.files = files
        self.pid = process.pid

    @classmethod
    def start(
        cls,
        *,
        models_dir: Path | None = None,
        with_embedder: bool = False,
        token: str | None = None,
        port: int = 0,
        parallel: int = 4,
        on_progress: Callable[[str], None] = lambda _: None,
    ) -> Self:
        """Return a server that answers requests.

        It holds our end of a pipe: when this process ends, however it ends, the server and its workers do.

        Raises:
            ExtraMissing: a package that it needs is not installed.
            EmbeddedError: it could not be started; says why.
        """
        require_extra()
        process = subprocess.Popen(  # noqa: S603  (fixed arguments)
            child.command("harness.embedded"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            cwd=child.FOLDER,
            env=child.environment(),
            # Ctrl-C in the terminal is for the run, which needs the server to release what it loaded.
            start_new_session=True,
        )
        try:
            spec: dict[str, object] = {
                "port": port,
                "models_dir": str(models_dir.absolute()) if models_dir else None,
                "token": token,
            }
            spec |= {"with_embedder": with_embedder, "parallel": parallel}
            return cls(process, *_await_ready(process, spec, on_progress))
        except BaseException:  # Ctrl-C too: a server that no one knows of must not stay.
            process.kill()
            process.communicate(timeout=_CLOSE_DEADLINE_S)
            raise

    def close(self) -> None:
        """End the server and its workers; harmless when repeated."""
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        try:
            self._process.wait(_CLOSE_DEADLINE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(_CLOSE_DEADLINE_S)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _await_ready(
    process: subprocess.Popen[str], spec: dict[str, object], on_progress: Callable[[str], None]
) -> tuple[str, dict[str, list[Path]]]:
    """Return the server's address and the files of its models."""
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(process, lines), daemon=True).start()
    if process.stdin is None:
        raise EmbeddedError("the embedded server has no input")
    try:
        process.stdin.write(json.dumps(spec) + "\n")
        process.stdin.flush()
    except OSError as exc:
        raise EmbeddedError("the embedded server ended at once", hint="Try `lms-harness serve` to see why.") from exc
    files: dict[str, list[Path]] = {}
    end = time.monotonic() + _READY_DEADLINE_S
    while True:
        try:
            line = lines.get(timeout=max(0.0, end - time.monotonic()))
        except queue.Empty:
            raise EmbeddedError(f"the embedded server was not ready within {_READY_DEADLINE_S:g} s") from None
        if not line:
            raise EmbeddedError("the embedded server ended early", hint="Try `lms-harness serve` to see why.")
        message = json.loads(line)
        if "error" in message:
            raise EmbeddedError(message["error"], hint=message["hint"])
        if "files" in message:
            files = {key: [*map(Path, parts)] for key, parts in message["files"].items()}
            continue
        if "url" in message:
            return str(message["url"]), files
        on_progress(message["progress"])


def _read(process: subprocess.Popen[str], lines: "queue.SimpleQueue[str]") -> None:
    if process.stdout is not None:
        for line in process.stdout:
            lines.put(line)
    lines.put("")
