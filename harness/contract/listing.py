"""What needs no model: the greeting, the listings, authentication, and what is refused before a model matters."""

from harness.contract.bench import Bench
from harness.contract.check import Check, Deviation, expect
from harness.domain.count import counted

NOBODY = "nobody/has-this-model"
WRONG_TOKEN = "not-a-token-of-this-server"  # noqa: S105  (that is the point)
_UNAUTHORISED = 401


def greeting(bench: Bench) -> str:
    """`GET /lmstudio-greeting` says `{"lmstudio": true}` without a token (not documented, but `lms` relies on it)."""
    reply = bench.raw("GET", "/lmstudio-greeting", token="")
    expect(reply.payload == {"lmstudio": True}, f"{reply}: {reply.payload!r}"[:200])
    return str(reply)


def listing(bench: Bench) -> str:
    """`GET /api/v1/models` lists all downloads as `models`, each with type, key, size and its `loaded_instances`."""
    reply = bench.raw("GET", "/api/v1/models")
    models = reply.payload.get("models") if isinstance(reply.payload, dict) else None
    if not isinstance(models, list) or not models:
        raise Deviation(f"{reply}, without a list of models")
    wanted = {"type", "key", "display_name", "size_bytes", "loaded_instances", "max_context_length"}
    lacking = sorted({name for model in models for name in wanted - set(model)})
    expect(not lacking, f"missing in some models: {', '.join(lacking)}")
    types = sorted({str(model["type"]) for model in models})
    expect(set(types) <= {"llm", "embedding"}, f"types: {', '.join(types)}")
    loaded = [instance for model in models for instance in model["loaded_instances"]]
    expect(all({"id", "config"} <= set(instance) for instance in loaded), "an instance without id or config")
    expect(all("context_length" in instance["config"] for instance in loaded), "a config without context_length")
    return f"{counted(len(models), 'model')} ({', '.join(types)}), {len(loaded)} loaded"


def openai_listing(bench: Bench) -> str:
    """`GET /v1/models` lists ids as `data`: with JIT loading on, of all downloads."""
    reply = bench.raw("GET", "/v1/models")
    data = reply.payload.get("data") if isinstance(reply.payload, dict) else None
    expect(isinstance(data, list) and all("id" in model for model in data or ()), f"{reply}, without a list of ids")
    return f"{len(data or ())} ids"


def unknown_route(bench: Bench) -> str:
    """An unknown route is 200 (Bionic 1.1: 404) with the bare string "Unexpected endpoint or method" as `error`."""
    reply = bench.raw("GET", "/api/v1/no-such-route")
    message = str(reply.error.get("message", ""))
    expect(reply.status in {200, 404}, str(reply))
    expect(message.startswith("Unexpected endpoint or method"), f"{reply}, but not that error")
    return str(reply)


def authentication(bench: Bench) -> str:
    """With authentication off (the default) any token or none is accepted; with it on, both are 401 invalid_api_key."""
    replies = {"no token": bench.raw("GET", "/api/v1/models", token="")}
    replies["a wrong token"] = bench.raw("GET", "/api/v1/models", token=WRONG_TOKEN)
    seen = ", ".join(f"{name}: {reply}" for name, reply in replies.items())
    refused = [reply for reply in replies.values() if reply.status == _UNAUTHORISED]
    if not refused:
        expect(all("models" in (reply.payload or {}) for reply in replies.values()), seen)
        return f"off; {seen}"
    expect(len(refused) == len(replies), seen)
    expect(all(reply.error.get("code") == "invalid_api_key" for reply in refused), seen)
    expect(bench.client.models(), "the right token was refused after the wrong one")
    return f"on; {seen}"


def load_unknown_model(bench: Bench) -> str:
    """Loading a model that is not downloaded is 404 with the type model_not_found."""
    reply = bench.raw("POST", "/api/v1/models/load", {"model": NOBODY})
    expect(reply.status == 404 and reply.error.get("type") == "model_not_found", str(reply))  # noqa: PLR2004
    return str(reply)


def load_strict_keys(bench: Bench) -> str:
    """A key that a load does not know, such as `ttl`, is 400 with the code unrecognized_keys."""
    # The model does not exist, so a server that accepts the key loads nothing.
    reply = bench.raw("POST", "/api/v1/models/load", {"model": NOBODY, "ttl": 60})
    expect(reply.status == 400 and reply.error.get("code") == "unrecognized_keys", str(reply))  # noqa: PLR2004
    return str(reply)


def unload_unknown_instance(bench: Bench) -> str:
    """Unloading an instance that is not loaded is 404 with the type model_not_found."""
    reply = bench.raw("POST", "/api/v1/models/unload", {"instance_id": NOBODY})
    expect(reply.status == 404 and reply.error.get("type") == "model_not_found", str(reply))  # noqa: PLR2004
    return str(reply)


def unload_takes_an_instance_id(bench: Bench) -> str:
    """Unloading by `model` in place of `instance_id` is 400 with the code missing_required_parameter."""
    reply = bench.raw("POST", "/api/v1/models/unload", {"model": NOBODY})
    expect(reply.status == 400 and reply.error.get("code") == "missing_required_parameter", str(reply))  # noqa: PLR2004
    return str(reply)


def invalid_json(bench: Bench) -> str:
    """A body that is not JSON is 400 with the code invalid_json."""
    reply = bench.raw("POST", "/api/v1/chat", b'{"model": ')
    expect(reply.status == 400 and reply.error.get("code") == "invalid_json", str(reply))  # noqa: PLR2004
    return str(reply)


def chat_unknown_model(bench: Bench) -> str:
    """A chat with a model that is not downloaded is 404 with the code model_not_found."""
    reply = bench.raw("POST", "/api/v1/chat", {"model": NOBODY, "input": "Hi", "max_output_tokens": 1, "store": False})
    expect(reply.status == 404 and reply.error.get("code") == "model_not_found", str(reply))  # noqa: PLR2004
    return str(reply)


CHECKS: tuple[Check, ...] = (
    greeting,
    listing,
    openai_listing,
    unknown_route,
    authentication,
    load_unknown_model,
    load_strict_keys,
    unload_unknown_instance,
    unload_takes_an_instance_id,
    invalid_json,
    chat_unknown_model,
)
