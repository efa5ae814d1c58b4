"""The JSON of requests: closed bodies with documented keys only, as LM Studio refuses any other key with 400."""

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from harness.domain.generation import ChatRequest, Image
from harness.domain.model import LoadConfig


def encoded(body: Mapping[str, Any]) -> bytes:
    """Return `body` as JSON in ASCII, which can carry whatever text a sample holds."""
    return json.dumps(body, allow_nan=False).encode("ascii")


def load_body(key: str, config: LoadConfig, *, echo: bool) -> dict[str, Any]:
    """Return the body of `POST /api/v1/models/load`; `parallel` is never sent, as REST does not take it."""
    settings = {name: value for name, value in config.as_dict().items() if name != "parallel"}
    return {"model": key, **settings, **({"echo_load_config": True} if echo else {})}


def chat_body(request: ChatRequest, *, stream: bool) -> dict[str, Any]:
    """Return the body of `POST /api/v1/chat`: what is None is left out, and `store` is always said.

    An item of `input` has the type "text" or "image"; the "message" of the documentation is refused (docs issue 253).
    """
    body = {field.name: getattr(request, field.name) for field in fields(request) if field.name != "input"}
    body = {name: value for name, value in body.items() if value is not None}
    body["input"] = request.input if isinstance(request.input, str) else [_item(one) for one in request.input]
    return body | ({"stream": True} if stream else {})


def _item(item: str | Image) -> dict[str, str]:
    if isinstance(item, Image):
        return {"type": "image", "data_url": item.data_url}
    return {"type": "text", "content": item}
