"""What a choice is made from: the rule, and what is known of each model on one task."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import fmean

from harness.domain.count import counted
from harness.domain.way import PROMPT
from harness.stats.pairing import MOST_UNSCORED
from harness.verdict.load import LoadKind

_LIMITS = ("p50_s", "ttft_s", "load_s", "size_bytes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How to choose.

    Attributes:
        floor: the least mean score that will do, unless the primary's own answers are the yardstick.
        margin: how much less than the primary will do.
        confidence: how sure to be before a model, or the primary, is named.
        price: score that a doubling of the time is worth.
        requests_per_load: over how many requests a load is spread.
        is_safe: take only models for which the claims hold, else the largest that suffices.
        max_p50_s, max_ttft_s, max_load_s, max_size_bytes, min_context: hard limits; None: none.
    """

    floor: float = 0.80
    margin: float = 0.10
    confidence: float = 0.90
    price: float = 0.02
    requests_per_load: int = 20
    is_safe: bool = False
    max_p50_s: float | None = None
    max_ttft_s: float | None = None
    max_load_s: float | None = None
    max_size_bytes: int | None = None
    min_context: int | None = None


DEFAULT_RULE = Rule()


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeBasis:
    """How many times the medians of a contender rest on.

    Attributes:
        answers: whole answers that were timed, with several requests at a time.
        first_words: times to the first token.
        is_alone: those were measured with one request at a time, by the latency suite.
        loads: of the one kind that counts.
        load_kind: cold, warm or uncontrolled; None: no load was timed.
    """

    answers: int = 0
    first_words: int = 0
    is_alone: bool = False
    loads: int = 0
    load_kind: LoadKind | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """What is known of one model on one task.

    Attributes:
        key: of the model.
        scores: by item, each within 0 to 1; None where the answer was lost to the server or an interruption, which
            counts as wrong here.
        clusters: of the items, where several share one: such items tell less than as many independent ones.
        p50_s: median time of an answer; None: not measured.
        ttft_s: median time to the first token.
        load_s: time of a load: median of one kind, the same for all contenders of a task as far as possible.
        basis: what the times rest on.
        time_noise: how far the time of an answer is from itself (stats/noise), as a logarithm; None: not measured.
        size_bytes: on disk.
        context: the largest that it can be loaded with, in tokens.
        alpha: at which claims are made: a share of 5 % after several looks, 0 where none may be made.
        is_given_up: a run in rounds asked it no more of this task, as it could hardly be the best.
        is_reviewed: a person is the judge, so that an answer without a score may have no grade yet.
        ways: in which it was asked (`harness.domain.way`).
        is_certified: the claims hold: not worse than the yardstick by the margin, and the floor is reached.
    """

    key: str
    scores: Mapping[str, float | None]
    clusters: Mapping[str, str] = field(default_factory=dict)
    p50_s: float | None = None
    ttft_s: float | None = None
    load_s: float | None = None
    time_noise: float | None = None
    basis: TimeBasis = TimeBasis()
    size_bytes: int | None = None
    context: int | None = None
    is_certified: bool = False
    alpha: float = 0.05
    is_given_up: bool = False
    is_reviewed: bool = False
    ways: frozenset[str] = frozenset({PROMPT})

    @property
    def n(self) -> int:
        """Items, the lost ones included."""
        return len(self.scores)

    @property
    def lost(self) -> int:
        """How many answers were lost."""
        return sum(score is None for score in self.scores.values())

    @property
    def has_lost_too_many(self) -> bool:
        """Whether so many answers were lost that nothing rests on the rest."""
        return self.lost > MOST_UNSCORED * self.n

    @property
    def values(self) -> tuple[float, ...]:
        """The scores in the order of the item ids, the lost ones as 0."""
        return tuple(self.scores[item] or 0.0 for item in sorted(self.scores))

    @property
    def cluster_names(self) -> list[str] | None:
        """The cluster of each of the `values`; None where every item stands alone."""
        if not self.clusters:
            return None
        return [self.clusters.get(item, f"item {item}") for item in sorted(self.scores)]

    @property
    def score(self) -> float | None:
        """The mean, the lost ones counted as 0; None without items."""
        return fmean(self.values) if self.scores else None

    def time_s(self, rule: Rule) -> float | None:
        """Return the time of a request with its share of a load; None where no answer was timed."""
        return None if self.p50_s is None else self.p50_s + (self.load_s or 0.0) / rule.requests_per_load


def refusal(candidate: Contender, rule: Rule) -> str:
    """Return why a model cannot be chosen, whatever its score; empty: it can be."""
    if candidate.n == 0:
        return "was not asked"
    if candidate.has_lost_too_many:
        what = "have no grade yet" if candidate.is_reviewed else "were lost"
        return f"{candidate.lost} of {counted(candidate.n, 'answer')} {what}"
    if candidate.is_given_up:
        return f"asked no more after {counted(candidate.n, 'item')}: hardly the best"
    for name in _LIMITS:
        limit, found = getattr(rule, f"max_{name}"), getattr(candidate, name)
        if limit is not None and (found is None or found > limit):
            return f"{name} is {'unknown' if found is None else f'{found:g}'}, above the limit of {limit:g}"
    if rule.min_context is not None and (candidate.context or 0) < rule.min_context:
        return f"its context is {candidate.context or 'unknown'}, below {rule.min_context}"
    return ""
