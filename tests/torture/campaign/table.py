"""What a kill campaign found, as a table and as the expectations that it broke."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.torture.campaign.victim import SCENARIOS, TARGETS, Victim

_COLUMNS = (
    "scenario", "target", "runs", "raced", "leaked", "leaked, raced", "ambiguous", "foreign touched", "processes left",
    "journals left", "cleaned", "median", "p99",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The end of a kill campaign.

    Attributes:
        victims: all runs that were killed.
        raced: numbers of those whose key foreign clients loaded or held meanwhile.
        touched: what was done to foreign instances: the key, and what.
        strays: ids of instances that stayed and that nobody can have made.
        notes: what else a reader must know.
    """

    victims: Sequence[Victim]
    raced: frozenset[int]
    touched: Sequence[tuple[str, str]] = ()
    strays: Sequence[str] = ()
    notes: Sequence[str] = ()

    @property
    def broken(self) -> list[str]:
        """The expectations that do not hold; empty when all do."""
        broken = [f"foreign instance touched: {said}" for _, said in self.touched]
        broken += [f"an instance stayed that no run is known to have made: {one}" for one in self.strays]
        for one in self.victims:
            if one.is_leaked and one.plan.number not in self.raced:
                broken.append(f"leaked, though nobody raced it: {one.name}: {', '.join(one.seen)}")
            if one.processes_left:
                broken.append(f"{one.processes_left} processes left: {one.name}")
            if one.has_hung:
                broken.append(f"did not end: {one.name}")
        return broken

    def render(self) -> str:
        """Return the table, a line for each scenario and target, and for all."""
        from tabulate import tabulate

        rows = [
            self._row(scenario, target, group)
            for scenario in SCENARIOS
            for target in TARGETS
            if (group := [one for one in self.victims if (one.plan.scenario, one.plan.target) == (scenario, target)])
        ]
        rows.append(self._row("all", "", self.victims))
        table = tabulate(rows, headers=_COLUMNS, disable_numparse=True, colalign=["left", "left", *["right"] * 11])
        return "\n".join([table, "", _LEGEND, *self.notes])

    def _row(self, scenario: str, target: str, group: Sequence[Victim]) -> list[str | int]:
        took = sorted(seconds for one in group if (seconds := one.to_clean_s) is not None)
        return [
            scenario,
            target,
            len(group),
            sum(one.plan.number in self.raced for one in group),
            sum(one.is_leaked and one.plan.number not in self.raced for one in group),
            sum(one.is_leaked and one.plan.number in self.raced for one in group),
            sum(one.is_ambiguous for one in group),
            len(self.touched) if scenario == "all" else "",
            sum(one.processes_left for one in group),
            sum(one.journal_left for one in group),
            len(took),
            _seconds(took, 0.5),
            _seconds(took, 0.99),
        ]


_LEGEND = (
    "raced: foreign clients loaded or held the same model meanwhile. ambiguous: named by the harness and not touched,\n"
    "as nobody could tell whose it is. cleaned: runs that had something loaded after the kill, and how long that took."
)


def _seconds(took: Sequence[float], share: float) -> str:
    """Return a quantile of sorted seconds, the next one above; "-" where there are none."""
    if not took:
        return "-"
    return f"{took[min(len(took) - 1, int(share * len(took)))]:.1f} s"
