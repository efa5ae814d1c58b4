"""Every offload task: its reference answers score 1, lazy answers do not, and its samples are the same everywhere."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from statistics import fmean
from typing import TYPE_CHECKING

import pytest

from harness.client.http import Client
from harness.domain.generation import ChatRequest
from harness.domain.sample import Sample
from harness.lifecycle.journal import Journal
from harness.lifecycle.lease import Leases
from harness.task.task import Task
from harness.testing.clock import FakeClock
from suites.offload.classify import TASK as CLASSIFY
from suites.offload.extract import TASK as EXTRACT

if TYPE_CHECKING:
    from pathlib import Path

    from harness.embedded.process import EmbeddedServer

REFERENCE: dict[str, Callable[[Sample], str]] = {
    "extract": lambda sample: json.dumps(sample.target),
    "classify": lambda sample: str(sample.target["label"]),
}
TASKS = [EXTRACT, CLASSIFY]
LAZY: dict[str, Callable[[Sample], str]] = {
    "nothing": lambda _: "",
    "refusal": lambda _: "I am sorry, but as a language model I cannot help with that.",
    "echo": lambda sample: sample.prompt,
    "empty object": lambda _: "{}",
    "prompt and promise": lambda sample: f"Sure! Here is the answer to: {sample.prompt}",
    "unclosed thought": lambda sample: "<think>" + json.dumps(sample.target),
}
EACH_TASK = pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)


def mean_score(task: Task, samples: list[Sample], answer: Callable[[Sample], str]) -> float:
    return fmean(task.scorer(answer(sample), sample.target).value or 0.0 for sample in samples)


@EACH_TASK
@pytest.mark.parametrize("seed", [0, 1, 7])
def test_reference_answers_score_one(task: Task, seed: int) -> None:
    for sample in task.samples(seed=seed, limit=240):
        score = task.scorer(REFERENCE[task.name](sample), sample.target)
        assert (score.value, score.passed) == (1.0, True), sample


@EACH_TASK
@pytest.mark.parametrize("lazy", LAZY)
def test_answers_that_did_not_read_score_next_to_nothing(task: Task, lazy: str) -> None:
    assert mean_score(task, list(task.samples(seed=0, limit=120)), LAZY[lazy]) <= 0.01


def test_always_the_same_label_scores_at_most_chance() -> None:
    samples = list(CLASSIFY.samples(seed=0, limit=360))
    for label in {str(label) for sample in samples for label in sample.target["labels"]}:
        values = [CLASSIFY.scorer(label, sample.target).value or 0.0 for sample in samples]
        assert fmean(values) <= CLASSIFY.chance


@pytest.mark.parametrize("place", [0, -1])
def test_the_first_or_last_label_shown_is_no_better_than_chance(place: int) -> None:
    def guess(sample: Sample) -> str:
        question = sample.prompt.rpartition("Choose")[2]
        return str(sorted(sample.target["labels"], key=question.index)[place])

    score = mean_score(CLASSIFY, list(CLASSIFY.samples(seed=0, limit=720)), guess)
    assert score == pytest.approx(CLASSIFY.chance, abs=0.06)


@EACH_TASK
@pytest.mark.parametrize("limit", [3, 12, 30])
def test_every_prefix_has_all_tiers_alike(task: Task, limit: int) -> None:
    counts = Counter(sample.tier for sample in task.samples(seed=3, limit=limit))
    assert counts == dict.fromkeys((1, 2, 3), limit // 3)


def test_labels_are_balanced_within_each_tier() -> None:
    for tier in (1, 2, 3):
        samples = [one for one in CLASSIFY.samples(seed=5, limit=216) if one.tier == tier]
        counts = Counter(one.target["label"] for one in samples)
        assert max(counts.values()) - min(counts.values()) <= 2
        assert set(counts) == set(samples[0].target["labels"])


@EACH_TASK
def test_a_longer_run_begins_with_the_shorter_one_and_another_seed_differs(task: Task) -> None:
    long = task.samples(seed=0, limit=60)
    assert list(task.samples(seed=0, limit=12)) == list(long[:12])
    assert [one.prompt for one in task.samples(seed=1, limit=12)] != [one.prompt for one in long[:12]]


@EACH_TASK
def test_few_prompts_come_twice(task: Task) -> None:
    prompts = {sample.prompt for sample in task.samples(seed=0, limit=120)}
    assert len(prompts) >= 110


@EACH_TASK
def test_tiers_hold_several_templates(task: Task) -> None:
    samples = task.samples(seed=0, limit=120)
    for tier in (1, 2, 3):
        assert len({one.cluster_id for one in samples if one.tier == tier}) >= 4


# Changing a sample or a scorer makes figures incomparable: whoever does it on purpose changes these lines too.
@pytest.mark.parametrize(
    ("task", "fingerprint"),
    [(EXTRACT, "ff3e2af1d1885ae0"), (CLASSIFY, "e6a66906acd24741")],
    ids=["extract", "classify"],
)
def test_the_samples_of_a_seed_are_frozen(task: Task, fingerprint: str) -> None:
    assert task.fingerprint(task.samples(seed=42, limit=120)) == fingerprint


@pytest.mark.parametrize("hash_seed", ["0", "1", "12345"])
def test_samples_do_not_depend_on_the_hash_seed(hash_seed: str) -> None:
    code = (
        "from suites.offload.extract import TASK as E; from suites.offload.classify import TASK as C\n"
        "print(*(task.fingerprint(task.samples(seed=42, limit=120)) for task in (E, C)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert done.stdout.split() == ["ff3e2af1d1885ae0", "e6a66906acd24741"]


@pytest.mark.embedded
def test_samples_of_the_demonstration_are_as_short_as_promised(
    embedded_server: "EmbeddedServer", tmp_path: "Path"
) -> None:
    with Client(embedded_server.url) as client:
        journal = Journal("tokens", url=client.url, clock=FakeClock(), directory=tmp_path)
        leases = Leases(client, journal, clock=FakeClock())
        lease = leases.acquire("smollm2-135m-instruct-q4_0")

        def tokens(text: str, system: str | None = None) -> int:
            request = ChatRequest(
                model=lease.instance.id, input=text, system_prompt=system, max_output_tokens=1, temperature=0.0
            )
            return client.chat(request).stats.input_tokens or 0

        try:
            template = tokens("a") - 1
            for task in TASKS:
                for sample in task.samples(seed=0, limit=12):
                    assert tokens(sample.prompt, sample.system_prompt) <= 120
                    assert tokens(REFERENCE[task.name](sample)) - template <= 32
        finally:
            leases.release(lease)
