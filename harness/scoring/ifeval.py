r"""IFEval's 25 types of instruction, by IFEval's own names, parameters and definitions.

So a row of its data set is a target as it stands: `{"kind": "keywords:frequency", "keyword": "tea", "frequency": 2,
"relation": "at least"}`. Definitions: `instructions.py` of https://github.com/google-research/google-research, folder
instruction_following_eval. Three types differ on purpose: keywords are texts, not regular expressions (a task's pattern
could run for ever); sentences are counted by `count_sentences`, because NLTK's model is a download; languages are
detected by py3langid (see `harness.scoring.language`). tests/scoring/test_ifeval.py compares both.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from harness.scoring.counting import count_sentences
from harness.scoring.language import detector, languages
from harness.scoring.pattern import lazy_pattern

Check = Callable[[str], str]
Holds = Callable[[str], bool]

_WORD = lazy_pattern(r"\w+")
_HIGHLIGHT = lazy_pattern(r"\*[^\n*]*\*")
_BOLD = lazy_pattern(r"\*\*[^\n*]*\*\*")
# About what NLTK's tokeniser makes of words in capitals: DON'T and R&D are two, U.S.A and WELL-KNOWN one.
_TOKEN = lazy_pattern(r"\w+(?:[-./]\w+)*")
_FENCES = ("```json", "```Json", "```JSON", "```")
_OPTIONS = ("My answer is yes.", "My answer is no.", "My answer is maybe.")
_FIRST_WORD_ENDS = frozenset(".,?!'\"")
_POSTSCRIPTS = {"P.P.S": lazy_pattern(r"p\.\s?p\.\s?s"), "P.S.": lazy_pattern(r"p\.\s?s\.")}


def _relation(count: Callable[[str], int], wanted: Any, relation: Any) -> Holds:
    wanted = _number(wanted)
    if relation == "less than":
        return lambda text: count(text) < wanted
    if relation == "at least":
        return lambda text: count(text) >= wanted
    raise ValueError(f"relation: expected 'less than' or 'at least', got {relation!r}")


def _number(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"expected a whole number, got {value!r}")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"expected a text, got {value!r}")
    return value


def _texts(values: Any) -> list[str]:
    if not isinstance(values, list) or not values:
        raise ValueError(f"expected a list of texts, got {values!r}")
    return [_text(value) for value in values]


def _found(text: str, *, whole: bool = False) -> re.Pattern[str]:
    inner = re.escape(_text(text))
    return re.compile(rf"\b{inner}\b" if whole else inner, re.IGNORECASE)


def _existence(*, keywords: Any) -> Holds:
    patterns = [_found(keyword) for keyword in _texts(keywords)]
    return lambda text: all(pattern.search(text) for pattern in patterns)


def _frequency(*, keyword: Any, frequency: Any, relation: Any) -> Holds:
    pattern = _found(keyword)
    return _relation(lambda text: sum(1 for _ in pattern.finditer(text)), frequency, relation)


def _forbidden(*, forbidden_words: Any) -> Holds:
    patterns = [_found(word, whole=True) for word in _texts(forbidden_words)]
    return lambda text: not any(pattern.search(text) for pattern in patterns)


def _letter(*, letter: Any, let_frequency: Any, let_relation: Any) -> Holds:
    wanted = _text(letter).lower()
    if len(wanted) != 1:
        raise ValueError(f"letter: expected one character, got {letter!r}")
    return _relation(lambda text: text.lower().count(wanted), let_frequency, let_relation)


def _language(*, language: Any) -> Holds:
    if language not in languages():
        raise ValueError(f"language: expected one of {', '.join(languages())}, got {language!r}")
    detect = detector()
    return lambda text: detect(text) in {language, None}


def _sentences(*, num_sentences: Any, relation: Any) -> Holds:
    return _relation(count_sentences, num_sentences, relation)


def _ruled_paragraphs(*, num_paragraphs: Any) -> Holds:
    wanted = _number(num_paragraphs)

    def holds(text: str) -> bool:
        parts = [part.strip() for part in text.split("***")]
        return all(parts[1:-1]) and sum(map(bool, parts)) == wanted

    return holds


def _words(*, num_words: Any, relation: Any) -> Holds:
    return _relation(lambda text: sum(1 for _ in _WORD.finditer(text)), num_words, relation)


def _first_word(*, num_paragraphs: Any, nth_paragraph: Any, first_word: Any) -> Holds:
    wanted, count, place = _text(first_word).lower(), _number(num_paragraphs), _number(nth_paragraph)
    if place < 1:
        raise ValueError("nth_paragraph: expected a whole number, 1 or more")

    def holds(text: str) -> bool:
        parts = text.split("\n\n")
        filled = sum(bool(part.strip()) for part in parts)
        if place > filled or not parts[place - 1].strip():
            return False
        word = parts[place - 1].split()[0].lstrip("'").lstrip('"').lower()
        end = next((at for at, letter in enumerate(word) if letter in _FIRST_WORD_ENDS), len(word))
        return filled == count and word[:end] == wanted

    return holds


def _placeholders(*, num_placeholders: Any) -> Holds:
    wanted = _number(num_placeholders)
    return lambda text: sum(map(_count_brackets, text.split("\n"))) >= wanted


def _count_brackets(line: str) -> int:
    """Return how often an opening bracket is closed; a regular expression would be quadratic in open ones."""
    count, at = 0, line.find("[")
    while at >= 0 and (end := line.find("]", at)) >= 0:
        count, at = count + 1, line.find("[", end)
    return count


def _postscript(*, postscript_marker: Any) -> Holds:
    marker = _text(postscript_marker)
    pattern = _POSTSCRIPTS.get(marker) or re.compile(re.escape(marker.lower()))
    return lambda text: pattern.search(text.lower()) is not None


def _bullets(*, num_bullets: Any) -> Holds:
    wanted = _number(num_bullets)

    def holds(text: str) -> bool:
        starts = [line.lstrip() for line in text.split("\n")]
        dashes = sum(start.startswith("-") for start in starts)
        # IFEval's pattern takes a star at the end of its line together with the next line.
        stars = sum(
            start.startswith("*") and (start[1:2] not in {"", "*"} or (start == "*" and place + 1 < len(starts)))
            for place, start in enumerate(starts)
        )
        return stars + dashes == wanted

    return holds


def _constrained() -> Holds:
    return lambda text: any(option in text for option in _OPTIONS)


def _highlights(*, num_highlights: Any) -> Holds:
    wanted = _number(num_highlights)

    def holds(text: str) -> bool:
        single = sum(bool(found[0].strip("*").strip()) for found in _HIGHLIGHT.finditer(text))
        bold = sum(bool(found[0].removeprefix("**").removesuffix("**").strip()) for found in _BOLD.finditer(text))
        return single + bold >= wanted

    return holds


def _sections(*, section_spliter: Any, num_sections: Any) -> Holds:
    pattern, wanted = re.compile(rf"{re.escape(_text(section_spliter).strip())}\s?\d+"), _number(num_sections)
    return lambda text: sum(1 for _ in pattern.finditer(text)) >= wanted


def _json() -> Holds:
    def holds(text: str) -> bool:
        text = text.strip()
        for fence in _FENCES:
            text = text.removeprefix(fence)
        try:
            json.loads(text.removesuffix("```").strip())
        except (ValueError, RecursionError):
            return False
        return True

    return holds


def _title() -> Holds:
    return lambda text: any(map(_has_title, text.split("\n")))


def _has_title(line: str) -> bool:
    start, end = line.find("<<"), line.rfind(">>")
    return start >= 0 and end > start + 2 and bool(line[start : end + 2].lstrip("<").rstrip(">").strip())


def _two_responses() -> Holds:
    def holds(text: str) -> bool:
        parts = [part.strip() for part in text.split("******")]
        responses = [part for part in parts if part]
        return all(parts[1:-1]) and len(responses) == 2 and responses[0] != responses[1]  # noqa: PLR2004  (its name)

    return holds


def _repeat(*, prompt_to_repeat: Any) -> Holds:
    wanted = _text(prompt_to_repeat).strip().lower()
    return lambda text: text.strip().lower().startswith(wanted)


def _end(*, end_phrase: Any) -> Holds:
    wanted = _text(end_phrase).strip().lower()
    return lambda text: text.strip().strip('"').lower().endswith(wanted)


def _capital_words(*, capital_frequency: Any, capital_relation: Any) -> Holds:
    return _relation(_count_capitals, capital_frequency, capital_relation)


def _count_capitals(text: str) -> int:
    return sum(token[0].isupper() for token in _TOKEN.finditer(text))


def _in_english(has_case: Holds) -> Callable[[], Holds]:
    def kind() -> Holds:
        detect = detector()
        # Capitals mislead the detector, which knows words as they are usually written.
        return lambda text: has_case(text) and detect(text.lower()) in {"en", None}

    return kind


def _no_comma() -> Holds:
    return lambda text: "," not in text


def _quotation() -> Holds:
    return lambda text: len(text.strip()) > 1 and text.strip()[0] == text.strip()[-1] == '"'


_TYPES: Mapping[str, Callable[..., Holds]] = {
    "keywords:existence": _existence,
    "keywords:frequency": _frequency,
    "keywords:forbidden_words": _forbidden,
    "keywords:letter_frequency": _letter,
    "language:response_language": _language,
    "length_constraints:number_sentences": _sentences,
    "length_constraints:number_paragraphs": _ruled_paragraphs,
    "length_constraints:number_words": _words,
    "length_constraints:nth_paragraph_first_word": _first_word,
    "detectable_content:number_placeholders": _placeholders,
    "detectable_content:postscript": _postscript,
    "detectable_format:number_bullet_lists": _bullets,
    "detectable_format:constrained_response": _constrained,
    "detectable_format:number_highlighted_sections": _highlights,
    "detectable_format:multiple_sections": _sections,
    "detectable_format:json_format": _json,
    "detectable_format:title": _title,
    "combination:two_responses": _two_responses,
    "combination:repeat_prompt": _repeat,
    "startend:end_checker": _end,
    "change_case:capital_word_frequency": _capital_words,
    "change_case:english_capital": _in_english(str.isupper),
    "change_case:english_lowercase": _in_english(str.islower),
    "punctuation:no_comma": _no_comma,
    "startend:quotation": _quotation,
}


def _kind(name: str, holds_for: Callable[..., Holds]) -> Callable[..., Check]:
    def kind(**parameters: Any) -> Check:
        # A row of IFEval's data set has every parameter of every type, null where it does not apply.
        holds = holds_for(**{key: value for key, value in parameters.items() if value is not None})
        return lambda text: "" if holds(text) else f"not kept by IFEval's definition of {name}"

    return kind


IFEVAL_KINDS = {name: _kind(name, holds_for) for name, holds_for in _TYPES.items()}
"""IFEval's name -> what makes a check out of IFEval's parameters, as in `harness.scoring.constraint_kind`."""
