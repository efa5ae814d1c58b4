"""The items of similarity: a statement, other wordings of it, and texts that say something else."""

from collections.abc import Mapping, Sequence

from harness import Dice, Draft, Needs, Pairs, Task, Tiers

from ..candidate import compared  # noqa: TID252  (installed, the suites lie within another package)
from . import text

CHANGED = ("name", "city", "day", "n")
_LANGUAGES = tuple(text.STATEMENTS)


def _facts(dice: Dice, language: str) -> dict[str, str]:
    return {name: dice.pick(values) for name, values in _choices(language).items()}


def _choices(language: str) -> Mapping[str, Sequence[str]]:
    return {**text.FACTS, **text.BY_LANGUAGE[language]}


def _item(dice: Dice, anchor: str, alike: Sequence[str], unlike: Sequence[str], stratum: str) -> Draft:
    """Return the item with its texts in random order."""
    places = dice.shuffled(range(len(alike) + len(unlike)))
    texts = [(*alike, *unlike)[place] for place in places]
    target: dict[str, list[int]] = {"alike": [], "unlike": []}
    for at, place in enumerate(places):
        target["alike" if place < len(alike) else "unlike"].append(at)
    return compared("Statement", anchor, texts, target=target, stratum=stratum)


def _turned(turn: int) -> tuple[str, int]:
    """Return a language and one of its statements, each in its turn."""
    language = _LANGUAGES[turn % len(_LANGUAGES)]
    return language, turn // len(_LANGUAGES) % len(text.STATEMENTS[language])


def unrelated(dice: Dice, turn: int) -> Draft:
    """Two other wordings, and texts about other things and people."""
    language, number = _turned(turn)
    statements, facts = text.STATEMENTS[language], _facts(dice, language)
    anchor, *alike = (form.format(**facts) for form in dice.some(statements[number], 3))
    others = [statement for at, statement in enumerate(statements) if at != number]
    unlike = [dice.pick(statement).format(**_facts(dice, language)) for statement in others[:3]]
    return _item(dice, anchor, alike, unlike, f"unrelated: {language}")


def same_people(dice: Dice, turn: int) -> Draft:
    """Two other wordings, and texts about other things with the same name, town, day and figure."""
    language, number = _turned(turn)
    statements, facts = text.STATEMENTS[language], _facts(dice, language)
    anchor, *alike = (form.format(**facts) for form in dice.some(statements[number], 3))
    others = [statement for at, statement in enumerate(statements) if at != number]
    unlike = [dice.pick(statement).format(**facts) for statement in others[:3]]
    return _item(dice, anchor, alike, unlike, f"same people: {language}")


def changed_fact(dice: Dice, turn: int) -> Draft:
    """Two other wordings, and the same two with another name, town, day or figure."""
    language, number = _LANGUAGES[turn // len(CHANGED) % len(_LANGUAGES)], dice.whole(0, 3)
    changed, facts = CHANGED[turn % len(CHANGED)], _facts(dice, language)
    other = dice.pick([value for value in _choices(language)[changed] if value != facts[changed]])
    anchor, *forms = dice.some(text.STATEMENTS[language][number], 3)
    return _item(
        dice,
        anchor.format(**facts),
        [form.format(**facts) for form in forms],
        [form.format(**{**facts, changed: other}) for form in forms],
        f"changed {'figure' if changed == 'n' else changed}",
    )


TASK = Task(
    name="similarity",
    task_class="similarity",
    generate=Tiers(name="similarity", easy=[unrelated], medium=[same_people], hard=[changed_fact]),
    scorer=Pairs(),
    # Nothing is generated: an answer is made of vectors.
    max_output_tokens=0,
    prompt_tokens=500,
    # Equal similarities are right in half of the pairs.
    chance=0.5,
    needs=Needs(embedding=True),
    description="whether other wordings are nearer than other facts; for embedding models",
)
