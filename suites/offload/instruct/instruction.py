"""The kinds of instruction: how each is worded, and how the scorer checks it.

A form decides what the answer is made of; an extra goes with most forms. `CLASHES` names those that do not go together,
because no answer keeps both or because it is not clear how one could.
"""

from collections.abc import Callable, Mapping
from typing import Any

from harness import Dice

Constraint = dict[str, Any]
Instruction = tuple[str, list[Constraint]]
"""The words, and what they demand."""
Kind = Callable[[Dice, str], Instruction]
"""Makes an instruction about a subject."""

OPENINGS = ("Listen", "Once", "Surely", "Today", "Friends", "Picture", "Nobody", "Perhaps")
ENDINGS = ("That is all.", "So it goes.", "The end.", "Try it soon.", "Good luck.")
HEADINGS = ("Origin", "Meaning", "Danger", "Future", "Benefit", "History", "Summary", "Colour")
BANNED = ("the", "very", "is", "and", "are", "of", "it", "a", "to", "in")
NUMBERS = ("zero", "one", "two", "three", "four", "five", "six")


def _sentences(dice: Dice, _: str) -> Instruction:
    count = dice.whole(2, 4)
    return f"Write exactly {NUMBERS[count]} sentences.", [{"kind": "sentences", "exactly": count}]


def _words(dice: Dice, _: str) -> Instruction:
    least = dice.whole(18, 28)
    most = least + dice.whole(10, 14)
    return f"Write {least} to {most} words.", [{"kind": "words", "min": least, "max": most}]


def _bullets(dice: Dice, _: str) -> Instruction:
    count = dice.whole(2, 5)
    return f'Write exactly {NUMBERS[count]} bullet points, each beginning with "- ".', [
        {"kind": "bullets", "exactly": count}
    ]


def _numbered(dice: Dice, _: str) -> Instruction:
    count = dice.whole(2, 5)
    return f"Write a numbered list (1., 2., ...) of exactly {NUMBERS[count]} points.", [
        {"kind": "numbered", "exactly": count},
        {"kind": "numbered_in_order"},
    ]


def _paragraphs(dice: Dice, _: str) -> Instruction:
    count = dice.whole(2, 3)
    return f"Write exactly {NUMBERS[count]} short paragraphs with an empty line between them.", [
        {"kind": "paragraphs", "exactly": count}
    ]


def _ruled(dice: Dice, _: str) -> Instruction:
    count = dice.whole(2, 3)
    words = f"Write exactly {NUMBERS[count]} short parts, with a line of three asterisks between them."
    return words, [{"kind": "ruled_paragraphs", "exactly": count}]


def _lines(dice: Dice, _: str) -> Instruction:
    count = dice.whole(3, 5)
    return f"Write a poem of exactly {NUMBERS[count]} lines.", [{"kind": "lines", "exactly": count}]


def _sections(dice: Dice, _: str) -> Instruction:
    count = dice.whole(2, 3)
    return f'Write {NUMBERS[count]} sections, each with a Markdown heading ("# ...").', [
        {"kind": "sections", "exactly": count}
    ]


def _headings(dice: Dice, _: str) -> Instruction:
    first, second = dice.some(HEADINGS, 2)
    return f'Use two headings, each on a line of its own: "{first}" and "{second}".', [
        {"kind": "headings", "titles": [first, second]}
    ]


def _responses(_: Dice, __: str) -> Instruction:
    words = "Give two different answers of one sentence each, separated by six asterisks."
    return words, [{"kind": "responses", "exactly": 2}]


def _json(_: Dice, __: str) -> Instruction:
    return "Answer with a JSON object and nothing else.", [{"kind": "json_only"}]


def _quoted(_: Dice, __: str) -> Instruction:
    return "Put your whole answer in double quotation marks.", [{"kind": "quoted"}]


def _title(_: Dice, __: str) -> Instruction:
    return "Give it a title that stands in double angle brackets: two < before it and two > after it.", [
        {"kind": "title"}
    ]


def _postscript(_: Dice, __: str) -> Instruction:
    return "Add a postscript that begins with P.S. on a line of its own.", [{"kind": "postscript"}]


def _fence(_: Dice, __: str) -> Instruction:
    return "Put the text into a Markdown code block (three backticks).", [{"kind": "code_fence"}]


def _table(_: Dice, __: str) -> Instruction:
    return "Answer with a Markdown table of two columns.", [{"kind": "table"}]


def _second_paragraph(dice: Dice, _: str) -> Instruction:
    word = dice.pick(OPENINGS)
    return f'Write two short paragraphs with an empty line between them; begin the second with the word "{word}".', [
        {"kind": "paragraph_starts", "paragraph": 2, "word": word}
    ]


FORMS: Mapping[str, Kind] = {
    "sentences": _sentences,
    "words": _words,
    "bullets": _bullets,
    "numbered": _numbered,
    "paragraphs": _paragraphs,
    "ruled_paragraphs": _ruled,
    "lines": _lines,
    "sections": _sections,
    "headings": _headings,
    "responses": _responses,
    "json_only": _json,
    "quoted": _quoted,
    "title": _title,
    "postscript": _postscript,
    "code_fence": _fence,
    "table": _table,
    "paragraph_starts": _second_paragraph,
}


def _keyword(dice: Dice, subject: str) -> Instruction:
    count = dice.whole(2, 3)
    return f'Use the word "{subject}" exactly {NUMBERS[count]} times.', [
        {"kind": "keyword", "word": subject, "exactly": count}
    ]


def _letter(dice: Dice, _: str) -> Instruction:
    letter, count = dice.pick(("z", "q", "x", "j", "k")), dice.whole(3, 5)
    return f'Let the letter "{letter}" occur at least {NUMBERS[count]} times.', [
        {"kind": "letter", "letter": letter, "min": count}
    ]


def _starts(dice: Dice, _: str) -> Instruction:
    word = dice.pick(OPENINGS)
    return f'Begin with the word "{word}".', [{"kind": "starts_with", "text": word}]


def _ends(dice: Dice, _: str) -> Instruction:
    text = dice.pick(ENDINGS)
    return f'End with the exact words "{text}"', [{"kind": "ends_with", "text": text}]


def _highlights(dice: Dice, _: str) -> Instruction:
    count = dice.whole(2, 3)
    return f"Set at least {NUMBERS[count]} parts in Markdown bold or italics (with asterisks).", [
        {"kind": "highlights", "min": count}
    ]


def _placeholders(dice: Dice, _: str) -> Instruction:
    count = dice.whole(2, 3)
    return f"Leave at least {NUMBERS[count]} placeholders in square brackets.", [{"kind": "placeholders", "min": count}]


def _capitals(dice: Dice, _: str) -> Instruction:
    count = dice.whole(4, 6)
    return f"Write at least {NUMBERS[count]} words entirely in capital letters.", [
        {"kind": "capital_words", "min": count}
    ]


def _questions(dice: Dice, _: str) -> Instruction:
    count = dice.whole(1, 2)
    return f"Use exactly {NUMBERS[count]} question mark{'s' if count > 1 else ''}.", [
        {"kind": "questions", "exactly": count}
    ]


def _exclamations(dice: Dice, _: str) -> Instruction:
    count = dice.whole(1, 2)
    return f"Use exactly {NUMBERS[count]} exclamation mark{'s' if count > 1 else ''}.", [
        {"kind": "exclamations", "exactly": count}
    ]


def _upper(_: Dice, __: str) -> Instruction:
    return "Write everything in capital letters.", [{"kind": "uppercase"}]


def _lower(_: Dice, __: str) -> Instruction:
    return "Use no capital letters at all.", [{"kind": "lowercase"}]


EXTRAS: Mapping[str, Kind] = {
    "keyword": _keyword,
    "letter": _letter,
    "starts_with": _starts,
    "ends_with": _ends,
    "highlights": _highlights,
    "placeholders": _placeholders,
    "capital_words": _capitals,
    "questions": _questions,
    "exclamations": _exclamations,
    "uppercase": _upper,
    "lowercase": _lower,
}


def _no_comma(_: Dice, __: str) -> Instruction:
    return "Use no commas.", [{"kind": "no_comma"}]


def _no_digits(_: Dice, __: str) -> Instruction:
    return "Use no digits.", [{"kind": "no_digits"}]


def _excludes(dice: Dice, _: str) -> Instruction:
    words = dice.some(BANNED, 2)
    return f'Do not use the words "{words[0]}" and "{words[1]}".', [{"kind": "excludes", "words": words}]


def _nobody_speaks(_: Dice, __: str) -> Instruction:
    return 'Do not speak of "I", "we" or "us".', [{"kind": "no_first_person"}]


def _nobody_spoken_to(_: Dice, __: str) -> Instruction:
    return 'Do not address the reader as "you".', [{"kind": "no_second_person"}]


BANS: Mapping[str, Kind] = {
    "no_comma": _no_comma,
    "no_digits": _no_digits,
    "excludes": _excludes,
    "no_first_person": _nobody_speaks,
    "no_second_person": _nobody_spoken_to,
}
"""Kept by most answers that say nothing: only beside others."""

_ONLY_TEXT = {"starts_with", "ends_with", "highlights", "questions", "exclamations"}
CLASHES: Mapping[str, frozenset[str]] = {
    "bullets": frozenset({"starts_with", "highlights"}),
    "numbered": frozenset({"starts_with", "no_digits"}),
    "ruled_paragraphs": frozenset({"highlights"}),
    "sections": frozenset({"starts_with"}),
    "headings": frozenset({"starts_with", "ends_with"}),
    "responses": frozenset({"highlights", "ends_with", "questions", "exclamations"}),
    "json_only": frozenset({*_ONLY_TEXT, "placeholders", "no_comma", "capital_words", "excludes"}),
    "title": frozenset({"starts_with"}),
    "postscript": frozenset({"ends_with", "lowercase"}),
    "code_fence": frozenset({"starts_with", "ends_with", "highlights"}),
    "table": frozenset({*_ONLY_TEXT, "placeholders"}),
    "lines": frozenset({"ends_with"}),
    "words": frozenset(),
    "sentences": frozenset({"ends_with"}),
    "quoted": frozenset(),
    "uppercase": frozenset({"lowercase", "capital_words"}),
    "lowercase": frozenset({"uppercase", "capital_words"}),
    "capital_words": frozenset({"uppercase", "lowercase"}),
    "questions": frozenset({"exclamations", "ends_with"}),
    "exclamations": frozenset({"questions", "ends_with"}),
    "ends_with": frozenset({"questions", "exclamations", "excludes"}),
}


def goes_with(first: str, second: str) -> bool:
    """Tell whether an answer can keep an instruction of each kind."""
    return first != second and second not in CLASHES.get(first, ()) and first not in CLASHES.get(second, ())
