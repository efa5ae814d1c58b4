"""Right answers to multiturn items, and answers that a lazy or forgetful model might give instead."""

import re
from collections.abc import Callable

from harness import Sample


def reference(sample: Sample) -> str:
    """Return the right answer."""
    target = sample.target["target"]
    return str(target["label"] if sample.target["kind"] == "choice" else target)


def stale(sample: Sample) -> str:
    """Return a wrong value from the conversation, or "I do not know" if it contains none."""
    conversation = " ".join(sample.turns)
    if sample.target["kind"] == "choice":
        labels = sample.target["target"]["labels"]
        values = [label for label in labels if re.search(rf"\b{label}\b", conversation)]
    else:
        values = re.findall(r"\d+", conversation)
    return next((value for value in values if value != reference(sample)), "I do not know")


def _every_value(sample: Sample) -> str:
    if sample.target["kind"] == "choice":
        return ", ".join(sample.target["target"]["labels"])
    return "It is one of 1 to 1000."


adversaries: dict[str, Callable[[Sample], str]] = {
    "nothing": lambda _: "",
    "refusal": lambda _: "I am sorry, but I do not know anything about you.",
    "echo": lambda sample: sample.prompt,
    "OK": lambda _: "OK",
    "stale": stale,
    "every value": _every_value,
    "hedge": lambda sample: f"{reference(sample)} or {stale(sample)}" if stale(sample)[0] != "I" else "",
    "always green": lambda _: "green",
    "always flute": lambda _: "flute",
    "always 500": lambda _: "500",
}
"""Name -> answer; each scores at most chance."""


def _first_label(sample: Sample) -> str:
    return str(sample.target["target"]["labels"][0]) if sample.target["kind"] == "choice" else "500"


guesses: dict[str, Callable[[Sample], str]] = {"always the first label": _first_label}
"""Name -> the answer of a guesser who knows the task but has not read the item; the best guesser scores chance."""
