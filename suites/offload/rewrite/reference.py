"""A right answer to an item of rewrite, and answers that only look like one."""

from collections.abc import Callable, Mapping

from harness import Sample


def reference(sample: Sample) -> str:
    """Return a text that keeps all constraints."""
    return str(sample.target["reference"])


def _words_alone(sample: Sample) -> str:
    """Everything that must be kept or included, and nothing else."""
    listed = [
        text
        for constraint in sample.target["constraints"]
        if constraint["kind"] in {"keeps", "includes"}
        for text in constraint.get("texts") or constraint["words"]
    ]
    return " ".join(listed)


adversaries: Mapping[str, Callable[[Sample], str]] = {
    "the text unchanged": lambda sample: str(sample.target["text"]),
    "both texts": lambda sample: f"{sample.target['text']}\n\n{sample.target['reference']}",
    "the wanted words alone": _words_alone,
    "the text without its first half": lambda sample: sample.target["text"][len(sample.target["text"]) // 2 :],
}
