"""The items of summarise, made from documents and a seed."""

from collections.abc import Callable

from harness import Dice, Draft, Facts, Task, Tiers

from .document import Document
from .template import EASY, HARD, MEDIUM

SYSTEM = "You summarise documents in one or two sentences."


def _asked(make: Callable[[Dice], Document]) -> Callable[[Dice, int], Draft]:
    def template(dice: Dice, _turn: int) -> Draft:
        document = make(dice)
        return Draft(
            prompt=f"Document: {document.text}\n\nSummarise the document in at most {document.max_words} words. "
            f"Say {document.wanted}.",
            system_prompt=SYSTEM,
            target={
                "facts": document.facts,
                "source": document.source,
                "max_words": document.max_words,
                "reference": document.reference,
            },
            stratum=make.__name__,
        )

    return template


TASK = Task(
    name="summarise",
    task_class="summarise",
    generate=Tiers(
        name="summarise",
        easy=[_asked(make) for make in EASY],
        medium=[_asked(make) for make in MEDIUM],
        hard=[_asked(make) for make in HARD],
    ),
    scorer=Facts(),
    max_output_tokens=100,
    prompt_tokens=420,
    # What the document's first words score, as many as are allowed, over 600 items; a test computes it again.
    chance=0.2,
    description="a document built from facts, in so many words: its facts, nothing invented, nothing corrected later",
)
