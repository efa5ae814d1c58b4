"""What scorers do to a model's text before they judge it. Linear in the text's length."""

import re
import unicodedata

MAX_CHARS = 100_000
"""Nothing beyond this is looked at: no task wants it, and a runaway answer must not cost minutes."""

# The last is how gpt-oss separates its channels, where a server leaves them in the text.
_THINK_END = re.compile(
    r"</(?:think|thinking|thought|reasoning)>|\[/THINK\]|<\|channel\|>final<\|message\|>", re.IGNORECASE
)
_THINK_START = re.compile(r"<(?:think|thinking|thought|reasoning)>|\[THINK\]|<\|channel\|>analysis", re.IGNORECASE)
_QUOTES = str.maketrans(dict.fromkeys("\u201c\u201d\u201e", '"') | dict.fromkeys("\u2018\u2019`", "'"))
_WORD = re.compile(r"[^\W_]+(?:[-'][^\W_]+)*")


def bounded(output: str) -> str:
    """Return the first 100,000 characters."""
    return output[:MAX_CHARS]


def without_thinking(text: str) -> str:
    """Return what follows the last closing tag of a reasoning block, up to one that is opened and never closed.

    Tags are `<think>`, `<thinking>`, `<thought>`, `<reasoning>` and `[THINK]`, in any case; an opening tag may be
    missing, as some chat templates put it into the prompt.
    """
    after = max((end.end() for end in _THINK_END.finditer(text)), default=0)
    start = _THINK_START.search(text, after)
    return text[after : start.start() if start else None]


def normalised(text: str) -> str:
    """Return the text for a tolerant comparison: NFKC, plain quotes, lower case, single spaces."""
    plain = unicodedata.normalize("NFKC", text).translate(_QUOTES).casefold()
    return " ".join(plain.split())


def stripped(text: str) -> str:
    """Return normalised text without the marks around it: quotes, Markdown emphasis, brackets, final punctuation."""
    return normalised(text).strip(" \"'*_#.,;:!?()[]<>-")


def words(text: str) -> list[str]:
    """Return the normalised words."""
    return _WORD.findall(normalised(text))
