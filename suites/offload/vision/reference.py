"""Right answers to vision items, and answers of a model that does not see."""

from collections.abc import Callable, Mapping

from harness import Sample


def reference(sample: Sample) -> str:
    """Return the right answer."""
    kind, target = sample.target["kind"], sample.target["target"]
    return str(target["label"] if kind == "choice" else target if kind == "number" else target[0])


def _hedge(sample: Sample) -> str:
    target = sample.target["target"]
    if sample.target["kind"] == "choice":
        return " or ".join(target["labels"])
    return f"{target} or {target + 1}" if sample.target["kind"] == "number" else f"{target[0]} or {target[0][::-1]}"


def _guess(number: str, place: int) -> Callable[[Sample], str]:
    def answer(sample: Sample) -> str:
        kind, target = sample.target["kind"], sample.target["target"]
        return str(target["labels"][place]) if kind == "choice" else number if kind == "number" else "ABCDEF"

    return answer


adversaries: Mapping[str, Callable[[Sample], str]] = {
    "every answer": _hedge,
    "what is asked": lambda sample: sample.prompt,
    "cannot see": lambda _: "I cannot see an image. Please upload it.",
}
guesses: Mapping[str, Callable[[Sample], str]] = {
    "first label, 3": _guess("3", 0),
    "second label, 2": _guess("2", 1),
    "last label, 4": _guess("4", -1),
}
