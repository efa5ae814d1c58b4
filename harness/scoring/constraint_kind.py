"""The kinds of verifiable instruction. Each takes parameters and returns a check: text -> why it is broken, or "".

Counts take `min`, `max` or both (inclusive), or `exactly`. Every check is linear in the text.
"""

import json
import re
from collections.abc import Callable
from typing import Any, TypeAlias

from harness.scoring.answer import fenced_blocks
from harness.scoring.text import normalised

Check: TypeAlias = Callable[[str], str]

_WORD = re.compile(r"\w+(?:['\u2019-]\w+)*")
_SENTENCE_END = re.compile(r"(?<![.!?])[.!?]++[\"')\]*\u201d]{0,3}(?=\s|$)")
_TITLES = frozenset({"mr", "mrs", "ms", "dr", "prof", "st", "vs", "e.g", "i.e", "etc", "no", "jr", "sr", "a.m", "p.m"})
_BULLET = re.compile(r"^[ \t]*(?:[*\u2022+](?!\*)|-(?!-))[ \t]*(?=\S)", re.MULTILINE)
_NUMBERED = re.compile(r"^[ \t]*(\d{1,4})[.)][ \t]+(?=\S)", re.MULTILINE)
_HEADING = re.compile(r"^#{1,6}[ \t]+(?=\S)", re.MULTILINE)
_HIGHLIGHT = re.compile(r"\*\*[^*\n]+\*\*|(?<!\*)\*[^*\s][^*\n]*\*(?!\*)")
_PLACEHOLDER = re.compile(r"\[[^\[\]\n]{1,200}\]")
_TITLE = re.compile(r"<<[^<>\n]{1,300}>>")
_RULE = re.compile(r"^[ \t]*\|?[ \t]*:?-{3,}:?[ \t]*(?:\|[ \t]*:?-*:?[ \t]*)+$", re.MULTILINE)
_RULE = re.compile(r"^[ \t]*\*\*\*[ \t]*$", re.MULTILINE)
_POSTSCRIPT = re.compile(r"^[ \t*_]*p\.?[ \t]?(p\.?[ \t]?)?s\.?[^\n]*$", re.MULTILINE | re.IGNORECASE)
_FIRST_PERSON = frozenset(["i", "me", "my", "mine", "myself", "we", "us", "our", "ours", "ourselves"])
_SECOND_PERSON = frozenset(["you", "your", "yours", "yourself", "yourselves"])
_MAX_HEADING = 200


def _counting(noun: str, count: Callable[[str], int]) -> Callable[..., Check]:
    """Return a kind whose parameters are bounds and whose check counts."""

    def kind(**bounds: Any) -> Check:
        low, high = _bounds(bounds)

        def check(text: str) -> str:
            found = count(text)
            wanted = f"{low}" if low == high else f"{low} to {'any' if high is None else high}"
            return "" if low <= found and (high is None or found <= high) else f"{found} {noun}, expected {wanted}"

        return check

    return kind


def _bounds(bounds: dict[str, Any]) -> tuple[int, int | None]:
    if not bounds or not set(bounds) <= {"min", "max", "exactly"} or ("exactly" in bounds and len(bounds) > 1):
        raise ValueError("expected min, max or both, or exactly")
    if any(isinstance(one, bool) or not isinstance(one, int) or one < 0 for one in bounds.values()):
        raise ValueError("expected whole numbers, not negative")
    low, high = bounds.get("exactly", bounds.get("min", 0)), bounds.get("exactly", bounds.get("max"))
    if high is not None and low > high:
        raise ValueError("min is greater than max")
    return low, high


def _holding(why: str, test: Callable[[str], bool]) -> Callable[[], Check]:
    """Return a kind without parameters: broken for the reason `why` unless the test holds."""
    return lambda: lambda text: "" if test(text) else why


def count_words(text: str) -> int:
    """Return how many words there are; a compound with hyphens and a contraction are one."""
    return sum(1 for _ in _WORD.finditer(text))


def count_sentences(text: str) -> int:
    """Return how many sentences there are; a line without a full stop at its end is one, an abbreviation ends none."""
    total = 0
    for line in text.splitlines():
        start = 0
        for end in _SENTENCE_END.finditer(line):
            if end.end() < len(line.rstrip()) and not _ends_sentence(line, end):
                continue
            total += bool(_WORD.search(line, start, end.start()))
            start = end.end()
        total += bool(_WORD.search(line, start))
    return total


def _ends_sentence(line: str, end: re.Match[str]) -> bool:
    """Whether a mark within a line ends a sentence: not after "Dr", "e.g" or a list's number."""
    before = line[max(0, end.start() - 12) : end.start()].split()
    return bool(before) and (end[0] != "." or (before[-1].lower() not in _TITLES and not before[-1].isdigit()))


def paragraphs(text: str) -> list[str]:
    """Return the parts that empty lines separate."""
    return [part for part in re.split(r"\n[ \t\r]*\n", text) if part.strip()]


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


def _phrase(phrase: Any) -> re.Pattern[str]:
    """Return a pattern for the phrase as whole words, whatever its case and spacing."""
    if not isinstance(phrase, str) or not phrase.strip():
        raise ValueError(f"expected a text, got {phrase!r}")
    inner = r"\s{1,5}".join(re.escape(word) for word in phrase.split())
    return re.compile(rf"(?<!\w){inner}(?!\w)", re.IGNORECASE)


def _phrases(words: Any) -> dict[str, re.Pattern[str]]:
    if not isinstance(words, list) or not words:
        raise ValueError("words: expected a list of texts")
    return {word: _phrase(word) for word in words}


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{name}: expected a text")
    return value.strip()


def _includes(*, words: Any) -> Check:
    patterns = _phrases(words)

    def check(text: str) -> str:
        missing = [word for word, pattern in patterns.items() if not pattern.search(text)]
        return f"missing {', '.join(missing)}" if missing else ""

    return check


def _excludes(*, words: Any) -> Check:
    patterns = _phrases(words)

    def check(text: str) -> str:
        found = [word for word, pattern in patterns.items() if pattern.search(text)]
        return f"contains {', '.join(found)}" if found else ""

    return check


def _keyword(*, word: str, **bounds: Any) -> Check:
    pattern = _phrase(word)
    return _counting(f"times {word!r}", lambda text: sum(1 for _ in pattern.finditer(text)))(**bounds)


def _letter(*, letter: Any, **bounds: Any) -> Check:
    if not isinstance(letter, str) or len(letter) != 1:
        raise ValueError("letter: expected one character")
    return _counting(f"times {letter!r}", lambda text: text.lower().count(letter.lower()))(**bounds)


def _starts(*, text: str) -> Check:
    start = normalised(_text(text, "text"))
    return lambda answer: "" if normalised(answer.lstrip(" \n\t\"'*_#")[: 5 * len(start) + 50]).startswith(start) else (
        f"does not begin with {text!r}"
    )  # fmt: skip


def _ends(*, text: str) -> Check:
    end = normalised(_text(text, "text"))
    return lambda answer: "" if normalised(answer.rstrip(" \n\t\"'*_")[-5 * len(end) - 50 :]).endswith(end) else (
        f"does not end with {text!r}"
    )  # fmt: skip


def _repeats_prompt(*, prompt: str) -> Check:
    wanted = normalised(_text(prompt, "prompt"))
    return lambda text: "" if normalised(text).startswith(wanted) else "does not begin with the request"


def _paragraph_starts(*, paragraph: Any, word: str) -> Check:
    if isinstance(paragraph, bool) or not isinstance(paragraph, int) or paragraph < 1:
        raise ValueError("paragraph: expected a number from 1")
    pattern = _phrase(word)

    def check(text: str) -> str:
        parts = paragraphs(text)
        is_there = len(parts) >= paragraph and pattern.match(parts[paragraph - 1].lstrip(" \n\t\"'*_#"))
        return "" if is_there else f"paragraph {paragraph} does not begin with {word!r}"

    return check


def _headings(*, titles: Any) -> Check:
    wanted = [normalised(_text(title, "titles")) for title in titles] if isinstance(titles, list) else []
    if not wanted:
        raise ValueError("titles: expected a list of texts")

    def check(text: str) -> str:
        found = {normalised(line).strip("#*_: ") for line in text.splitlines() if len(line) < _MAX_HEADING}
        missing = [title for title in wanted if title.strip("#*_: ") not in found]
        return f"no heading {', '.join(missing)}" if missing else ""

    return check


def _keeps(*, texts: Any) -> Check:
    if not isinstance(texts, list) or not texts:
        raise ValueError("texts: expected a list of texts")
    wanted = [_text(one, "texts") for one in texts]

    def check(text: str) -> str:
        missing = [one for one in wanted if one not in text]
        return f"lost {', '.join(missing)}" if missing else ""

    return check


def _line_length(*, max: int) -> Check:  # noqa: A002  (a task's parameter)
    _bounds({"max": max})
    return lambda text: (
        "" if all(len(line) <= max for line in text.splitlines()) else f"a line exceeds {max} characters"
    )


def _is_one_of(*, texts: Any) -> Check:
    if not isinstance(texts, list) or not texts:
        raise ValueError("texts: expected a list of texts")
    wanted = {normalised(_text(one, "texts")).strip(".!\"' ") for one in texts}
    return lambda text: "" if normalised(text).strip(".!*\"' ") in wanted else "is none of the allowed answers"


def _responses(*, exactly: int) -> Check:
    _bounds({"exactly": exactly})

    def check(text: str) -> str:
        parts = [" ".join(part.split()) for part in text.split("******")]
        if len(parts) != exactly or not all(parts):
            return f"{len(parts)} responses separated by ******, expected {exactly}"
        return "" if len(set(parts)) == len(parts) else "two responses are the same"

    return check


def _is_json(text: str) -> bool:
    blocks = fenced_blocks(text) if text.startswith("```") and text.endswith("```") else [text]
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


def _has_no_word_of(forbidden: frozenset[str]) -> Callable[[str], bool]:
    # "US" in capitals is a country.
    return lambda text: forbidden.isdisjoint(
        part for word in _WORD.finditer(text) if word[0] != "US" for part in re.split("['\u2019-]", word[0].lower())[:1]
    )


def _is_quoted(text: str) -> bool:
    return len(text) > 1 and (text[0], text[-1]) in {('"', '"'), ("\u201c", "\u201d")}


def _counted(pattern: re.Pattern[str]) -> Callable[[str], int]:
    return lambda text: sum(1 for _ in pattern.finditer(text))


KINDS: dict[str, Callable[..., Check]] = {
    "words": _counting("words", count_words),
    "sentences": _counting("sentences", count_sentences),
    "paragraphs": _counting("paragraphs", lambda text: len(paragraphs(text))),
    "ruled_paragraphs": _counting("parts between ***", lambda text: sum(bool(p.strip()) for p in _RULE.split(text))),
    "lines": _counting("lines", lambda text: len(_lines(text))),
    "characters": _counting("characters", len),
    "bullets": _counting("bullets", _counted(_BULLET)),
    "numbered": _counting("numbered points", _counted(_NUMBERED)),
    "sections": _counting("headings", _counted(_HEADING)),
    "highlights": _counting("highlighted parts", _counted(_HIGHLIGHT)),
    "placeholders": _counting("placeholders in []", _counted(_PLACEHOLDER)),
    "capital_words": _counting("words in capitals", lambda text: sum(w[0].isupper() for w in _WORD.finditer(text))),
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
    "no_digits": _holding("has a digit", lambda text: not any(one.isdigit() for one in text)),
    "json_only": _holding("is not JSON alone", _is_json),
    "quoted": _holding("is not in double quotes", _is_quoted),
    "numbered_in_order": _holding("is not numbered 1, 2, 3", _is_numbered),
    "title": _holding("has no <<title>>", lambda text: bool(_TITLE.search(text))),
    "postscript": _holding("has no P.S.", lambda text: bool(_POSTSCRIPT.search(text))),
    "table": _holding("has no table", lambda text: any(map(_is_table_rule, text.splitlines()))),
    "code_fence": _holding("has no code fence", lambda text: any(one.strip() for one in fenced_blocks(text))),
    "no_first_person": _holding("speaks of I or we", _has_no_word_of(_FIRST_PERSON)),
    "no_second_person": _holding("speaks to you", _has_no_word_of(_SECOND_PERSON)),
}
"""Name -> what makes a check out of the parameters; raises ValueError or TypeError where they are malformed."""
