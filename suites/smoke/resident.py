"""What is loaded on the server, and making sure that a test leaves all of it as it found it."""

from collections.abc import Iterator
from contextlib import contextmanager

from harness import Client, LoadConfig


def residents(client: Client) -> dict[str, LoadConfig]:
    """Return every loaded instance's config by its id."""
    return {one.id: one.config for model in client.models() for one in model.loaded_instances}


@contextmanager
def others_untouched(client: Client) -> Iterator[None]:
    """After the block, all instances that were loaded before it are there, with the config that they had.

    Raises:
        AssertionError: one is not. Another client may have done that, which a listing cannot tell.
    """
    before = residents(client)
    yield
    after = residents(client)
    gone = [one for one in before if one not in after]
    assert not gone, f"was loaded before this test and is gone, by this test or by another client: {', '.join(gone)}"
    changed = {one: (config, after[one]) for one, config in before.items() if after[one] != config}
    assert not changed, f"was loaded before this test and has another config now (before, after): {changed}"
