"""`chat`."""

import contextlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.completion import model_names
from harness.cli.option import Command, connected, leasing, note, print_json, print_text, server_options
from harness.report.text import PrintablePieces

if TYPE_CHECKING:
    from harness.command.chat import InThread, Reply
    from harness.domain.generation import ChatRequest


def _question_options(command: Command) -> Command:
    options: list[Callable[[Command], Command]] = [
        click.option("--file", "file", type=click.Path(path_type=Path), metavar="PATH", help="Read TASK from a file."),
        click.option(
            "--system", metavar="TEXT",
            help="System prompt. Sent with the first turn of a thread only: the thread keeps it, and some models' "
            "templates fail when it comes again.",
        ),
        click.option(
            "--image", "images", type=click.Path(path_type=Path), metavar="PATH", multiple=True,
            help="Show the model a PNG, JPEG, WebP or GIF file of up to 20 MiB; may be repeated.",
        ),
        click.option(
            "--temperature", type=click.FloatRange(0, 1), default=0.7, show_default=True,
            help="0 gives the likeliest answer, 1 the most varied.",
        ),
        click.option(
            "--max-output-tokens", type=click.IntRange(1), default=2000, show_default=True, metavar="N",
            help="Where the answer is cut off; reasoning counts too.",
        ),
        click.option(
            "--reasoning", metavar="VALUE",
            help="How much to reason: off, low, medium, high, on, or what else the model lists. Not sent to a model "
            "that lists none; without this option the model's own default holds.",
        ),
    ]  # fmt: skip
    return _with(options, command)


def _thread_options(command: Command) -> Command:
    options: list[Callable[[Command], Command]] = [
        click.option(
            "--stateful", is_flag=True,
            help="Continue the thread with this model on this server: it remembers the turns before. One turn at a "
            "time; where LM Studio has forgotten the thread (30 days), it is begun anew.",
        ),
        click.option("--new-thread", is_flag=True, help="As --stateful, but begin the thread anew."),
        click.option(
            "--previous-response-id", metavar="ID",
            help="Continue this stored answer (response_id of --json). Wins over the thread of --stateful, which then "
            "goes on from here.",
        ),
        click.option(
            "--store/--no-store", default=None,
            help="Let the server keep the answer, so that it can be continued. By default only in a thread.",
        ),
    ]  # fmt: skip
    return _with(options, command)


def _other_options(command: Command) -> Command:
    options: list[Callable[[Command], Command]] = [
        click.option(
            "--context-length", type=click.IntRange(1), metavar="N",
            help="Tokens of context that the instance must have; if no loaded one has, another copy is loaded.",
        ),
        click.option("--stream", is_flag=True, help="Print the answer as it comes; --json wins over it."),
        click.option(
            "--log", "log_path", type=click.Path(path_type=Path), metavar="PATH",
            help="Append every request and what became of it to this file, a JSON object a line. Prompts and answers "
            "are in it; the token is masked, and of images only the size is told.",
        ),
        click.option("--unload-after", is_flag=True, help="Unload afterwards what this call caused to load."),
        click.option("--keep", is_flag=True, help="Leave the model loaded, whatever --unload-after says."),
    ]  # fmt: skip
    return _with(options, command)


def _with(options: list[Callable[[Command], Command]], command: Command) -> Command:
    for option in reversed(options):
        command = option(command)
    return command


@click.command()
@click.argument("model", shell_complete=model_names)
@click.argument("task", required=False)
@_question_options
@_thread_options
@_other_options
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
    """Give MODEL one TASK and print its answer. The model is loaded first if it is not, and stays loaded.

    MODEL is a key, or the id or alias of a loaded instance. TASK is the text; it may come from --file PATH instead,
    or from standard input if it is - or left out. The answer goes to standard output, all else to standard error.

    When the server fails or the connection breaks before anything of the answer came, TASK is sent again, three times
    in all; an empty answer is asked for once more. A load is never repeated.

    --json prints one object: content, content_source (message, reasoning or null), outcome (ok, truncated, empty,
    reasoning_only), model_instance_id, response_id (null unless stored), usage (input_tokens, total_output_tokens,
    reasoning_output_tokens, model_load_time_seconds), stats (tokens_per_second, time_to_first_token_seconds,
    total_seconds, attempts) and tool_calls.

    \b
    Examples:
      lms-harness chat qwen/qwen3-4b-2507 'Name three rivers.' --unload-after
      git diff | lms-harness chat qwen/qwen3-4b-2507 --system 'Review this change.' --stream
      lms-harness chat qwen/qwen3-4b-2507 --file letter.txt --reasoning off --max-output-tokens 300 --json
      lms-harness chat google/gemma-3-4b 'What is on it?' --image photo.jpg
      lms-harness chat qwen/qwen3-4b-2507 'My name is Ada.' --new-thread
      lms-harness chat qwen/qwen3-4b-2507 'What is my name?' --stateful
    """
    from harness.client.retry import retried
    from harness.clock import SystemClock
    from harness.command.chat import ask_once
    from harness.errors import ConnectionLost, ServerFault
    from harness.store.chat_log import ChatLog

    request, thread = _request(model, _prompt(task, file), images, **asked)
    printer = _Printer() if stream and not as_json else None
    with contextlib.ExitStack() as open_until_done:
        log = None
        if log_path is not None:
            log = open_until_done.enter_context(ChatLog(log_path, token=token, clock=SystemClock(), say=note))
        client = retried(
            lambda _: open_until_done.enter_context(connected(url, token)),
            clock=SystemClock(),
            may_repeat=lambda exc: isinstance(exc, ConnectionLost | ServerFault),
        )
        leases = open_until_done.enter_context(leasing(client, token))
        on_text = printer.show if printer else None
        reply = ask_once(client, leases, request, thread=thread, on_text=on_text, log=log, say=note)
        _print(reply, printer, as_json=as_json)
        _explain(reply, request)
        if keep or not unload_after:
            leases.hand_over(reply.lease)


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
    """Return the bytes of an argument: those that are no UTF-8 came through as surrogates."""
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

    if previous_response_id is not None and not previous_response_id.strip():
        raise click.UsageError("--previous-response-id is empty: expected the response_id of a stored answer")
    if new_thread and previous_response_id is not None:
        raise click.UsageError("--new-thread begins anew, --previous-response-id continues: give one of them")
    if store is False and (stateful or new_thread):
        raise click.UsageError("a thread cannot go on from what is not stored: leave out --no-store, or the thread")
    thread: InThread = "anew" if new_thread else "continue" if stateful else "no"
    request = ChatRequest(
        model=model,
        input=(prompt, *(read_image(path) for path in images)) if images else prompt,
        system_prompt=None if system is None else _typed(system).decode("utf-8", "replace"),
        previous_response_id=ResponseId(previous_response_id) if previous_response_id is not None else None,
        store=(thread != "no" or previous_response_id is not None) if store is None else store,
        **sampling,
    )
    return request, thread


class _Printer:
    """Prints the pieces of an answer as they come, made safe."""

    def __init__(self) -> None:
        self._pieces = PrintablePieces()
        self.has_shown = False

    def show(self, piece: str) -> None:
        self.has_shown |= bool(piece.strip())
        click.echo(self._pieces.add(piece), nl=False)

    def end(self) -> None:
        click.echo(self._pieces.end())


def _print(reply: "Reply", printer: _Printer | None, *, as_json: bool) -> None:
    if as_json:
        print_json(reply.as_dict())
        return
    if printer is not None and printer.has_shown:
        printer.end()
    else:
        print_text(reply.content)


def _explain(reply: "Reply", request: "ChatRequest") -> None:
    """Say on standard error what is wrong with an answer that came; the answer itself stays as it is."""
    from harness.domain.generation import Outcome

    limit = request.max_output_tokens
    produced = reply.generation.stats.total_output_tokens
    cut = f" and the limit of {limit} tokens is reached" if limit and produced and produced >= limit else ""
    told = {
        Outcome.TRUNCATED: f"The answer is cut off at {limit} tokens; --max-output-tokens allows more.",
        Outcome.REASONING_ONLY: f"This is the reasoning: there is no message{cut}. "
        "Try --reasoning off or more --max-output-tokens.",
        Outcome.EMPTY: "The answer is empty.",
    }.get(reply.outcome)
    if told is not None:
        note(told)
