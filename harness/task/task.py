"""A task: samples of one prompt form, and one scorer."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from harness.domain.sample import Sample, content_hash
from harness.domain.score import Scorer
from harness.errors import TaskError


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What a model must have for a task."""

    vision: bool = False
    tools: bool = False
    embedding: bool = False


class SoundSamples(Sequence[Sample]):
    """Samples that were looked at when they were read: their ids are distinct, and none has texts.

    A task with many rows returns them, so that a run need not make each of them anew to see that, or for its hash.
    """

    @abstractmethod
    def item_hashes(self) -> Iterator[str]:
        """Yield the `item_hash` of each, in order."""


def item_hashes(samples: Iterable[Sample]) -> Iterator[str]:
    """Yield the `item_hash` of each sample, in order."""
    if isinstance(samples, SoundSamples):
        return samples.item_hashes()
    return (sample.item_hash for sample in samples)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A set of samples with one prompt form and one scorer.

    Attributes:
        name: unique, such as `extract`; a run can be limited to tasks by name.
        task_class: the row of the catalogue that it belongs to; verdicts are given per task class.
        generate: `generate(seed, n)` returns the first n samples of that seed, the same ones under every Python version
            and hash seed, in an order in which every prefix is balanced over the tiers.
        scorer: judges every sample.
        max_output_tokens: the budget of an answer; reasoning gets its own on top.
        prompt_tokens: an upper estimate of a prompt, with the model's template and, in a conversation, all earlier
            turns; it decides the context length.
        tools_tokens: how many more it takes at most where its functions are sent as `tools`, which takes more words.
        chance: the average score of answers that did not read the prompt.
        generate_for: for tasks about length: `generate_for(seed, n, room_tokens)` is like `generate`, with samples that
            fill a request of that many tokens, answer included.
        needs: what a model must have to be asked.
        description: a few words for lists.
        floor: the mean score that suffices; None: the usual one.
        can_grow: its user can add items, such as rows to a file: how many there are now bounds no advice.
    """

    name: str
    task_class: str
    generate: Callable[[int, int], Sequence[Sample]]
    scorer: Scorer
    max_output_tokens: int
    prompt_tokens: int
    tools_tokens: int = 0
    chance: float = 0.0
    generate_for: Callable[[int, int, int], Sequence[Sample]] | None = None
    needs: Needs = field(default_factory=Needs)
    description: str = ""
    floor: float | None = None
    can_grow: bool = False

    @property
    def room_tokens(self) -> int:
        """How many tokens one request takes at most, prompt and answer, unless samples are fitted to another length."""
        return self.prompt_tokens + self.max_output_tokens

    def samples(self, *, seed: int, limit: int, room_tokens: int | None = None) -> Sequence[Sample]:
        """Return the first `limit` samples of `seed`; all of them where the task has fewer, such as the rows of a file.

        Args:
            seed: of the generator.
            limit: how many.
            room_tokens: how many tokens a request may take; only a task with `generate_for` uses it.

        Raises:
            TaskError: there are none, or more than `limit`, or two of them share an item_id; or one is asked in another
                way than the models that the task needs.
        """
        if self.generate_for is None or room_tokens is None:
            samples = self.generate(seed, limit)
        else:
            samples = self.generate_for(seed, limit, room_tokens)
        ids = set()
        is_sound = isinstance(samples, SoundSamples) and not self.needs.embedding
        for sample in () if is_sound else samples:
            ids.add(sample.item_id)
            if self.needs.embedding != bool(sample.texts) or len(sample.texts) == 1:
                wanted = "two texts or more, as it needs an embedding model" if self.needs.embedding else "no texts"
                raise TaskError(
                    f"task {self.name}: expected samples with {wanted}, got {len(sample.texts)} in {sample.item_id}"
                )
        count = len(samples) if is_sound else len(ids)
        if not 0 < len(samples) <= limit or count != len(samples):
            raise TaskError(
                f"task {self.name}: expected 1 to {limit} samples with distinct ids, got {len(samples)} with {count}"
            )
        return samples

    def fingerprint(self, samples: Iterable[Sample]) -> str:
        """Return a hash of these samples, the scorer and its version: runs with equal ones can be compared."""
        return content_hash([self.name, self.scorer.name, self.scorer.version, list(item_hashes(samples))])
