"""Loading and unloading: by a request (JIT), explicitly, a second copy, and what names an instance."""

import re

from harness.contract.bench import CONTEXT, SECOND_COPY_BYTES, Bench
from harness.contract.check import Check, Deviation, Unchecked, expect
from harness.domain.generation import ChatRequest
from harness.errors import InstanceNotLoaded
from harness.lifecycle.resident import resident_ids

_UNLOAD = "/api/v1/models/unload"


def jit_load(bench: Bench) -> str:
    """A streamed chat by key loads the model, with the events model_load.start, .progress (0 to 1) and .end, and
    `stats.model_load_time_seconds` is the time of model_load.end.
    """
    bench.clear()
    if foreign := bench.foreign:
        raise Unchecked(f"a load by a request could evict what other programs have loaded: {', '.join(foreign)}")
    request = ChatRequest(model=bench.key, input="Say hello.", temperature=0.0, max_output_tokens=4)
    try:
        lease, answer = bench.leases.acquire_jit(bench.key, request)
    except InstanceNotLoaded as exc:
        raise Unchecked(f"loading by a request is switched off: {exc.message}") from exc
    bench.leases.release(lease)
    loads = [event for event in bench.client.events if event.name.startswith("model_load.")]
    names = [event.name for event in loads]
    seen = ", ".join(dict.fromkeys(names)) or "none"
    expect(names[:1] == ["model_load.start"] and names[-1:] == ["model_load.end"], f"events of the load: {seen}")
    progress = [event.data.get("progress") for event in loads if event.name == "model_load.progress"]
    expect(all(isinstance(share, int | float) and 0 <= share <= 1 for share in progress), f"progress: {progress[:5]}")
    load_time_s, ended_s = answer.stats.load_time_s, loads[-1].data.get("load_time_seconds")
    expect(load_time_s is not None, "the answer has no model_load_time_seconds")
    expect(load_time_s == ended_s, f"model_load_time_seconds {load_time_s}, but model_load.end says {ended_s}")
    return f"{seen} ({len(progress)} of progress); {load_time_s:.2f} s"


def load_answer(bench: Bench) -> str:
    """A load answers when it is done: type, instance_id, load_time_seconds, and `loaded` as the status."""
    lease = bench.lease()
    lacking = {"type", "instance_id", "load_time_seconds", "status"} - set(bench.loaded)
    expect(not lacking, f"missing: {', '.join(sorted(lacking))}")
    expect(bench.loaded["status"] == "loaded", f"status {bench.loaded['status']!r}")
    expect(lease.instance.id in resident_ids(bench.client.models()), f"{lease.instance.id} is not listed")
    return f"{bench.loaded['type']}, {bench.loaded['load_time_seconds']} s, listed"


def load_echo(bench: Bench) -> str:
    """With `echo_load_config` a load also answers `load_config`, which agrees with the listing and with the request."""
    listed = bench.lease().instance.config.as_dict()
    echo = bench.loaded.get("load_config")
    if not isinstance(echo, dict):
        raise Deviation("no load_config")
    other = {name: (value, listed[name]) for name, value in echo.items() if name in listed and listed[name] != value}
    expect(not other, f"echo and listing differ: {other}")
    expect(echo.get("context_length") == CONTEXT.context_length, f"context_length {echo.get('context_length')}")
    return ", ".join(f"{name}={value}" for name, value in echo.items())


def second_copy(bench: Bench) -> str:
    """Loading a resident model makes a second copy, `key:2`; each answers as itself, and each is unloaded alone."""
    model = bench.model
    if model.size_bytes > SECOND_COPY_BYTES:
        raise Unchecked(f"a second copy of {model.size_bytes / 1e9:.1f} GB is not loaded (4 GB at most)")
    first = bench.lease().instance.id
    with bench.another() as second:
        number = re.escape(model.key) + r":\d+"
        expect(re.fullmatch(number, second.instance.id), f"beside {first} came {second.instance.id}")
        answers = [bench.client.chat(bench.request(model=instance_id)) for instance_id in (second.instance.id, first)]
    named = [answer.model_instance_id for answer in answers]
    expect(named == [second.instance.id, first], f"asked {second.instance.id} and {first}, answered {', '.join(named)}")
    expect(first in resident_ids(bench.client.models()), f"{first} went with {second.instance.id}")
    return f"{second.instance.id} beside {first}"


def unload_echo(bench: Bench) -> str:
    """An unload answers the `instance_id` alone, and the instance is gone; once more it is 404 model_not_found."""
    instance_id = bench.lease().instance.id
    reply = bench.raw("POST", _UNLOAD, {"instance_id": instance_id})
    again = bench.raw("POST", _UNLOAD, {"instance_id": instance_id})
    is_gone = instance_id not in resident_ids(bench.client.models())
    bench.clear()
    expect(reply.payload == {"instance_id": instance_id}, f"{reply}: {reply.payload!r}"[:200])
    expect(is_gone, "it is still listed")
    expect(again.status == 404 and again.error.get("type") == "model_not_found", f"once more: {again}")  # noqa: PLR2004
    return f"{reply}; once more: {again}"


def keys_in_any_case(bench: Bench) -> str:
    """A model key is found in any case (0.4.25): its instance answers to the key in capitals."""
    instance_id, key = bench.lease().instance.id, bench.key.upper()
    if key == bench.key:
        raise Unchecked("the key has no lower-case letters")
    if len(bench.model.loaded_instances) > 1:
        raise Unchecked("other programs have loaded the model too, and their instance might answer")
    reply = bench.raw("POST", "/api/v1/chat", bench.body(model=key))
    named = reply.payload.get("model_instance_id") if isinstance(reply.payload, dict) else None
    expect(named == instance_id, f"{reply}, answered by {named}")
    return f"{key}: answered by {named}"


CHECKS: tuple[Check, ...] = (jit_load, load_answer, load_echo, keys_in_any_case, second_copy, unload_echo)
