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

from harness.domain.model import LoadConfig
from harness.embedded import native, openai, tool
from harness.embedded.instance import LoadedInstance
from harness.embedded.pool import Pool
from harness.embedded.thread import Threads
from harness.serving import body as bodies
from harness.serving.answer import (
    EVENTS_TYPE,
    JSON_TYPE,
    event,
    greeting,
    json_bytes,
    listing,
    load_answer,
    openai_listing,
)
from harness.serving.json_body import parse_object
from harness.serving.refusal import (
    Refusal,
    no_offload_of_embeddings,
    no_token,
    unknown_job,
    unknown_route,
    wrong_token,
)

MAX_BODY_BYTES = 32 * 1024 * 1024
SERVER_NAME = "lms-harness-embedded"


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
        exception_handlers={Refusal: _answer_refusal, HTTPException: _answer_unknown},  # type: ignore[dict-item]
        lifespan=lifespan,
    )
    return _Gate(app, token=token, hosts=hosts)


class _Routes:
    """One method a route; bodies in, bodies out."""

    def __init__(self, pool: Pool, threads: Threads) -> None:
        self._pool = pool
        self._threads = threads

    async def greeting(self, _: Request) -> Response:
        return _json(greeting())

    async def models(self, _: Request) -> Response:
        return _json(listing(self._pool.listed_models()))

    async def load(self, request: Request) -> Response:
        body = bodies.load_body(await request.body())
        file = self._pool.file(body.model)
        if file and file.model.is_embedding and body.offload_kv_cache_to_gpu is not None:
            raise no_offload_of_embeddings()
        wanted = LoadConfig(
            context_length=body.context_length,
            eval_batch_size=body.eval_batch_size,
            flash_attention=body.flash_attention,
            offload_kv_cache_to_gpu=body.offload_kv_cache_to_gpu,
        )
        # Not tied to the connection: like LM Studio, a load whose client has gone is completed.
        instance = await asyncio.shield(asyncio.ensure_future(self._pool.load(body.model, wanted)))
        echoed = instance.config if body.echo_load_config else None
        return _json(load_answer(instance.file.model, instance.id, load_time_s=instance.load_time_s, echoed=echoed))

    async def unload(self, request: Request) -> Response:
        body = bodies.unload_body(await request.body())
        await asyncio.shield(asyncio.ensure_future(self._pool.unload(body.instance_id)))
        return _json({"instance_id": body.instance_id})

    async def download(self, request: Request) -> Response:
        body = bodies.download_body(await request.body())
        if self._pool.file(body.model) is not None:
            return _json({"status": "already_downloaded"})
        raise Refusal(501, "Downloads are not implemented by this server", type="not_implemented")

    async def download_status(self, request: Request) -> Response:
        raise unknown_job(request.path_params["job_id"])

    async def chat(self, request: Request) -> Response:
        body = bodies.chat_body(await request.body())
        chat = native.validate(body, self._pool, self._threads)
        events = native.events(chat, self._pool, self._threads)
        if body.stream:
            return _event_stream(_framed(events))
        return await _unless_gone(request, _plain(events))

    async def openai_models(self, _: Request) -> Response:
        return _json(openai_listing(self._pool.models))

    async def openai_chat(self, request: Request) -> Response:
        body = parse_object(await request.body())
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
            return Response(b"".join(tool.as_chunks(value, with_usage=with_usage)), media_type=EVENTS_TYPE)

        return await _unless_gone(request, answer())

    async def openai_embeddings(self, request: Request) -> Response:
        body = parse_object(await request.body())
        instance = await openai.resolve(self._pool, body.get("model"), embedding=True)
        body["input"] = await openai.truncated(instance, body.get("input"))

        async def answer() -> Response:
            status, value = await openai.ask(instance, "/v1/embeddings", body)
            return _json(value, status)

        return await _unless_gone(request, answer())


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
        yield event(name, data)


async def _ending_in_words(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    try:
        async for chunk in stream:
            yield chunk
    except Refusal as exc:
        yield f"data: {json.dumps(exc.body)}\n\n".encode()


def _event_stream(chunks: AsyncIterator[bytes]) -> StreamingResponse:
    return StreamingResponse(chunks, media_type=EVENTS_TYPE, headers={"Cache-Control": "no-cache"})


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


def _json(value: Mapping[str, Any], status: int = 200) -> Response:
    return Response(json_bytes(value), status, media_type=JSON_TYPE)


def _answer_refusal(_: Request, exc: Refusal) -> Response:
    return _json(exc.body, exc.status)


def _answer_unknown(request: Request, exc: HTTPException) -> Response:
    if exc.status_code in {404, 405}:
        # LM Studio answers an unknown route or a wrong method with 200 (its bugs #618, #1323, #2085).
        return _json(unknown_route(request.method, request.url.path))
    return _json(Refusal(exc.status_code, exc.detail).body, exc.status_code)


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
            await _json(refusal.body, refusal.status)(scope, receive, named_send)
            return
        try:
            await self._app(scope, _bounded(receive), named_send)
        except ClientDisconnect:
            return

    def _refusal(self, path: str, headers: Mapping[str, str]) -> Refusal | None:
        if headers.get("host", "").lower() not in self._hosts:
            return Refusal(403, "The Host header names another server", code="invalid_host")
        if int(headers.get("content-length", "0") or 0) > MAX_BODY_BYTES:
            return _too_large()
        if self._token is None or path == "/lmstudio-greeting":
            return None
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not given:
            return no_token()
        if not hmac.compare_digest(given.encode(), self._token.encode()):
            return wrong_token(given)
        return None


def _too_large() -> Refusal:
    return Refusal(413, f"Request bodies are limited to {MAX_BODY_BYTES // 2**20} MiB", code="body_too_large")


def _bounded(receive: Receive) -> Receive:
    """Return a `receive` that raises a `Refusal` where a body without a length goes over the limit."""
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
