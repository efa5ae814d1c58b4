"""Which downloaded model suits a kind of work best, and why each other one was left out.

1. What is needed: vision, the type (chat or embedding), the context. What the listing does not say counts as missing.
2. For tools, a model that is trained for them comes first; the others can be asked too, in the prompt.
3. A model that is already loaded with enough context comes first, unless the user prefers something else to `loaded`.
4. Then what the work is about: fewest *active* parameters for speed ("26B-A4B" counts as 4), most in total for
   reasoning; where the listing does not say, as many as the file has room for.
5. Then the smallest file, and at last the key, so that the order is total.

Where it was measured who does the work well (`lms-harness choose -o`), that goes before rules 2 to 5.

With no need at all that is the smallest loaded model, else the smallest one.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from harness.domain.count import counted
from harness.domain.model import Instance, Model
from harness.selection.need import Demand, Preference
from harness.selection.selection import is_left_out, parameters_or_guess

_UNKNOWN = float("inf")

Evidence: TypeAlias = Callable[[Model], tuple[int, ...]]
"""What was measured, as a sort key of a model: the least is best."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A model that fits; `instance` is its first one that is loaded with enough context, None if there is none."""

    model: Model
    instance: Instance | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """Every model of a listing: those that fit, best first, the others with why not; `reason` explains the order."""

    fitting: tuple[Candidate, ...]
    left_out: tuple[tuple[Model, str], ...]
    reason: str


def rank(listing: Sequence[Model], demand: Demand, *, evidence: Evidence | None = None) -> Ranking:
    """Return which models fit, best first, and why each other one does not. The order of the listing does not matter.

    What the listing does not say (capabilities, context) counts as missing: an answer from a model that cannot see the
    image is worse than no answer.

    Args:
        listing: of the server.
        demand: what is needed, and what models are ordered by.
        evidence: what was measured goes before that order; None: nothing was.
    """
    fitting, left_out = [], []
    for model in listing:
        if because := unfit(model, demand):
            left_out.append((model, because))
        else:
            fitting.append(Candidate(model=model, instance=_instance_for(model, demand)))
    fitting.sort(
        key=lambda candidate: (
            evidence(candidate.model) if evidence else (),
            demand.tools and not _is_trained(candidate.model),
            *(_ORDERS[name](candidate) for name in demand.prefer),
            candidate.model.key,
        )
    )
    reason = _reason(fitting, len(listing), demand, has_evidence=evidence is not None)
    return Ranking(fitting=tuple(fitting), left_out=tuple(left_out), reason=reason)


def unfit(model: Model, demand: Demand) -> str | None:
    """Return why this model does not meet the demand, in words that follow its name; None when it does."""
    if is_left_out(model, demand.exclude, demand.max_size_bytes):
        return "is excluded, or larger than the maximum size"
    if demand.embedding != model.is_embedding or not (model.is_chat or model.is_embedding):
        wanted = "an embedding" if demand.embedding else "a chat"
        return f"is of type {model.type}: expected {wanted} model"
    can = model.capabilities
    if demand.vision and not (can and can.vision):
        return "has no vision" if can else "does not say whether it has vision"
    if demand.min_context_tokens > model.max_context_length and _instance_for(model, demand) is None:
        most = model.max_context_length or "an unknown number of"
        return f"takes {most} tokens of context: expected at least {demand.min_context_tokens}"
    return None


def _is_trained(model: Model) -> bool:
    return model.capabilities is not None and model.capabilities.trained_for_tool_use


def _instance_for(model: Model, demand: Demand) -> Instance | None:
    for instance in model.loaded_instances:
        context = instance.config.context_length
        if demand.min_context_tokens <= (model.max_context_length if context is None else context):
            return instance
    return None


_ORDERS: Mapping[Preference, Callable[[Candidate], float]] = {
    "loaded": lambda candidate: candidate.instance is None,
    "speed": lambda candidate: parameters_or_guess(candidate.model)[1] or _UNKNOWN,
    "reasoning": lambda candidate: -parameters_or_guess(candidate.model)[0],
    "size": lambda candidate: candidate.model.size_bytes or _UNKNOWN,
}
_WORDS: Mapping[Preference, str] = {
    "loaded": "already loaded",
    "speed": "fewest active parameters",
    "reasoning": "most parameters",
    "size": "smallest file",
}


def _reason(fitting: Sequence[Candidate], listed: int, demand: Demand, *, has_evidence: bool) -> str:
    if not fitting:
        return f"of {counted(listed, 'downloaded model')}, none fits" if listed else "no model is downloaded"
    measured = ["what was measured"] if has_evidence else []
    trained = ["trained for tool use"] if demand.tools else []
    ordered = ", then ".join([*measured, *trained, *(_WORDS[name] for name in demand.prefer)])
    best = fitting[0].instance
    context = best.config.context_length if best else None
    now = "not loaded" if best is None else "loaded" + (f" with {context} tokens of context" if context else "")
    return f"{now}; first of {len(fitting)} of {listed} that fit, ordered by: {ordered}"
