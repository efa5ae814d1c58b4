r"""Finds the final answer in a model's text: the part that a scorer should read.

An explicit marker says where it is: "The answer is …", "Final answer: …", "#### 42" as in GSM8K, `\boxed{…}` as in
MATH. The last marker wins, since a model that corrects itself does so at the end. Without a marker it is the only
fenced block, or else the last line. Every pattern has bounded repeats, so that no text costs more than linear time.
"""

import re
from collections import deque
from collections.abc import Sequence

from harness.scoring.text import visible

_BOX = re.compile(r"\\(?:boxed|fbox)\s{0,3}\{")
_BRACE = re.compile(r"\\[\\{}]|[{}]")
# A fourth-level heading looks the same: only a number makes it an answer, and "#### 1. Add" is a heading.
_HASHES = re.compile(r"(?<!#)####[ \t]{0,3}(?=[-+\u2212]?[$\u20ac\u00a3]?[-+\u2212]?\.?\d)(?!\d{1,2}[.)][ \t]{1,3}\S)")
_FENCE = re.compile(r"^[ \t]{0,3}(?:```|~~~)[^\n`]{0,40}$", re.MULTILINE)
_SENTENCE_END = re.compile(r"[.!?](?=\s)")
_DRESS = " \t\r\n*`\"':\u201c\u201d\u2018\u2019"
_LATEX_TEXT = re.compile(r"\\(?:text|textbf|textit|mathrm|mathbf)\{([^{}]{0,200})\}")
_MAX_MARKERS = 20
_MAX_LINE = 1_000
ANSWER_WORDS = ("answer",)
"""What a marker may name: "The answer is …"."""


def marked(text: str, words: Sequence[str] = ANSWER_WORDS) -> list[str]:
    """Return what follows each marker, last one first, each up to the end of its line or box.

    A marker at the end of a line refers to the next line that is not empty. `words` are what "The … is" may name.
    """
    found = [(start, text[inner:end]) for start, inner, end in _boxes(text)[-_MAX_MARKERS:]]
    for pattern in (_marker(words), _HASHES):
        found += [
            (mark.start(), _rest_of_line(text, mark.end()))
            for mark in deque(pattern.finditer(text), maxlen=_MAX_MARKERS)
        ]
    # A box within a marked line starts later, so it is that line's answer: "The final answer is $\boxed{7}$".
    return [undressed(part) for _, part in sorted(found, reverse=True) if undressed(part)]


def final_answer(output: str) -> str:
    """Return the final answer without its dress; "" when there is none.

    Reads: the last marker, else the only fenced block, else the last line that is not empty.
    """
    text = visible(output)
    if parts := marked(text):
        return parts[0]
    blocks = fenced_blocks(text)
    if len(blocks) == 1 and blocks[0].strip():
        return undressed(blocks[0])
    lines = [line for line in text.splitlines() if undressed(line)]
    return undressed(lines[-1]) if lines else ""


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


def undressed(text: str) -> str:
    r"""Return the text without emphasis, quotes, backticks and math delimiters around it, nor LaTeX's `\text{}`."""
    text = _LATEX_TEXT.sub(r"\1", text).strip(_DRESS)
    for opening, closing in (("\\(", "\\)"), ("\\[", "\\]"), ("$$", "$$"), ("$", "$")):
        if len(text) > len(opening) and text.startswith(opening) and text.rstrip(".").endswith(closing):
            text = text.rstrip(".")[len(opening) : -len(closing)].strip(_DRESS)
    return text


def _marker(words: Sequence[str]) -> re.Pattern[str]:
    names = "|".join(re.escape(word) for word in words)
    mark = r"[*_\"'\u201d)\s]{0,4}"
    said = r"(?:is|was|would be|should be|must be)\b(?:[ \t]{0,2}(?:therefore|thus|simply|clearly)\b)?"
    return re.compile(rf"(?i)\b(?:{names})(?:\s\w{{1,12}})?{mark}(?:{said}{mark}:?|:|=){mark}")


def _rest_of_line(text: str, start: int) -> str:
    """Return what is left of the line, or the next line that is not empty; at most 1,000 characters."""
    rest = text[start : start + _MAX_LINE].lstrip(_DRESS)
    return rest.partition("\n")[0]


def _boxes(text: str) -> list[tuple[int, int, int]]:
    """Return start, start of content and end of content of every closed box that lies in no other one."""
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
