"""The options of `chat`, by what they are about."""

from pathlib import Path

import click

from harness.cli.option import add_options

question_options = add_options(
    [
        click.option("--file", "file", type=click.Path(path_type=Path), metavar="PATH", help="Read TASK from a file."),
        click.option(
            "--system",
            metavar="TEXT",
            help="System prompt. In a thread it is sent with the first turn only: the thread keeps it, and the "
            "templates of some models fail when it comes again.",
        ),
        click.option(
            "--image",
            "images",
            type=click.Path(path_type=Path),
            metavar="PATH",
            multiple=True,
            help="Show the model a PNG, JPEG, WebP or GIF file of up to 20 MiB; repeatable.",
        ),
        click.option(
            "--temperature",
            type=click.FloatRange(0, 1),
            default=0.7,
            show_default=True,
            help="0 gives the likeliest answer, 1 the most varied.",
        ),
        click.option(
            "--max-output-tokens",
            type=click.IntRange(1),
            default=2000,
            show_default=True,
            metavar="N",
            help="Where the answer is cut off; reasoning counts too.",
        ),
        click.option(
            "--reasoning",
            metavar="VALUE",
            help="How much to reason: off, low, medium, high, on, or what else the model lists. It is not sent to a "
            "model that lists none. Default: the model's own.",
        ),
    ]
)

thread_options = add_options(
    [
        click.option(
            "--stateful",
            is_flag=True,
            help="Continue the thread with this model on this server, so that it knows the earlier turns. One turn at "
            "a time. If LM Studio no longer has the thread (it keeps one for 30 days), a new one begins.",
        ),
        click.option("--new-thread", is_flag=True, help="Like --stateful, but begin a new thread."),
        click.option(
            "--previous-response-id",
            metavar="ID",
            help="Continue this stored answer (response_id of --json) instead of the last turn of the thread. With "
            "--stateful, the thread continues from here.",
        ),
        click.option(
            "--store/--no-store",
            default=None,
            help="Let the server keep the answer, so that it can be continued. Default: only in a thread.",
        ),
    ]
)

answer_options = add_options(
    [
        click.option(
            "--context-length",
            type=click.IntRange(1),
            metavar="N",
            help="Context that the instance must have, in tokens; if none loaded has as much, another copy is loaded.",
        ),
        click.option("--stream", is_flag=True, help="Print the answer as it arrives; ignored with --json."),
        click.option(
            "--log",
            "log_path",
            type=click.Path(path_type=Path),
            metavar="PATH",
            help="Append each request and its outcome to this file, one JSON object per line. It holds prompts and "
            "answers; the token is masked, and of an image only the size is logged.",
        ),
        click.option("--unload-after", is_flag=True, help="Afterwards, unload what this call loaded."),
        click.option("--keep", is_flag=True, help="Leave the model loaded; overrides --unload-after."),
    ]
)
