"""Asks a model that is trained for tool use: functions are sent as `tools`, and the calls are its answer, as JSON."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from harness.client.exchange import Exchange
from harness.client.http import Client
from harness.client.openai import OpenAIChatRequest
from harness.client.stream import Listener
from harness.domain.answer import Job
from harness.domain.generation import Generation
from harness.domain.model import InstanceId
from harness.domain.sample import Json, canonical_json, is_unicode
from harness.errors import MalformedAnswer
from harness.run.ask.attempt import check_resident
from harness.scoring.call_answer import NotCallsError, read_calls
from harness.scoring.json_answer import MAX_DEPTH, is_nested_deeper


def called(
    client: Client, job: Job, listen: Listener, *, instance_id: InstanceId, total_s: float, exchange: Exchange
) -> Generation:
    """Return the answer, whose text is the calls: `[{"arguments": {"host": "a"}, "name": "ping"}]`.

    Arguments that are not a JSON object stay the text that they are, which is the model's fault. What it says beside
    its calls counts as reasoning. Without calls, what it says is the answer. Calls that it only says are put as
    `{"text": …}`, which no scorer takes for a call: whoever asks in this way gets none.

    The models are listed before each request, as this route loads an evicted model without a word (see
    `harness.run.ask.embedding`).

    Raises:
        InstanceLost: the instance is no longer loaded.
        MalformedAnswer: another instance answered.
    """
    resident = check_resident(client, instance_id, exchange=exchange)
    answer = client.openai_chat(_request(job), stream=True, on_event=listen, total_s=total_s, exchange=exchange)
    if (named := answer.model_instance_id) != instance_id and named in resident:
        raise MalformedAnswer(f"asked {instance_id}, but {named} answered")
    answer = replace(answer, model_instance_id=instance_id)
    if not answer.tool_calls:
        return replace(answer, text=canonical_json({"text": answer.text})) if _says_calls(answer.text) else answer
    names = {sent["name"]: tool["name"] for sent, tool in zip(job.tools, job.sample.tools, strict=True)}
    beside = "\n".join(part for part in (answer.reasoning, answer.text) if part.strip())
    return replace(answer, text=canonical_json([_call(call, names) for call in answer.tool_calls]), reasoning=beside)


def _says_calls(text: str) -> bool:
    try:
        return bool(read_calls(text))
    except NotCallsError:
        return False


def _request(job: Job) -> OpenAIChatRequest:
    request = job.request
    system = [{"role": "system", "content": request.system_prompt}] if request.system_prompt else []
    return OpenAIChatRequest(
        model=request.model,
        messages=[*system, {"role": "user", "content": request.input}],
        temperature=request.temperature,
        max_tokens=request.max_output_tokens,
        tools=[{"type": "function", "function": dict(tool)} for tool in job.tools],
        reasoning_effort=_effort(request.reasoning),
    )


def _effort(reasoning: str | None) -> str | None:
    """Return the native route's `reasoning` in this route's words; "on" is what it does unasked (`takes_tools`)."""
    return {"off": "none", "on": None}.get(reasoning, reasoning) if reasoning else None


def _call(call: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Json]:
    function = call.get("function")
    if not isinstance(function, dict):
        function = call
    name = function.get("name")
    return {
        "name": names.get(name, name) if isinstance(name, str) else None,
        "arguments": _arguments(function.get("arguments")),
    }


def _arguments(sent: Any) -> Json:
    """Return the arguments as an object; as text, where they are none that a record can hold."""
    if sent is None or (isinstance(sent, str) and not sent.strip()):
        return {}
    try:
        value = json.loads(sent) if isinstance(sent, str) else sent
        is_usable = isinstance(value, dict) and not is_nested_deeper(value, MAX_DEPTH)
        return value if is_usable and is_unicode(canonical_json(value)) else str(sent)
    except (ValueError, RecursionError):
        return str(sent)
