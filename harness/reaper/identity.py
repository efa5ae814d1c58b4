"""Who a process is, for longer than its pid: pids are reused, and start over after a boot."""

import contextlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_SYSCTL_DEADLINE_S = 5
_HAS_PROC = sys.platform.startswith("linux")


def boot_id() -> str | None:
    """Return an id of this boot of the machine; None where the system has none (Windows)."""
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    if sys.platform == "darwin":
        import subprocess

        with contextlib.suppress(OSError, subprocess.SubprocessError):
            return subprocess.run(
                ["/usr/sbin/sysctl", "-n", "kern.bootsessionuuid"],
                capture_output=True,
                text=True,
                check=True,
                timeout=_SYSCTL_DEADLINE_S,
                stdin=subprocess.DEVNULL,
            ).stdout.strip()
    return None


def process_start(pid: int) -> str | None:
    """Return when a process started, None if there is none: pid and start name one process of this boot.

    Linux: clock ticks since the boot, from proc(5). Elsewhere: seconds since the epoch, from psutil.
    """
    if _HAS_PROC:
        with contextlib.suppress(OSError, IndexError):
            # The name in parentheses may hold spaces; the 20th field after it is `starttime`.
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            return None if fields[0] in {"Z", "X"} else fields[19]  # A zombie runs no code any more.
        return None
    import psutil  # A dependency of the project where there is no /proc.

    with contextlib.suppress(psutil.Error):
        return f"{psutil.Process(pid).create_time():.2f}"
    return None


def owner() -> dict[str, Any]:
    """Return the entry that says who this process is."""
    pid = os.getpid()
    return {"pid": pid, "process_start": process_start(pid), "boot_id": boot_id()}


def is_alive(owner: Mapping[str, Any]) -> bool:
    """Tell whether the process that wrote this entry still runs: same boot, same pid, same start time."""
    pid, start = owner.get("pid"), owner.get("process_start")
    if not isinstance(pid, int) or start is None or owner.get("boot_id") != boot_id():
        return False
    return bool(process_start(pid) == start)
