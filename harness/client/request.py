"""The JSON of requests. Bodies have documented keys only, as LM Studio refuses any other key with 400."""

import json
from collections.abc import Mapping
from typing import Any

from harness.domain.generation import ChatRequest, Image
from harness.domain.model import LoadConfig


def encoded(body: Mapping[str, Any]) -> bytes:
    """Return `body` as JSON in ASCII, which can carry any text, also half surrogate pairs."""
    return json.dumps(body, allow_nan=False).encode("ascii")


def load_body(key: str, config: LoadConfig, *, echo: bool) -> dict[str, Any]:
    """Return the body of `POST /api/v1/models/load`; `parallel` is never sent, as the route refuses it."""
    settings = {name: value for name, value in config.as_dict().items() if name != "parallel"}
    return {"model": key, **settings, **({"echo_load_config": True} if echo else {})}


def chat_body(request: ChatRequest, *, stream: bool) -> dict[str, Any]:
    """Return the body of `POST /api/v1/chat`: what is None is left out, and `store` is always sent.

    An item of `input` has the type "text" or "image"; LM Studio refuses the documented "message" (lmstudio-ai/docs
    issue 253).
    """
    body = request.as_dict()
    body["input"] = request.input if isinstance(request.input, str) else [_item(part) for part in request.input]
    return body | ({"stream": True} if stream else {})


def _item(item: str | Image) -> dict[str, str]:
    if isinstance(item, Image):
        return {"type": "image", "data_url": item.data_url}
    return {"type": "text", "content": item}
