"""`load` and `unload`: one model, by hand."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from harness.cli.completion import instance_ids, model_keys
from harness.cli.connection import connected, leasing
from harness.cli.option import add_options, server_options
from harness.cli.output import note, print_json, print_text, spinning

if TYPE_CHECKING:
    from harness.domain.model import InstanceId, LoadConfig, Model
    from harness.lifecycle.lease import Lease


_load_options = add_options(
    [
        click.option(
            "--context-length", type=click.IntRange(1), metavar="N", help="Tokens of context (default: the server's)."
        ),
        click.option(
            "--eval-batch-size", type=click.IntRange(1), metavar="N", help="Tokens evaluated at a time (llama.cpp)."
        ),
        click.option("--flash-attention/--no-flash-attention", default=None, help="Flash attention (llama.cpp)."),
        click.option(
            "--num-experts", type=click.IntRange(1), metavar="N", help="Active experts (mixture models, llama.cpp)."
        ),
        click.option(
            "--offload-kv-cache-to-gpu/--no-offload-kv-cache-to-gpu",
            default=None,
            help="Keep the KV cache in the GPU's memory or in the machine's (llama.cpp).",
        ),
    ]
)


@click.command()
@click.argument("key", shell_complete=model_keys)
@_load_options
@click.option("--new-instance", is_flag=True, help="Load another copy even if a loaded one fits.")
@server_options
def load(key: str, url: str, token: str, *, as_json: bool, new_instance: bool, **config: Any) -> None:
    """Load the model KEY, verify that the server lists it, and leave it loaded.

    If an instance that fits is loaded already, it is reported instead: loading again would make a second full copy.
    LM Studio decides about options that are not given. It may load with other settings than requested (a smaller
    context, for instance, when memory is short): the effective ones are printed, with a warning for each difference.

    \b
    Examples:
      lms-harness load qwen/qwen3-4b-2507 --context-length 8192
      lms-harness load qwen/qwen3-4b-2507 --new-instance --json
    """
    from harness.domain.model import LoadConfig
    from harness.selection.selection import find_model

    wanted = LoadConfig(**config)
    with connected(url, token) as client, leasing(client, token) as leases:
        model = find_model(client.models(), key)
        _check(model, wanted)
        with spinning(f"loading {model.key}"):
            lease = leases.acquire(key, wanted, reuse=not new_instance)
        _report(lease, wanted, as_json=as_json)
        # Only now: a command that dies before its answer is printed has not handed anything over.
        leases.hand_over(lease)


def _check(model: "Model", wanted: "LoadConfig") -> None:
    """Refuse what the server would refuse, or silently change, before anything is loaded."""
    from harness.errors import SettingsError

    if model.is_embedding and (foreign := [name for name in wanted.as_dict() if name != "context_length"]):
        flags = ", ".join(f"--{name.replace('_', '-')}" for name in foreign)
        raise SettingsError(
            f"{model.key} is an embedding model and does not take {flags}: expected --context-length at most"
        )
    most = model.max_context_length
    if most and (wanted.context_length or 0) > most:
        raise SettingsError(f"--context-length: {model.key} takes at most {most} tokens, got {wanted.context_length}")


def _differences(lease: "Lease", wanted: "LoadConfig") -> list[str]:
    """Return where the effective config differs from the requested one."""
    effective, instance_id, is_reused = lease.instance.config.as_dict(), lease.instance.id, not lease.is_owned
    differences = []
    for name, value in wanted.as_dict().items():
        found = effective.get(name)
        if found is None:
            differences.append(f"requested {name}={value}, but the server does not report {name} of {instance_id}")
        elif found != value and not (is_reused and name == "context_length" and found > value):
            differences.append(f"requested {name}={value}, but {instance_id} has {name}={found}")
    return differences


def _report(lease: "Lease", wanted: "LoadConfig", *, as_json: bool) -> None:
    from harness.report.figure import seconds

    config, warnings = lease.instance.config.as_dict(), _differences(lease, wanted)
    for warning in warnings:
        note(f"Warning: {warning}")
    if as_json:
        print_json(
            {
                "model": lease.model.key,
                "type": lease.model.type,
                "instance_id": lease.instance.id,
                "loaded_now": lease.is_owned,
                "load_time_seconds": lease.load_time_s,
                "load_wall_seconds": lease.load_wall_s,
                "requested": wanted.as_dict(),
                "config": config,
                "size_bytes": lease.model.size_bytes,
                "others_loaded": list(lease.others),
                "warnings": warnings,
            }
        )
        return
    effective = ", ".join(f"{name}={value}" for name, value in config.items())
    if lease.is_owned:
        took = lease.load_time_s if lease.load_time_s is not None else lease.load_wall_s
        print_text(f"Loaded {lease.instance.id} in {seconds(took)} ({effective})")
    else:
        print_text(f"{lease.instance.id} is loaded already ({effective}); --new-instance loads another copy")


@click.command()
@click.argument("key", required=False, shell_complete=model_keys)
@click.option(
    "--instance",
    "instance_id",
    metavar="ID",
    shell_complete=instance_ids,
    help="Unload only the instance with exactly this id.",
)
@server_options
def unload(key: str | None, url: str, token: str, *, as_json: bool, instance_id: str | None) -> None:
    """Unload every instance of the model KEY, or exactly one instance, and verify that the server no longer lists it.

    An instance that lingers is unloaded once more. If one of several cannot be unloaded, the others still are; the
    error (exit code 7) names what is left.

    \b
    Examples:
      lms-harness unload qwen/qwen3-4b-2507
      lms-harness unload --instance qwen/qwen3-4b-2507:2
    """
    if (key is None) == (instance_id is None):
        raise click.UsageError("give either a model KEY or --instance ID")
    from harness.clock import SystemClock
    from harness.errors import ReleaseFailed
    from harness.lifecycle.resident import unload_verified

    unloaded: list[InstanceId] = []
    failures: dict[InstanceId, ReleaseFailed] = {}
    with connected(url, token) as client:
        for instance in _instances(client.models(), key, instance_id):
            try:
                unload_verified(client, instance, clock=SystemClock())
                unloaded.append(instance)
            except ReleaseFailed as exc:
                failures[instance] = exc
    if as_json:
        print_json({"unloaded": unloaded, "still_loaded": {name: exc.message for name, exc in failures.items()}})
    elif unloaded:
        print_text(f"Unloaded {', '.join(unloaded)}; verified by listing")
    elif not failures:
        print_text(f"{key} has no loaded instance")
    if failures:
        raise ReleaseFailed(
            "\n".join(exc.message for exc in failures.values()), hint="\n".join(exc.hint for exc in failures.values())
        )


def _instances(listing: "Sequence[Model]", key: str | None, instance_id: str | None) -> "Sequence[InstanceId]":
    from harness.errors import InstanceNotLoaded
    from harness.lifecycle.resident import resident_ids
    from harness.selection.selection import find_model

    if key is not None:
        return [instance.id for instance in find_model(listing, key).loaded_instances]
    loaded = resident_ids(listing)
    found = [loaded_id for loaded_id in loaded if loaded_id == instance_id]
    if not found:
        names = ", ".join(loaded) or "none"
        raise InstanceNotLoaded(f"no loaded instance has the id {instance_id!r}", hint=f"Loaded instances: {names}")
    return found
