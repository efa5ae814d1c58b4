r"""Reads which number an answer gives.

The number is looked for in this order; the first place that gives one decides:

1. the answer field of a JSON object ("answer", "total", …), or its only number;
2. what follows the last final-answer marker: "The answer is 18", "#### 18", `\boxed{18}`; of an equation the side that
   is not an expression: "5 + 3 = 8", "18 = 12 + 6";
3. a number alone on the first line, or the only one in bold, before an explanation that ends with another number;
4. the last number of the text, as GSM8K's graders read it; within its sentence one before "because" or a remark in
   brackets, rather than one after it;
5. a number in words, where there are no digits.

A range ("5 to 7", "15 or 16") gives none, and a denied number ("not 17 but 18") does not count.
"""

import re
from fractions import Fraction
from itertools import islice, pairwise

from harness.domain.sample import Json
from harness.scoring.answer import markers, own_turn, undressed, up_to_hashes
from harness.scoring.json_answer import find_object
from harness.scoring.number_word import ONES
from harness.scoring.pattern import lazy_pattern
from harness.scoring.quantity import Quantity, cleaned, last_quantities, number_words, quantities
from harness.scoring.text import visible

_FIELDS = ("answer", "final", "result", "value", "total", "number", "solution", "sum", "amount")
_EQUALS = lazy_pattern(r"[=\u2248]|\\approx")
_EXPRESSION = lazy_pattern(r"\d\s?[-+*/\u00d7x\u00b7\u00f7]\s?[($]{0,2}\d")
_CLAUSE = lazy_pattern(r"[.;!?](?=\s|$)")
_SENTENCE = lazy_pattern(r"\n+|(?<=[.!?])\s+|(?<=\u3002)")
# "5 to 7" and "5 or 7" as the answer itself are no number; within reasoning they say nothing about the answer.
_BETWEEN = lazy_pattern(
    r"\W{0,3}(?:about |from |between |either )?\W?-?[\d.,]{1,20}\s(?:to|or)\s\W?-?\d", re.IGNORECASE
)
_BETWEEN_AND = lazy_pattern(
    r"(?i)(?:\W{0,3}(?:somewhere )?|.{0,80}\b(?:is|are|it's|somewhere|lies) )between \W?-?[\d.,]{1,20}\s?%? and \W?-?\d"
)
_OR = lazy_pattern(r"\s*(?:[\w%]{1,12}\s)?or\s(?:maybe\s|perhaps\s|even\s|about\s)?[$\u20ac\u00a3]?", re.IGNORECASE)
_BOUND = lazy_pattern(
    r"(?i)\W{0,3}(?:(?:it|that|this|there|[a-z]|the (?:\w{1,12} ){1,2})\s?"
    r"(?:is|are|was|must be|should be|has to be|will be)\s)?"
    r"(?:at (?:least|most)|(?:no )?(?:more|less|fewer) than|over|under|up to"
    r"|(?:[a-z]\s?)?(?:[<>\u2264\u2265]=?|\\[lg](?:eq?|t)))\s?"
    rf"(?:\W?\d[\d.,]{{0,20}}|(?:{'|'.join(ONES)})\b)\D{{0,200}}"
)
_DENIED = lazy_pattern(
    r"(?:\bnot|n't|\bnever|\bnicht|\bpas|\brather than|\binstead of|\u4e0d\u662f)\s?"
    r"(?:(?:be|equal to|exactly|simply|just|really|about|the|a|an|by|only \w+)\s){0,3}[$\u20ac\u00a3*]{0,3}$",
    re.IGNORECASE,
)
_DENIED_AFTER = lazy_pattern(
    r"(?:\s?\w{1,12})?\s(?:is|was|would be|ist|est|es)\s(?:not\b|wrong|incorrect|false|falsch|faux)"
    r"|\s?\S{0,3}\s?(?:\uc774|\uac00)?\s?\uc544\ub2c8|\s?\S{0,3}\u3067\u306f?\u306a\u304f",
    re.IGNORECASE,
)
_WOULD_BE = lazy_pattern(r"\bwould (?:only |also |then )?(?:be|have been|have)\s\W{0,3}$", re.IGNORECASE)
_IF = lazy_pattern(r"[^.;!?\n]{0,20}\b(?:if|unless)\b", re.IGNORECASE)
_NONE_LEFT = lazy_pattern(
    r"\b(?:no \w{1,20}(?: \w{1,20})?|none|nothing)\b[^.\n]{0,30}\b(?:left|remain\w*)\b", re.IGNORECASE
)
_EXPLAINS = lazy_pattern(
    r"\b(?:because|since|given that|assuming|provided|denn|weil|car|porque)\b|\u56e0\u4e3a|\u56e0\u70ba"
    r"|\uc65c\ub0d0\ud558\uba74",
    re.IGNORECASE,
)
_CHECK = lazy_pattern(
    r"^[\W_]{0,6}(?:(?:double-|quick )?check|verification|probe|(?:to|let's|let us|we can) (?:check|verify))\b",
    re.IGNORECASE | re.MULTILINE,
)
_GIVES_UP = lazy_pattern(
    r"\bi give up\b|\bi (?:can(?:no|')t|am (?:not able|unable) to|do(?:n't| not) know how to) "
    r"(?:determine|solve|answer|calculate|compute|tell|say)\b"
    r"|\bcan(?:no|')t be (?:determined|solved|answered|calculated)\b"
    r"|(?:\bnot|n't)(?: have)? (?:enough|sufficient) (?:information|data)\b|\binsufficient (?:information|data)\b",
    re.IGNORECASE,
)
_ASKS_BACK = lazy_pattern(
    r"\W{0,3}(?:should i|shall i|do you|would you|could you)\b[^.!?]{0,300}\?\W{0,3}$", re.IGNORECASE
)
_CONVERTED = lazy_pattern(r"[^\d\s()]{0,8}\s?\((?:about |approximately |~|\u2248)?\s?")
_CONCLUDES = lazy_pattern(
    r"\b(?:so|therefore|thus|hence|total|altogether|overall|finally|answer|result|wait|actually|correct)\b|=",
    re.IGNORECASE,
)
_REVISES = lazy_pattern(r"\b(?:wait|actually|so|therefore|thus|hence|correction|wrong|mistake|answer)\b", re.IGNORECASE)
_BOLD = lazy_pattern(r"(?<!\*)\*\*([^*\n]{1,60})\*\*(?!\*)")
_NUMBER_ONLY = lazy_pattern(
    r"[^\w\n]{0,4}(?:(?:about|approximately|x|answer|total)\s?[=:]?\s)?[^\w\n]{0,3}[\d.,/ ^'-]{1,40}[^\w\n]{0,3}"
    r"(?P<unit>[^\W\d]{1,15}(?:\s[^\W\d]{1,15}){0,2})?[^\w\n]{0,4}"
)
_LIST_NUMERAL = lazy_pattern(r"^[ \t*]{0,4}\d{1,2}[.)](?:\*\*)?[ \t](?=\S)", re.MULTILINE)
_CONFIDENCE = lazy_pattern(r"^\W{0,6}(?:confidence|certainty)\b[^\n]{0,80}$", re.IGNORECASE | re.MULTILINE)
_LONE_NEGATIVE = lazy_pattern(r"\W{0,2}-\s(?=[$\u20ac\u00a3]?[\d.,]{1,20}\W{0,2}$)")
_LOOK_BACK = 40
_MOST = 200


class _Range(Exception):
    """The answer is a range."""


def read_number(output: str) -> Quantity | None:
    """Return the number that the answer gives, or None: there is none, or the answer is a range."""
    text = up_to_hashes(visible(output))
    try:
        if found := _from_object(text):
            return found
        text = own_turn(text, _is_settled)
        plain = cleaned(_CONFIDENCE.sub("", text))
        if found := _from_markers(text):
            return found
        plain = _without_check(plain)
        return None if _gives_up(plain) else _from_start(plain) or _from_end(plain)
    except _Range:
        return None


def _without_check(plain: str) -> str:
    """Return the text without the check of an answer after it: "Check: 52 + 4 = 56"."""
    check = next((found for found in _CHECK.finditer(plain) if plain[: found.start()].strip()), None)
    if check and _from_end(plain[: check.start()]) and not _REVISES.search(plain, check.end()):
        return plain[: check.start()].rstrip()
    return plain


def _gives_up(plain: str) -> bool:
    """Whether the text says that there is no answer, and concludes nothing after that."""
    if _ASKS_BACK.match(plain):
        return True
    refusal = next(iter(_GIVES_UP.finditer(plain)), None)
    return refusal is not None and not _CONCLUDES.search(plain, refusal.end())


def _is_settled(before: str) -> bool:
    """Whether a text is an answer already, so that a question after it is made up."""
    try:
        plain = cleaned(before)
        *others, last_line = plain.strip().split("\n")
        values = {found.value for found in last_quantities(last_line)}
        is_concluded = bool(values) and _CONCLUDES.search(last_line) is not None
        return (
            is_concluded
            or (not others and len(values) == 1)
            or bool(_from_markers(before) or _from_start(f"{plain}\n\n"))
        )
    except _Range:
        return True


def _from_object(text: str) -> Quantity | None:
    value = find_object(text)
    if not value:
        return None
    parts = {key: set(re.split(r"[\s_-]+", key.lower())) for key in value}
    named = [value[key] for field in _FIELDS for key in value if field in parts[key]]
    numbers = [item for item in value.values() if isinstance(item, int | float) and not isinstance(item, bool)]
    for item in (*named, *(numbers if len(numbers) == 1 else ())):
        if found := _first_number(cleaned(_text_of(item))):
            return found
    return None


def _text_of(item: Json) -> str:
    return str(item)[:1000] if isinstance(item, int | float | str) and not isinstance(item, bool) else ""


def _from_markers(text: str) -> Quantity | None:
    for marker in markers(text):
        part = _LONE_NEGATIVE.sub("-", cleaned(undressed(marker.text)))
        _refuse_range(part)
        if found := _first_number(part):
            return found
    return None


def _first_number(text: str) -> Quantity | None:
    """Return the number of a marked answer: of its first clause's equation, else its first one that is not denied."""
    end = _CLAUSE.search(text)
    clause = text[: end.start()] if end else text
    if found := _of_equation(clause):
        return found
    *_, after = _EQUALS.split(clause)
    for part in (after, clause, text):
        found_here = list(islice(quantities(part), _MOST))
        affirmed = [number for number in found_here if not _is_denied(part, number)]
        if affirmed:  # After "not 64, because ..." the answer comes last.
            return affirmed[0 if affirmed[0] is found_here[0] else -1]
    return _only_word(clause)


def _of_equation(clause: str) -> Quantity | None:
    """Return the number that stands alone to the left of an expression: "18 = 12 + 6"."""
    left, _, right = clause.partition("=")
    if not _EXPRESSION.search(right) or "=" in right or _EXPRESSION.search(left):
        return None
    found = last_quantities(left)
    return found[0] if len(found) == 1 and not left[found[0].end :].strip(" *$") else None


def _from_start(plain: str) -> Quantity | None:
    """Return a number alone on the first line, or the only bold one, unless the text goes on to conclude another."""
    _refuse_range(plain.strip())
    first, _, rest = plain.strip().partition("\n")
    alone = _number_only(first, may_have_unit=rest.startswith("\n") or not rest)
    last_line = rest.strip().rpartition("\n")[2]
    if alone and not (last_line and _number_only(last_line, may_have_unit=True)):
        return alone
    spans = islice(_BOLD.finditer(plain), _MOST)
    bold = [found for span in spans if (found := _number_only(span[1], may_have_unit=True))]
    if not bold or len({found.value for found in bold}) > 1:
        return None
    sentence = _last_sentence(plain)
    last = last_quantities(sentence)
    return None if last and last[-1].value != bold[0].value and _CONCLUDES.search(sentence) else bold[0]


def _number_only(text: str, *, may_have_unit: bool) -> Quantity | None:
    """Return the number that a text is, but for its dress and perhaps a unit; "2." begins a list."""
    text = _LONE_NEGATIVE.sub("-", text) if _LONE_NEGATIVE.match(text) else text
    shape = _NUMBER_ONLY.fullmatch(text)
    if shape is None or (shape["unit"] and not may_have_unit) or re.fullmatch(r"\s*\d{1,2}[.)]\s*", text):
        return None
    found = list(quantities(text))
    return found[0] if len(found) == 1 else None


def _from_end(plain: str) -> Quantity | None:
    """Return the last number that is not denied; of its sentence an equation's, or one before an explanation."""
    if len(_LIST_NUMERAL.findall(plain)) > 1:
        plain = _LIST_NUMERAL.sub("", plain)
    sentence = _last_sentence(plain)
    found = _affirmed(sentence, last_quantities(sentence))
    if found and _is_conditional(sentence, found[-1]) and (others := _affirmed(plain, last_quantities(plain))):
        return others[-1]
    if (
        len(found) > 1
        and found[-1].value != found[-2].value
        and _OR.fullmatch(sentence[found[-2].end : found[-1].start])
    ):
        return None
    if found:
        return _of_last_equation(sentence) or _before_explanation(sentence, found)
    if others := _affirmed(plain, last_quantities(plain)):
        return others[-1]
    if word := _only_word(plain):
        return word
    none = _NONE_LEFT.search(plain)
    return Quantity(value=Fraction(0), is_percent=False, start=none.start(), end=none.end()) if none else None


def _last_sentence(plain: str) -> str:
    """Return the last sentence that has a number; all of the text where none has."""
    ends = [found.end() for found in _SENTENCE.finditer(plain)]
    for start, end in reversed(list(pairwise([0, *ends, len(plain)]))):
        if last_quantities(plain[start:end]):
            return plain[start:end]
    return plain


def _of_last_equation(sentence: str) -> Quantity | None:
    return _of_equation(sentence) if sentence.count("=") == 1 else None


def _before_explanation(sentence: str, found: list[Quantity]) -> Quantity:
    """Return the last number, or the last one before "because" or before a bracket that closes the sentence."""
    last = found[-1]
    if len(found) > 1 and _is_converted(sentence, found[-2], last):
        return found[-2]
    opened = sentence.rfind("(", 0, last.start)
    is_remark = opened >= 0 and re.fullmatch(r"[^()]{0,60}\)\W{0,3}", sentence[last.end :]) is not None
    ends = [opened] if is_remark else []
    ends += [explains.start() for explains in _EXPLAINS.finditer(sentence)][:1]
    for end in ends:
        if before := [number for number in found if number.end <= end]:
            return before[-1]
    return last


def _is_converted(sentence: str, number: Quantity, other: Quantity) -> bool:
    """Whether the other number is the first one in another unit: "100°C (212°F)"."""
    between = sentence[number.end : other.start]
    return (
        _CONVERTED.fullmatch(between) is not None
        and re.match(r"[^\d\s()]{0,12}\)|\s[^\d\s()]{1,12}\)", sentence[other.end :]) is not None
    )


def _is_denied(text: str, number: Quantity) -> bool:
    return (
        _DENIED.search(text, max(0, number.start - _LOOK_BACK), number.start) is not None
        or _DENIED_AFTER.match(text, number.end) is not None
    )


def _affirmed(text: str, numbers: list[Quantity]) -> list[Quantity]:
    """Return the numbers that are not denied, nor what "would be 32 if …", as long as others are left."""
    left = [number for number in numbers if not _is_denied(text, number)]
    return [number for number in left if not _is_conditional(text, number)] or left


def _is_conditional(text: str, number: Quantity) -> bool:
    return (
        _WOULD_BE.search(text, max(0, number.start - _LOOK_BACK), number.start) is not None
        and _IF.match(text, number.end) is not None
    )


def _only_word(text: str) -> Quantity | None:
    """Return the number in words, if all of them are the same one; "one" is mostly a pronoun, so only as the start."""
    found = [
        word
        for word in islice(number_words(text), _MOST)
        if not _is_denied(text, word) and (word.value != 1 or not text[: word.start].strip(" *\"'"))
    ]
    return found[0] if len({word.value for word in found}) == 1 else None


def _refuse_range(text: str) -> None:
    if _BETWEEN.match(text) or _BETWEEN_AND.match(text) or _BOUND.fullmatch(text):
        raise _Range
