"""`python -m harness.embedded`: how `EmbeddedServer` starts the server in a process of its own.

One line of JSON on stdin (port, models_dir, with_embedder, token, parallel); on stdout a line of JSON per progress
message, one with the `files` of each model by its key, and one with the `url`, or with an `error`. It ends when stdin
ends.
"""

import json
import os
import sys
from pathlib import Path

from harness.embedded.serve import exit_with, serve
from harness.errors import HarnessError


def main() -> int:
    """Serve as stdin says."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)  # Whatever a library prints must not be taken for an answer.
    spec = json.loads(sys.stdin.buffer.readline())
    exit_with(sys.stdin.buffer)

    def tell(**message: object) -> None:
        answers.write(json.dumps(message) + "\n")

    try:
        return serve(
            port=spec["port"],
            models_dir=Path(spec["models_dir"]) if spec["models_dir"] else None,
            with_embedder=spec["with_embedder"],
            token=spec["token"],
            parallel=spec["parallel"],
            on_progress=lambda line: tell(progress=line),
            on_files=lambda files: tell(files={file.model.key: [*map(str, file.parts)] for file in files}),
            on_ready=lambda url: tell(url=url),
        )
    except HarnessError as exc:
        tell(error=exc.message, hint=exc.hint)
        return exc.exit_code


if __name__ == "__main__":
    sys.exit(main())
