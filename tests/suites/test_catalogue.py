"""Every offload class, found where it lies: its reference scores 1, adversaries and guesses do not, its samples are
distinct, balanced, and the same everywhere.

A class is a package `suites/offload/<class>` with a TASK, and with `reference.py`: `reference(sample) -> str`,
`adversaries` (each scores 0, or at most chance where chance is not 0), and perhaps `guesses` (each at most chance).
"""

import os
import pkgutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from statistics import fmean

import pytest

from harness.domain.sample import Sample
from harness.selection.need import TASK_NEEDS
from harness.task.catalogue import Answerer, Entry, load_catalogue
from harness.task.tool_prompt import asked_text

from .conftest import Tokens

ROOT = Path(__file__).resolve().parents[2]
NOISE = 0.05
"""What a guess may score above chance over a few hundred items."""

PACKAGES = sorted(package.name for package in pkgutil.iter_modules([str(ROOT / "suites/offload")]) if package.ispkg)
FOLDERS = [package.replace("_", "-") for package in PACKAGES]
"""The classes: a package's name cannot have the hyphen that a class may have."""

CATALOGUE = {entry.task.name: entry for entry in load_catalogue(ROOT / "suites")}
EACH = pytest.mark.parametrize("name", FOLDERS)

LAZY: dict[str, Answerer] = {
    "nothing": lambda _: "",
    "white space": lambda _: " \n\t\n",
    "refusal": lambda _: "I am sorry, but as a language model I cannot help with that.",
    "do not know": lambda _: "I don't know.",
    "echo": lambda sample: sample.prompt,
    "promise and echo": lambda sample: f"Sure! Here is the answer to: {sample.prompt}",
    "empty object": lambda _: "{}",
    "dots": lambda _: "...",
}
DRESSES: dict[str, Callable[[str], str]] = {
    "bare": lambda text: text,
    "white space": lambda text: f"\n  {text}\n\n",
    "thought": lambda text: f"<think>Let me see. Is it 17? No.</think>\n\n{text}",
    "thinks again": lambda text: f"{text}\n<think>or is it 17",
}
SENTENCES: dict[str, Callable[[str], str]] = {
    "introduced": lambda text: f"The answer is: {text}",
    "after a pause": lambda text: f"Let me see.\n\nAnswer: {text}",
    "thought and stopped": lambda text: f"<think>Is it 7, heron or Monday?</think>\n{text}.",
}
SHORT_ANSWERS = ("longcontext", "multiturn", "reason")
"""Classes whose answer is a word or a number, which models put into a sentence."""


def judged(entry: Entry, answer: Answerer, samples: list[Sample]) -> float:
    return fmean(entry.task.scorer(answer(sample), sample.target).value or 0.0 for sample in samples)


def samples_of(name: str, *, seed: int, limit: int) -> list[Sample]:
    return list(CATALOGUE[name].task.samples(seed=seed, limit=limit))


@EACH
def test_a_class_is_named_as_its_folder_and_says_what_it_is(name: str) -> None:
    task = CATALOGUE[name].task
    assert (task.name, task.task_class) == (name, name)
    assert task.description
    assert CATALOGUE[name].adversaries
    package = name.replace("-", "_")
    assert (ROOT / f"suites/offload/{package}/test_{package}.py").exists()


@EACH
@pytest.mark.parametrize("seed", [0, 7])
def test_reference_answers_score_one_in_several_dressings(name: str, seed: int) -> None:
    entry = CATALOGUE[name]
    for sample in samples_of(name, seed=seed, limit=60):
        for dress in DRESSES.values():
            score = entry.task.scorer(dress(entry.reference(sample)), sample.target)
            assert (score.value, score.passed) == (1.0, True), (sample, score)


@pytest.mark.parametrize("name", SHORT_ANSWERS)
@pytest.mark.parametrize("sentence", SENTENCES)
def test_a_short_reference_answer_scores_one_within_a_sentence(name: str, sentence: str) -> None:
    entry = CATALOGUE[name]
    for sample in samples_of(name, seed=0, limit=120):
        score = entry.task.scorer(SENTENCES[sentence](entry.reference(sample)), sample.target)
        assert (score.value, score.passed) == (1.0, True), (sample, score)


@EACH
def test_select_knows_what_each_class_asks_of_a_model(name: str) -> None:
    assert name in TASK_NEEDS, f"add {name!r} to TASK_NEEDS in harness/selection/need.py"


@EACH
def test_lazy_answers_score_nothing_or_at_most_chance(name: str) -> None:
    entry, samples = CATALOGUE[name], samples_of(name, seed=0, limit=30)
    found = {kind: judged(entry, lazy, samples) for kind, lazy in LAZY.items()}
    assert {kind: value for kind, value in found.items() if value > max(0.01, entry.task.chance)} == {}


@EACH
def test_adversaries_score_nothing_or_at_most_chance(name: str) -> None:
    entry, samples = CATALOGUE[name], samples_of(name, seed=0, limit=60)
    found = {kind: judged(entry, answer, samples) for kind, answer in entry.adversaries.items()}
    assert {kind: value for kind, value in found.items() if value > max(0.01, entry.task.chance)} == {}


@EACH
def test_guesses_that_did_not_read_score_no_more_than_chance(name: str) -> None:
    entry, samples = CATALOGUE[name], samples_of(name, seed=0, limit=180)
    found = {kind: judged(entry, answer, samples) for kind, answer in entry.guesses.items()}
    assert {kind: value for kind, value in found.items() if value > entry.task.chance + NOISE} == {}
    # Chance is what the best guess reaches, not a figure to hide behind.
    if entry.guesses:
        assert max(found.values()) >= entry.task.chance - NOISE


@EACH
def test_the_answer_to_another_item_scores_no_more_than_chance(name: str) -> None:
    entry, samples = CATALOGUE[name], samples_of(name, seed=0, limit=120)
    others = dict(zip((sample.item_id for sample in samples), samples[7:] + samples[:7], strict=True))
    value = judged(entry, lambda sample: entry.reference(others[sample.item_id]), samples)
    assert value <= max(0.02, entry.task.chance + NOISE)


@EACH
@pytest.mark.parametrize("limit", [3, 12, 30])
def test_every_prefix_has_all_tiers_alike(name: str, limit: int) -> None:
    counts = Counter(sample.tier for sample in samples_of(name, seed=3, limit=limit))
    assert counts == dict.fromkeys((1, 2, 3), limit // 3)


@EACH
def test_a_longer_run_begins_with_the_shorter_one(name: str) -> None:
    assert samples_of(name, seed=0, limit=12) == samples_of(name, seed=0, limit=60)[:12]


@EACH
def test_items_are_distinct_and_another_seed_has_others(name: str) -> None:
    first, second = ({sample.item_hash for sample in samples_of(name, seed=seed, limit=120)} for seed in (0, 1))
    assert min(len(first), len(second)) >= 115
    assert len(first & second) <= 12


@EACH
def test_tiers_hold_several_strata(name: str) -> None:
    samples = samples_of(name, seed=0, limit=120)
    for tier in (1, 2, 3):
        assert len({sample.stratum for sample in samples if sample.tier == tier}) >= 3


# Changing a sample or a scorer makes figures incomparable: whoever does it on purpose changes these lines too.
FROZEN = {
    "brainstorm": "cc5e2125721fceaf",
    "classify": "ebc730e7c3035bd7",
    "extract": "ce4098dab6939032",
    "instruct": "0294c8a153f9d793",
    "longcontext": "a68934089a2352f9",
    "multiturn": "02213de227f39ef8",
    "nearest-label": "d6df5c5815287351",
    "reason": "708c1299a697ff85",
    "retrieval": "14aff58d8b84e522",
    "review": "9f9077c3d1a47daa",
    "rewrite": "a856314fdc88725e",
    "similarity": "e9cc87380a6dba27",
    "summarise": "374253cfab7efc18",
    "tools": "65c9d0c25e957e23",
    "vision": "7a7d948ff0cb289b",
}


def test_the_samples_of_a_seed_are_frozen() -> None:
    tasks = {name: entry.task for name, entry in CATALOGUE.items()}
    found = {name: task.fingerprint(task.samples(seed=42, limit=120)) for name, task in tasks.items()}
    assert found == FROZEN


@pytest.mark.parametrize("hash_seed", ["0", "12345"])
def test_samples_do_not_depend_on_the_hash_seed(hash_seed: str) -> None:
    code = (
        "import importlib, sys\n"
        "for name in sys.argv[1:]:\n"
        "    task = importlib.import_module(f'suites.offload.{name}').TASK\n"
        "    print(task.fingerprint(task.samples(seed=42, limit=120)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *PACKAGES],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )
    tasks = [CATALOGUE[name].task for name in FOLDERS]
    assert done.stdout.split() == [task.fingerprint(task.samples(seed=42, limit=120)) for task in tasks]


@EACH
@pytest.mark.embedded
def test_prompts_and_answers_are_as_short_as_declared(name: str, tokens: Tokens) -> None:
    """The longest prompt and the longest reference of each class."""
    entry, samples = CATALOGUE[name], samples_of(name, seed=0, limit=120)
    longest = max(samples, key=lambda sample: len(asked_text(sample)))
    said = [("system", longest.system_prompt)] if longest.system_prompt else []
    assert tokens([*said, ("user", asked_text(longest))]) <= entry.task.prompt_tokens, longest
    if entry.task.needs.embedding:
        return  # Nothing is generated.
    answer = max(map(entry.reference, samples), key=len)
    template = tokens([("user", "a")]) - 1
    assert tokens([("user", answer)]) - template < entry.task.max_output_tokens, answer
