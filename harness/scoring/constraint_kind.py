"""The kinds of verifiable instruction. Each takes parameters and returns a check: text -> why it is broken, or "".

Counts take `min`, `max` or both (inclusive), or `exactly`. IFEval's own types are kinds too, under their own names
(`harness.scoring.ifeval`). Every check is linear in the text.

Some things can fairly be counted in two ways: "teas" may or may not count as "tea", `***` may be a rule or the start of
bold italics. Such an instruction is kept when either count keeps it.
"""

import json
import re
from collections.abc import Callable
from typing import Any, TypeAlias

from harness.scoring.answer import fenced_blocks
from harness.scoring.counting import (
    count_capital_words,
    count_sentences,
    count_words,
    counted,
    first_words,
    lines,
    paragraphs,
)
from harness.scoring.ifeval import IFEVAL_KINDS
from harness.scoring.language import detector, languages
from harness.scoring.pattern import lazy_pattern
from harness.scoring.text import normalised

Check: TypeAlias = Callable[[str], str]
Count: TypeAlias = Callable[[str], int]

_BULLET = lazy_pattern(r"^[ \t]*(?:[*\u2022+](?!\*)|-(?!-))[ \t]*(?=\S)", re.MULTILINE)
_NUMBERED = lazy_pattern(r"^[ \t]*(\d{1,4})[.)][ \t]+(?=\S)", re.MULTILINE)
_HEADING = lazy_pattern(r"^#{1,6}[ \t]+(?=\S)", re.MULTILINE)
_NUMBERED_HEADING = lazy_pattern(
    r"^[ \t#*_]{0,20}(?:section|part|chapter|paragraph|day|step)[ \t](?:\d{1,4}|[ivxlc]{1,6})\b",
    re.MULTILINE | re.IGNORECASE,
)
_HIGHLIGHT = lazy_pattern(r"\*\*[^*\n]+\*\*|(?<!\*)\*[^*\s][^*\n]*\*(?!\*)")
_PLACEHOLDER = lazy_pattern(r"\[[^\[\]\n]{1,200}\]")
_TITLE = lazy_pattern(r"<<(?=[^<>\n]{0,300}[^<>\s])[^<>\n]{1,300}>>")
_RULE = lazy_pattern(r"^[ \t]*\*\*\*[ \t]*$", re.MULTILINE)
# At the start of a line (but not "PS5"), or with its full stops at the start of a sentence: not "begins with P.S.".
_POSTSCRIPT = lazy_pattern(
    r"^[ \t*_]{0,20}p\.?[ \t]?(?:p\.?[ \t]?)?s(?!\w)|(?<=[.!?][ \t])[*_]{0,3}p\.[ \t]?(?:p\.[ \t]?)?s\.",
    re.MULTILINE | re.IGNORECASE,
)
_FIRST_PERSON = frozenset(["i", "me", "my", "mine", "myself", "we", "us", "our", "ours", "ourselves"])
_SECOND_PERSON = frozenset(["you", "your", "yours", "yourself", "yourselves"])
_MAX_HEADING = 200
_SHORTEST_PART = 3


def _counting(noun: str, *counts: Count) -> Callable[..., Check]:
    """Return a kind whose parameters are bounds, kept when one of the counts lies within them."""

    def kind(**bounds: Any) -> Check:
        low, high = _bounds(bounds)

        def check(text: str) -> str:
            found = -1
            for count in counts:
                found = count(text)
                if low <= found and (high is None or found <= high):
                    return ""
            wanted = f"{low}" if low == high else f"{low} to {'any' if high is None else high}"
            return f"{found} {noun}, expected {wanted}"

        return check

    return kind


def _bounds(bounds: dict[str, Any]) -> tuple[int, int | None]:
    if not bounds or not set(bounds) <= {"min", "max", "exactly"} or ("exactly" in bounds and len(bounds) > 1):
        raise ValueError("expected min, max or both, or exactly")
    if any(isinstance(bound, bool) or not isinstance(bound, int) or bound < 0 for bound in bounds.values()):
        raise ValueError("expected whole numbers of 0 or more")
    low, high = bounds.get("exactly", bounds.get("min", 0)), bounds.get("exactly", bounds.get("max"))
    if high is not None and low > high:
        raise ValueError("min is greater than max")
    return low, high


def _holding(why: str, holds: Callable[[str], bool]) -> Callable[[], Check]:
    """Return a kind without parameters: broken for the reason `why` where it does not hold."""
    return lambda: lambda text: "" if holds(text) else why


def _phrase(phrase: Any) -> re.Pattern[str]:
    """Return a pattern for the phrase as whole words, whatever its case and spacing."""
    return re.compile(rf"(?<!\w){_spaced(phrase)}(?!\w)", re.IGNORECASE)


def _phrase_or_part(phrase: Any) -> re.Pattern[str]:
    """Return a pattern for the phrase, also as a part of longer words unless it is very short ("I")."""
    inner = _spaced(phrase)
    return re.compile(inner, re.IGNORECASE) if len(phrase.strip()) >= _SHORTEST_PART else _phrase(phrase)


def _spaced(phrase: Any) -> str:
    if not isinstance(phrase, str) or not phrase.strip():
        raise ValueError(f"expected a text, got {phrase!r}")
    return r"\s{1,5}".join(re.escape(word) for word in phrase.split())


def _texts(values: Any, name: str) -> list[str]:
    if not isinstance(values, list) or not values:
        raise ValueError(f"{name}: expected a list of texts")
    return [_text(value, name) for value in values]


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{name}: expected a text")
    return value.strip()


def _includes(*, words: Any) -> Check:
    patterns = {word: _phrase_or_part(word) for word in _texts(words, "words")}

    def check(text: str) -> str:
        missing = [word for word, pattern in patterns.items() if not pattern.search(text)]
        return f"missing {', '.join(missing)}" if missing else ""

    return check


def _excludes(*, words: Any) -> Check:
    patterns = {word: _phrase(word) for word in _texts(words, "words")}

    def check(text: str) -> str:
        found = [word for word, pattern in patterns.items() if pattern.search(text)]
        return f"contains {', '.join(found)}" if found else ""

    return check


def _keyword(*, word: str, **bounds: Any) -> Check:
    return _counting(f"times {word!r}", counted(_phrase_or_part(word)), counted(_phrase(word)))(**bounds)


def _letter(*, letter: Any, **bounds: Any) -> Check:
    if not isinstance(letter, str) or len(letter) != 1:
        raise ValueError("letter: expected one character")
    return _counting(f"times {letter!r}", lambda text: text.lower().count(letter.lower()))(**bounds)


def _starts(*, text: str) -> Check:
    start = normalised(_text(text, "text"))

    def check(answer: str) -> str:
        beginning = normalised(answer.lstrip(" \n\t\"'*_#")[: 5 * len(start) + 50])
        return "" if beginning.startswith(start) else f"does not begin with {text!r}"

    return check


def _ends(*, text: str) -> Check:
    end = normalised(_text(text, "text"))

    def check(answer: str) -> str:
        ending = normalised(answer.rstrip(" \n\t\"'*_")[-5 * len(end) - 50 :])
        return "" if ending.endswith(end) else f"does not end with {text!r}"

    return check


def _repeats_prompt(*, prompt: str) -> Check:
    wanted = normalised(_text(prompt, "prompt"))
    return lambda text: "" if normalised(text).startswith(wanted) else "does not begin with the request"


def _paragraph_starts(*, paragraph: Any, word: str) -> Check:
    if isinstance(paragraph, bool) or not isinstance(paragraph, int) or paragraph < 1:
        raise ValueError("paragraph: expected a whole number, 1 or more")
    pattern = _phrase(word)

    def check(text: str) -> str:
        parts = paragraphs(text)
        is_there = len(parts) >= paragraph and pattern.match(parts[paragraph - 1].lstrip(" \n\t\"'*_#"))
        return "" if is_there else f"paragraph {paragraph} does not begin with {word!r}"

    return check


def _headings(*, titles: Any) -> Check:
    wanted = [normalised(title) for title in _texts(titles, "titles")]

    def check(text: str) -> str:
        found = {normalised(line).strip("#*_: ") for line in text.splitlines() if len(line) < _MAX_HEADING}
        missing = [title for title in wanted if title.strip("#*_: ") not in found]
        return f"no heading {', '.join(missing)}" if missing else ""

    return check


def _sections(*, word: Any = None, **bounds: Any) -> Check:
    """Headings, or parts that begin with their word and a number: `{"word": "Chapter"}` for "Chapter 1"."""
    if word is None:
        return _counting("sections", counted(_HEADING), counted(_NUMBERED_HEADING))(**bounds)
    pattern = re.compile(rf"(?<!\w){_spaced(word)}\s?\d{{1,9}}", re.IGNORECASE)
    return _counting(f"sections with {word!r} and a number", counted(pattern))(**bounds)


def _keeps(*, texts: Any) -> Check:
    wanted = _texts(texts, "texts")

    def check(text: str) -> str:
        missing = [part for part in wanted if part not in text]
        return f"lost {', '.join(missing)}" if missing else ""

    return check


def _line_length(*, max: int) -> Check:  # noqa: A002  (a task's parameter)
    _bounds({"max": max})

    def check(text: str) -> str:
        return "" if all(len(line) <= max for line in text.splitlines()) else f"a line exceeds {max} characters"

    return check


def _is_one_of(*, texts: Any) -> Check:
    """The whole answer is one of the texts, or has exactly one of those that are sentences ("My answer is yes.")."""
    forms = {normalised(text) for text in _texts(texts, "texts")}
    wanted = {form.strip(".!\"' ") for form in forms}
    sentences = [form for form in forms if form.endswith((".", "!", "?")) and " " in form]

    def check(text: str) -> str:
        plain = normalised(text)
        is_kept = plain.strip(".!*\"' ") in wanted or sum(sentence in plain for sentence in sentences) == 1
        return "" if is_kept else "is not one of the allowed answers"

    return check


def _responses(*, exactly: int) -> Check:
    _bounds({"exactly": exactly})

    def check(text: str) -> str:
        parts = [" ".join(part.split()) for part in text.split("******")]
        # A separator may also stand before the first response and after the last one.
        parts = parts[not parts[0] : len(parts) - (len(parts) > 1 and not parts[-1])]
        if len(parts) != exactly or not all(parts):
            return f"{len(parts)} responses separated by ******, expected {exactly}"
        return "" if len(set(parts)) == len(parts) else "two responses are the same"

    return check


def _postscript(*, marker: Any = None) -> Check:
    pattern = _POSTSCRIPT if marker is None else re.compile(rf"(?<!\w){_spaced(marker)}", re.IGNORECASE)
    why = f"has no {marker or 'P.S.'}"
    return lambda text: "" if pattern.search(text) else why


def _language(*, code: Any) -> Check:
    if code not in languages():
        raise ValueError(f"code: expected one of {', '.join(languages())}")
    detect = detector()

    def check(text: str) -> str:
        found = detect(text)
        return "" if found in {code, None} else f"is in {found}, expected {code}"

    return check


def _is_json(text: str) -> bool:
    blocks = fenced_blocks(text) if text.startswith("```") else [text]
    try:
        value = json.loads(blocks[0]) if len(blocks) == 1 else None
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict | list)


def _is_table_rule(line: str) -> bool:
    return "|" in line and "---" in line and set(line) <= set("|-: \t")


def _is_numbered(text: str) -> bool:
    numbers = [int(found[1]) for found in _NUMBERED.finditer(text)]
    return bool(numbers) and numbers == list(range(1, len(numbers) + 1))


def _is_quoted(text: str) -> bool:
    return len(text) > 1 and (text[0], text[-1]) in {('"', '"'), ("\u201c", "\u201d")}


def _ruled_parts(text: str) -> int:
    return sum(bool(part.strip()) for part in _RULE.split(text))


def _starred_parts(text: str) -> int:
    return sum(bool(part.strip()) for part in text.split("***"))


KINDS: dict[str, Callable[..., Check]] = {
    "words": _counting("words", count_words),
    "sentences": _counting("sentences", count_sentences),
    "paragraphs": _counting("paragraphs", lambda text: len(paragraphs(text))),
    "ruled_paragraphs": _counting("parts between ***", _starred_parts, _ruled_parts),
    "lines": _counting("lines", lambda text: len(lines(text))),
    "characters": _counting("characters", len),
    "bullets": _counting("bullets", counted(_BULLET)),
    "numbered": _counting("numbered points", counted(_NUMBERED)),
    "sections": _sections,
    "highlights": _counting("highlighted parts", counted(_HIGHLIGHT)),
    "placeholders": _counting("placeholders in []", counted(_PLACEHOLDER)),
    "capital_words": _counting("words in capitals", count_capital_words),
    "questions": _counting("question marks", lambda text: text.count("?")),
    "exclamations": _counting("exclamation marks", lambda text: text.count("!")),
    "keyword": _keyword,
    "letter": _letter,
    "includes": _includes,
    "excludes": _excludes,
    "keeps": _keeps,
    "starts_with": _starts,
    "ends_with": _ends,
    "repeats_prompt": _repeats_prompt,
    "paragraph_starts": _paragraph_starts,
    "headings": _headings,
    "line_length": _line_length,
    "one_of": _is_one_of,
    "responses": _responses,
    "lowercase": _holding("has capitals", lambda text: text == text.lower() and text != text.upper()),
    "uppercase": _holding("has small letters", lambda text: text == text.upper() and text != text.lower()),
    "no_comma": _holding("has a comma", lambda text: "," not in text and "\uff0c" not in text),
    "no_digits": _holding("has a digit", lambda text: not any(map(str.isdigit, text))),
    "json_only": _holding("is not JSON alone", _is_json),
    "quoted": _holding("is not in double quotes", _is_quoted),
    "numbered_in_order": _holding("is not numbered 1, 2, 3", _is_numbered),
    "title": _holding("has no <<title>>", lambda text: bool(_TITLE.search(text))),
    "postscript": _postscript,
    "table": _holding("has no table", lambda text: any(map(_is_table_rule, text.splitlines()))),
    "code_fence": _holding("has no code fence", lambda text: any(block.strip() for block in fenced_blocks(text))),
    "no_first_person": _holding("speaks of I or we", lambda text: first_words(text).isdisjoint(_FIRST_PERSON)),
    "no_second_person": _holding("speaks to you", lambda text: first_words(text).isdisjoint(_SECOND_PERSON)),
    "language": _language,
    **IFEVAL_KINDS,
}
"""Name -> what makes a check out of the parameters; raises ValueError or TypeError where they are malformed."""
