"""The items of extract, made from templates and a seed."""

from collections.abc import Callable

from harness import Dice, Draft, Schema, Task, Tiers

from . import easy, hard, medium
from .form import schema, shown
from .made import Made

SYSTEM = "You extract data. Answer with one line of JSON."


def _asked(make: Callable[[Dice], Made]) -> Callable[[Dice, int], Draft]:
    def template(dice: Dice, _turn: int) -> Draft:
        form, text, values = make(dice)
        return Draft(
            prompt=f"Extract {shown(form)} as JSON. Use null for what is not given.\nText: {text}\nJSON:",
            system_prompt=SYSTEM,
            target={"schema": schema(form), "fields": values},
            stratum=make.__name__,
        )

    template.__name__ = make.__name__
    return template


TASK = Task(
    name="extract",
    task_class="extract",
    generate=Tiers(
        name="extract",
        easy=[_asked(make) for make in (easy.contact, easy.order, easy.log, easy.visit, easy.row, easy.sale)],
        medium=[_asked(make) for make in (medium.letter, medium.invoice, medium.status, medium.table, medium.lease)],
        hard=[
            _asked(make)
            for make in (hard.foreign_invoice, hard.correction, hard.moved, hard.errors, hard.ledger, hard.contract)
        ],
    ),
    scorer=Schema(),
    max_output_tokens=160,
    prompt_tokens=300,
    description="e-mails, invoices, logs, tables and contracts to nested JSON",
)
