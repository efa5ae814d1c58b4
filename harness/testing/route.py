"""Which request gets which answer, from LM Studio's own surface (LM Studio 0.4.25)."""

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from harness.domain.model import LoadConfig
from harness.testing.body import LOAD_FIELDS, UNLOAD_FIELDS, checked
from harness.testing.chat import World, native_chat
from harness.testing.completion import embeddings, openai_chat
from harness.testing.message import Refusal, Request, Response, json_answer

MODELS = "/api/v1/models"
LOAD = "/api/v1/models/load"
UNLOAD = "/api/v1/models/unload"
DOWNLOAD = "/api/v1/models/download"
CHAT = "/api/v1/chat"
OPENAI_CHAT = "/v1/chat/completions"
EMBEDDINGS = "/v1/embeddings"
GREETING = "/lmstudio-greeting"

_STATUS = f"{DOWNLOAD}/status/"
_SHOWN_CHARACTERS = 8


def answer(world: World, request: Request, *, token: str | None, unknown_status: int) -> Response:
    """Return LM Studio's answer to any request; what it refuses is an answer too."""
    path = request.path.partition("?")[0]
    if (request.method, path) == ("GET", GREETING):
        return json_answer({"lmstudio": True})
    handle = _ROUTES.get((request.method, path))
    if request.method == "GET" and path.startswith(_STATUS):
        handle = _download_status
    try:
        if token is not None:
            _authorise(request, token)
        if handle is None:
            said = f"Unexpected endpoint or method. ({request.method} {path})"
            return json_answer({"error": said}, status=unknown_status)
        return handle(world, request)
    except Refusal as refusal:
        return json_answer(refusal.body, status=refusal.status)


def _authorise(request: Request, token: str) -> None:
    kind, _, sent = request.headers.get("authorization", "").partition(" ")
    if kind != "Bearer" or not sent:
        said = (
            "An LM Studio API token is required to make requests to this server, but none was provided using the "
            "Authorization header. Ensure you are sending it in the 'Bearer' scheme."
        )
        raise Refusal(401, said, code="invalid_api_key")
    if sent != token:
        shown = sent[:_SHOWN_CHARACTERS]  # LM Studio really does this.
        said = f"Malformed LM Studio API token provided: {shown}... Ensure you are using a valid token."
        raise Refusal(401, said, code="invalid_api_key")


def _models(world: World, request: Request) -> Response:  # noqa: ARG001  (one signature for all routes)
    return json_answer({"models": world.library.listing()})


def _load(world: World, request: Request) -> Response:
    body = checked(request, LOAD_FIELDS, required=("model",))
    model = world.library.find(body["model"])
    if model is None:
        said = f"Model {body['model']} not found in downloaded models"
        raise Refusal(404, said, type="model_not_found")
    if model.is_embedding and "offload_kv_cache_to_gpu" in body:
        raise Refusal(400, "'offload_kv_cache_to_gpu' is not supported for an embedding model", code="invalid_value")
    wanted = LoadConfig(**{name: body[name] for name in body if name not in {"model", "echo_load_config"}})
    world.pause(world.load_s)
    loaded = world.library.load(model, wanted)
    payload: dict[str, Any] = {
        "type": model.type,
        "instance_id": loaded.id,
        "load_time_seconds": round(world.load_s, 3),
        "status": "loaded",
    }
    if body.get("echo_load_config"):
        config = loaded.config.as_dict()
        payload["load_config"] = {name: value for name, value in config.items() if name != "parallel"}
    return json_answer(payload)


def _unload(world: World, request: Request) -> Response:
    body = checked(request, UNLOAD_FIELDS, required=("instance_id",))
    world.library.unload(body["instance_id"])
    return json_answer({"instance_id": body["instance_id"]})


def _download(world: World, request: Request) -> Response:
    return world.catalogue.begin(request, world.library)


def _download_status(world: World, request: Request) -> Response:
    job_id = unquote(request.path.partition("?")[0].removeprefix(_STATUS))
    return world.catalogue.status(job_id, world.library)


def _openai_models(world: World, request: Request) -> Response:  # noqa: ARG001  (one signature for all routes)
    listed = [{"id": one.key, "object": "model", "owned_by": "organization_owner"} for one in world.library.models]
    return json_answer({"object": "list", "data": listed})


_ROUTES: dict[tuple[str, str], Callable[[World, Request], Response]] = {
    ("GET", MODELS): _models,
    ("POST", LOAD): _load,
    ("POST", UNLOAD): _unload,
    ("POST", DOWNLOAD): _download,
    ("POST", CHAT): native_chat,
    ("GET", "/v1/models"): _openai_models,
    ("POST", OPENAI_CHAT): openai_chat,
    ("POST", EMBEDDINGS): embeddings,
}
