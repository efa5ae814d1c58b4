"""Judges an answer that should be one of a few texts.

Target: a text, or a list of accepted texts; the answer is right when it equals any of them.
"""

import string
import unicodedata
from dataclasses import dataclass

from harness.domain.sample import Json
from harness.domain.score import Score
from harness.scoring.answer import final_part, first_sentence, undressed, unwrapped
from harness.scoring.pattern import lazy_pattern
from harness.scoring.text import visible
from harness.scoring.verdict import malformed, right_or_wrong, unparsed

_ARTICLES = lazy_pattern(r"\b(?:a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation + "\u2018\u2019\u201c\u201d\u201e\u2026\u2013\u2014")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exact:
    """1 when the answer equals an accepted text; case matters, but emphasis, quotes and a final full stop do not.

    The whole answer is compared, in Unicode's NFC, and so is its final answer (`harness.scoring.answer`), with and
    without the marks around it, so that ") >", "*args" and "__init__" are accepted as they stand.
    """

    name: str = "exact"
    version: str = "2"

    def __call__(self, output: str, target: Json) -> Score:
        """Return the score; details have what was read.

        Raises:
            TaskError: the target is neither a text nor a list of texts.
        """
        accepted = {unicodedata.normalize("NFC", text).strip() for text in accepted_texts(self.name, target)}
        read = candidates(output)
        if not read:
            return unparsed("the answer is empty")
        given = {unicodedata.normalize("NFC", text) for text in read}
        is_right = not accepted.isdisjoint(given | {text.removesuffix(".") for text in given})
        return right_or_wrong(is_right=is_right, reason=f"read {read[-1][:100]!r}", answer=read[-1][:200])


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalised:
    """1 when the answer equals an accepted text after SQuAD's normalisation: case, punctuation, articles, white space.

    Formula: Rajpurkar et al. 2016, https://arxiv.org/abs/1606.05250, with Unicode's NFKC before it.
    """

    name: str = "normalised"
    version: str = "2"

    def __call__(self, output: str, target: Json) -> Score:
        """Return the score; details have what was read.

        Raises:
            TaskError: the target is neither a text nor a list of texts, or nothing is left of one after normalisation.
        """
        accepted = {plain(text) for text in accepted_texts(self.name, target)}
        if "" in accepted:
            raise malformed(self.name, "texts that have letters or digits", target)
        read = [text for text in candidates(output) if plain(text)]
        if not read:
            return unparsed("the answer has no words")
        is_right = any(plain(text) in accepted for text in read)
        return right_or_wrong(is_right=is_right, reason=f"read {read[-1][:100]!r}", answer=read[-1][:200])


def plain(text: str) -> str:
    """Return lower-case text without punctuation, articles and superfluous white space, as SQuAD's evaluation does."""
    lower = unicodedata.normalize("NFKC", text).lower().translate(_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", lower).split())


def accepted_texts(scorer: str, target: Json) -> list[str]:
    """Return the accepted texts of a target, which is one text or a list of texts.

    Raises:
        TaskError: it is neither, or a text is empty.
    """
    texts = target if isinstance(target, list) else [target]
    if not texts or not all(isinstance(text, str) and text.strip() for text in texts):
        raise malformed(scorer, "a text or a list of texts, none of them empty", target)
    return texts


def candidates(output: str) -> list[str]:
    """Return the readings of an answer: all of it, its final part, and that one's first sentence; dressed or not."""
    part = final_part(output)
    final = undressed(part)
    return [text for text in dict.fromkeys((visible(output), *unwrapped(part), final, first_sentence(final))) if text]
