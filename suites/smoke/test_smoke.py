"""What must hold on any server and for any chat model, whatever its quality."""

from dataclasses import replace

from harness import ChatRequest, Client, Generation, Run, Target

SYSTEM = "You are a helpful assistant."
CAPITAL = "What is the capital of France?"
FIRST, SECOND = "My name is Ada and I live in Oslo.", "Which city did I name?"


def _ask(client: Client, target: Target, text: str, **more: object) -> Generation:
    request = ChatRequest(
        model=target.address, input=text, temperature=0.0, max_output_tokens=32, reasoning=target.reasoning
    )
    return client.chat(replace(request, **more))  # type: ignore[arg-type]


def test_answers(lms_client: Client, lms_instance: Target, lms_run: Run) -> None:
    """A message comes back, from the instance that was asked. Whether it is right is recorded, never a failure.

    SmolLM2-135M in q4_1, which mostly says Paris, once did not on a busy machine at temperature 0 (2026-11).
    """
    answer = _ask(lms_client, lms_instance, CAPITAL, system_prompt=SYSTEM)
    assert answer.model_instance_id == lms_instance.instance_id
    reasons = lms_instance.reasoning not in {None, "off", "none"}
    assert (answer.text + answer.reasoning if reasons else answer.text).strip()
    knew = float("paris" in answer.text.lower())
    lms_run.recorder.measure(
        "smoke_knew_the_capital", knew, "bool", model=lms_instance.model, instance_id=lms_instance.instance_id
    )


def test_counts_tokens(lms_client: Client, lms_instance: Target) -> None:
    stats = _ask(lms_client, lms_instance, CAPITAL, system_prompt=SYSTEM).stats
    assert (stats.input_tokens or 0) > 0
    assert 0 < (stats.total_output_tokens or 0) <= 32


def test_store_false_leaves_no_thread(lms_client: Client, lms_instance: Target) -> None:
    assert _ask(lms_client, lms_instance, FIRST, store=False).response_id is None


def test_state_is_kept_and_branches(lms_client: Client, lms_instance: Target, lms_run: Run) -> None:
    """Proved by tokens: a second turn carries the first. What the model recalls is recorded, never a failure."""
    first = _ask(lms_client, lms_instance, FIRST, system_prompt=SYSTEM, store=True)
    assert first.response_id
    alone = _ask(lms_client, lms_instance, SECOND, system_prompt=SYSTEM)
    branches = [
        _ask(lms_client, lms_instance, SECOND, previous_response_id=first.response_id, store=True) for _ in range(2)
    ]
    carried = [branch.stats.input_tokens or 0 for branch in branches]
    assert carried[0] == carried[1]
    said = len(FIRST.split())  # At least a token a word: the first turn's text is in the second turn's prompt.
    assert carried[0] >= (alone.stats.input_tokens or 0) + said
    recalled = float("oslo" in branches[0].text.lower())
    lms_run.recorder.measure(
        "smoke_recalled_a_fact", recalled, "bool", model=lms_instance.model, instance_id=lms_instance.instance_id
    )
