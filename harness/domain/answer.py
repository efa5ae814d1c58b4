"""A question to a model, and how it ended."""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple, overload

from harness.domain.generation import ChatRequest, Generation, Outcome
from harness.domain.sample import Json, Sample, content_hash
from harness.domain.score import Score
from harness.domain.way import NATIVE, PROMPT, Way


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One sample to be asked: for the n-th time (`epoch`, from 1), with this `request`.

    Attributes:
        tools: the functions as they are sent beside the request, one for each of the sample's; none: they stand in it.
    """

    sample: Sample
    epoch: int
    request: ChatRequest
    tools: tuple[Mapping[str, Json], ...] = ()

    @property
    def way(self) -> Way:
        """In which way it is asked."""
        return NATIVE if self.tools else PROMPT

    @property
    def prompt_hash(self) -> str:
        """A hash of everything that is sent to the model: no prompt is recorded for both ways."""
        if not self.tools:
            return self.sample.prompt_hash
        return content_hash([self.sample.system_prompt, self.sample.prompt, {"tools": list(self.tools), "way": NATIVE}])

    @property
    def place(self) -> tuple[str, int]:
        """What distinguishes it from the other jobs of its task."""
        return self.sample.item_id, self.epoch


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How a job ended. `score` is None when it does not count: the server failed, or the run was interrupted.

    Attributes:
        generation: the answer to the prompt; None when there is none.
        earlier: the answers to the turns before it.
        attempts: more than one when the server failed before it had produced anything.
        is_left_out: it was not asked at all, because the run's time was over.
    """

    job: Job
    outcome: Outcome
    generation: Generation | None = None
    score: Score | None = None
    error: str | None = None
    attempts: int = 1
    earlier: tuple[Generation, ...] = ()
    is_left_out: bool = False


class Thought(NamedTuple):
    """What of an answer went into reasoning, and what into the answer itself.

    Attributes:
        tokens: of the reasoning, as the server counts them; None where it does not.
        answer_tokens: the others.
        s: from the first delta of any kind to the first one of the message, in seconds; None: there was no message.
        answer_s: from there to the last delta.
    """

    tokens: float | None
    answer_tokens: float | None
    s: float | None
    answer_s: float | None


def thought_of(generation: Generation) -> Thought | None:
    """Return what went into reasoning; None if the server reports none, or gives no figure for it."""
    stats, times = generation.stats, generation.times
    if not (generation.reasoning or stats.reasoning_output_tokens):
        return None
    tokens, total = stats.reasoning_output_tokens, stats.total_output_tokens
    has_both = times.ttft_s is not None and times.ttft_answer_s is not None
    thought = Thought(
        tokens=tokens,
        answer_tokens=None if tokens is None or total is None else total - tokens,
        s=(times.ttft_answer_s or 0.0) - (times.ttft_s or 0.0) if has_both else None,
        answer_s=None if times.ttft_answer_s is None else times.e2e_s - times.ttft_answer_s,
    )
    return thought if any(figure is not None for figure in thought) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAnswer:
    """What a run keeps of an answer until the summary of its cell.

    The run file has the rest. What is kept does not depend on the length of the question or of the answer.

    Attributes:
        item_id: of the sample; with `tier` and `cluster_id` what the summary sorts it by.
        target: of the sample, only where the scorer's paper reports figures of its own, which need it.
        e2e_s: how long the answer took; None where there is none.
        thought: what went into reasoning; None: nothing, as far as the server says.
    """

    item_id: str
    tier: int
    cluster_id: str
    target: Json
    outcome: Outcome
    score: Score | None
    e2e_s: float | None
    thought: Thought | None = None


def kept(answer: Answer, *, with_target: bool) -> KeptAnswer:
    """Return what a run keeps of an answer."""
    sample, generation = answer.job.sample, answer.generation
    return KeptAnswer(
        item_id=sample.item_id,
        tier=sample.tier,
        cluster_id=sample.cluster_id,
        target=sample.target if with_target else None,
        outcome=answer.outcome,
        score=_kept_score(answer.score),
        e2e_s=generation.times.e2e_s if generation is not None else None,
        thought=None if generation is None else thought_of(generation),
    )


def _kept_score(score: Score | None) -> Score | None:
    """Return the score with those of its details that are figures; of a fault of the scorer, the reason as well."""
    if score is None or score.is_fault:
        return score
    figures = {name: value for name, value in score.details.items() if isinstance(value, int | float)}
    return replace(score, reason="", details=figures) if figures else _plain_score(score.value, passed=score.passed)


@lru_cache(maxsize=4096)
def _plain_score(value: float | None, *, passed: bool | None) -> Score:
    """Return the one score of this kind: most answers share a few of them."""
    return Score(value=value, passed=passed)


_OUTCOMES = tuple(Outcome)
_NO_FIGURE = float("nan")  # Stands for None in a column: no time and no score is it.
_NO_PASS = -1


class KeptAnswers(Sequence[KeptAnswer]):
    """What is kept of answers, in columns: a run may have tens of thousands of them.

    Args:
        answers: the first ones.
    """

    def __init__(self, answers: Iterable[KeptAnswer] = ()) -> None:
        self._ids = bytearray()  # One after the other: as texts they would be most of what is kept.
        self._ends: array[int] = array("q", [0])
        self._clusters: list[str] = []
        self._tiers: array[int] = array("q")
        self._outcomes: array[int] = array("b")
        self._values: array[float] = array("d")
        self._passes: array[int] = array("b")
        self._times: array[float] = array("d")
        self._targets: dict[int, Json] = {}
        self._thinkers: array[int] = array("q")  # The numbers of those that thought; most models' answers did not.
        self._thoughts: array[float] = array("d")
        self._detailed: dict[int, Score | None] = {}
        """Scores with details, and None where there is no score."""
        for answer in answers:
            self.append(answer)

    def __len__(self) -> int:
        return len(self._ends) - 1

    @overload
    def __getitem__(self, index: int) -> KeptAnswer: ...

    @overload
    def __getitem__(self, index: slice) -> list[KeptAnswer]: ...

    def __getitem__(self, index: int | slice) -> KeptAnswer | list[KeptAnswer]:
        numbers = range(len(self))[index]
        return self._answer(numbers) if isinstance(numbers, int) else list(map(self._answer, numbers))

    def last_outcomes(self, count: int) -> list[Outcome]:
        """Return how the last answers ended, as many as that, or all where there are fewer."""
        return [_OUTCOMES[number] for number in self._outcomes[-count:]]

    def append(self, answer: KeptAnswer) -> None:
        """Keep one more."""
        number, score = len(self), answer.score
        if answer.thought is not None:
            self._thinkers.append(number)
            self._thoughts.extend(_NO_FIGURE if figure is None else figure for figure in answer.thought)
        if answer.target is not None:
            self._targets[number] = answer.target
        if score is None or score.details or score.reason:
            self._detailed[number] = score
        value, passed = (score.value, score.passed) if score is not None else (None, None)
        self._ids += answer.item_id.encode("utf-8", "surrogatepass")
        self._ends.append(len(self._ids))
        self._clusters.append(answer.cluster_id)
        self._tiers.append(answer.tier)
        self._outcomes.append(_OUTCOMES.index(answer.outcome))
        self._values.append(_NO_FIGURE if value is None else value)
        self._passes.append(_NO_PASS if passed is None else passed)
        self._times.append(_NO_FIGURE if answer.e2e_s is None else answer.e2e_s)

    def _answer(self, number: int) -> KeptAnswer:
        return KeptAnswer(
            item_id=self._ids[self._ends[number] : self._ends[number + 1]].decode("utf-8", "surrogatepass"),
            tier=self._tiers[number],
            cluster_id=self._clusters[number],
            target=self._targets.get(number),
            outcome=_OUTCOMES[self._outcomes[number]],
            score=self._detailed[number] if number in self._detailed else self._plain(number),
            e2e_s=_figure(self._times[number]),
            thought=self._thought(number),
        )

    def _thought(self, number: int) -> Thought | None:
        place = bisect_left(self._thinkers, number)
        if place == len(self._thinkers) or self._thinkers[place] != number:
            return None
        return Thought(*map(_figure, self._thoughts[4 * place : 4 * place + 4]))

    def _plain(self, number: int) -> Score:
        passed = self._passes[number]
        return _plain_score(_figure(self._values[number]), passed=None if passed == _NO_PASS else bool(passed))


def _figure(value: float) -> float | None:
    return None if value != value else value  # noqa: PLR0124  (only NaN differs from itself)
