"""Answers to brainstorm items that keep all rules, and answers that a lazy or clever model might give instead."""

from collections.abc import Callable
from itertools import count

from harness import Sample

_FILLERS = tuple(
    "amber birch copper dusk ember fable gravel harbour ivory juniper kettle lantern meadow nectar orchard "
    "pebble quartz ribbon saffron thistle umber velvet willow yarrow zephyr anchor basalt cinder drizzle "
    "eclipse fjord glacier hollow indigo jasper kelp lagoon marble nimbus oasis plume quiver russet summit "
    "tundra upland vortex walnut cobalt zenith".split()
)


def reference(sample: Sample) -> str:
    """Return a numbered list of the wanted number of different ideas, each as short as is allowed."""
    spec = sample.target
    others = iter([word for word in _FILLERS if word not in spec.get("exclude", ())])
    ideas = [
        " ".join([next(others) for _ in range(spec["min_words"] - 1)] + spec["include"][:1])
        for _ in range(spec["count"])
    ]
    return "\n".join(f"{number}. {idea.capitalize()}" for number, idea in zip(count(1), ideas, strict=False))


def _same_again(sample: Sample) -> str:
    return "\n".join(reference(sample).splitlines()[:1] * sample.target["count"])


adversaries: dict[str, Callable[[Sample], str]] = {
    "nothing": lambda _: "",
    "refusal": lambda _: "I am sorry, but I cannot help with that.",
    "echo": lambda sample: sample.prompt,
    "numbers only": lambda sample: "\n".join(f"{number}." for number in range(1, sample.target["count"] + 1)),
    "the word only": lambda sample: "\n".join(
        f"- {sample.target['include'][0]}" for _ in range(sample.target["count"])
    ),
    "fixed list": lambda _: "1. Paint a picture\n2. Grow some herbs\n3. Take a walk\n4. Read a book",
    "placeholders": lambda sample: "\n".join(f"{n}. Idea number {n}" for n in range(1, sample.target["count"] + 1)),
}
"""Name -> answer; each scores at most chance."""

repeats = _same_again
"""One idea given again and again: counts once."""
