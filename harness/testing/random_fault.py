"""Draws faults at random, for campaigns; given to `FaultProxy.at_random`."""

import random

from harness.testing.fault import Abandon, Cut, Delay, Drop, Fault, Reset, Status, Then, Trickle
from harness.testing.stream_fault import CutEvent, Repeat
from harness.testing.wire_fault import Garbage, Latency, Pause, WrongLength


def random_fault(draw: random.Random) -> Fault:
    """Return a fault of any kind with random figures; it never hangs or waits for more than half a second."""
    after = draw.random() < 0.5  # noqa: PLR2004  (a coin)
    then: Then = draw.choice(("close", "reset", "half_close"))
    choices: tuple[Fault, ...] = (
        Delay(draw.uniform(0, 0.5), after_effect=after),
        Status(draw.choice((500, 502, 503)), {"error": {"message": "made up by the proxy"}}, after_effect=after),
        Status(draw.choice((200, 502)), "<html>Who are you?</html>", "text/html", after_effect=after),
        Drop(after_effect=after),
        Reset(after_effect=after),
        Abandon(),
        Cut(draw.randrange(400), then, with_head=after),
        Pause(draw.randrange(400), draw.uniform(0, 0.5)),
        Trickle(part_bytes=draw.randrange(1, 4), with_head=True),
        Latency(0.0, jitter_s=0.02, seed=draw.randrange(1000)),
        Garbage(),
        WrongLength(draw.choice((-7, 7))),
        CutEvent(draw.randrange(8), then),
        Repeat(),
    )
    return draw.choice(choices)
