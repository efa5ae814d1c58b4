"""A task: samples of one prompt form, and one scorer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from harness.domain.sample import Sample, content_hash
from harness.domain.score import Scorer
from harness.errors import TaskError


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What a model must have to be given a task."""

    vision: bool = False
    tools: bool = False
    embedding: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A set of samples with one prompt form and one scorer.

    Attributes:
        name: unique, such as `extract`; what `--lms-task` selects.
        task_class: the row of the catalogue that it belongs to; a verdict is given per task class.
        generate: `generate(seed, n)` returns the first n samples of that seed, in an order in which every prefix is
            balanced over the tiers; the same for every Python version and hash seed.
        scorer: judges every sample.
        max_output_tokens: the answer's budget; reasoning gets its own on top.
        prompt_tokens: upper estimate of a prompt with its template and, of a conversation, all that was said before, in
            tokens; decides the context length.
        chance: what answering without reading scores on average.
        generate_for: for tasks about length: `generate_for(seed, n, room_tokens)` does as `generate`, with samples as
            long as fit into a request of that many tokens, the answer included.
    """

    name: str
    task_class: str
    generate: Callable[[int, int], Sequence[Sample]]
    scorer: Scorer
    max_output_tokens: int
    prompt_tokens: int
    chance: float = 0.0
    generate_for: Callable[[int, int, int], Sequence[Sample]] | None = None
    needs: Needs = field(default_factory=Needs)
    description: str = ""

    @property
    def room_tokens(self) -> int:
        """What one request takes at most, prompt and answer, unless the samples are fitted to another length."""
        return self.prompt_tokens + self.max_output_tokens

    def samples(self, *, seed: int, limit: int, room_tokens: int | None = None) -> Sequence[Sample]:
        """Return the first `limit` samples of `seed`.

        Args:
            seed: of the generator.
            limit: how many.
            room_tokens: what a request may take; only a task that is fitted to it heeds it.

        Raises:
            TaskError: two samples share an item_id, or fewer came than were asked for.
        """
        if self.generate_for is None or room_tokens is None:
            samples = self.generate(seed, limit)
        else:
            samples = self.generate_for(seed, limit, room_tokens)
        if len(samples) != limit or len({sample.item_id for sample in samples}) != limit:
            ids = len({sample.item_id for sample in samples})
            raise TaskError(f"task {self.name}: expected {limit} samples, got {len(samples)} with {ids} distinct ids")
        return samples

    def fingerprint(self, samples: Sequence[Sample]) -> str:
        """Return a hash of these samples, the scorer and its version: equal fingerprints ask and judge the same."""
        return content_hash([self.name, self.scorer.name, self.scorer.version, [one.item_hash for one in samples]])
