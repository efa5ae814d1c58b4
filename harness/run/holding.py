"""Holds a lease on a warmed-up instance for a run: loads the model, or takes over the lease of another level."""

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from harness.domain.count import counted
from harness.domain.model import LoadConfig, Model
from harness.lifecycle.lease import Lease
from harness.report.context import context_note
from harness.report.figure import size
from harness.run.ask.reasoning import reasoning_for
from harness.run.leased_model import LeasedModel, jit_request, warm_up

if TYPE_CHECKING:
    from harness.run.run import Run


@contextlib.contextmanager
def hold(run: "Run", model: Model, config: LoadConfig, *, has_more_levels: bool) -> Iterator[LeasedModel]:
    """Hold a lease on a warmed-up instance while the block runs; it is released however the block ends.

    Args:
        run: that asks.
        model: that is loaded.
        config: to load it with.
        has_more_levels: the model is asked at another reasoning level next: if the block ends well, the lease is kept
            for that. Whatever is acquired next releases it, unless it is that.

    Raises:
        HarnessError: as `Leases.acquire`; or the instance does not answer as itself; or it cannot be released.
    """
    lease = run.kept_lease.take(model)
    if lease is None:
        lease = _load(run, model, config)
    else:
        run.progress.note(f"{model.name}: on the instance that is loaded")
    is_kept = False
    try:
        if run.resumed is not None:
            run.resumed.check(model, lease.instance.config)
        yield _warm_up(run, lease, model)
        is_kept = has_more_levels and not run.is_lost(lease)
    finally:
        if is_kept:
            run.kept_lease.keep(lease)
        else:
            run.release(lease)


def _load(run: "Run", model: Model, config: LoadConfig) -> Lease:
    run.progress.doing(model.name, "loading")
    run.progress.note(f"{model.key}: loading ({size(model.size_bytes)}) ...")
    lease = _acquire_as_set(run, model, config)
    how = f"loaded in {lease.load_wall_s:.1f} s" if lease.load_wall_s is not None else "is loaded already"
    run.progress.note(f"{model.key}: {how}, {counted(lease.instance.slots, 'slot')}")
    wanted, effective = config.context_length, lease.instance.config.context_length
    if note := context_note(model.key, requested=wanted, effective=effective, is_owned=lease.is_owned):
        run.progress.note(note)
    return lease


def _acquire_as_set(run: "Run", model: Model, config: LoadConfig) -> Lease:
    # A request for vectors does not say that it loaded its model, so an embedding model is never loaded by one.
    if run.settings.load == "explicit" or model.is_loaded or model.is_embedding:
        return run.acquire(model, config)
    request = jit_request(model, config, reasoning_for(model, run.settings.reasoning))
    return run.acquire_jit(model, request, purpose="use", despite_others=True)[0]


def _warm_up(run: "Run", lease: Lease, model: Model) -> LeasedModel:
    """Return the instance once it has answered as itself; record what is unusual about it."""
    level = model.reasoning_level
    reasoning = reasoning_for(replace(lease.model, reasoning_level=level), run.settings.reasoning)
    leased = warm_up(run.client, lease, reasoning, deadline_s=run.settings.sample_deadline_s, level=level)
    run.check(lease)
    addressed_by: Literal["instance_id", "key"] = "instance_id" if leased.address == lease.instance.id else "key"
    found = leased.thinks_in_text, leased.short_by_tokens
    if addressed_by == "key" or any(found):
        run.recorder.instance(lease, purpose="use", addressed_by=addressed_by, found=found, level=level)
    return leased
