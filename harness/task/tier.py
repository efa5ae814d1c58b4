"""Samples from templates: easy, medium and hard in turn, each prompt only once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from harness.domain.sample import DrawnImage, Json, Sample, canonical_json
from harness.errors import TaskError
from harness.task.dice import Dice

_ATTEMPTS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A sample without its place in a task.

    Attributes:
        stratum: the kind of sample, for templates that make several; "": the template's name.
        texts: for an embedding model (`Sample.texts`).
        images: sent with the prompt; two drafts with other images may share a prompt.
        tools: the functions that may be called (`Sample.tools`); two drafts with other ones may share a prompt.
        tags: by which results can be grouped.
        cluster: something sampled that it shares with other samples, which makes them dependent; "": nothing.
    """

    prompt: str
    target: Json
    system_prompt: str | None = None
    stratum: str = ""
    cluster: str = ""
    texts: tuple[str, ...] = ()
    images: tuple[DrawnImage, ...] = ()
    tools: tuple[Mapping[str, Json], ...] = ()
    tags: Mapping[str, Json] = field(default_factory=dict)


Template: TypeAlias = Callable[[Dice, int], Draft]
"""Makes a draft from dice and a counter, which goes up by one from a random start: for labels that must be balanced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiers:
    """Generates the samples of a task: `Task(generate=Tiers(…))`.

    Tiers take turns, and so do the templates within each, so that every prefix is balanced. Where a prompt would be a
    repetition, the template is asked again with other dice.

    Attributes:
        name: of the task; every item_id starts with it, and it is a part of the seed.
        easy: the templates of tier 1.
        medium: of tier 2.
        hard: of tier 3.
    """

    name: str
    easy: Sequence[Template]
    medium: Sequence[Template]
    hard: Sequence[Template]

    def __call__(self, seed: int, n: int) -> list[Sample]:
        """Return the first n samples of the seed.

        Raises:
            TaskError: a template cannot make enough different prompts.
        """
        seen: set[str] = set()
        return [self._sample(seed, index, seen) for index in range(n)]

    def _sample(self, seed: int, index: int, seen: set[str]) -> Sample:
        tiers = (self.easy, self.medium, self.hard)
        tier, place = index % len(tiers) + 1, index // len(tiers)
        templates = tiers[tier - 1]
        template, turn = templates[place % len(templates)], place // len(templates)
        name = template.__name__.strip("_")
        turn += Dice(self.name, seed, "start", name).whole(0, 999)
        for attempt in range(_ATTEMPTS):
            draft = template(Dice(self.name, seed, index, attempt), turn)
            asked = " ".join(
                [draft.prompt, *(image.sha256 for image in draft.images), *map(canonical_json, draft.tools)]
            )
            if asked not in seen:
                seen.add(asked)
                return Sample(
                    item_id=f"{self.name}-{seed}-{index:04d}",
                    prompt=draft.prompt,
                    target=draft.target,
                    tier=tier,
                    stratum=draft.stratum or name,
                    cluster_id=draft.cluster,
                    system_prompt=draft.system_prompt,
                    texts=draft.texts,
                    images=draft.images,
                    tools=draft.tools,
                    tags=draft.tags,
                )
        raise TaskError(
            f"task {self.name}: {name} made no new prompt in {_ATTEMPTS} attempts",
            hint="Give the template more names, figures or texts to choose from, or ask for fewer samples.",
        )
