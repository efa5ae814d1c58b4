import pytest

from harness.domain.generation import Generation, Outcome, ServerStats, Times, outcome_of
from harness.domain.model import InstanceId


def generation(text: str, *, reasoning: str = "", tokens: int | None = 5, finish: str | None = None) -> Generation:
    return Generation(
        model_instance_id=InstanceId("m"),
        text=text,
        reasoning=reasoning,
        stats=ServerStats(total_output_tokens=tokens),
        times=Times(e2e_s=1.0, total_s=1.0),
        finish_reason=finish,
    )


@pytest.mark.parametrize(
    ("answer", "limit", "expected"),
    [
        (generation("yes"), 10, Outcome.OK),
        (generation("yes"), None, Outcome.OK),
        (generation("yes", tokens=None), 10, Outcome.OK),
        (generation("yes", tokens=10), 10, Outcome.TRUNCATED),
        (generation("yes", tokens=3, finish="length"), 10, Outcome.TRUNCATED),
        (generation(" \n"), 10, Outcome.EMPTY),
        (generation("", reasoning="hm", tokens=10), 10, Outcome.REASONING_ONLY),
        (generation("<think>hm", tokens=10), 10, Outcome.REASONING_ONLY),
        (generation("<think>hm</think>\n"), 10, Outcome.REASONING_ONLY),
        (generation("<think>hm</think>yes"), 10, Outcome.OK),
    ],
)
def test_the_outcome_follows_from_text_reasoning_and_tokens(
    answer: Generation, limit: int | None, expected: Outcome
) -> None:
    assert outcome_of(answer, max_output_tokens=limit) is expected


def test_only_failures_of_the_server_and_our_own_go_unscored() -> None:
    assert {outcome for outcome in Outcome if not outcome.is_scored} == {Outcome.SERVER_ERROR, Outcome.CANCELLED}
