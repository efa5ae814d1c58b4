"""What scorers do to a model's text before they judge it. Linear in the text's length."""

import unicodedata

from harness.domain.markup import without_markup
from harness.scoring.bound import bounded
from harness.scoring.pattern import lazy_pattern

QUOTES = str.maketrans(dict.fromkeys("\u201c\u201d\u201e", '"') | dict.fromkeys("\u2018\u2019`", "'"))
_UNSPACED = "\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_SCRIPT_EDGE = lazy_pattern(rf"(?<=[{_UNSPACED}])(?=[^\W{_UNSPACED}])|(?<=[^\W{_UNSPACED}])(?=[{_UNSPACED}])")
_STRUCK = lazy_pattern(r"(?<!~)~~(?=[^\s~])[^~\n]{1,200}~~(?!~)")
_WORD = lazy_pattern(r"[^\W_]+(?:[-'][^\W_]+)*")


def visible(output: str) -> str:
    """Return the text that scorers judge: bounded, without the model's thoughts and its template's marks."""
    return without_markup(bounded(output))


def without_struck(text: str) -> str:
    """Return the text without what is struck out in Markdown: "~~joy~~ surprise" says surprise."""
    return _STRUCK.sub("", text)


def spaced(text: str) -> str:
    """Return the text with a space where Chinese, Japanese, Korean or Thai meets another script: "选B。" → "选 B。"."""
    return _SCRIPT_EDGE.sub(" ", text)


def normalised(text: str) -> str:
    """Return the text for a tolerant comparison: NFKC, plain quotes, lower case, single spaces."""
    plain = unicodedata.normalize("NFKC", text).translate(QUOTES).casefold()
    return " ".join(plain.split())


def stripped(text: str) -> str:
    """Return normalised text without the marks around it: quotes, Markdown emphasis, brackets, final punctuation."""
    return normalised(text).strip(" \"'*_#.,;:!?()[]<>-")


def words(text: str) -> list[str]:
    """Return the normalised words."""
    return _WORD.findall(normalised(text))
