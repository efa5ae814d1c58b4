"""How busy this machine is with other things, as far as the system tells."""

from pathlib import Path

from harness.clock import Clock

_SAMPLE_S = 0.2
_STAT = Path("/proc/stat")
_IDLE, _WAITING = 3, 4


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
