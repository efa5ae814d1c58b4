"""The process of a null server: prints where it listens, and ends when its standard input ends."""

import argparse
import asyncio
import gc
import sys
from dataclasses import replace

from harness.domain.model import Capabilities, Instance, InstanceId, LoadConfig, Model, ModelKey, Quantization
from harness.testing.chat import World
from harness.testing.library import DEFAULT_MODELS, Library
from harness.testing.null.connection import Connection, Desk
from harness.testing.null.slots import Slots

KEY = ModelKey("null/echo")
"""The model that is loaded from the start, and has the longest context."""

_MODEL = Model(
    key=KEY,
    type="llm",
    publisher="null",
    display_name="Echo",
    architecture="llama",
    quantization=Quantization(name="F32", bits_per_weight=32),
    size_bytes=1_000_000,
    params_string="1M",
    max_context_length=131_072,
    format="gguf",
    capabilities=Capabilities(),
)
_CONTEXT = LoadConfig(context_length=131_072)
_BACKLOG = 1024


def _at_once(seconds: float) -> None:
    """Nothing waits outside a slot, however many seconds it should."""


def _library(*, slots: int, is_loaded: bool) -> Library:
    loaded = replace(_MODEL, loaded_instances=(Instance(id=InstanceId(KEY), config=replace(_CONTEXT, parallel=slots)),))
    return Library.of((loaded if is_loaded else _MODEL, *DEFAULT_MODELS), parallel=slots)


async def _serve(asked: argparse.Namespace) -> None:
    loop = asyncio.get_running_loop()
    world = World(
        library=_library(slots=asked.slots, is_loaded=not asked.unloaded),
        speak=lambda request: request.prompt if asked.reply is None else str(asked.reply),
        pause=_at_once,
        load_s=0.001,  # What a load says that it took; no server says 0.
    )
    desk = Desk(world=world, slots=Slots(loop, slots=asked.slots, answer_s=asked.answer_s), reply=asked.reply)
    server = await loop.create_server(lambda: Connection(desk), "127.0.0.1", asked.port, backlog=_BACKLOG)
    port = server.sockets[0].getsockname()[1]
    sys.stdout.write(f"http://127.0.0.1:{port}\n")
    sys.stdout.flush()
    gc.freeze()  # What was imported is not looked through again while chats are answered.
    ended = asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), ended.set)  # Nobody writes to it: it is readable when it has ended.
    await ended.wait()
    server.close()


def main() -> None:
    """Serve until standard input ends: the process that started this one is gone, or asks for it."""
    parser = argparse.ArgumentParser(
        prog="python -m harness.testing.null.process",
        description="LM Studio's API without models: every chat is answered at once, or after a fixed time in a slot.",
    )
    parser.add_argument("--slots", type=int, default=4, help="chats that are answered at a time (default: 4)")
    parser.add_argument("--answer-s", type=float, default=0.0, help="seconds that each takes in its slot (default: 0)")
    parser.add_argument("--reply", help="what every chat answers (default: its prompt)")
    parser.add_argument("--unloaded", action="store_true", help=f"do not load {KEY} from the start")
    parser.add_argument("--port", type=int, default=0, help="port to listen on (default: a free one)")
    asked = parser.parse_args()
    if asked.slots < 1 or asked.answer_s < 0:
        parser.error("--slots is at least 1, and --answer-s at least 0")
    asyncio.run(_serve(asked))


if __name__ == "__main__":
    main()
