"""Answers to instruct items that keep every instruction, and answers that a lazy or clever model might give instead."""

from collections.abc import Callable
from typing import Any

from harness import Sample

_TEXT = (
    "Many people know this well",
    "Others learn about this later",
    "Some stories begin here",
    "Few things last longer",
    "Old books tell more",
)
_SINGLE = {"quoted", "json_only", "postscript", "title", "code_fence", "table", "words"}


def reference(sample: Sample) -> str:
    """Return an answer that keeps every instruction: its units, with what the extras add, in the wanted form."""
    rules = {constraint["kind"]: constraint for constraint in sample.target["constraints"]}
    units = [f"{text}." for text in _TEXT[: _unit_count(rules)]]
    _add_words(units, rules)
    _add_marks(units, rules)
    if "starts_with" in rules:
        units[0] = f"{rules['starts_with']['text']} {units[0][0].lower()}{units[0][1:]}"
    if "ends_with" in rules:
        units[-1] = f"{units[-1]} {rules['ends_with']['text']}"
    text = _formed(units, rules)
    if "uppercase" in rules:
        return text.upper()
    return text.lower() if "lowercase" in rules else text


def _unit_count(rules: dict[str, Any]) -> int:
    counted = ("sentences", "bullets", "numbered", "paragraphs", "ruled_paragraphs", "lines", "sections")
    return next((int(rules[kind]["exactly"]) for kind in counted if kind in rules), 2)


def _add_words(units: list[str], rules: dict[str, Any]) -> None:
    added: list[str] = []
    if rule := rules.get("keyword"):
        added += [rule["word"]] * rule["exactly"]
    if rule := rules.get("letter"):
        added += [rule["letter"] * rule["min"]]
    if rule := rules.get("highlights"):
        added += ["*well*"] * rule["min"]
    if rule := rules.get("placeholders"):
        added += ["[name]"] * rule["min"]
    if rule := rules.get("capital_words"):
        added += ["OAK"] * rule["min"]
    units[0] = " ".join([units[0].removesuffix("."), *added]) + "."
    if rule := rules.get("words"):
        used = sum(len(unit.split()) for unit in units)
        units[0] = units[0].removesuffix(".") + " again" * max(0, rule["min"] + 2 - used) + "."


def _add_marks(units: list[str], rules: dict[str, Any]) -> None:
    for kind, mark in (("questions", "?"), ("exclamations", "!")):
        for place in range(rules.get(kind, {}).get("exactly", 0)):
            units[place] = units[place].removesuffix(".") + mark


def _formed(units: list[str], rules: dict[str, Any]) -> str:  # noqa: PLR0911  (one a form)
    first, *rest = units
    plain = " ".join(units)
    if "bullets" in rules:
        return "\n".join(f"- {unit}" for unit in units)
    if "numbered" in rules:
        return "\n".join(f"{number}. {unit}" for number, unit in enumerate(units, 1))
    if "ruled_paragraphs" in rules:
        return "\n***\n".join(units)
    if "paragraphs" in rules:
        return "\n\n".join(units)
    if "lines" in rules:
        return "\n".join(units)
    if "sections" in rules:
        return "\n".join(f"# Part\n{unit}" for unit in units)
    if rule := rules.get("headings"):
        return "\n".join(f"{title}\n{unit}" for title, unit in zip(rule["titles"], units, strict=True))
    if rule := rules.get("paragraph_starts"):
        return f"{first}\n\n{rule['word']}, {' '.join(rest)}".replace(",", "" if "no_comma" in rules else ",")
    return _wrapped(plain, units, rules)


def _wrapped(plain: str, units: list[str], rules: dict[str, Any]) -> str:
    wrappers: dict[str, Callable[[], str]] = {
        "responses": lambda: "\n******\n".join(units),
        "json_only": lambda: '{"text": "' + plain + '"}',
        "quoted": lambda: f'"{plain}"',
        "title": lambda: f"<<Thoughts>>\n{plain}",
        "postscript": lambda: f"{plain}\nP.S. More soon.",
        "code_fence": lambda: f"```\n{plain}\n```",
        "table": lambda: f"| Part | Text |\n| --- | --- |\n| First | {plain} |",
    }
    return next((wrap() for kind, wrap in wrappers.items() if kind in rules), plain)


adversaries: dict[str, Callable[[Sample], str]] = {
    "nothing": lambda _: "",
    "refusal": lambda _: "I am sorry, but I cannot help with that.",
    "echo": lambda sample: sample.prompt,
    "ok": lambda _: "ok",
    "one word in capitals": lambda _: "OK",
    "list": lambda _: "- one\n- two\n- three",
    "numbered list": lambda _: "1. One.\n2. Two.\n3. Three.",
    "two paragraphs": lambda _: "Here it is. This is a text about it.\n\nThis is the rest of it.",
    "three sentences": lambda _: "Here is a text. It is short. It is about the subject.",
}
"""Name -> answer; each scores at most chance."""

guesses: dict[str, Callable[[Sample], str]] = {
    "everything at once": lambda _: (
        "<<Title>>\n\n# A\n# B\n\n- *one* [x]\n- *two* [y]? ONE TWO THREE FOUR!\n\nP.S. zzz"
    ),
}
"""Name -> the answer of a guesser who knows the task but has not read the item; the best guesser scores chance."""
