"""The items of tools, made from templates and a seed."""

from collections.abc import Sequence
from typing import Any

from harness import Dice, Draft, Task, Tiers, ToolCalls

from .function import APART, FUNCTIONS, SIMPLE, Ask, Function


def _draft(dice: Dice, text: str, needed: Sequence[tuple[Function, Ask]], **more: Any) -> Draft:
    """Return the draft with these calls as its target; `offered` in `more` are the functions to choose from."""
    tools = tuple(function.definition() for function in dice.shuffled(more.pop("offered")))
    calls = [
        {
            "name": function.name,
            "arguments": {name: [value] for name, value in {**ask.arguments, **ask.besides}.items()},
            "optional": list(ask.besides),
        }
        for function, ask in needed
    ]
    return Draft(prompt=f"{text[0].upper()}{text[1:]}.", target={"calls": calls, **more}, tools=tools)


def _one(dice: Dice, count: int, functions: Sequence[Function] = FUNCTIONS) -> Draft:
    offered = dice.some(functions, count)
    ask = offered[0].ask(dice)
    return _draft(dice, _said(dice, ask, functions), [(offered[0], ask)], offered=offered)


def _none(dice: Dice, count: int, functions: Sequence[Function] = FUNCTIONS) -> Draft:
    wanted, *offered = dice.some(functions, count + 1)
    return _draft(dice, _said(dice, wanted.ask(dice), functions), [], offered=offered)


def _said(dice: Dice, ask: Ask, functions: Sequence[Function]) -> str:
    # The simple functions have too few arguments for the samples of a long run to differ by them alone.
    form = (
        dice.pick(("please {}", "{}, please", "{} for me", "I want you to {}")) if functions is SIMPLE else "please {}"
    )
    return form.format(ask.text)


def _several(dice: Dice, count: int, needed: int, joined: str, *, ordered: bool) -> Draft:
    offered = dice.some(FUNCTIONS, count)
    asked = [(function, function.ask(dice)) for function in offered[:needed]]
    text = joined.join(ask.text for _, ask in asked)
    opening = "first " if ordered else "please "
    return _draft(dice, opening + text, asked, offered=offered, ordered=ordered)


def two_offered(dice: Dice, _turn: int) -> Draft:
    """One of two functions."""
    return _one(dice, 2, SIMPLE)


def three_offered(dice: Dice, _turn: int) -> Draft:
    """One of three functions."""
    return _one(dice, 3, SIMPLE)


def only_one(dice: Dice, _turn: int) -> Draft:
    """The only function."""
    return _one(dice, 1, SIMPLE)


def none_of_two(dice: Dice, _turn: int) -> Draft:
    """Neither of two functions."""
    return _none(dice, 2, SIMPLE)


def four_offered(dice: Dice, _turn: int) -> Draft:
    """One of four functions."""
    return _one(dice, 4)


def twice(dice: Dice, _turn: int) -> Draft:
    """The same function for something else: to light the hall at 20 and then at 40 percent would be a contradiction."""
    wanted = dice.pick(APART)
    offered = [wanted, *dice.some([function for function in FUNCTIONS if function is not wanted], 2)]
    first, second = wanted.ask(dice), wanted.ask(dice)
    while next(iter(second.arguments.values())) == next(iter(first.arguments.values())):
        second = wanted.ask(dice)
    asked = [(wanted, first), (wanted, second)]
    return _draft(dice, f"please {first.text}. Also {second.text}", asked, offered=offered, ordered=False)


def two_functions(dice: Dice, _turn: int) -> Draft:
    """Two functions of four, in any order."""
    return _several(dice, 4, 2, ". Also ", ordered=False)


def none_of_four(dice: Dice, _turn: int) -> Draft:
    """None of four functions."""
    return _none(dice, 4)


def in_order(dice: Dice, _turn: int) -> Draft:
    """Three functions, one after the other."""
    return _several(dice, 5, 3, ", then ", ordered=True)


def corrected(dice: Dice, _turn: int) -> Draft:
    """Two calls, the first of which is changed at the end."""
    offered = dice.some(FUNCTIONS, 5)
    old, new, other = offered[0].ask(dice), offered[0].ask(dice), offered[1].ask(dice)
    while new.arguments == old.arguments:
        new = offered[0].ask(dice)
    text = f"please {old.text}. Also {other.text}. No, change the first request: {new.text}"
    return _draft(dice, text, [(offered[0], new), (offered[1], other)], offered=offered, ordered=False)


def called_off(dice: Dice, _turn: int) -> Draft:
    """Three requests, of which one is withdrawn."""
    offered = dice.some(FUNCTIONS, 5)
    asked = [(function, function.ask(dice)) for function in offered[:3]]
    text = ". Also ".join(ask.text for _, ask in asked)
    place = dice.whole(0, 2)
    ordinal = ("first", "second", "third")[place]
    kept = [pair for number, pair in enumerate(asked) if number != place]
    return _draft(dice, f"please {text}. But leave out the {ordinal} of these", kept, offered=offered, ordered=False)


def none_after_all(dice: Dice, _turn: int) -> Draft:
    """A request that is withdrawn, and one that no function fits."""
    wanted, *offered = dice.some(FUNCTIONS, 6)
    text = f"please {wanted.ask(dice).text}. Do not {offered[0].ask(dice).text}; that is already done"
    return _draft(dice, text, [], offered=offered)


TASK = Task(
    name="tools",
    task_class="tools",
    generate=Tiers(
        name="tools",
        easy=[only_one, two_offered, three_offered, none_of_two],
        medium=[four_offered, twice, two_functions, none_of_four],
        hard=[in_order, corrected, called_off, none_after_all],
    ),
    scorer=ToolCalls(),
    max_output_tokens=160,
    prompt_tokens=320,
    tools_tokens=448,
    # "[]" is right where no function fits.
    chance=0.25,
    description="which functions to call with which arguments, or none",
)
