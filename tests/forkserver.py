"""Python processes without their start-up: each is forked from a process that has imported what runs import.

Of the CPU time of a short `lms-harness run` five parts in six are imports. `start` gives the same process otherwise:
with a pid, an environment, a folder and pipes of its own, ended by signals, with the exit code of an interpreter. What
only a fresh interpreter shows (what it imports, its path, its standard streams) is tested with `subprocess`. Elsewhere
than on Linux, `start` starts an interpreter.
"""

import atexit
import contextlib
import fcntl
import functools
import gc
import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_FORKS = sys.platform.startswith("linux")
_ROOT = Path(__file__).parents[1]
_MESSAGE_BYTES = 1 << 17
_PIECE_BYTES = 1 << 16
_STATUS_BYTES = 32
_IMPORTED = (
    "_pytest.faulthandler",
    "_pytest.helpconfig",
    "_pytest.junitxml",
    "_pytest.pastebin",
    "_pytest.setuponly",
    "_pytest.setupplan",
    "_pytest.skipping",
    "_pytest.threadexception",
    "_pytest.tracemalloc",
    "_pytest.unittest",
    "_pytest.unraisableexception",
    "_pytest.warnings",
    "cProfile",
    "click.shell_completion",
    "email.message",
    "execnet",
    "httpcore",
    "httpx",
    "jsonschema",
    "pdb",
    "platformdirs",
    "pstats",
    "pydantic",
    "pytest",
    "rapidfuzz.fuzz",
    "rapidfuzz.process",
    "regex",
    "rich.console",
    "rich.progress",
    "scipy.integrate",
    "scipy.optimize",
    "scipy.special",
    "scipy.stats",
    "tabulate",
    "unittest.mock",
    "xml.etree.ElementTree",
    "harness.cli.run",
    "harness.client.http",
    "harness.lifecycle.leases",
    "harness.pytest_plugin",
    "harness.pytest_plugin.asking",
    "harness.pytest_plugin.benchmark",
    "harness.pytest_plugin.collection",
    "harness.pytest_plugin.fixtures",
    "harness.pytest_plugin.gating",
    "harness.pytest_plugin.live",
    "harness.pytest_plugin.options",
    "harness.pytest_plugin.reporting",
    "harness.pytest_plugin.terminal",
    "harness.reaper.carrier",
    "harness.reaper.link",
    "harness.report.progress",
    "harness.report.table",
    "harness.run.run",
    "harness.run.session",
    "harness.scoring.registry",
    "harness.scoring.by_kind",
    "harness.scoring.distinct",
    "harness.scoring.labels",
    "harness.scoring.schema",
    "harness.settings",
    "harness.task.dice",
    "harness.task.tier",
    "harness.verdict.comparison",
)
# Plugins of pytest. It warns of one that it cannot rewrite because it is imported already, unless its docstring says
# that nothing in it is to be rewritten.
_PLUGINS = ("harness.pytest_plugin", "platformdirs.pytest_plugin", "pytest_benchmark", "pytest_timeout", "xdist")
_PLUGIN_MODULES = ("pytest_benchmark.plugin", "xdist.plugin", "xdist.looponfail")


class Process:
    """A process that the server forked; the names are those of `subprocess.Popen`."""

    def __init__(self, status: socket.socket, outputs: Mapping[int, str]) -> None:
        self._status = status
        self._outputs = outputs
        self.returncode: int | None = None
        self.pid = int(status.recv(_STATUS_BYTES))

    @property
    def output(self) -> int:
        """The reading end of its output."""
        return next(iter(self._outputs))

    def poll(self) -> int | None:
        """Return the exit code, or minus the number of the signal that ended it, or None while it runs."""
        return self._ended(0)

    def wait(self, timeout: float) -> int:
        """Wait until it has ended, and return how, as `poll` does."""
        code = self._ended(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout: float) -> tuple[str, str]:
        """Read both outputs to their ends, wait, and return them."""
        end = time.monotonic() + timeout
        read: dict[str, bytes] = dict.fromkeys(self._outputs.values(), b"")
        with selectors.DefaultSelector() as waiting:
            for output, name in self._outputs.items():
                waiting.register(output, selectors.EVENT_READ, name)
            while waiting.get_map():
                ready = waiting.select(max(0.0, end - time.monotonic()))
                if not ready:
                    raise subprocess.TimeoutExpired(f"process {self.pid}", timeout, read["out"], read.get("err"))
                for key, _ in ready:
                    piece = os.read(key.fd, _PIECE_BYTES)
                    read[key.data] += piece
                    if not piece:
                        waiting.unregister(key.fd)
                        os.close(key.fd)
        self._outputs = {}
        self.wait(max(1.0, end - time.monotonic()))
        return read["out"].decode("utf-8", "replace"), read.get("err", b"").decode("utf-8", "replace")

    def _ended(self, within_s: float) -> int | None:
        if self.returncode is None:
            self._status.settimeout(within_s)
            with contextlib.suppress(TimeoutError, BlockingIOError):
                self.returncode = os.waitstatus_to_exitcode(int(self._status.recv(_STATUS_BYTES)))
                self._status.close()
        return self.returncode


class _Interpreter(Process):
    """A process with an interpreter of its own."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.returncode = None
        self.pid = process.pid

    @property
    def output(self) -> int:
        assert self._process.stdout is not None
        return self._process.stdout.fileno()

    def communicate(self, timeout: float) -> tuple[str, str]:
        out, err = self._process.communicate(timeout=timeout)
        self.wait(60)
        return out or "", err or ""

    def _ended(self, within_s: float) -> int | None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.returncode = self._process.wait(within_s)
        return self.returncode


def start(
    module: str,
    *words: str,
    cwd: Path,
    env: Mapping[str, str],
    is_merged: bool = False,
    new_session: bool = False,
    terminal: int | None = None,
    umask: int | None = None,
) -> Process:
    """Start `python -m MODULE WORDS...`; with `is_merged` its errors go where its output goes.

    A terminal is its standard input, both outputs, and what controls its session; reading the other side is the
    caller's business.
    """
    request = {"module": module, "words": words, "cwd": str(cwd), "env": dict(env), "umask": umask}
    request |= {"new_session": new_session or terminal is not None, "is_terminal": terminal is not None}
    if not _FORKS:
        return _interpreter(request, is_merged=is_merged, terminal=terminal)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    outputs: dict[int, str] = {}
    if terminal is not None:
        ends = [os.dup(terminal), os.dup(terminal)]
    else:
        out, out_end = os.pipe()
        outputs, ends = {out: "out"}, [out_end]
        if is_merged:
            ends.append(os.dup(out_end))
        else:
            err, err_end = os.pipe()
            outputs[err] = "err"
            ends.append(err_end)
    socket.send_fds(_server(), [json.dumps(request).encode()], [*ends, theirs.fileno()])
    for end in ends:
        os.close(end)
    theirs.close()
    return Process(ours, outputs)


def run(
    module: str, *words: str, cwd: Path, env: Mapping[str, str], timeout: float = 100, umask: int | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `python -m MODULE WORDS...` to its end, as `subprocess.run` does with its outputs captured."""
    process = start(module, *words, cwd=cwd, env=env, umask=umask)
    try:
        out, err = process.communicate(timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate(10)
        raise
    return subprocess.CompletedProcess([module, *words], process.poll() or 0, out, err)


def _interpreter(request: Mapping[str, Any], *, is_merged: bool, terminal: int | None) -> Process:
    outputs = (subprocess.PIPE, subprocess.STDOUT if is_merged else subprocess.PIPE)
    stdin, (stdout, stderr) = (subprocess.DEVNULL, outputs) if terminal is None else (terminal, (terminal, terminal))
    process = subprocess.Popen(
        [sys.executable, "-m", request["module"], *request["words"]],
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        text=True,
        cwd=request["cwd"],
        env=request["env"],
        start_new_session=request["new_session"],
        umask=-1 if request["umask"] is None else request["umask"],
        preexec_fn=None if terminal is None else lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509
    )
    return _Interpreter(process)


@functools.cache
def _server() -> socket.socket:
    """Start this process's server; it ends when this process does."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = [sys.executable, "-m", __name__, str(theirs.fileno())]
    # A process with threads cannot be forked, and numpy's library starts one for every core.
    environ = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    server = subprocess.Popen(command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, cwd=_ROOT, env=environ)
    theirs.close()
    atexit.register(_close, ours, server)
    return ours


def _close(control: socket.socket, server: "subprocess.Popen[bytes]") -> None:
    control.close()
    server.wait(30)


def _serve(control: socket.socket) -> dict[str, Any] | None:
    """Fork for each request: return None in the server once nobody can ask, and in each child what it shall run."""
    children: dict[int, socket.socket] = {}
    woken, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    with selectors.DefaultSelector() as waiting:
        waiting.register(control, selectors.EVENT_READ)
        waiting.register(woken, selectors.EVENT_READ)
        while True:
            ready = [key.fileobj for key, _ in waiting.select()]
            if woken in ready:
                os.read(woken, _PIECE_BYTES)
                _report(children)
            if control in ready:
                message, handles, _, _ = socket.recv_fds(control, _MESSAGE_BYTES, 3)
                if not message:
                    return None
                *outputs, status = handles
                pid = os.fork()
                if not pid:
                    break
                for output in outputs:
                    os.close(output)
                children[pid] = socket.socket(fileno=status)
                children[pid].send(str(pid).encode())
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number, output in enumerate(outputs, start=1):
        os.dup2(output, number)
    for unused in (woken, wake, status, *outputs):
        os.close(unused)
    for opened in (control, *children.values()):
        opened.close()
    request: dict[str, Any] = json.loads(message)
    return request


def _report(children: dict[int, socket.socket]) -> None:
    while children:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        with children.pop(pid) as asker, contextlib.suppress(OSError):
            asker.send(str(status).encode())


def _become(request: Mapping[str, Any]) -> None:
    """Go on as the interpreter that was asked for."""
    if request["new_session"]:
        os.setsid()
    if request["is_terminal"]:
        fcntl.ioctl(1, termios.TIOCSCTTY, 0)
        os.dup2(1, 0)
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    if request["umask"] is not None:
        os.umask(request["umask"])
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    encoding = request["env"].get("PYTHONIOENCODING", "utf-8")
    for number, name, errors in ((1, "stdout", "strict"), (2, "stderr", "backslashreplace")):
        # The server's own knew what they wrote to: a file is rewound, a pipe cannot be.
        buffering = 1 if request["is_terminal"] else -1
        stream = open(number, "w", buffering, encoding=encoding, errors=errors, closefd=False)  # noqa: SIM115
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    sys.path[0] = request["cwd"]
    sys.argv = [request["module"], *request["words"]]
    try:
        runpy.run_module(request["module"], run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        if not isinstance(ended.code, int | None):
            raise
        _end(ended.code or 0)
        raise
    _end(0)


def _end(code: int) -> None:
    """End as an interpreter does, but leave its memory to the system: to free it is half of what a fork costs.

    Return if the streams cannot be flushed: what an interpreter does then is part of what is tested.
    """
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _main(words: Sequence[str]) -> None:
    for name in (*_IMPORTED, *_PLUGIN_MODULES):
        importlib.import_module(name)
    for name in _PLUGINS:
        plugin = importlib.import_module(name)
        plugin.__doc__ = f"{plugin.__doc__}\nPYTEST_DONT_REWRITE"
    # httpcore imports it, and pytest would warn as of its plugins: it has one.
    for name in [name for name in sys.modules if name.partition(".")[0] == "anyio"]:
        del sys.modules[name]
    gc.collect()
    gc.freeze()
    if (request := _serve(socket.socket(fileno=int(words[1])))) is not None:
        _become(request)


if __name__ == "__main__":
    _main(sys.argv)
