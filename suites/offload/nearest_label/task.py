"""The items of nearest-label: a text of classify, and a description of each of its labels."""

from collections.abc import Mapping, Sequence
from statistics import fmean

from harness import Dice, Draft, Nearest, Needs, Task, Tiers

from ..candidate import compared  # noqa: TID252  (installed, the suites lie within another package)
from ..classify import text  # noqa: TID252  (as above)
from . import description


def _filled(dice: Dice, template: str) -> str:
    return template.format(
        thing=dice.pick(text.THINGS), city=dice.pick(text.CITIES), n=dice.whole(11, 59), day=dice.pick(text.DAYS)
    )


def _item(dice: Dice, kind: str, body: str, label: str, meanings: Mapping[str, str]) -> Draft:
    shown = dice.shuffled(list(meanings))
    target = {"nearest": shown.index(label), "count": len(shown), "labels": shown}
    texts = [meanings[name] for name in shown]
    return compared(kind.capitalize(), body, texts, target=target, stratum=f"{kind}: {label}")


def _one_of(dice: Dice, turn: int, kind: str, texts: Mapping[str, Sequence[str]], meanings: Mapping[str, str]) -> Draft:
    label = list(meanings)[(turn + turn // len(meanings)) % len(meanings)]
    return _item(dice, kind, _filled(dice, dice.pick(texts[label])), label, meanings)


def _columns(
    dice: Dice, turn: int, kind: str, texts: Mapping[str, Sequence[Sequence[str]]], meanings: Mapping[str, str]
) -> Draft:
    label = list(meanings)[(turn + turn // len(meanings)) % len(meanings)]
    body = " ".join(_filled(dice, dice.pick(column)) for column in texts[label])
    return _item(dice, kind, body, label, meanings)


def sentiment(dice: Dice, turn: int) -> Draft:
    """A review that is clearly positive or negative."""
    return _columns(dice, turn, "review", text.SENTIMENT, description.SENTIMENT)


def spam(dice: Dice, turn: int) -> Draft:
    """An e-mail that is clearly spam, or clearly not."""
    return _columns(dice, turn, "e-mail", text.SPAM, description.SPAM)


def topic(dice: Dice, turn: int) -> Draft:
    """A complaint about one of six topics."""
    label = list(text.TOPICS)[(turn + turn // len(text.TOPICS)) % len(text.TOPICS)]
    body = _filled(dice, f"{dice.pick(text.OPENINGS)} {dice.pick(text.TOPICS[label])}")
    return _item(dice, "complaint", body, label, description.TOPICS)


def ticket(dice: Dice, turn: int) -> Draft:
    """A support ticket for one of six desks."""
    return _one_of(dice, turn, "ticket", text.TICKETS, description.TICKETS)


def language(dice: Dice, turn: int) -> Draft:
    """A sentence in one of eight languages."""
    return _one_of(dice, turn, "sentence", text.LANGUAGES, description.LANGUAGES)


def intent(dice: Dice, turn: int) -> Draft:
    """A message with one of nineteen intents."""
    return _one_of(dice, turn, "message", text.INTENTS, description.INTENTS)


def tone(dice: Dice, turn: int) -> Draft:
    """A post whose author may be ironic."""
    return _one_of(dice, turn, "post", text.TONES, description.TONES)


def _chance() -> float:
    easy = (description.SENTIMENT, description.SPAM, description.TOPICS)
    medium, hard = (description.TICKETS, description.LANGUAGES), (description.INTENTS, description.TONES)
    return fmean(fmean(1 / len(meanings) for meanings in tier) for tier in (easy, medium, hard))


TASK = Task(
    name="nearest-label",
    task_class="nearest-label",
    generate=Tiers(name="nearest-label", easy=[sentiment, spam, topic], medium=[ticket, language], hard=[intent, tone]),
    scorer=Nearest(),
    # Nothing is generated: an answer is made of vectors.
    max_output_tokens=0,
    prompt_tokens=600,
    # The best guess that did not read: one label of each set.
    chance=_chance(),
    needs=Needs(embedding=True),
    description="which description of a label a text is nearest to; for embedding models",
)
