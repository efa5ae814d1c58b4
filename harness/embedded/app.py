"""The routes of the embedded server, and what every request passes first."""

import asyncio
import contextlib
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Mapping
from importlib import metadata
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from harness.domain.model import LoadConfig, Model
from harness.embedded import native, openai, tool
from harness.embedded.body import ChatBody, DownloadBody, LoadBody, UnloadBody, parse, parse_json
from harness.embedded.fault import Fault
from harness.embedded.instance import LoadedInstance
from harness.embedded.pool import Pool
from harness.embedded.thread import Threads

MAX_BODY_BYTES = 32 * 1024 * 1024
SERVER_NAME = "lms-harness-embedded"
_UNAUTHENTICATED = (
    "An LM Studio API token is required to make requests to this server, but none was provided using the Authorization "
    "header with the 'Bearer' scheme"
)


def make_app(pool: Pool, *, token: str | None, hosts: frozenset[str]) -> ASGIApp:
    """Return the application.

    Args:
        pool: the models and instances; started and closed with the application.
        token: demanded on every route but the greeting; None: authentication is off.
        hosts: allowed Host headers, against DNS rebinding.
    """
    threads = Threads()
    routes = _Routes(pool, threads)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        pool.start()
        try:
            yield
        finally:
            await pool.close()

    app = Starlette(
        routes=[
            Route("/lmstudio-greeting", routes.greeting, methods=["GET"]),
            Route("/api/v1/models", routes.models, methods=["GET"]),
            Route("/api/v1/models/load", routes.load, methods=["POST"]),
            Route("/api/v1/models/unload", routes.unload, methods=["POST"]),
            Route("/api/v1/models/download", routes.download, methods=["POST"]),
            Route("/api/v1/models/download/status/{job_id}", routes.download_status, methods=["GET"]),
            Route("/api/v1/chat", routes.chat, methods=["POST"]),
            Route("/v1/models", routes.openai_models, methods=["GET"]),
            Route("/v1/chat/completions", routes.openai_chat, methods=["POST"]),
            Route("/v1/embeddings", routes.openai_embeddings, methods=["POST"]),
        ],
        exception_handlers={Fault: _answer_fault, HTTPException: _answer_unknown},  # type: ignore[dict-item]
        lifespan=lifespan,
    )
    return _Gate(app, token=token, hosts=hosts)


class _Routes:
    """One method a route; bodies in, bodies out."""

    def __init__(self, pool: Pool, threads: Threads) -> None:
        self._pool = pool
        self._threads = threads

    async def greeting(self, _: Request) -> Response:
        return _json({"lmstudio": True})

    async def models(self, _: Request) -> Response:
        return _json({"models": [self._listed(model) for model in self._pool.models]})

    async def load(self, request: Request) -> Response:
        body = parse(LoadBody, await request.body())
        file = self._pool.file(body.model)
        if file and file.model.is_embedding and body.offload_kv_cache_to_gpu is not None:
            message = "'offload_kv_cache_to_gpu' is not supported for an embedding model"
            raise Fault(400, message, code="invalid_value", param="offload_kv_cache_to_gpu")
        wanted = LoadConfig(
            context_length=body.context_length,
            eval_batch_size=body.eval_batch_size,
            flash_attention=body.flash_attention,
            offload_kv_cache_to_gpu=body.offload_kv_cache_to_gpu,
        )
        # Not tied to the connection: like LM Studio, a load whose client has gone is completed.
        instance = await asyncio.shield(asyncio.ensure_future(self._pool.load(body.model, wanted)))
        answer: dict[str, Any] = {
            "type": instance.file.model.type,
            "instance_id": instance.id,
            "load_time_seconds": round(instance.load_time_s, 3),
            "status": "loaded",
        }
        if body.echo_load_config:
            echoed = instance.config.as_dict()
            echoed.pop("parallel", None)
            answer["load_config"] = echoed
        return _json(answer)

    async def unload(self, request: Request) -> Response:
        body = parse(UnloadBody, await request.body())
        await asyncio.shield(asyncio.ensure_future(self._pool.unload(body.instance_id)))
        return _json({"instance_id": body.instance_id})

    async def download(self, request: Request) -> Response:
        body = parse(DownloadBody, await request.body())
        if self._pool.file(body.model) is not None:
            return _json({"status": "already_downloaded"})
        raise Fault(501, "Downloads are not implemented by this server", type="not_implemented")

    async def download_status(self, request: Request) -> Response:
        job = request.path_params["job_id"]
        raise Fault(404, f"Download job with id '{job}' not found", type="job_not_found")

    async def chat(self, request: Request) -> Response:
        body = parse(ChatBody, await request.body())
        chat = native.validate(body, self._pool, self._threads)
        events = native.events(chat, self._pool, self._threads)
        if body.stream:
            return _event_stream(_framed(events))
        return await _unless_gone(request, _plain(events))

    async def openai_models(self, _: Request) -> Response:
        return _json(openai.models(self._pool))

    async def openai_chat(self, request: Request) -> Response:
        body = _object(await request.body())
        openai.check_chat(body)
        instance = await openai.resolve(self._pool, body.get("model"), embedding=False)
        path = "/v1/chat/completions"
        if tool.wants_tools(body) and not openai.has_own_tools(instance):
            return await self._chat_with_tools_in_words(request, instance, body)
        if body.get("stream"):
            stream = openai.ask_streaming(instance, path, body)
            if (status := int(await anext(stream))) != 200:  # noqa: PLR2004  (OK)
                return Response(b"".join([chunk async for chunk in stream]), status, media_type="application/json")
            return _event_stream(_ending_in_words(stream))

        async def answer() -> Response:
            status, value = await openai.ask(instance, path, body)
            return _json(value, status)

        return await _unless_gone(request, answer())

    async def _chat_with_tools_in_words(
        self, request: Request, instance: LoadedInstance, body: dict[str, Any]
    ) -> Response:
        plain = tool.in_words(body)

        async def answer() -> Response:
            status, value = await openai.ask(instance, "/v1/chat/completions", plain)
            if status != 200:  # noqa: PLR2004  (OK)
                return _json(value, status)
            value = tool.with_calls(value, forced=tool.is_forced(body))
            if not body.get("stream"):
                return _json(value)
            with_usage = bool((body.get("stream_options") or {}).get("include_usage"))
            return Response(b"".join(tool.as_chunks(value, with_usage=with_usage)), media_type="text/event-stream")

        return await _unless_gone(request, answer())

    async def openai_embeddings(self, request: Request) -> Response:
        body = _object(await request.body())
        instance = await openai.resolve(self._pool, body.get("model"), embedding=True)
        body["input"] = await openai.truncated(instance, body.get("input"))

        async def answer() -> Response:
            status, value = await openai.ask(instance, "/v1/embeddings", body)
            return _json(value, status)

        return await _unless_gone(request, answer())

    def _listed(self, model: Model) -> dict[str, Any]:
        entry: dict[str, Any] = {"type": model.type, "publisher": model.publisher, "key": model.key}
        entry["display_name"] = model.display_name
        if model.is_chat:
            entry["architecture"] = model.architecture
        quant = model.quantization
        entry |= {
            "quantization": {"name": quant.name, "bits_per_weight": quant.bits_per_weight} if quant else None,
            "size_bytes": model.size_bytes,
            "params_string": model.params_string,
            "loaded_instances": [
                {"id": one.id, "config": one.config.as_dict()} for one in self._pool.instances_of(model)
            ],
            "max_context_length": model.max_context_length,
            "format": model.format,
        }
        if can := model.capabilities:
            entry["capabilities"] = {"vision": can.vision, "trained_for_tool_use": can.trained_for_tool_use}
            if can.reasoning_options:
                reasoning = {"allowed_options": list(can.reasoning_options), "default": can.reasoning_default}
                entry["capabilities"]["reasoning"] = reasoning
        return entry | ({"description": None} if model.is_chat else {})


async def _plain(events: AsyncIterator[native.Event]) -> Response:
    fault: Mapping[str, Any] | None = None
    async for name, data in events:
        if name == "error":
            fault = data
        elif name == "chat.end" and fault is None:
            return _json(data["result"])
    return _json(fault or {}, 404 if fault and fault["error"].get("code") == "model_not_found" else 500)


async def _framed(events: AsyncIterator[native.Event]) -> AsyncIterator[bytes]:
    async for name, data in events:
        payload = json.dumps({"type": name, **data}, ensure_ascii=False)
        yield f"event: {name}\ndata: {payload}\n\n".encode()


async def _ending_in_words(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    try:
        async for chunk in stream:
            yield chunk
    except Fault as exc:
        yield f"data: {json.dumps(exc.body())}\n\n".encode()


def _event_stream(chunks: AsyncIterator[bytes]) -> StreamingResponse:
    return StreamingResponse(chunks, media_type="text/event-stream", headers={"Cache-Control": "no-cache"})


async def _unless_gone(request: Request, answer: Awaitable[Response]) -> Response:
    """Return the answer; when the client hangs up first, the generation ends with it."""
    work = asyncio.ensure_future(answer)
    gone = asyncio.ensure_future(_hung_up(request))
    try:
        await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            return work.result()
        raise ClientDisconnect
    finally:
        for task in (work, gone):
            task.cancel()
        await asyncio.wait({work, gone})


async def _hung_up(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _object(raw: bytes) -> dict[str, Any]:
    value = parse_json(raw)
    if not isinstance(value, dict):
        raise Fault(400, "Expected object, received something else", code="invalid_type")
    return value


def _json(value: Mapping[str, Any], status: int = 200) -> Response:
    body = json.dumps(value, indent=2, ensure_ascii=False)
    return Response(body, status, media_type="application/json; charset=utf-8")


def _answer_fault(_: Request, exc: Fault) -> Response:
    return _json(exc.body(), exc.status)


def _answer_unknown(request: Request, exc: HTTPException) -> Response:
    if exc.status_code in {404, 405}:
        # LM Studio answers an unknown route or a wrong method with 200 (its bugs #618, #1323, #2085).
        return _json({"error": f"Unexpected endpoint or method. ({request.method} {request.url.path})"})
    return _json(Fault(exc.status_code, exc.detail).body(), exc.status_code)


class _Gate:
    """Checks Host, token and size of every request, and says who answers."""

    def __init__(self, app: ASGIApp, *, token: str | None, hosts: frozenset[str]) -> None:
        self._app = app
        self._token = token
        self._hosts = hosts
        self._name = f"{SERVER_NAME}/{_version()}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def named_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (b"server", self._name)]
            await send(message)

        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if refusal := self._refusal(scope["path"], headers):
            await _json(refusal.body(), refusal.status)(scope, receive, named_send)
            return
        try:
            await self._app(scope, _bounded(receive), named_send)
        except ClientDisconnect:
            return

    def _refusal(self, path: str, headers: Mapping[str, str]) -> Fault | None:
        if headers.get("host", "").lower() not in self._hosts:
            return Fault(403, "The Host header names another server", code="invalid_host")
        if int(headers.get("content-length", "0") or 0) > MAX_BODY_BYTES:
            return _too_large()
        if self._token is None or path == "/lmstudio-greeting":
            return None
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not given:
            return Fault(401, _UNAUTHENTICATED, code="invalid_api_key")
        if not hmac.compare_digest(given.encode(), self._token.encode()):
            message = f"Malformed LM Studio API token provided: {given[:4]}... Ensure you are using a valid token."
            return Fault(401, message, code="invalid_api_key")
        return None


def _too_large() -> Fault:
    return Fault(413, f"Request bodies are limited to {MAX_BODY_BYTES // 2**20} MiB", code="body_too_large")


def _bounded(receive: Receive) -> Receive:
    """Return a `receive` that raises a `Fault` where a body without a length goes over the limit."""
    size = 0

    async def bounded() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > MAX_BODY_BYTES:
            raise _too_large()
        return message

    return bounded


def _version() -> str:
    try:
        return metadata.version("lmstudio-harness")
    except metadata.PackageNotFoundError:
        return "unknown"
