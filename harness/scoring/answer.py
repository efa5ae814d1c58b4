r"""Finds the final answer in a model's text: the part that a scorer should read.

An explicit marker says where it is: "The answer is …", "Final answer: …", `<answer>…</answer>`, "#### 42" as in
GSM8K, `\boxed{…}` as in MATH, or the same words in other languages. The last marker wins, since a model that corrects
itself does so at the end. Without a marker, the answer is the only fenced block, or else the last line. Text after
"#### 42" is ignored, and so is a question that the model makes up after its answer. Every pattern has bounded repeats,
so that no text costs more than linear time.
"""

import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from harness.scoring.pattern import lazy_pattern
from harness.scoring.text import visible

_BOX = lazy_pattern(r"\\(?:boxed|fbox)\s{0,3}\{")
_BRACE = lazy_pattern(r"\\[\\{}]|[{}]")
_TAG = lazy_pattern(r"<(?:final_?)?answer>", re.IGNORECASE)
# A fourth-level heading looks the same: only a number makes it an answer, and "#### 1. Add" is a heading.
_HASHES = lazy_pattern(
    r"(?<!#)####[ \t]{0,3}(?=[-+\u2212]?[$\u20ac\u00a3]?[-+\u2212]?\.?\d)(?!\d{1,2}[.)][ \t]{1,3}\S)"
)
_HASHES_LINE = lazy_pattern(rf"{_HASHES.pattern}[^\n]{{1,30}}(?=\n|$)")
_FENCE = lazy_pattern(r"^[ \t]{0,3}(?:```|~~~)[^\n`]{0,40}$", re.MULTILINE)
_SENTENCE_END = lazy_pattern(r"[.!?](?=\s)")
_DRESS = " \t\r\n*`\"':\u201c\u201d\u2018\u2019"
_LATEX_TEXT = lazy_pattern(r"\\(?:text|textbf|textit|mathrm|mathbf)\{([^{}]{0,200})\}")
_WRAPPERS = (
    *(("**", "**"), ("*", "*"), ("`", "`"), ('"', '"'), ("'", "'"), ("\u201c", "\u201d"), ("\u2018", "\u2019")),
    *(("\\(", "\\)"), ("\\[", "\\]"), ("$$", "$$"), ("$", "$")),
)
_MAX_MARKERS = 20
_MAX_LINE = 1_000
ANSWER_WORDS = ("answer",)
"""What a marker may name: "The answer is …"."""

_FOREIGN = (
    r"antwort|l\u00f6sung|ergebnis|r\u00e9ponse|respuesta|risposta|resposta|ответ|\u7b54\u6848|\u7b54\u3048|\u6b63\u89e3"
    r"|\u56de\u7b54|\uc815\ub2f5|\ub2f5|\u0627\u0644\u0625\u062c\u0627\u0628\u0629|\u0627\u0644\u062c\u0648\u0627\u0628"
)
_FINAL_WORDS = frozenset(
    {"answer", "answers", "label", "labels", "category", "classification", "option", "choice", "verdict"}
)
_IS = (
    r"(?:is|was|would be|should be|must be|ist|lautet|est|es|\u00e9|\u00e8)\b"
    r"(?:[ \t]{0,2}(?:therefore|thus|simply|clearly|la|die|der|das|option|choice)\b)?"
)
_NOT = "not|no|nicht|non|n\u00e3o|не"
_IS_UNSPACED = r"[ \t]?(?:\u662f|\u4e3a|\u70ba|\u306f|\uc740|\ub294|\ub294)"
# A line that opens another question, task or turn; models that were tuned on examples go on with the next one.
_NEXT_TURN = lazy_pattern(
    r"^[ \t>*#]{0,6}(?:(?:next |new |another )?"
    r"(?:question|problem|exercise|example|task|instruction|input|ticket|message|review|text|email|sentence|frage|aufgabe"
    r"|pregunta)(?:[ \t]{1,2}#?\d{1,3})?|q\d{0,3}|user|human)[*]{0,2}[ \t]{0,2}:"
    r"|^#{1,6}[ \t](?:next )?(?:question|problem|exercise|example|task)(?:[ \t]#?\d{1,3})?[ \t]{0,2}$",
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    """A mark of the final answer.

    Attributes:
        start: where the mark begins.
        text: what follows it, up to the end of its line or box, as it stands.
        is_final: whether it marks an answer wherever it stands; "the language is" may be part of an explanation.
    """

    start: int
    text: str
    is_final: bool = True


def markers(text: str, words: Sequence[str] = ANSWER_WORDS) -> list[Marker]:
    """Return the markers of a final answer that have text after them, the last one first.

    A marker at the end of a line refers to the next line that is not empty. `words` are the nouns of "The … is".
    """
    found = [Marker(start=start, text=text[inner:end]) for start, inner, end in _boxes(text)[-_MAX_MARKERS:]]
    for pattern in (_TAG, _HASHES):
        found += [Marker(start=mark.start(), text=_rest_of_line(text, mark.end())) for mark in _last(pattern, text)]
    found += [
        Marker(start=mark.start(), text=_rest_of_line(text, mark.end()), is_final=_is_final(mark))
        for mark in _last(_marker(tuple(words)), text)
    ]
    # A box within a marked line starts later, so it is that line's answer: "The final answer is $\boxed{7}$".
    return sorted((mark for mark in found if undressed(mark.text)), key=lambda mark: mark.start, reverse=True)


def marked(text: str, words: Sequence[str] = ANSWER_WORDS) -> list[str]:
    """Return what follows each marker, without the markup around it, the last one first."""
    return [undressed(mark.text) for mark in markers(text, words)]


def own_turn(text: str, is_settled: Callable[[str], bool]) -> str:
    """Return the text up to a question that the model made up after its answer.

    A line such as "Question: …" opens a made-up question only if the text before it is an answer; `is_settled` decides.
    """
    next_turn = next((turn for turn in _NEXT_TURN.finditer(text) if text[: turn.start()].strip()), None)
    if next_turn and is_settled(text[: next_turn.start()].rstrip()):
        return text[: next_turn.start()].rstrip()
    return text


def up_to_hashes(text: str) -> str:
    """Return the text up to the end of the first line like "#### 42", or the whole text if there is no such line."""
    line = _HASHES_LINE.search(text)
    return text[: line.end()] if line else text


def final_answer(output: str) -> str:
    """Return the final answer without the markup around it; "" when there is none.

    Reads: the last marker, else the only fenced block, else the last line that is not empty.
    """
    return undressed(final_part(output))


def final_part(output: str) -> str:
    """Return the final answer as it stands, with its markup; "" when there is none."""
    text = own_turn(up_to_hashes(visible(output)), lambda before: "\n" not in before or bool(markers(before)))
    if found := markers(text):
        return found[0].text
    blocks = fenced_blocks(text)
    if len(blocks) == 1 and blocks[0].strip():
        return blocks[0]
    lines = [line for line in text.splitlines() if undressed(line)]
    return lines[-1] if lines else ""


def first_sentence(text: str) -> str:
    """Return the text up to the first full stop that a space follows."""
    end = _SENTENCE_END.search(text)
    return text[: end.start()] if end else text


def fenced_blocks(text: str) -> list[str]:
    """Return the contents of the Markdown code fences; one that is never closed ends with the text."""
    fences = list(_FENCE.finditer(text))
    starts, ends = fences[::2], fences[1::2]
    return [
        text[start.end() : ends[number].start() if number < len(ends) else None].strip("\n")
        for number, start in enumerate(starts)
    ]


def unwrapped(text: str) -> Iterator[str]:
    """Yield the text, and what is left after each pair of emphasis, quotes or math delimiters around it.

    A mark without its partner stays: `*args`.
    """
    text = text.strip()
    yield text
    for _ in range(len(_WRAPPERS)):
        bare = text.rstrip(".")
        pair = next(
            (p for p in _WRAPPERS if bare.startswith(p[0]) and bare.endswith(p[1]) and len(bare) > len("".join(p))),
            None,
        )
        if pair is None:
            return
        text = bare[len(pair[0]) : -len(pair[1])].strip()
        yield text


def undressed(text: str) -> str:
    r"""Return the text without emphasis, quotes, backticks and math delimiters around it, nor LaTeX's `\text{}`."""
    text = _LATEX_TEXT.sub(r"\1", text).strip(_DRESS)
    for opening, closing in (("\\(", "\\)"), ("\\[", "\\]"), ("$$", "$$"), ("$", "$")):
        if len(text) > len(opening) and text.startswith(opening) and text.rstrip(".").endswith(closing):
            text = text.rstrip(".")[len(opening) : -len(closing)].strip(_DRESS)
    return text


def _last(pattern: re.Pattern[str], text: str) -> deque[re.Match[str]]:
    return deque(pattern.finditer(text), maxlen=_MAX_MARKERS)


@lru_cache(maxsize=64)
def _marker(words: tuple[str, ...]) -> re.Pattern[str]:
    names = "|".join(re.escape(word) for word in words)
    mark = r"[*_\"'\u201d\s]{0,4}"
    # "Option A: …" is an option, not what is chosen.
    return re.compile(
        rf"(?i)(?:\b(?P<name>{names})|(?P<foreign>{_FOREIGN}))(?:\s(?!(?:(?-i:[A-Z])|{_NOT})\b)\w{{1,12}})?[)]?{mark}"
        rf"(?:{_IS}(?:{mark}:)?|{_IS_UNSPACED}[ \t]?[:\uff1a]?|[:=\uff1a])[*_\"'\u201d]{{0,4}}"
    )


def _is_final(mark: re.Match[str]) -> bool:
    if mark["foreign"] or mark["name"].lower() in _FINAL_WORDS:
        return True
    line = mark.string[max(0, mark.start() - 40) : mark.start()].rpartition("\n")[2]
    return (
        not line.strip(' \t*_#>-"{') or re.search(r"(?i)\b(?:final|correct|best|right|my|overall)\s$", line) is not None
    )


def _rest_of_line(text: str, start: int) -> str:
    """Return what is left of the line, or the next line that is not empty; at most 1,000 characters."""
    rest = text[start : start + _MAX_LINE].lstrip()
    line, _, more = rest.partition("\n")
    return line if line.strip(_DRESS) else more.lstrip(_DRESS).partition("\n")[0]


def _boxes(text: str) -> list[tuple[int, int, int]]:
    """Return start, start of content and end of content of every closed box that is not inside another."""
    begins = {box.end() - 1: box.start() for box in _BOX.finditer(text)}
    if not begins:
        return []
    open_at: list[int] = []
    boxes: list[tuple[int, int, int]] = []
    for brace in _BRACE.finditer(text):
        if brace[0] == "{":
            open_at.append(brace.start())
        elif brace[0] == "}" and open_at:
            opened = open_at.pop()
            if opened in begins:
                while boxes and boxes[-1][0] > opened:
                    boxes.pop()
                boxes.append((begins[opened], opened + 1, brace.start()))
    return boxes
