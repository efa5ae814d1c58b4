"""`python -m harness.embedded.pip_child ARGS...`: pip, which ends at once when stdin does.

A run that is killed or interrupted must not leave a download behind that goes on for minutes.
"""

import os
import runpy
import threading


def _exit_with_stdin() -> None:
    while os.read(0, 1):  # Not by sys.stdin, whose lock a normal end would wait for.
        pass
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=_exit_with_stdin, daemon=True).start()
    runpy.run_module("pip", run_name="__main__", alter_sys=True)
