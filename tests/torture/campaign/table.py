"""What a kill campaign found: a table, and the expectations that were broken."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.torture.campaign.victim import SCENARIOS, TARGETS, Victim

_COLUMNS = (
    "scenario",
    "target",
    "runs",
    "raced",
    "leaked",
    "leaked, raced",
    "in doubt",
    "in doubt, raced",
    "foreign touched",
    "processes left",
    "journals left",
    "cleaned",
    "median",
    "p99",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class KillReport:
    """The end of a kill campaign.

    Attributes:
        victims: all runs that were killed.
        raced: the numbers of those whose model a foreign client loaded or held meanwhile.
        touched: what was done to foreign instances: the key, and what happened.
        strays: the ids of instances that stayed although no run and no foreign client can have made them.
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
        broken = [f"foreign instance touched: {what}" for _, what in self.touched]
        broken += [
            f"an instance stayed that no run is known to have made: {instance_id}" for instance_id in self.strays
        ]
        for victim in self.victims:
            if victim.is_leaked and not self._was_raced(victim):
                broken.append(f"leaked, though no foreign client raced it: {victim.name}: {', '.join(victim.seen)}")
            if victim.processes_left:
                broken.append(f"{victim.processes_left} processes left: {victim.name}")
            if victim.has_hung:
                broken.append(f"did not end: {victim.name}")
        return broken

    def render(self) -> str:
        """Return the table, a line for each scenario and target, and for all."""
        from tabulate import tabulate

        rows = [
            self._row(scenario, target, group)
            for scenario in SCENARIOS
            for target in TARGETS
            if (group := [victim for victim in self.victims if victim.plan.kind == (scenario, target)])
        ]
        rows.append(self._row("all", "", self.victims))
        table = tabulate(rows, headers=_COLUMNS, disable_numparse=True, colalign=["left", "left", *["right"] * 12])
        return "\n".join([table, "", _LEGEND, *self.notes])

    def _row(self, scenario: str, target: str, group: Sequence[Victim]) -> list[str | int]:
        took = sorted(seconds for victim in group if (seconds := victim.to_clean_s) is not None)
        raced = [victim for victim in group if self._was_raced(victim)]
        alone = [victim for victim in group if not self._was_raced(victim)]
        return [
            scenario,
            target,
            len(group),
            len(raced),
            sum(victim.is_leaked for victim in alone),
            sum(victim.is_leaked for victim in raced),
            sum(victim.is_in_doubt for victim in alone),
            sum(victim.is_in_doubt for victim in raced),
            len(self.touched) if scenario == "all" else "",
            sum(victim.processes_left for victim in group),
            sum(victim.journal_left for victim in group),
            len(took),
            _seconds(took, 0.5),
            _seconds(took, 0.99),
        ]

    def _was_raced(self, victim: Victim) -> bool:
        return victim.plan.number in self.raced


_LEGEND = (
    "raced: a foreign client loaded or held the same model meanwhile; such runs are counted apart.\n"
    "in doubt: the harness named what was left and did not touch it, because it could not tell whose it is.\n"
    "cleaned: how many runs had something loaded after the kill, and how long it took until that was gone."
)


def _seconds(took: Sequence[float], share: float) -> str:
    """Return a quantile of sorted seconds, the next one above; "-" where there are none."""
    if not took:
        return "-"
    return f"{took[min(len(took) - 1, int(share * len(took)))]:.1f} s"
