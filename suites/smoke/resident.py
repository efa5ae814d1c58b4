"""What is loaded on the server, and a check that a test leaves it as it found it."""

from collections.abc import Iterator
from contextlib import contextmanager

from harness import Client, LoadConfig


def residents(client: Client) -> dict[str, LoadConfig]:
    """Return every loaded instance's config by its id."""
    return {instance.id: instance.config for model in client.models() for instance in model.loaded_instances}


@contextmanager
def others_untouched(client: Client) -> Iterator[None]:
    """After the block, all instances that were loaded before it are still there, with the same config.

    Raises:
        AssertionError: one of them has changed. Another client may have done that; a listing cannot tell.
    """
    before = residents(client)
    yield
    after = residents(client)
    gone = [instance for instance in before if instance not in after]
    assert not gone, f"was loaded before this test and is gone, by this test or by another client: {', '.join(gone)}"
    changed = {instance: (config, after[instance]) for instance, config in before.items() if after[instance] != config}
    assert not changed, f"was loaded before this test and has another config now (before, after): {changed}"
