"""Which samples are asked with their functions as `tools`, under which names, and that this makes another question."""

import re
from dataclasses import replace
from typing import Any

import pytest

from harness.domain.model import Capabilities, Model, ModelKey
from harness.domain.sample import DrawnImage, Sample
from harness.run.ask.job import jobs_of, sample_uid
from harness.run.ask.prompt import prompt_record
from harness.run.ask.room import room_tokens
from harness.run.ask.way import sendable, takes_tools, tools_of
from harness.run.plan.plan import load_config
from harness.scoring.tool_calls import ToolCalls
from harness.settings import Settings
from harness.task.task import Task

SAMPLE = Sample(
    item_id="a",
    prompt="Ping a.",
    target={"calls": []},
    tools=({"name": "net.ping", "parameters": {"type": "object", "properties": {"host": {"type": "string"}}}},),
)
TASK = Task(
    name="ping",
    task_class="ping",
    generate=lambda _seed, n: [replace(SAMPLE, item_id=f"ping-{number}") for number in range(n)],
    scorer=ToolCalls(),
    max_output_tokens=60,
    prompt_tokens=200,
    tools_tokens=400,
)


def model(*, trained: bool, options: tuple[str, ...] | None = None, default: str | None = None) -> Model:
    able = Capabilities(trained_for_tool_use=trained, reasoning_options=options, reasoning_default=default)
    return Model(key=ModelKey("acme/tiny"), type="llm", capabilities=able, max_context_length=32768)


def names(*given: str) -> list[Any]:
    return [tool["name"] for tool in sendable([{"name": name} for name in given])]


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        (["get_weather", "a-B_9"], ["get_weather", "a-B_9"]),
        (["math.factorial"], ["math_factorial"]),
        (["a.b", "a_b", "a b"], ["a_b_2", "a_b", "a_b_3"]),
        (["a.b", "a_b_2", "a_b"], ["a_b_3", "a_b_2", "a_b"]),
        (["ping", "ping"], ["ping", "ping_2"]),
        (["", "näh", "天气"], ["function", "n_h", "__"]),
        (["x" * 64, "x" * 65, "x" * 66], ["x" * 64, "x" * 62 + "_2", "x" * 62 + "_3"]),
    ],
)
def test_each_function_is_sent_under_an_allowed_name_of_its_own(given: list[str], sent: list[str]) -> None:
    assert names(*given) == sent
    assert len({*sent}) == len(given)
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name) for name in sent)


def test_a_model_takes_tools_where_it_is_trained_and_its_reasoning_can_be_told() -> None:
    assert not takes_tools(model(trained=False), None)
    assert not takes_tools(replace(model(trained=True), capabilities=None), None)
    assert all(takes_tools(model(trained=True), level) for level in (None, "off", "low"))
    assert takes_tools(model(trained=True, default="on"), "on")
    assert not takes_tools(model(trained=True, default="off"), "on")


def test_a_sample_with_turns_or_images_keeps_its_functions_in_the_prompt() -> None:
    image = DrawnImage.of(lambda: b"x")
    assert [bool(tools_of(sample)) for sample in (SAMPLE, replace(SAMPLE, tools=()))] == [True, False]
    assert not tools_of(replace(SAMPLE, turns=("Hello",)))
    assert not tools_of(replace(SAMPLE, images=(image,)))


def test_the_two_ways_share_neither_uid_nor_prompt_nor_record() -> None:
    able = model(trained=True)
    written, sent = (
        jobs_of(TASK, Settings(), limit=1, address="a", reasoning=None, room_tokens=260, sends_tools=sends)[0]
        for sends in (False, True)
    )
    assert (written.way, sent.way) == ("prompt", "native")
    assert sample_uid(TASK, written, able, config={}) != sample_uid(TASK, sent, able, config={})
    assert written.prompt_hash == written.sample.prompt_hash != sent.prompt_hash
    first, second = (prompt_record(job, run_id="r", at="t") for job in (written, sent))
    assert first.prompt.startswith("Functions:\nnet.ping(host?: string)")
    assert first.tools == []
    assert second.prompt == "Ping a."
    assert second.tools == [{**SAMPLE.tools[0], "name": "net_ping"}]
    assert (first.prompt_hash, second.prompt_hash) == (written.prompt_hash, sent.prompt_hash)


def test_the_hash_of_a_sample_that_is_asked_in_the_prompt_is_that_of_earlier_versions() -> None:
    """It changes with `TOOLS_FORM` alone."""
    (job,) = jobs_of(TASK, Settings(), limit=1, address="a", reasoning=None, room_tokens=260)
    assert sample_uid(TASK, job, model(trained=True), config={}) == "180c22b1fcc420d6"


def test_a_model_that_is_sent_tools_gets_room_for_them() -> None:
    plain, able = model(trained=False), model(trained=True)
    assert (room_tokens(TASK, plain, Settings()), room_tokens(TASK, able, Settings())) == (260, 660)
    assert load_config(plain, [TASK], Settings()).context_length == 2048
    assert load_config(able, [TASK], Settings()).context_length == 4096
