"""An `lms-harness serve` in a process of its own, which survives the runs."""

import queue
import re
import subprocess
import threading
from types import TracebackType
from typing import Self

from harness import child
from harness.errors import EmbeddedError

_READY_S = 600.0
_END_S = 30.0


class ServeProcess:
    """`lms-harness serve --port 0`; a context manager that ends it.

    Attributes:
        url: where it listens.

    Raises:
        EmbeddedError: it did not start; says what it printed.
    """

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            child.command("harness.cli", "serve", "--port=0", "--parallel=1"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            cwd=child.FOLDER,
            env=child.environment(),
        )
        self._printed: list[str] = []
        self._urls: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()
        try:
            self.url = self._urls.get(timeout=_READY_S)
        except queue.Empty:
            self.url = ""
        if not self.url:
            self.close()
            raise EmbeddedError("`lms-harness serve` did not start: " + " / ".join(self._printed[-3:]))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End it and its workers."""
        self._process.terminate()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(_END_S)
        self._reading.join(_END_S)
        if self._process.stderr is not None:
            self._process.stderr.close()

    def _read(self) -> None:
        for line in self._process.stderr or ():
            self._printed.append(line.strip())
            if found := re.search(r"^Serving .* on (http://\S+)", line):
                self._urls.put(found[1])
        self._urls.put("")
