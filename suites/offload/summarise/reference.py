"""A right answer to an item of summarise, and answers that only look like one."""

from collections.abc import Callable, Mapping

from harness import Sample


def reference(sample: Sample) -> str:
    """Return a summary with every fact, within the limit."""
    return str(sample.target["reference"])


def _document(sample: Sample) -> str:
    return sample.prompt.removeprefix("Document: ").partition("\n\n")[0]


adversaries: Mapping[str, Callable[[Sample], str]] = {
    "the document": _document,
    "the document twice": lambda sample: f"{_document(sample)} {_document(sample)}",
    "what it is about": lambda _: "The document tells what happened, where and when, and what it cost.",
    "invented": lambda _: "Several people met in Atlantis, and 7777777 euros were lost, says Robin Nobody.",
}
guesses: Mapping[str, Callable[[Sample], str]] = {
    "the first words": lambda sample: " ".join(_document(sample).split()[: sample.target["max_words"]]),
    "the last words": lambda sample: " ".join(_document(sample).split()[-sample.target["max_words"] :]),
    "the first words, half too many": lambda sample: " ".join(
        _document(sample).split()[: sample.target["max_words"] * 3 // 2]
    ),
}
