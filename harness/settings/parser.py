"""From the text of an option to its value; each parser raises ValueError with what it expected."""

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

EMBEDDED = "embedded"
DEFAULT_URL = "http://127.0.0.1:1234"
MAX_COUNT = 1_000_000
MAX_TOKENS = 2**31 - 1
MAX_SEED = 2**63 - 1
_MAX_REQUESTS = 1024
_LONGEST_S = 3_600_000.0
_LONGEST_PERIOD_S = 3650 * 86_400.0
# ASCII digits only (`\d` matches the digits of every script), and too few of them to overflow a float.
_NUMBER = r"([0-9]{1,15}(?:\.[0-9]{1,15})?)"
_SIZES = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}


def whole(low: int, high: int) -> Callable[[str], int]:
    """Return a parser of whole numbers within these bounds."""

    def parse(text: str) -> int:
        # Not int() alone: it takes "1_000", " 7 " and the digits of any script.
        value = int(text) if re.fullmatch(r"[0-9]{1,19}", text) else -1
        if not low <= value <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return value

    return parse


def seconds(text: str) -> float:
    """Parse a duration such as 45, 45s, 2m or 1h."""
    match = re.fullmatch(_NUMBER + r"(s|m|h)?", text.strip())
    value = float(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2] or "s"] if match else 0.0
    if not 0 < value <= _LONGEST_S:
        raise ValueError("a duration above 0 and up to 1000h, such as 45, 45s, 2m or 1h")
    return value


def period(text: str) -> float:
    """Parse a period such as 30d, 2w or 12h into seconds."""
    match = re.fullmatch(r"([0-9]{1,6})(h|d|w)", text.strip())
    value = float(match[1]) * {"h": 3600, "d": 86_400, "w": 604_800}[match[2]] if match else 0.0
    if not 0 < value <= _LONGEST_PERIOD_S:
        raise ValueError("a period above 0 and up to 3650d, such as 30d, 2w or 12h")
    return value


def size(text: str) -> int:
    """Parse a size in bytes such as 20GB (powers of 1000) or 8GiB (powers of 1024)."""
    match = re.fullmatch(_NUMBER + r"\s*([kmgt]?)(i?)b?", text.strip().lower())
    if not match or (match[3] and not match[2]):
        raise ValueError("a size such as 20GB, 800MB or 8GiB")
    unit = _SIZES[match[2]] if not match[3] else 1024 ** " kmgt".index(match[2])
    value = int(float(match[1]) * unit)
    if value < 1:
        raise ValueError("a size above 0, such as 20GB, 800MB or 8GiB")
    return value


def one_of(*allowed: str) -> Callable[[str], str]:
    """Return a parser of one of these words."""

    def parse(text: str) -> str:
        if text not in allowed:
            raise ValueError("one of " + ", ".join(allowed))
        return text

    return parse


def concurrency(text: str) -> int | None:
    """Parse a number of requests; `auto` is None."""
    if text == "auto":
        return None
    try:
        return whole(1, _MAX_REQUESTS)(text)
    except ValueError as exc:
        raise ValueError(f"auto, or {exc}") from None


def floor(text: str) -> tuple[str, float]:
    """Parse TASK=SCORE."""
    # A free-form test is named by its node id.
    match = re.fullmatch(r"(\S(?:.*\S)?)=([0-9]{0,15}\.?[0-9]{1,15})", text)
    if not match or float(match[2]) > 1:
        raise ValueError("TASK=SCORE with a score from 0 to 1, such as extract=0.8")
    return match[1], float(match[2])


def margin(text: str) -> float:
    """Parse a score strictly between 0 and 1."""
    value = float(text) if re.fullmatch(r"[0-9]{0,15}\.?[0-9]{1,15}", text) else 0.0
    if not 0 < value < 1:
        raise ValueError("a score above 0 and below 1, such as 0.05")
    return value


def reducer(text: str) -> str:
    """Check the name of a reducer."""
    if not re.fullmatch(r"mean|majority|pass[@^][1-9][0-9]{0,3}", text):
        raise ValueError("mean, majority, pass@k or pass^k, such as pass@3")
    return text


def levels(text: str) -> str:
    """Parse a reasoning level, or several apart by commas, into the same without blanks."""
    names = [name.strip() for name in text.split(",")]
    if not all(names) or len(set(names)) < len(names):
        raise ValueError("a level, or different levels separated by commas, such as off,low,high")
    return ",".join(names)


def yes(text: str) -> bool:
    """Parse yes or no."""
    if text not in {"yes", "no"}:
        raise ValueError("yes or no")
    return text == "yes"


def url(text: str) -> str:
    """Check an address; `embedded` is one, too."""
    if text == EMBEDDED or (text.isprintable() and re.fullmatch(r"https?://[^\s/]+(/\S*)?", text) and _has_port(text)):
        return text
    raise ValueError(f"an address such as {DEFAULT_URL}, or {EMBEDDED}")


def _has_port(address: str) -> bool:
    """Return whether the port is valid or left out."""
    try:
        return urlsplit(address).port != 0
    except ValueError:
        return False


def any_text(text: str) -> str:
    """Check that there is some text."""
    if not text.strip():
        raise ValueError("some text")
    return text


def folder(text: str) -> Path:
    """Parse the name of a folder, which need not exist."""
    if not text.strip() or "\0" in text:
        raise ValueError("the name of a folder")
    return Path(text)


def new_file(text: str) -> Path:
    """Parse the name of a file that does not exist yet, in a folder that does: not to fail at the end of a run."""
    if not text.strip() or "\0" in text or Path(text).exists() or not Path(text).parent.is_dir():
        raise ValueError("the name of a new file in a folder that exists")
    return Path(text)


def run_file(text: str) -> str:
    """Check the name of a run file, or the word `last`."""
    if not text.strip() or "\0" in text:
        raise ValueError("the name of a run file, or last")
    return text
