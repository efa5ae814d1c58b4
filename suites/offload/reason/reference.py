"""Right answers to reason items, and answers that a lazy or clever model might give instead."""

from collections.abc import Callable

from harness import Sample


def reference(sample: Sample) -> str:
    """Return the right answer."""
    target = sample.target["target"]
    if sample.target["kind"] == "choice":
        return str(target["label"])
    return str(target["value"] if isinstance(target, dict) else target)


def _every_label(sample: Sample) -> str:
    target = sample.target["target"]
    return ", ".join(target["labels"]) if sample.target["kind"] == "choice" else "1, 2, 3, 4, 5, 6, 7, 8, 9, 10"


def _hedge(sample: Sample) -> str:
    target = sample.target["target"]
    if sample.target["kind"] == "choice":
        wrong = next(label for label in target["labels"] if label != target["label"])
        return f"{target['label']} or {wrong}"
    return f"between {reference(sample)} and {float(reference(sample)) + 1:g}"


adversaries: dict[str, Callable[[Sample], str]] = {
    "nothing": lambda _: "",
    "refusal": lambda _: "I am sorry, but I cannot help with that.",
    "echo": lambda sample: sample.prompt,
    "every label": _every_label,
    "hedge": _hedge,
    "always 30": lambda _: "30",
    "always Monday": lambda _: "Monday",
    "marker only": lambda _: "The answer is:",
}
"""Name -> answer; each scores at most chance."""


def _first_label(sample: Sample) -> str:
    return str(sample.target["target"]["labels"][0]) if sample.target["kind"] == "choice" else "30"


guesses: dict[str, Callable[[Sample], str]] = {"always the first label": _first_label}
"""Name -> the answer of a guesser who knows the task but has not read the item; the best guesser scores chance."""
