"""Which request gets which answer (LM Studio 0.4.25)."""

from collections.abc import Callable
from urllib.parse import unquote

from harness.domain.model import LoadConfig
from harness.serving import answer, refusal
from harness.serving.body import load_body, unload_body
from harness.serving.refusal import Refusal
from harness.testing.chat import World, native_chat
from harness.testing.completion import embeddings, openai_chat
from harness.testing.message import Request, Response, json_response

MODELS = "/api/v1/models"
LOAD = "/api/v1/models/load"
UNLOAD = "/api/v1/models/unload"
DOWNLOAD = "/api/v1/models/download"
CHAT = "/api/v1/chat"
OPENAI_CHAT = "/v1/chat/completions"
EMBEDDINGS = "/v1/embeddings"
GREETING = "/lmstudio-greeting"

_STATUS = f"{DOWNLOAD}/status/"


def respond(world: World, request: Request, *, token: str | None, unknown_status: int) -> Response:
    """Return LM Studio's answer to any request; a refusal is an answer too."""
    path = request.path.partition("?")[0]
    if (request.method, path) == ("GET", GREETING):
        return json_response(answer.greeting())
    handle = _ROUTES.get((request.method, path))
    if request.method == "GET" and path.startswith(_STATUS):
        handle = _download_status
    try:
        if token is not None:
            _authorise(request, token)
        if handle is None:
            return json_response(refusal.unknown_route(request.method, path), status=unknown_status)
        return handle(world, request)
    except Refusal as refused:
        return json_response(refused.body, status=refused.status)


def _authorise(request: Request, token: str) -> None:
    kind, _, sent = request.headers.get("authorization", "").partition(" ")
    if kind != "Bearer" or not sent:
        raise refusal.no_token()
    if sent != token:
        raise refusal.wrong_token(sent)


def _models(world: World, request: Request) -> Response:  # noqa: ARG001  (one signature for all routes)
    return json_response(world.library.shown())


def _load(world: World, request: Request) -> Response:
    body = load_body(request.body)
    model = world.library.find(body.model)
    if model is None:
        raise refusal.not_downloaded(body.model)
    if model.is_embedding and body.offload_kv_cache_to_gpu is not None:
        raise refusal.no_offload_of_embeddings()
    wanted = LoadConfig(
        context_length=body.context_length,
        eval_batch_size=body.eval_batch_size,
        flash_attention=body.flash_attention,
        num_experts=body.num_experts,
        offload_kv_cache_to_gpu=body.offload_kv_cache_to_gpu,
    )
    world.pause(world.load_s)
    loaded = world.library.load(model, wanted)
    echoed = loaded.config if body.echo_load_config else None
    return json_response(answer.load_answer(model, loaded.id, load_time_s=world.load_s, echoed=echoed))


def _unload(world: World, request: Request) -> Response:
    body = unload_body(request.body)
    world.library.unload(body.instance_id)
    return json_response({"instance_id": body.instance_id})


def _download(world: World, request: Request) -> Response:
    return world.catalogue.begin(request, world.library)


def _download_status(world: World, request: Request) -> Response:
    job_id = unquote(request.path.partition("?")[0].removeprefix(_STATUS))
    return world.catalogue.status(job_id, world.library)


def _openai_models(world: World, request: Request) -> Response:  # noqa: ARG001  (one signature for all routes)
    return json_response(answer.openai_listing(world.library.models))


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
