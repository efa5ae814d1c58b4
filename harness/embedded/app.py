"""The routes of the embedded server: bodies in, answers out."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from harness.domain.model import LoadConfig
from harness.embedded import native, openai, tool
from harness.embedded.embedding import embed
from harness.embedded.gate import Gate
from harness.embedded.instance import LoadedInstance
from harness.embedded.pool import Pool
from harness.embedded.thread import StoredTurns
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
from harness.serving.openai_body import completion_body, embeddings_body
from harness.serving.refusal import (
    Refusal,
    no_offload_of_embeddings,
    unknown_job,
    unknown_route,
)

Read = TypeVar("Read")

_READ_AT_ONCE_BYTES = 64 * 1024
_OK = 200
_COMPLETIONS = "/v1/chat/completions"


def make_app(pool: Pool, *, token: str | None, hosts: frozenset[str]) -> ASGIApp:
    """Return the application.

    Args:
        pool: the models and instances; started and closed with the application.
        token: demanded on every route but the greeting; None: authentication is off.
        hosts: allowed Host headers, against DNS rebinding.
    """
    turns = StoredTurns()
    routes = _Routes(pool, turns)

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
    return Gate(app, token=token, hosts=hosts)


class _Routes:
    """One method a route."""

    def __init__(self, pool: Pool, turns: StoredTurns) -> None:
        self._pool = pool
        self._turns = turns
        # One at a time: parsing takes several times the size of a body, and all of the interpreter's time.
        self._reader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="body-reader")

    async def _read(self, request: Request, read: Callable[[bytes], Read]) -> Read:
        """Return a checked body; a long one is read in a thread, so that it holds no one up."""
        raw = b"".join([chunk async for chunk in request.stream()])
        if len(raw) <= _READ_AT_ONCE_BYTES:
            return read(raw)
        return await asyncio.get_running_loop().run_in_executor(self._reader, read, raw)

    async def greeting(self, _: Request) -> Response:
        return _json(greeting())

    async def models(self, _: Request) -> Response:
        return _json(listing(self._pool.listed_models()))

    async def load(self, request: Request) -> Response:
        body = await self._read(request, bodies.load_body)
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
        body = await self._read(request, bodies.unload_body)
        await asyncio.shield(asyncio.ensure_future(self._pool.unload(body.instance_id)))
        return _json({"instance_id": body.instance_id})

    async def download(self, request: Request) -> Response:
        body = await self._read(request, bodies.download_body)
        if self._pool.file(body.model) is not None:
            return _json({"status": "already_downloaded"})
        raise Refusal(501, "Downloads are not implemented by this server", type="not_implemented")

    async def download_status(self, request: Request) -> Response:
        raise unknown_job(request.path_params["job_id"])

    async def chat(self, request: Request) -> Response:
        body = await self._read(request, bodies.chat_body)
        chat = native.validate(body, self._pool, self._turns)
        events = native.events(chat, self._pool, self._turns)
        if body.stream:
            return _event_stream(_framed(events))
        return await _unless_gone(request, _plain(events))

    async def openai_models(self, _: Request) -> Response:
        return _json(openai_listing(self._pool.models))

    async def openai_chat(self, request: Request) -> Response:
        body = await self._read(request, completion_body)
        instance = await openai.resolve(self._pool, body.get("model", ""), embedding=False)
        await _unless_gone(request, openai.refuse_if_too_long(instance, body))
        if tool.wants_tools(body) and not openai.has_own_tools(instance):
            return await _unless_gone(request, _answer_with_tools_in_words(instance, body))
        if not body.get("stream"):
            return await _unless_gone(request, _answer_completion(instance, body))
        stream = openai.ask_streaming(instance, _COMPLETIONS, body)
        if (status := int(await anext(stream))) != _OK:
            return Response(b"".join([chunk async for chunk in stream]), status, media_type=JSON_TYPE)
        return _event_stream(_ending_in_words(stream))

    async def openai_embeddings(self, request: Request) -> Response:
        body = await self._read(request, embeddings_body)
        instance = await openai.resolve(self._pool, body.get("model", ""), embedding=True)
        work = embed(instance, body["input"], encoding_format=body.get("encoding_format"))
        return Response(await _unless_gone(request, work), media_type=JSON_TYPE)


async def _answer_completion(instance: LoadedInstance, body: Mapping[str, Any]) -> Response:
    status, value = await openai.ask(instance, _COMPLETIONS, body)
    return _json(value, status)


async def _answer_with_tools_in_words(instance: LoadedInstance, body: Mapping[str, Any]) -> Response:
    status, value = await openai.ask(instance, _COMPLETIONS, tool.in_words(body))
    if status != _OK:
        return _json(value, status)
    value = tool.with_calls(value, forced=tool.is_forced(body))
    if not body.get("stream"):
        return _json(value)
    with_usage = body.get("stream_options", {}).get("include_usage", False)
    return Response(b"".join(tool.as_chunks(value, with_usage=with_usage)), media_type=EVENTS_TYPE)


async def _plain(events: AsyncIterator[native.Event]) -> Response:
    refused: Mapping[str, Any] | None = None
    async for name, data in events:
        if name == "error":
            refused = data
        elif name == "chat.end" and refused is None:
            return _json(data["result"])
    return _json(refused or {}, 404 if refused and refused["error"].get("code") == "model_not_found" else 500)


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


async def _unless_gone(request: Request, answer: Awaitable[Read]) -> Read:
    """Return the answer; when the client hangs up first, the work for it ends."""
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
