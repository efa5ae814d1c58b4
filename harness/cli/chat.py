"""`chat`."""

import sys

import click

from harness.cli.option import connected, leasing, print_json, print_text, server_options


@click.command()
@click.argument("model")
@click.argument("task")
@click.option("--system", metavar="TEXT", help="System prompt.")
@click.option("--temperature", type=click.FloatRange(0, 1), default=0.7, show_default=True)
@click.option("--max-output-tokens", type=click.IntRange(1), default=2000, show_default=True)
@click.option("--stream", is_flag=True, help="Print the answer as it comes.")
@click.option("--unload-after", is_flag=True, help="Unload afterwards what this call caused to load.")
@server_options
def chat(
    model: str,
    task: str,
    url: str,
    token: str,
    *,
    system: str | None,
    temperature: float,
    max_output_tokens: int,
    stream: bool,
    unload_after: bool,
    as_json: bool,
) -> None:
    """Give MODEL one TASK and print its answer. The model is loaded first if it is not, and stays loaded.

    MODEL is a key or the id of a loaded instance; TASK is the text, or - to read it from standard input.

    \b
    Examples:
      lms-harness chat qwen/qwen3-4b-2507 'Name three rivers.' --unload-after
      git diff | lms-harness chat qwen/qwen3-4b-2507 - --system 'Review this change.' --stream
    """
    from harness.domain.generation import ChatRequest
    from harness.runner.chat import ask_once

    text = sys.stdin.buffer.read().decode("utf-8", "replace") if task == "-" else task
    if not text.strip():
        raise click.UsageError("TASK is empty: expected some text")
    request = ChatRequest(
        model=model, input=text, system_prompt=system, temperature=temperature, max_output_tokens=max_output_tokens
    )
    shows_pieces = stream and not as_json
    with connected(url, token) as client, leasing(client, token) as leases:
        reply = ask_once(client, leases, request, on_text=_print_piece if shows_pieces else None)
        if as_json:
            print_json(reply.as_dict())
        else:
            print_text("" if shows_pieces else reply.content)
        if not unload_after:
            leases.hand_over(reply.lease)


def _print_piece(piece: str) -> None:
    print_text(piece, end="")
