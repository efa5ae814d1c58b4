"""`chat`: gives one model one task and prints its answer."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.chat_option import answer_options, question_options, thread_options
from harness.cli.completion import model_names
from harness.cli.connection import connected, leasing
from harness.cli.option import server_options
from harness.cli.output import note, print_answer, print_json, print_piece
from harness.domain.count import counted
from harness.report.text import PrintablePieces

if TYPE_CHECKING:
    from harness.command.chat import ChatReply, InThread
    from harness.domain.generation import ChatRequest
    from harness.store.chat_log import ChatLog


@click.command()
@click.argument("model", shell_complete=model_names)
@click.argument("task", required=False)
@question_options
@thread_options
@answer_options
@server_options
def chat(
    model: str,
    task: str | None,
    url: str,
    token: str,
    *,
    file: Path | None,
    images: tuple[Path, ...],
    stream: bool,
    log_path: Path | None,
    unload_after: bool,
    keep: bool,
    as_json: bool,
    **asked: Any,
) -> None:
    """Give MODEL one TASK and print its answer. If the model is not loaded, load it and leave it loaded.

    MODEL is a key, or the id or alias of a loaded instance. TASK is the text; it may come from --file PATH instead, or
    from standard input if it is - or left out. The answer goes to standard output, everything else to standard error.

    If the server fails or the connection breaks before any of the answer has arrived, TASK is sent again, up to three
    times in all. After an empty answer it is sent once more; if that is empty, too, the exit code is 1. A load is never
    repeated.

    --json prints one object: content, content_source (message, reasoning or null), outcome (ok, truncated, empty,
    reasoning_only), model_instance_id, response_id (null unless stored), usage (input_tokens, total_output_tokens,
    reasoning_output_tokens, model_load_time_seconds), stats (tokens_per_second, time_to_first_token_seconds,
    total_seconds, attempts) and tool_calls.

    \b
    Examples:
      lms-harness chat qwen/qwen3-4b-2507 'Name three rivers.' --unload-after
      git diff | lms-harness chat qwen/qwen3-4b-2507 --system 'Review this change.' --stream
      lms-harness chat qwen/qwen3-4b-2507 --file letter.txt --reasoning off --max-output-tokens 300 --json
      lms-harness chat google/gemma-3-4b 'What is in this picture?' --image photo.jpg
      lms-harness chat qwen/qwen3-4b-2507 'My name is Ada.' --new-thread
      lms-harness chat qwen/qwen3-4b-2507 'What is my name?' --stateful
    """
    from harness.command.chat import ask_once
    from harness.domain.generation import Outcome

    request, thread = _request(model, _prompt(task, file), images, **asked)
    printer = _Printer() if stream and not as_json else None
    with _log(log_path, token) as log, connected(url, token) as client, leasing(client, token) as leases:
        on_text = printer.show if printer else None
        reply = ask_once(client, leases, request, thread=thread, on_text=on_text, log=log, say=note)
        _print(reply, printer, as_json=as_json)
        _explain(reply, request)
        # Only now: a call that dies before its answer is printed has not handed anything over.
        if keep or not unload_after:
            leases.hand_over(reply.lease)
    if reply.outcome is Outcome.EMPTY and not reply.generation.tool_calls:
        sys.exit(1)


@contextlib.contextmanager
def _log(path: Path | None, token: str) -> "Iterator[ChatLog | None]":
    from harness.clock import SystemClock
    from harness.store.chat_log import ChatLog

    if path is None:
        yield None
        return
    with ChatLog(path, token=token, clock=SystemClock(), say=note) as log:
        yield log


def _prompt(task: str | None, file: Path | None) -> str:
    from harness.task.prompt import prompt_of, read_prompt

    if file is not None and task is not None:
        raise click.UsageError("give either TASK or --file PATH, not both")
    if file is not None and str(file) != "-":
        return read_prompt(file, name=str(file))
    if task is not None and task != "-":
        return prompt_of(_typed(task), name="TASK")
    if sys.stdin is None or (task is None and file is None and sys.stdin.isatty()):
        raise click.UsageError("TASK is missing: give it as an argument, by --file PATH, or on standard input")
    return read_prompt(sys.stdin.buffer, name="TASK (from standard input)")


def _typed(text: str) -> bytes:
    """Return the bytes of an argument; Python keeps those that are not UTF-8 as surrogates."""
    return text.encode("utf-8", "surrogateescape")


def _request(
    model: str,
    prompt: str,
    images: tuple[Path, ...],
    *,
    system: str | None,
    stateful: bool,
    new_thread: bool,
    previous_response_id: str | None,
    store: bool | None,
    **sampling: Any,
) -> "tuple[ChatRequest, InThread]":
    from harness.domain.generation import ChatRequest
    from harness.domain.model import ResponseId
    from harness.task.image import read_image
    from harness.task.prompt import text_of

    if previous_response_id is not None and not previous_response_id.strip():
        raise click.UsageError("--previous-response-id is empty: expected the response_id of a stored answer")
    if new_thread and previous_response_id is not None:
        raise click.UsageError("give either --new-thread or --previous-response-id, not both")
    if store is False and (stateful or new_thread):
        raise click.UsageError("--no-store cannot be combined with a thread, which continues stored answers")
    thread: InThread = "anew" if new_thread else "continue" if stateful else "no"
    request = ChatRequest(
        model=model,
        input=(prompt, *(read_image(path) for path in images)) if images else prompt,
        system_prompt=None if system is None else text_of(_typed(system), name="--system"),
        previous_response_id=ResponseId(previous_response_id) if previous_response_id is not None else None,
        store=(thread != "no" or previous_response_id is not None) if store is None else store,
        **sampling,
    )
    return request, thread


class _Printer:
    """Prints the pieces of an answer as they arrive, made safe."""

    def __init__(self) -> None:
        self._pieces = PrintablePieces()
        self.has_shown = False

    def show(self, piece: str) -> None:
        self.has_shown |= bool(piece.strip())
        print_piece(self._pieces.add(piece))

    def end(self) -> None:
        print_piece(self._pieces.end() + "\n")


def _print(reply: "ChatReply", printer: _Printer | None, *, as_json: bool) -> None:
    if as_json:
        print_json(reply.as_dict())
        return
    if printer is not None and printer.has_shown:
        printer.end()
    else:
        print_answer(reply.content)


def _explain(reply: "ChatReply", request: "ChatRequest") -> None:
    """Say on standard error what is wrong with an answer; the answer itself is printed as it is."""
    from harness.domain.generation import Outcome

    limit = request.max_output_tokens
    produced = reply.generation.stats.total_output_tokens
    cut = (
        f", and the limit of {counted(limit, 'token')} was reached" if limit and produced and produced >= limit else ""
    )
    explanation = {
        Outcome.TRUNCATED: f"The answer is cut off at {counted(limit or 0, 'token')}; --max-output-tokens allows more.",
        Outcome.REASONING_ONLY: f"This is the reasoning: the model sent no message{cut}. "
        "Try --reasoning off or more --max-output-tokens.",
        Outcome.EMPTY: "The answer is empty.",
    }.get(reply.outcome)
    if explanation is not None:
        note(explanation)
