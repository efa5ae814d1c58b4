"""Reading calls from text, without a server."""

from typing import Any

import pytest

from harness.embedded.tool import in_words, with_calls


def answer(text: str) -> dict[str, Any]:
    return {"choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}]}


def test_several_marked_calls_are_read_and_the_text_around_them_kept() -> None:
    text = 'One moment. [TOOL_REQUEST]{"name": "a", "arguments": {"x": 1}}[END_TOOL_REQUEST]'
    text += '[TOOL_REQUEST]{"name": "b"}[END_TOOL_REQUEST]'
    (choice,) = with_calls(answer(text), forced=False)["choices"]
    assert [call["function"] for call in choice["message"]["tool_calls"]] == [
        {"name": "a", "arguments": '{"x": 1}'},
        {"name": "b", "arguments": "{}"},
    ]
    assert choice["message"]["content"] == "One moment."
    assert choice["finish_reason"] == "tool_calls"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no call",
        "[TOOL_REQUEST]{broken[END_TOOL_REQUEST]",
        "[TOOL_REQUEST][1][END_TOOL_REQUEST]",
        "[TOOL_REQUEST]{",
    ],
)
def test_text_that_is_no_valid_call_stays_text(text: str) -> None:
    (choice,) = with_calls(answer(text), forced=False)["choices"]
    assert choice["message"]["content"] == text
    assert "tool_calls" not in choice["message"]
    assert choice["finish_reason"] == "stop"


def test_a_forced_call_that_was_cut_off_stays_text() -> None:
    (choice,) = with_calls(answer('{"name": "weather", "argu'), forced=True)["choices"]
    assert "tool_calls" not in choice["message"]


def test_the_system_message_is_kept_before_the_tools() -> None:
    tools = [{"type": "function", "function": {"name": "clock"}}]
    messages = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Time?"}]
    asked = in_words({"model": "m", "messages": messages, "tools": tools})
    assert [message["role"] for message in asked["messages"]] == ["system", "user"]
    assert asked["messages"][0]["content"].startswith("Be kind.")
    assert "clock" in asked["messages"][0]["content"]
    assert "tools" not in asked
