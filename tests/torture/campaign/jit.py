"""A run that lets a chat load its model: `python -m tests.torture.campaign.jit URL KEY CONTEXT_LENGTH`."""

import argparse
import os

from harness.client.http import Client
from harness.client.redaction import DEFAULT_TOKEN
from harness.clock import SystemClock
from harness.domain.generation import ChatRequest
from harness.lifecycle.leases import Leases
from harness.reaper.journal import Journal


def main() -> None:
    """Acquire by JIT, ask once more, release."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture.campaign.jit", description=__doc__)
    parser.add_argument("url", help="the server's address")
    parser.add_argument("key", help="the chat model that a request loads")
    parser.add_argument("context_length", type=int, help="in tokens; tells this run's instance from others")
    asked = parser.parse_args()
    url, key = asked.url, asked.key
    clock = SystemClock()
    token = os.environ.get("LM_API_TOKEN", DEFAULT_TOKEN)
    with Client(url, token=token) as client:
        journal = Journal(f"{clock.now():%Y%m%dT%H%M%SZ}-jit-{os.getpid()}", url=client.url, clock=clock)
        leases = Leases(client, journal, clock=clock)
        try:
            request = ChatRequest(model=key, input="Hello.", max_output_tokens=8, context_length=asked.context_length)
            lease, _ = leases.acquire_jit(key, request, despite_others=True)
            client.chat(ChatRequest(model=lease.instance.id, input="Name three rivers.", max_output_tokens=16))
        finally:
            for lease in leases.held:
                leases.release(lease)
            leases.release_strays()
            leases.close()


if __name__ == "__main__":
    main()
