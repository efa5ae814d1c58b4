"""What must hold on any server and for any chat model, whatever its quality."""

import json
from dataclasses import replace

import pytest

from harness import ChatRequest, Client, Generation, LeasedModel, Run, StreamEvent

from .resident import residents

SYSTEM = "You are a helpful assistant."
CAPITAL = "What is the capital of France?"
FIRST, SECOND = "My name is Ada and I live in Oslo.", "Which city did I name?"


def _request(leased: LeasedModel, text: str) -> ChatRequest:
    return ChatRequest(
        model=leased.address, input=text, temperature=0.0, max_output_tokens=32, reasoning=leased.reasoning
    )


def _ask(client: Client, leased: LeasedModel, text: str, **more: object) -> Generation:
    return client.chat(replace(_request(leased, text), **more))  # type: ignore[arg-type]


def _measure(run: Run, leased: LeasedModel, name: str, *, held: bool) -> None:
    run.recorder.measure(name, float(held), "bool", model=leased.model, instance_id=leased.instance_id)


def test_is_listed_with_the_config_that_is_recorded(
    lms_client: Client, lms_instance: LeasedModel, lms_run: Run
) -> None:
    lease = lms_instance.lease
    listed = residents(lms_client).get(lease.instance.id)
    assert listed is not None, f"{lease.instance.id} is leased, but the listing does not show it"
    assert listed == lease.instance.config
    assert lease.requested.is_satisfied_by(listed), f"asked for {lease.requested}, got {listed}"
    # An answer may contain U+2028, at which str.splitlines would break its line.
    written = [json.loads(line) for line in lms_run.path.read_bytes().split(b"\n") if line]
    used = [entry for entry in written if entry["kind"] == "instance" and entry["purpose"] == "use"]
    record = next(entry for entry in reversed(used) if entry["instance_id"] == lease.instance.id)
    assert record["effective_config"] == listed.as_dict()
    if lease.is_owned:
        assert record["load_time_s"] is not None, "the server did not report how long the load took"
        assert record["load_time_s"] >= 0


def test_answers(lms_client: Client, lms_instance: LeasedModel, lms_run: Run) -> None:
    """A message comes back, from the instance that was asked. Whether it is right is recorded, never a failure.

    SmolLM2-135M in q4_1, which mostly says Paris, once did not on a busy machine at temperature 0 (2026-11).
    """
    answer = _ask(lms_client, lms_instance, CAPITAL, system_prompt=SYSTEM)
    assert answer.model_instance_id == lms_instance.instance_id
    text = answer.text + answer.reasoning if lms_instance.does_reason else answer.text
    assert text.strip(), "the answer has no text"
    _measure(lms_run, lms_instance, "smoke_knew_the_capital", held="paris" in answer.text.lower())


def test_counts_tokens(lms_client: Client, lms_instance: LeasedModel) -> None:
    stats = _ask(lms_client, lms_instance, CAPITAL, system_prompt=SYSTEM).stats
    if stats.input_tokens is None or stats.total_output_tokens is None:
        pytest.skip("the server does not report how many tokens it used")
    assert stats.input_tokens > 0
    assert 0 < stats.total_output_tokens <= 32


def test_a_stream_tells_what_a_plain_answer_tells(lms_client: Client, lms_instance: LeasedModel, lms_run: Run) -> None:
    """The deltas add up to the text at the stream's end, and to the plain answer, at temperature 0 and one at a time.

    The latter holds only for a server that repeats itself, which others' requests on a shared instance may prevent
    (batching changes sums): where its plain answers differ among themselves, that is recorded, and the test is skipped.
    """
    request = replace(_request(lms_instance, CAPITAL), system_prompt=SYSTEM)
    events: list[StreamEvent] = []
    # The second answer on has its prompt in the cache, as the stream has.
    lms_client.chat(request)
    plain = lms_client.chat(request)
    streamed = lms_client.chat(request, stream=True, on_event=events.append)
    deltas = "".join(str(event.data.get("content", "")) for event in events if event.name == "message.delta")
    assert deltas == streamed.text, "the deltas of the stream are not the text of its end"
    assert streamed.model_instance_id == plain.model_instance_id
    assert streamed.stats.input_tokens == plain.stats.input_tokens
    if streamed.text != plain.text:
        again = lms_client.chat(request)
        if again.text != plain.text:
            _measure(lms_run, lms_instance, "smoke_stream_equals_plain", held=False)
            pytest.skip("plain answers to one request differ among themselves, so a stream cannot equal them")
    assert streamed.text == plain.text, "a stream's text is another one than that of two equal plain answers"
    _measure(lms_run, lms_instance, "smoke_stream_equals_plain", held=True)


def test_store_false_leaves_no_thread(lms_client: Client, lms_instance: LeasedModel) -> None:
    answer = _ask(lms_client, lms_instance, FIRST, store=False)
    assert answer.response_id is None, f"store: false was asked for, and yet {answer.response_id} was stored"


def test_state_is_kept_and_branches(lms_client: Client, lms_instance: LeasedModel, lms_run: Run) -> None:
    """Proved by tokens: a second turn carries the first. What the model recalls is recorded, never a failure."""
    first = _ask(lms_client, lms_instance, FIRST, system_prompt=SYSTEM, store=True)
    assert first.response_id, "store: true was asked for, and no response_id came"
    alone = _ask(lms_client, lms_instance, SECOND, system_prompt=SYSTEM)
    branches = [
        _ask(lms_client, lms_instance, SECOND, previous_response_id=first.response_id, store=True) for _ in range(2)
    ]
    without, carried, again = (answer.stats.input_tokens for answer in (alone, *branches))
    if without is None or carried is None or again is None:
        pytest.skip("the server does not report how many tokens a prompt has")
    assert carried == again, f"two branches of one answer carry different prompts: {carried} and {again} tokens"
    words = len(FIRST.split())  # Each is a token at least, and the first turn's text is in the second turn's prompt.
    assert carried >= without + words, "the second turn does not carry the first"
    _measure(lms_run, lms_instance, "smoke_recalled_a_fact", held="oslo" in branches[0].text.lower())
