"""Right answers to longcontext items, and answers that a lazy model might give instead."""

from collections.abc import Callable

from harness import Sample


def reference(sample: Sample) -> str:
    """Return the right answer."""
    target = sample.target["target"]
    return str(target["label"]) if sample.target["kind"] == "choice" else ", ".join(target["right"])


def found(sample: Sample) -> list[str]:
    """Return every label that occurs in the prompt, in order of appearance."""
    words = sample.prompt.replace(".", " ").replace(",", " ").split()
    labels = set(sample.target["target"]["labels"])
    return [word for word in dict.fromkeys(words) if word in labels]


adversaries: dict[str, Callable[[Sample], str]] = {
    "nothing": lambda _: "",
    "refusal": lambda _: "I am sorry, but I cannot help with that.",
    "echo": lambda sample: sample.prompt,
    "every label": lambda sample: ", ".join(sample.target["target"]["labels"]),
    "always heron": lambda _: "heron",
    "always three things": lambda _: "lamps, ropes, ladders",
    "every one in the text": lambda sample: ", ".join(found(sample)),
    "hedge": lambda sample: f"{reference(sample)} or {', '.join(sample.target['target']['labels'])}",
}
"""Name -> answer; each scores at most chance."""

guesses: dict[str, Callable[[Sample], str]] = {"not given": lambda _: "not given"}
"""Name -> the answer of a guesser who knows the task but has not read the item; the best guesser scores chance."""
