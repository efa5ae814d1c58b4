"""llama.cpp in a process of its own, asked without a server: lists of requests in, the moments of their answers out."""

import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from harness.embedded.worker import load


class Answer:
    """The moments at which an answer's text came, and llama.cpp's own timings."""

    def __init__(self) -> None:
        self.sent_at = time.monotonic()
        self.deltas: list[float] = []
        self.timings: dict[str, Any] = {}

    def take(self, chunk: dict[str, Any]) -> bool:
        """Take in a chunk of the stream; False: go on."""
        at = time.monotonic()
        if any(choice["delta"].get("content") for choice in chunk["choices"]):
            self.deltas.append(at)
        self.timings = chunk.get("timings") or self.timings
        return False


def main() -> None:
    """Load the model that the first line of stdin describes; then answer each further line, requests asked at once."""
    answers = os.dup(1)
    os.dup2(2, 1)  # llama.cpp logs to stdout too; answers must stay apart.
    engine = load(json.loads(sys.stdin.readline()))
    os.write(answers, b"[]\n")

    def ask(body: dict[str, Any]) -> dict[str, Any]:
        answer = Answer()
        engine.handle_chat_completions({**body, "stream": True}, answer.take)
        return vars(answer)

    with ThreadPoolExecutor(max_workers=16) as threads:
        for line in sys.stdin:
            os.write(answers, json.dumps(list(threads.map(ask, json.loads(line)))).encode() + b"\n")
    os._exit(0)


if __name__ == "__main__":
    main()
