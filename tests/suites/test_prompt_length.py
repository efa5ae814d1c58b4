"""Conversations and long texts are as short as promised, by a real tokeniser; conversations branch on real weights."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from harness.client.exchange import Exchange
from harness.client.http import Client
from harness.clock import SystemClock
from harness.domain.answer import Answer, Job
from harness.domain.model import InstanceId, LoadConfig
from harness.domain.sample import Sample
from harness.lifecycle.leases import Leases
from harness.own_task.own_task import prompt_tokens, tools_tokens
from harness.reaper.journal import Journal
from harness.run.ask.asker import asker
from harness.run.ask.request import request_for
from harness.testing.clock import FakeClock
from suites.offload.longcontext import TASK as LONGCONTEXT
from suites.offload.multiturn import TASK as MULTITURN
from suites.offload.tools import TASK as TOOLS

from .conftest import Tokens

if TYPE_CHECKING:
    from harness.embedded.process import EmbeddedServer

pytestmark = pytest.mark.embedded


@pytest.fixture(scope="module")
def client(embedded_server: "EmbeddedServer") -> Iterator[Client]:
    with Client(embedded_server.url) as client:
        yield client


@pytest.fixture(scope="module")
def instance(client: Client, tmp_path_factory: pytest.TempPathFactory) -> Iterator[InstanceId]:
    journal = Journal("tokens", url=client.url, clock=SystemClock(), directory=tmp_path_factory.mktemp("journals"))
    leases = Leases(client, journal)
    lease = leases.acquire("smollm2-135m-instruct-q4_0", LoadConfig(context_length=1024))
    yield lease.instance.id
    leases.release(lease)
    leases.close()


def test_conversations_are_as_short_as_promised(tokens: Tokens) -> None:
    longest = sorted(MULTITURN.samples(seed=0, limit=120), key=lambda sample: len("".join(sample.turns)))[-4:]
    template = tokens([("user", "a")])
    for sample in longest:
        said = tokens([("user", " ".join((*sample.turns, sample.prompt)))]) + len(sample.turns) * template
        assert said + len(sample.turns) * MULTITURN.max_output_tokens <= MULTITURN.prompt_tokens


def test_long_texts_fill_most_of_their_share_and_never_more(tokens: Tokens) -> None:
    for sample in LONGCONTEXT.samples(seed=0, limit=12):
        share = sample.tags["length"] * LONGCONTEXT.room_tokens
        assert 0.6 * share <= tokens([("user", sample.prompt)]) <= share


def test_functions_that_are_sent_as_tools_take_no_more_than_declared() -> None:
    """By the estimate for tasks of one's own: templates write functions as JSON, and say how to call them."""
    samples = [sample for seed in range(3) for sample in TOOLS.samples(seed=seed, limit=120)]
    longest = max(prompt_tokens(sample, 0) + tools_tokens(sample) for sample in samples)
    assert longest <= TOOLS.prompt_tokens + TOOLS.tools_tokens


def test_a_branch_does_not_hear_what_was_said_after_its_turn(client: Client, instance: InstanceId) -> None:
    def ask(sample: Sample) -> Answer:
        request = request_for(MULTITURN, sample, address=instance, reasoning=None, max_output_tokens=8)
        job = Job(sample=sample, epoch=1, request=request)
        clock = FakeClock()
        return asker(client, instance_id=instance, deadline_s=300.0, is_lost=lambda: False, clock=clock)(
            job, Exchange()
        )

    turns = ("My code word is otter.", "My code word is now heron, and here are many more words, so that it shows.")
    target = {"kind": "choice", "target": {"label": "otter", "labels": ["otter", "heron"]}}
    whole = ask(Sample(item_id="whole", prompt="And now?", turns=turns, target=target))
    branch = ask(Sample(item_id="branch", prompt="And now?", turns=turns, continues=1, target=target))
    short = ask(Sample(item_id="short", prompt="And now?", turns=turns[:1], target=target))
    heard = [answer.generation.stats.input_tokens or 0 if answer.generation else 0 for answer in (whole, branch, short)]
    assert 0 < heard[1] == heard[2] < heard[0]
    assert [len(answer.earlier) for answer in (whole, branch, short)] == [2, 2, 1]
