"""How busy this machine is with other things, and how fast it is set to be, as far as the system tells."""

import contextlib
import os
from pathlib import Path

from harness.clock import Clock

_SAMPLE_S = 0.2
_STAT = Path("/proc/stat")
_IDLE, _WAITING = 3, 4
_SYSTEM = Path("/sys")


def load_average() -> float | None:
    """Return how many processes ran or waited for a core on average in the last minute; None where nobody counts."""
    with contextlib.suppress(OSError, AttributeError):
        return round(os.getloadavg()[0], 2)
    return None


def governor(system: Path = _SYSTEM) -> str | None:
    """Return what sets the cores' frequency, such as "performance" or "powersave"; None where it is not readable."""
    found = {_text(path) for path in system.glob("devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor")}
    return ", ".join(sorted(found - {""})) or None


def power_source(system: Path = _SYSTEM) -> str | None:
    """Return "mains" or "battery"; None where it is not readable, as on most servers."""
    supplies = [(_text(path / "type"), path) for path in sorted(system.glob("class/power_supply/*"))]
    if any(kind in {"Mains", "USB"} and _text(path / "online") == "1" for kind, path in supplies):
        return "mains"
    batteries = [path for kind, path in supplies if kind == "Battery" and _text(path / "scope") != "Device"]
    return "battery" if any(_text(path / "status") == "Discharging" for path in batteries) else None


def _text(path: Path) -> str:
    with contextlib.suppress(OSError):
        return path.read_text(encoding="utf-8", errors="replace").strip()[:40]
    return ""


def busy_cores(clock: Clock) -> tuple[float, int] | None:
    """Return how many cores are busy now, and how many there are, by watching for a moment; None where /proc is not.

    Call it while nothing is asked of the server: what is busy then are other processes. The load average would count
    the server's own work of the last minute.
    """
    before = _ticks()
    clock.sleep(_SAMPLE_S)
    after = _ticks()
    if before is None or after is None or after[0] <= before[0]:
        return None
    share = 1 - (after[1] - before[1]) / (after[0] - before[0])
    return max(0.0, share) * after[2], after[2]


def _ticks() -> tuple[int, int, int] | None:
    """Return all clock ticks, the idle ones, and the number of cores; None where the system does not report them."""
    try:
        lines = _STAT.read_text(encoding="ascii").splitlines()
        # guest and guest_nice, after the eighth, are part of user and nice.
        total = [int(ticks) for ticks in lines[0].split()[1:9]]
    except (OSError, ValueError, IndexError):
        return None
    cores = sum(line.startswith("cpu") for line in lines) - 1
    return (sum(total), total[_IDLE] + total[_WAITING], cores) if cores > 0 and len(total) > _WAITING else None
