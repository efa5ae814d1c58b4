"""`preflight`, `models`, `load`, `unload`."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from harness.cli.option import Command, connected, leasing, print_json, print_text, server_options

if TYPE_CHECKING:
    from harness.domain.model import InstanceId, Model
    from harness.lifecycle.lease import Lease


@click.command()
@server_options
def preflight(url: str, token: str, *, as_json: bool) -> None:
    """Tell whether LM Studio is there and lets us in, and what is loaded.

    Exit codes: 0 ready; 3 nobody listens, or it is not LM Studio, or older than 0.4; 4 it wants another token.

    \b
    Examples:
      lms-harness preflight
      lms-harness preflight --url http://127.0.0.1:1235 --json
    """
    from harness.lifecycle.resident import resident_ids

    with connected(url, token) as client:
        listing = client.models()
        loaded = resident_ids(listing)
        kind = client.server_kind
    if as_json:
        print_json({"url": client.url, "server": kind, "models": len(listing), "loaded": list(loaded)})
        return
    print_text(f"Ready: {client.url} ({kind}), {len(listing)} models, {len(loaded)} loaded")
    for one in loaded:
        print_text(f"  {one}")


@click.command()
@server_options
@click.option("--loaded", is_flag=True, help="Only models with a loaded instance.")
def models(url: str, token: str, *, as_json: bool, loaded: bool) -> None:
    """List the downloaded models and their loaded instances.

    \b
    Examples:
      lms-harness models --loaded
      lms-harness models --json | jq -r '.models[].key'
    """
    from dataclasses import asdict

    from harness.report.models import render_models

    with connected(url, token) as client:
        listing = [model for model in client.models() if model.is_loaded or not loaded]
    if as_json:
        print_json({"models": [asdict(model) for model in listing]})
    else:
        click.echo(render_models(listing))


def _load_options(command: Command) -> Command:
    options: list[Callable[[Command], Command]] = [
        click.option("--context-length", type=click.IntRange(1), metavar="N", help="Tokens of context."),
        click.option("--eval-batch-size", type=click.IntRange(1), metavar="N", help="Tokens evaluated at a time."),
        click.option("--flash-attention/--no-flash-attention", default=None, help="Use flash attention (llama.cpp)."),
        click.option("--num-experts", type=click.IntRange(1), metavar="N", help="Active experts (mixture models)."),
        click.option("--offload-kv-cache-to-gpu/--no-offload-kv-cache-to-gpu", default=None, help="Where it lies."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@click.command()
@click.argument("key")
@_load_options
@click.option("--new-instance", is_flag=True, help="Load another copy even if a fitting one is loaded.")
@server_options
def load(key: str, url: str, token: str, *, as_json: bool, new_instance: bool, **config: Any) -> None:
    """Load the model KEY, verify it by listing, and leave it loaded.

    A fitting instance that is loaded already is reported instead: loading again would make a second full copy.

    \b
    Examples:
      lms-harness load qwen/qwen3-4b-2507 --context-length 8192
      lms-harness load qwen/qwen3-4b-2507 --new-instance --json
    """
    from harness.domain.model import LoadConfig

    with connected(url, token) as client, leasing(client, token) as leases:
        lease = leases.acquire(key, LoadConfig(**config), reuse=not new_instance)
        _report(lease, as_json=as_json)
        # Only now: a command that dies before its answer is printed has not handed anything over.
        leases.hand_over(lease)


def _report(lease: "Lease", *, as_json: bool) -> None:
    from harness.report.table import seconds

    config = lease.instance.config.as_dict()
    if as_json:
        print_json(
            {
                "instance_id": lease.instance.id,
                "loaded_now": lease.is_owned,
                "load_time_seconds": lease.load_time_s,
                "load_wall_seconds": lease.load_wall_s,
                "config": config,
            }
        )
        return
    told = ", ".join(f"{name}={value}" for name, value in config.items())
    if lease.is_owned:
        took = lease.load_time_s if lease.load_time_s is not None else lease.load_wall_s
        print_text(f"Loaded {lease.instance.id} in {seconds(took)} ({told})")
    else:
        print_text(f"{lease.instance.id} is loaded already ({told}); --new-instance loads another copy")


@click.command()
@click.argument("key", required=False)
@click.option("--instance", "instance_id", metavar="ID", help="Unload only the instance with exactly this id.")
@server_options
def unload(key: str | None, url: str, token: str, *, as_json: bool, instance_id: str | None) -> None:
    """Unload every instance of the model KEY, or exactly one instance; verified by listing.

    \b
    Examples:
      lms-harness unload qwen/qwen3-4b-2507
      lms-harness unload --instance qwen/qwen3-4b-2507:2
    """
    if (key is None) == (instance_id is None):
        raise click.UsageError("give either a model KEY or --instance ID")
    from harness.clock import SystemClock
    from harness.lifecycle.resident import unload_verified

    with connected(url, token) as client:
        ids = _instances(client.models(), key, instance_id)
        for one in ids:
            unload_verified(client, one, clock=SystemClock())
    if as_json:
        print_json({"unloaded": list(ids)})
    elif ids:
        print_text(f"Unloaded {', '.join(ids)}; the listing no longer shows it")
    else:
        print_text(f"{key} has no loaded instance")


def _instances(listing: "Sequence[Model]", key: str | None, instance_id: str | None) -> "Sequence[InstanceId]":
    from harness.errors import InstanceNotLoaded
    from harness.lifecycle.resident import resident_ids
    from harness.lifecycle.selection import find_model

    if key is not None:
        return [one.id for one in find_model(listing, key).loaded_instances]
    loaded = resident_ids(listing)
    found = [one for one in loaded if one == instance_id]
    if not found:
        now = ", ".join(loaded) or "none"
        raise InstanceNotLoaded(f"no loaded instance has the id {instance_id!r}", hint=f"Loaded are: {now}")
    return found
