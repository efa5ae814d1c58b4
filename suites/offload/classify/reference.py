"""The right answer to an item of classify, and answers that only look like one."""

from collections.abc import Callable, Mapping

from harness import Sample


def reference(sample: Sample) -> str:
    """Return the right label or labels."""
    return str(sample.target["label"]) if "label" in sample.target else ", ".join(sample.target["right"])


def _all_labels(sample: Sample) -> str:
    return ", ".join(sample.target["labels"])


def _two_labels(sample: Sample) -> str:
    """The right label, and a wrong one to be safe."""
    right = sample.target.get("right") or [sample.target["label"]]
    return f"{reference(sample)} or {next(label for label in sample.target['labels'] if label not in right)}"


def _shown(sample: Sample, place: int) -> str:
    """The label that the question shows first or last."""
    question = sample.prompt.rpartition("Choose")[2]
    return str(sorted(sample.target["labels"], key=question.index)[place])


adversaries: Mapping[str, Callable[[Sample], str]] = {
    "all labels": _all_labels,
    "the right label and another": _two_labels,
    "no label": lambda _: "I cannot tell which label fits.",
}
guesses: Mapping[str, Callable[[Sample], str]] = {
    "the first label shown": lambda sample: _shown(sample, 0),
    "the last label shown": lambda sample: _shown(sample, -1),
    "always positive": lambda _: "positive",
    "always other": lambda _: "other",
    "always the same label of each set": lambda sample: str(sample.target["labels"][0]),
}
