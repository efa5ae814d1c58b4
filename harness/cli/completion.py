"""`completion`, and what Tab offers for models, instances and tasks."""

import os
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem, get_completion_class

from harness.settings import DEFAULT_TOKEN, DEFAULT_URL, EMBEDDED

if TYPE_CHECKING:
    from harness.domain.model import Model

PROGRAM = "lms-harness"
_VARIABLE = "_LMS_HARNESS_COMPLETE"
_PATIENCE_S = 0.5
_HARMLESS = re.compile(r"[\w.:/@%+=-]{1,300}")
"""Keys come from the server, and Tab puts them into a command line: they must be plain words to any shell."""


@click.command()
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script that lets SHELL complete commands, options, tasks, and model keys of a running LM Studio.

    \b
    Examples:
      eval "$(lms-harness completion bash)"      (in ~/.bashrc)
      eval "$(lms-harness completion zsh)"       (in ~/.zshrc)
      lms-harness completion fish > ~/.config/fish/completions/lms-harness.fish
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise AssertionError(f"click has no completion for {shell}")
    click.echo(kind(context.find_root().command, {}, PROGRAM, _VARIABLE).source())


def model_keys(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the keys of all downloaded models that begin with this text."""
    return _matching((model.key for model in _listing(context)), incomplete)


def instance_ids(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the ids of all loaded instances that begin with this text."""
    return _matching((instance.id for model in _listing(context) for instance in model.loaded_instances), incomplete)


def model_names(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return all keys and instance ids that begin with this text."""
    listing = _listing(context)
    ids = [instance.id for model in listing for instance in model.loaded_instances]
    return _matching([*(model.key for model in listing), *ids], incomplete)


def task_names(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the names of the shipped task classes that begin with this text, from their folders: Tab must be quick."""
    from harness.errors import HarnessError
    from harness.task.shipped import shipped_names

    try:
        found = shipped_names()
    except HarnessError:
        return []
    return _matching(found, incomplete)


def _matching(names: Iterable[str], incomplete: str) -> list[CompletionItem]:
    wanted = incomplete.lower()
    harmless = (name for name in dict.fromkeys(names) if _HARMLESS.fullmatch(name))
    return [CompletionItem(name) for name in harmless if name.lower().startswith(wanted)]


def _listing(context: click.Context) -> "tuple[Model, ...]":
    """Return what the server lists, or nothing if it does not answer at once: Tab must neither wait nor complain."""
    from harness.client.deadline import Deadlines
    from harness.client.http import Client
    from harness.errors import HarnessError

    url = context.params.get("url") or os.environ.get("LM_STUDIO_API_URL") or DEFAULT_URL
    if url == EMBEDDED:
        from harness.embedded.default_models import listing

        return () if context.params.get("models_dir") else listing()
    token = context.params.get("token") or os.environ.get("LM_API_TOKEN") or DEFAULT_TOKEN
    try:
        with Client(url, token=token, deadlines=Deadlines(connect_s=_PATIENCE_S, list_s=_PATIENCE_S)) as client:
            return client.models()
    except HarnessError:
        return ()
