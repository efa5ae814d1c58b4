"""Finds the labels that a text mentions, and what it says about each: chosen, stated, named or denied.

A text is read sentence by sentence. Labels that "and", "or" or "/" join are one group: what is said of the group is
said of each. A group is *denied* by a cue before it ("not", "rule out", "except") or after it ("is wrong", "does not
fit"), within its clause. Otherwise it has a weight:

- `CHOSEN`: the sentence decides: "So B", "I would pick B", "B is correct".
- `STATED`: the text says that it is so: "This is B", "Label → B".
- `NAMED`: anything else: "B mentions a refund".
- `ASIDE`: it stands in a question, a reason, a concession or a comparison: "although it looks like B".

The cues themselves are in `harness.scoring.label_cue`.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property, lru_cache

from harness.scoring import label_cue as cue
from harness.scoring.pattern import lazy_pattern
from harness.scoring.text import normalised, spaced, stripped

_MAX_MENTIONS = 100
_WINDOW = 120
"""Characters before and after a label that are searched for a cue."""

_Place = tuple[int, int, str]
"""Where a label stands: start, end and the label."""

_SENTENCE = lazy_pattern(r"\n+|(?<=[.!?])[*_\")']{0,4}\s+|(?<=[\u3002\uff01\uff1f\u061f])|;\s+")
_SHORT = lazy_pattern(r"\W{0,6}(?:option |choice )?\w{1,2}\W{1,3}", re.IGNORECASE)
_QUESTION = ("?", "\uff1f", "\u061f")


class Weight(IntEnum):
    """How much a text commits itself to a label that it mentions."""

    ASIDE = 0
    NAMED = 1
    STATED = 2
    CHOSEN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """A label where a text mentions it.

    Attributes:
        label: the label.
        sentence: the number of its sentence.
        weight: how much the text commits itself to it.
        is_denied: whether the text says that it is not this one.
    """

    label: str
    sentence: int
    weight: Weight
    is_denied: bool


@dataclass(frozen=True, kw_only=True)
class Forms:
    """The texts by which labels may be given, in normalised form.

    Attributes:
        by_form: the label of each text.
        texts: the text of each option; one that two options share is not in `by_form`, as it stands for neither.
    """

    by_form: Mapping[str, str]
    texts: Mapping[str, str]

    @classmethod
    def of(cls, labels: Sequence[str], options: Mapping[str, str]) -> "Forms":
        """Return the forms of labels and of the texts of options."""
        texts = {label: _form(text) for label, text in options.items()}
        shared = Counter(texts.values())
        by_text = {text: label for label, text in texts.items() if shared[text] == 1}
        return cls(by_form=by_text | {_form(label): label for label in labels}, texts=texts)

    def option_text(self, label: str) -> str:
        """Return the text of an option, or "" where the label has none."""
        return self.texts.get(label, "")

    def is_menu_line(self, line: str) -> bool:
        """Whether a line shows an option as a list of all does: "A) Paris"."""
        letter, _, text = normalised(line).strip(" *_-").partition(" ")
        label = self.alone(letter)
        return label is not None and bool(text) and stripped(text) == self.option_text(label)

    def alone(self, text: str) -> str | None:
        """Return the label that the text is, but for case, quotes and punctuation; else None."""
        return self.by_form.get(_form(text))

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The pattern of a form as whole words; letters as capitals; a longer form covers a shorter one within it."""
        longest_first = sorted(self.by_form, key=len, reverse=True)
        words = "|".join(_bounded(form) for form in longest_first if not _is_letter(form))
        letters = "".join(re.escape(form.upper()) for form in self.by_form if _is_letter(form))
        parts = [rf"(?i:{words})"] if words else []
        parts += [rf"(?<![\w-])(?<!\w')[{letters}](?![\w-]|'(?![dt][i\u0131u\u00fc]r)\w|\.\d)"] if letters else []
        return re.compile("|".join(parts))

    @cached_property
    def leading(self) -> re.Pattern[str]:
        """The pattern of a form, in any case, at the start of a line."""
        longest_first = sorted(self.by_form, key=len, reverse=True)
        forms = "|".join(_bounded(form) for form in longest_first)
        return re.compile(
            rf"[\s*_(\[\"'#>-]{{0,8}}(?:(?:option|choice|opci\u00f3n)\s)?[*_(\[\"']{{0,3}}(?P<form>{forms})",
            re.IGNORECASE,
        )

    def find(self, sentence: str) -> Iterator[_Place]:
        """Yield start, end and label of what is mentioned, articles and other small words left out.

        Of more than 200 only the first and the last 100.
        """
        places = list(self.pattern.finditer(sentence))
        if len(places) > 2 * _MAX_MENTIONS:
            places = places[:_MAX_MENTIONS] + places[-_MAX_MENTIONS:]
        for found in places:
            form = _form(found[0])
            if form in self.by_form and _is_mentioned(form, found):
                yield found.start(), found.end(), self.by_form[form]


def sentences(text: str) -> list[str]:
    """Return the sentences of a text; "B. Rome" at the start of a line is one."""
    parts: list[str] = []
    at = 0
    for end in _SENTENCE.finditer(text):
        if "\n" not in end[0] and re.fullmatch(
            r"\W{0,6}(?:option |choice )?\w{1,2}\W{1,3}", text[at : end.start()][:20], re.IGNORECASE
        ):
            continue
        parts.append(text[at : end.start()])
        at = end.end()
    return [part for part in (*parts, text[at:]) if part.strip()]


def mentions(text: str, forms: Forms) -> list[Mention]:
    """Return the labels that a text mentions, in order; of more than 200 only the first and the last 100."""
    groups = [
        (number, sentence, group)
        for number, sentence in enumerate(sentences(text))
        for group in _groups(sentence, list(forms.find(sentence)))
    ]
    if len(groups) > 2 * _MAX_MENTIONS:
        groups = groups[:_MAX_MENTIONS] + groups[-_MAX_MENTIONS:]
    return [
        Mention(label=label, sentence=number, weight=judged[0], is_denied=judged[1])
        for number, sentence, group in groups
        for judged in [_judged(sentence, group[0][0], group[-1][1])]
        if judged is not None
        for label in dict.fromkeys(label for _, _, label in group[:_MAX_MENTIONS])
    ]


@lru_cache(maxsize=1024)
def _form(text: str) -> str:
    return stripped(spaced(text.replace("_", " ")))


def _is_letter(form: str) -> bool:
    return len(form) == 1 and (form.isascii() or form.isupper())


def _bounded(form: str) -> str:
    """Return the pattern of a form; scripts without spaces have no word boundaries."""
    before = r"(?<![\w-])" if form[0].isascii() or form[0].islower() else ""
    after = r"(?![\w-])" if form[-1].isascii() or form[-1].islower() else ""
    return f"{before}{re.escape(form)}{after}"


def _is_mentioned(form: str, found: re.Match[str]) -> bool:
    text, start, end = found.string, found.start(), found.end()
    if found[0] in {"A", "I"}:
        follows = cue.AFTER_A if found[0] == "A" else cue.AFTER_I
        return bool(cue.BEFORE_LETTER.search(text, max(0, start - 10), start) or follows.match(text, end))
    if form.isdecimal() and cue.SCALE.search(text, max(0, start - 12), start):
        return False
    return cue.FUNCTION_WORD.fullmatch(form) is None or cue.BEFORE_NOUN.match(text, end) is None


def _groups(sentence: str, found: list[_Place]) -> Iterator[list[_Place]]:
    """Yield the labels that "and", "or" and the like join, also through commas before that; others alone."""
    chain: list[_Place] = []
    has_word = False
    for place in found:
        joiner = cue.JOINER.match(sentence, chain[-1][1]) if chain else None
        is_joined = joiner is not None and joiner.end() >= place[0] and place[2] not in {label for _, _, label in chain}
        if joiner and is_joined and (joiner["word"] or (joiner["comma"] and not has_word)):
            has_word = has_word or joiner["word"] is not None
            chain.append(place)
            continue
        yield from _grouped(sentence, chain, is_list=has_word)
        chain, has_word = [place], False
    yield from _grouped(sentence, chain, is_list=has_word)


def _grouped(sentence: str, chain: list[_Place], *, is_list: bool) -> Iterator[list[_Place]]:
    is_list = is_list or (len(chain) > 1 and cue.OPEN_LIST.match(sentence, chain[-1][1]) is not None)
    yield from [chain] if is_list else ([single] for single in chain)


def _judged(sentence: str, start: int, end: int) -> tuple[Weight, bool] | None:
    """Return the weight of the group of labels that stands there and whether it is denied; None: it is left open."""
    before = sentence[max(0, start - _WINDOW) : start]
    after = sentence[end : end + _WINDOW]
    boundaries = list(cue.BOUNDARY.finditer(before))
    clause = before[boundaries[-1].end() :] if boundaries else before
    if not cue.NO_DENIAL.search(clause) and (
        exception := cue.EXCEPTION.search(before)
    ):  # "Everything except B is wrong" and "none but B" affirm.
        affirms = cue.SAYS_BAD.search(after) or exception["all"].lower() in {"none", "nothing", "no"}
        return Weight.STATED, not affirms
    is_offer = cue.OFFER.match(sentence) is not None and _is_question(sentence)
    if is_offer or (cue.UNDECIDED.search(clause) and not cue.NO_DENIAL.search(clause)):
        return None
    if _is_denied(before, clause, after):
        return Weight.STATED, True
    opener = next(
        (found for boundary in reversed(boundaries) if (found := boundary[0].lower()) not in {"and", "("}), ""
    )
    if cue.ASIDE_OPENER.fullmatch(opener) or _is_aside(sentence, before, clause, after):
        return Weight.ASIDE, False
    is_stated = cue.STATED_BEFORE.search(before) is not None
    is_complete = is_stated or cue.CLAUSE_END.match(after)
    if cue.CHOSEN_AFTER.match(after) or (is_complete and cue.CHOSEN_BEFORE.search(before)):
        return Weight.CHOSEN, False
    return (Weight.STATED if is_stated else Weight.NAMED), False


def _is_aside(sentence: str, before: str, clause: str, after: str) -> bool:
    return bool(
        cue.ASIDE_WHOLLY.match(before)
        or (cue.ASIDE_SENTENCE.match(before) and "," not in before)
        or (cue.CONDITION_BEFORE.search(clause) and cue.CONDITION_AFTER.match(after))
        or cue.RUNNER_UP.match(after)
        or cue.RUNNER_UP_BEFORE.search(before)
        or cue.ASIDE_BEFORE.search(clause)
        or cue.ASIDE_CLAUSE.match(clause)
        or cue.INSTRUCTION.match(sentence)
        or after.startswith(" that ")
        or _is_question(sentence)
    )


def _is_question(sentence: str) -> bool:
    return sentence.rstrip("*_\"') ").endswith(_QUESTION)


def _is_denied(before: str, clause: str, after: str) -> bool:
    if cue.NO_DENIAL.search(clause):
        return False
    if cue.DENIED_DIRECTLY.search(before) or cue.DENIED_AT_END.match(after):
        return True
    reach = cue.DENIED_IN_CLAUSE.search(clause)
    if reach and (cue.OPINION.match(reach["between"]) or not cue.ASSERTION.search(reach["between"])):
        return True
    found = cue.DENIED_AFTER.match(after)
    return found is not None and not cue.DENIED_TWICE.match(found["predicate"] or found["predicate_too"] or "")
