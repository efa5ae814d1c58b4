"""Where more items are worth their time: which models are asked more of which task, and when a task is decided.

Asking in rounds spends items where they may still change an answer. Choices, which say what they may lose, can be
looked at as often as one likes; claims cannot, so each of theirs is made at a share of its 5 % (`alpha_of`).
"""

from collections.abc import Sequence

from harness.verdict.choose import AnswerKind, Recommendation

ROUND_SAMPLES = "round_samples"
"""The measure that says which models a round asks which tasks, and up to how many samples."""

ALPHA = 0.05
"""The chance of a false claim that is accepted."""

_HOPELESS = 0.02
_ENOUGH_REGRET = 0.005


def alpha_of(rounds: Sequence[int]) -> float:
    """Return the chance of a false claim that is accepted: 5 % in all, however many times somebody looked."""
    return ALPHA / max(1, len(rounds))


def is_decided(choice: Recommendation) -> bool:
    """Tell whether more items would hardly pay: a model that may lose next to nothing is named, or your primary."""
    if choice.answer is AnswerKind.PRIMARY:
        return True
    return choice.answer is AnswerKind.MODEL and choice.regret is not None and choice.regret < _ENOUGH_REGRET


def to_ask(choice: Recommendation) -> tuple[str, ...]:
    """Return the keys of the models that are asked more of a task: those that may still be the best; none if decided.

    A model that could not be chosen whatever it scored, as its answers were lost, is asked no more either.
    """
    if is_decided(choice):
        return ()
    return tuple(
        standing.candidate.key
        for standing in choice.standings
        if standing.best is not None and standing.best >= _HOPELESS
    )
