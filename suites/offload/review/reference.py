"""The right answer to an item of review, and answers that only look like one."""

from collections.abc import Callable, Mapping

from harness import Sample


def reference(sample: Sample) -> str:
    """Return the line and the kind of the bug, or that there is none."""
    line, kind = sample.target["line"], sample.target["kind"]
    return f"line {line}: {kind}" if line else "no bug"


def _every_kind(sample: Sample) -> str:
    return "It may be " + ", ".join(sample.target["kinds"])


def _line_count(sample: Sample) -> int:
    return sample.prompt.removeprefix("Code:\n").partition("\n\n")[0].count("\n") + 1


def _every_line(sample: Sample) -> str:
    kind = sample.target["kinds"][0]
    return "\n".join(f"line {number}: {kind}" for number in range(1, _line_count(sample) + 1))


def _last_line(sample: Sample) -> str:
    return f"line {_line_count(sample)}: {sample.target['kinds'][0]}"


adversaries: Mapping[str, Callable[[Sample], str]] = {
    "every kind": _every_kind,
    "neither yes nor no": lambda _: "I would like to see tests, and longer names.",
}
guesses: Mapping[str, Callable[[Sample], str]] = {
    "always no bug": lambda _: "no bug",
    "every line": _every_line,
    "the last line": _last_line,
    "always line 3": lambda _: "line 3: wrong arithmetic",
    "always line 4": lambda _: "line 4: wrong variable",
    "always line 5 inverted": lambda _: "line 5: inverted condition",
}
