"""One lease, and what became of it."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from harness.domain.model import Instance, InstanceId, LoadConfig, Model

Policy: TypeAlias = Literal["ours", "all", "keep"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to use one instance.

    Attributes:
        model: as listed when the lease was verified.
        instance: with its effective config, from the listing.
        is_owned: this run caused it to load.
        load_time_s: the server's figure; None for a preloaded instance.
        load_wall_s: what the client waited for the load.
        others: ids of all other instances that were resident when the lease was verified.
        number: of the lease in the journal; None when nothing was loaded.
    """

    model: Model
    instance: Instance
    mode: Literal["explicit", "jit", "preloaded"]
    requested: LoadConfig
    is_owned: bool
    load_time_s: float | None = None
    load_wall_s: float | None = None
    others: tuple[InstanceId, ...] = ()
    number: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What became of a lease.

    Attributes:
        is_verified: the listing no longer shows it; None where nothing had to be unloaded, or the reaper does it later.
        why: what else there is to know, such as that it was gone before it was released.
    """

    instance_id: InstanceId
    policy: Policy
    is_verified: bool | None = None
    unload_wall_s: float | None = None
    is_left_to_reaper: bool = False
    why: str = ""
