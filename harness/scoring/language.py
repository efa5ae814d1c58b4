"""Names the language of a text, with py3langid (the extra `language`), which is maintained, small and works offline.

langdetect, which IFEval uses, has had no release since 2021, and answers at random unless it is seeded; lingua is a
hundred times as large.
"""

from collections.abc import Callable
from functools import lru_cache

from harness.errors import TaskError

_MIN_LETTERS = 3
_MAX_CHARS = 20_000
_LANGUAGES = (
    "ar bg bn cs da de el en es et fa fi fr gu he hi hr hu id it ja kn ko lt lv mk ml mr ne nl no pa pl pt ro ru sk sl"
    " sq sv sw ta te th tl tr uk ur vi zh"
)


def detector() -> Callable[[str], str | None]:
    """Return a function that gives the ISO 639-1 code of a text's language, or None for a text without letters.

    Raises:
        TaskError: py3langid is not installed.
    """
    try:
        return _detector()
    except ImportError as exc:
        raise TaskError(
            f"the language of an answer cannot be judged: {exc}",
            hint="Install the extra: pip install 'lmstudio-harness[language]'",
        ) from exc


def languages() -> tuple[str, ...]:
    """Return the codes of the languages that are told apart."""
    return tuple(_LANGUAGES.split())


@lru_cache(maxsize=1)
def _detector() -> Callable[[str], str | None]:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # half a second, and two more for its model

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    identifier.set_languages(languages())

    def detect(text: str) -> str | None:
        if sum(character.isalpha() for character in text[:_MAX_CHARS]) < _MIN_LETTERS:
            return None
        code, _ = identifier.classify(text[:_MAX_CHARS])
        return str(code)

    return detect
