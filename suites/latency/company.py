"""Who else was there while something was measured."""

from typing import Any

from harness import LeasedModel, Run


class Company:
    """Who else was resident or busy while something was measured: figures taken in company may be too slow."""

    def __init__(self, run: Run, leased: LeasedModel) -> None:
        self._run = run
        self._leased = leased
        self._before = run.others(leased)
        self._busy_before = run.busy_cores()

    def seen(self) -> dict[str, Any]:
        """Return who else was resident, and how many cores others kept busy, at the beginning or now."""
        busy = [found for found in (self._busy_before, self._run.busy_cores()) if found is not None]
        others = sorted({*self._before, *self._run.others(self._leased)})
        if not busy:
            return {"others": others}
        return {"others": others, "busy_cores": round(max(busy)[0], 2), "cores": busy[0][1]}
