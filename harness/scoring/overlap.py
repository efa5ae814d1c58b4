"""Judges a text by how much it shares with a reference.

Target: a text or a list of references; the best of them counts. The whole answer is judged, without its reasoning.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from harness.domain.sample import Json
from harness.domain.score import Score
from harness.scoring.exact import accepted_texts, plain
from harness.scoring.pattern import lazy_pattern
from harness.scoring.text import visible
from harness.scoring.verdict import graded, unparsed

_ROUGE_TOKEN = lazy_pattern(r"[a-z0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenF1:
    """The F1 of the words shared with the reference, counted as often as they occur; passed when they are the same.

    As in SQuAD's evaluation: words are what white space separates after `plain`; where no word is left of the answer or
    of the reference, the value is 1 if neither has a word, else 0. Details have `exact_match`, precision and recall.
    """

    name: str = "token_f1"
    version: str = "2"

    def __call__(self, output: str, target: Json) -> Score:
        """Return the score against the best reference.

        Raises:
            TaskError: the target is neither a text nor a list of texts.
        """
        references = accepted_texts(self.name, target)
        answer = plain(visible(output))
        precision, recall, value = max(
            (shared(answer.split(), plain(reference).split()) for reference in references), key=_by_f1
        )
        is_exact = any(answer == plain(reference) for reference in references)
        if not answer and not is_exact:
            return unparsed("the answer has no words", exact_match=False)
        return graded(
            value, passed=is_exact, reason="words differ", exact_match=is_exact, precision=precision, recall=recall
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RougeL:
    """ROUGE-L: the F-measure of the longest common subsequence of words with the reference; passed when it is 1.

    Lin 2004, https://aclanthology.org/W04-1013; beta is 1 and tokens are runs of a-z and 0-9 in lower case, as in
    Google's rouge_score without its optional stemmer.
    """

    name: str = "rouge_l"
    version: str = "2"

    def __call__(self, output: str, target: Json) -> Score:
        """Return the score against the best reference; details have precision and recall.

        Raises:
            TaskError: the target is neither a text nor a list of texts.
        """
        references = [rouge_tokens(text) for text in accepted_texts(self.name, target)]
        answer = rouge_tokens(visible(output))
        if not answer:
            return unparsed("the answer has no words")
        precision, recall, value = max((rouge_l(answer, tokens) for tokens in references), key=_by_f1)
        return graded(value, passed=value == 1.0, reason="words differ", precision=precision, recall=recall)


def shared(answer: Sequence[str], reference: Sequence[str]) -> tuple[float, float, float]:
    """Return precision, recall and F1 of two bags of words."""
    if not answer or not reference:
        value = float(answer == reference)
        return value, value, value
    return _f1(sum((Counter(answer) & Counter(reference)).values()), len(answer), len(reference))


def rouge_l(answer: Sequence[str], reference: Sequence[str]) -> tuple[float, float, float]:
    """Return precision, recall and F-measure of the longest common subsequence."""
    from rapidfuzz.distance import LCSseq

    return _f1(LCSseq.similarity(answer, reference), len(answer), len(reference))


def rouge_tokens(text: str) -> list[str]:
    """Return the tokens that ROUGE compares."""
    return _ROUGE_TOKEN.findall(text.lower())


def _f1(common: int, answer: int, reference: int) -> tuple[float, float, float]:
    if not common:
        return 0.0, 0.0, 0.0
    return common / answer, common / reference, 2 * common / (answer + reference)


def _by_f1(figures: tuple[float, float, float]) -> float:
    return figures[2]
