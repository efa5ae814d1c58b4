"""Keeps the token out of whatever a person or a file gets to see."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from harness.errors import HarnessError, chain

DEFAULT_TOKEN = "lmstudio"  # noqa: S105  (what LM Studio's documentation uses while authentication is off)
"""Sent when no token is set. It is public, so it is not redacted: it is also a part of many publishers' names."""

_MASK = "[redacted]"
_MIN_FRAGMENT = 4
# LM Studio repeats the start of a token that it does not accept (0.4.25).
_ECHO = re.compile(r"(token provided: ?)[^\s.]+", re.IGNORECASE)


class Redaction:
    """Replaces a token, and every fragment of four characters or more that starts it, by a mask."""

    def __init__(self, token: str) -> None:
        self._token = "" if token == DEFAULT_TOKEN else token

    def __repr__(self) -> str:
        return "Redaction()"

    def apply(self, text: str) -> str:
        """Return `text` without the token."""
        text = _ECHO.sub(rf"\1{_MASK}", text)
        return _without(text, self._token) if self._token else text

    @contextmanager
    def of_errors(self) -> Iterator[None]:
        """Let errors of the harness pass, without the token in their message, hint and arguments."""
        try:
            yield
        except HarnessError as exc:
            for name in ("message", "hint", "type", "code", "param"):
                text = getattr(exc, name, None)
                if isinstance(text, str):
                    setattr(exc, name, self.apply(text))
            self._apply_to_chain(exc)
            raise

    def _apply_to_chain(self, error: BaseException) -> None:
        """The causes are printed too: the HTTP library quotes what it cannot read."""
        for one in chain(error):
            one.args = tuple(self.apply(part) if isinstance(part, str) else part for part in one.args)


def _without(text: str, token: str) -> str:
    start = token[:_MIN_FRAGMENT]
    kept: list[str] = []
    while start in text:
        before, _, _ = text.partition(start)
        rest = text[len(before) :]
        found = next((at for at, pair in enumerate(zip(rest, token, strict=False)) if pair[0] != pair[1]), len(token))
        kept += [before, _MASK]
        text = rest[found:]
    return "".join(kept) + text
