"""One loaded instance: a process of its own around llama.cpp's server.

Creating and deleting `xllamacpp.Server` several times in one process hung at the fourth (2026-11); a process also gives
its memory back for certain, and a crash of llama.cpp takes only its own instance along.

Protocol: one line of JSON on stdin, one on stdout (`{"socket": …}` or `{"error": …}`), then it serves until stdin ends.
It listens on a Unix socket in a folder of this user: llama.cpp's server reflects any Origin, checks no Host and answers
some routes without the key, so no port of it may be reachable. Only the standard library and xllamacpp are imported:
starting is part of the load time.
"""

import json
import os
import shutil
import sys
import threading
from typing import Any


def main() -> None:
    """Load the model that stdin describes, say where it listens, and serve until stdin ends."""
    answers = os.dup(1)
    os.dup2(2, 1)  # llama.cpp logs to stdout too; answers must stay apart.
    spec = json.loads(sys.stdin.buffer.readline())
    os.umask(0o077)
    threading.Thread(target=_exit_on_eof, args=(spec["socket"],), daemon=True).start()
    try:
        server = load(spec)
    except RuntimeError as exc:
        os.write(answers, json.dumps({"error": str(exc)}).encode() + b"\n")
        sys.exit(1)  # Not os._exit: llama.cpp writes its log in a thread, and the reason may not be out yet.
    os.write(answers, json.dumps({"socket": server.listening_address.removeprefix("unix://")}).encode() + b"\n")
    threading.Event().wait()


def _exit_on_eof(socket: str) -> None:
    # Leaving main() would not end the process while it generates: over 20 s were measured.
    while os.read(0, 4096):
        pass
    # The server removes the folder of a worker that it ends; if the server was killed, no one else will.
    shutil.rmtree(os.path.dirname(socket), ignore_errors=True)  # noqa: PTH120  (pathlib is not imported here)
    os._exit(0)


def load(spec: dict[str, Any]) -> Any:
    """Return llama.cpp's server with the model and the settings of `harness.embedded.instance.worker_spec`."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = spec["path"]
    params.model_alias = {spec["instance_id"]}
    params.hostnames = [spec["socket"]]
    params.port = 0
    params.api_keys = [spec["api_key"]]
    params.ui = False
    params.n_ctx = spec["context_length"]
    params.n_parallel = spec["parallel"]
    # One request may use the whole context; without it 8192 tokens over 4 slots left 2048 to each.
    params.kv_unified = True
    # As many decode threads as cores let a busy neighbour, such as the client, slow decoding from 125 to 4-8 token/s.
    params.cpuparams.n_threads = spec["decode_threads"]
    params.cpuparams_batch.n_threads = spec["batch_threads"]
    if spec["flash_attention"] is not None:
        kind = xllamacpp.llama_flash_attn_type
        params.flash_attn_type = (
            kind.LLAMA_FLASH_ATTN_TYPE_ENABLED if spec["flash_attention"] else kind.LLAMA_FLASH_ATTN_TYPE_DISABLED
        )
    if spec["embedding"]:
        params.embedding = True
        params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
        params.n_batch = params.n_ubatch = spec["context_length"]
    else:
        params.n_batch = spec["eval_batch_size"]
    return xllamacpp.Server(params)


if __name__ == "__main__":
    main()
