"""Keeps the token out of everything that people read and files store."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from harness.errors import HarnessError, chain

DEFAULT_TOKEN = "lmstudio"  # noqa: S105  (from LM Studio's documentation, for servers without authentication)
"""Sent when no token is set. It is public and part of publishers' names, so it is not redacted."""

_MASK = "[redacted]"
_MIN_FRAGMENT = 4
# LM Studio 0.4.25 quotes the first characters of a token that it does not accept.
_ECHO = re.compile(r"(token provided: ?)[^\s.]+", re.IGNORECASE)


class Redaction:
    """Replaces a token, and its beginnings of four characters or more, with a mask."""

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
        """Let errors of the harness pass after removing the token from message, hint and arguments."""
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
        """Causes are printed too, and the HTTP library quotes what it cannot read."""
        for cause in chain(error):
            cause.args = tuple(self.apply(part) if isinstance(part, str) else part for part in cause.args)


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
