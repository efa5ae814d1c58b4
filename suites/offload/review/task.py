"""The items of review, made from programs and a seed."""

from collections.abc import Callable, Sequence

from harness import Dice, Draft, Findings, Task, Tiers

from .code import EASY, HARD, HEADS, KINDS, MEDIUM, Program
from .program import bugs, lines, names

SYSTEM = "You review code. Answer with one short line."
CLEAN_SHARE = 4
"""One in so many functions is right."""

ALIASES = {
    "wrong arithmetic": ["wrong operator", "incorrect operator", "wrong arithmetic operator"],
    "off by one": ["off-by-one error"],
    "inverted condition": ["inverted test", "wrong condition", "negated condition", "incorrect condition"],
    "wrong variable": ["incorrect variable"],
    "wrong start value": ["wrong initial value", "wrong initialisation", "wrong initialization"],
    "missing update": ["missing assignment"],
}


def _of(programs: Sequence[Program]) -> Callable[[Dice, int], Draft]:
    def review(dice: Dice, turn: int) -> Draft:
        program = dice.pick(programs)
        # The kind first, so that kinds are as even as the programs allow; clean code in turn.
        kind = dice.pick(sorted({bug.kind for bug in bugs(program)}))
        bug = dice.pick([bug for bug in bugs(program) if bug.kind == kind])
        is_clean = (turn + turn // CLEAN_SHARE) % CLEAN_SHARE == 0
        head = dice.pick(HEADS)
        shown = "\n".join(
            f"{number}: {line}"
            for number, line in enumerate([*head, *lines(program, None if is_clean else bug, names(dice))], start=1)
        )
        offered = ", ".join(dice.shuffled(list(KINDS)))
        return Draft(
            # A question: of four forms tried on SmolLM2-135M (2026-11) only this one got an answer at all; with
            # "Kinds of bug: … Answer …" it wrote the code once more.
            prompt=f"Code:\n{shown}\n\nDoes this Python function have a bug? At most one line is wrong. "
            f'Say only "no bug", or "line N: kind" with one of these kinds: {offered}.',
            system_prompt=SYSTEM,
            target={
                "line": None if is_clean else bug.line + len(head),
                "kind": None if is_clean else bug.kind,
                "kinds": list(KINDS),
                "aliases": ALIASES,
            },
            stratum=program.text.split('"""')[1],
        )

    return review


TASK = Task(
    name="review",
    task_class="review",
    generate=Tiers(name="review", easy=[_of(EASY)], medium=[_of(MEDIUM)], hard=[_of(HARD)]),
    scorer=Findings(),
    max_output_tokens=40,
    prompt_tokens=420,
    chance=1 / CLEAN_SHARE,
    description="one seeded bug in a short function, or none: its line and its kind",
)
