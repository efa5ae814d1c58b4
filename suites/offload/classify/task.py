"""The items of classify, made from texts and a seed."""

from collections.abc import Mapping, Sequence
from statistics import fmean

from harness import Dice, Draft, Labels, Task, Tiers

from . import text

SYSTEM = "You are a classifier. Answer with one label and nothing else."
SYSTEM_SEVERAL = "You are a classifier. Answer with labels and nothing else."
FOUR_LANGUAGES = ("English", "German", "French", "Spanish")
MOST_TOPICS = 3


def _filled(dice: Dice, template: str) -> str:
    return template.format(
        thing=dice.pick(text.THINGS), city=dice.pick(text.CITIES), n=dice.whole(11, 59), day=dice.pick(text.DAYS)
    )


def _asked(dice: Dice, kind: str, body: str, label: str, labels: Sequence[str]) -> Draft:
    shown = dice.shuffled(labels)
    offered = f"{', '.join(shown[:-1])} or {shown[-1]}"
    return Draft(
        # The text first and the question last: of nine forms tried on SmolLM2-135M (2026-11) only this one got easy
        # items right more often than chance; with "Label:" last it went on writing the text.
        prompt=f"{kind.capitalize()}: {body}\n\nChoose the label of the {kind}: {offered}. Answer with the label only.",
        system_prompt=SYSTEM,
        target={"label": label, "labels": list(labels)},
        stratum=f"{kind}: {label}",
    )


def _in_turn(labels: Sequence[str], turn: int) -> str:
    """Return each label once a round, in an order that shifts, so that it does not follow from the item's number."""
    return labels[(turn + turn // len(labels)) % len(labels)]


def _one_of(dice: Dice, turn: int, kind: str, texts: Mapping[str, Sequence[str]]) -> Draft:
    label = _in_turn(list(texts), turn)
    return _asked(dice, kind, _filled(dice, dice.pick(texts[label])), label, list(texts))


def _columns(dice: Dice, turn: int, kind: str, texts: Mapping[str, Sequence[Sequence[str]]]) -> Draft:
    label = _in_turn(list(texts), turn)
    body = " ".join(_filled(dice, dice.pick(column)) for column in texts[label])
    return _asked(dice, kind, body, label, list(texts))


def sentiment(dice: Dice, turn: int) -> Draft:
    """A review that is clearly positive or negative."""
    return _columns(dice, turn, "review", text.SENTIMENT)


def spam(dice: Dice, turn: int) -> Draft:
    """An e-mail that is clearly spam, or clearly not."""
    return _columns(dice, turn, "e-mail", text.SPAM)


def four_languages(dice: Dice, turn: int) -> Draft:
    """A sentence in one of four languages."""
    return _one_of(dice, turn, "sentence", {name: text.LANGUAGES[name] for name in FOUR_LANGUAGES})


def nine_languages(dice: Dice, turn: int) -> Draft:
    """A sentence in one of eight languages, or in none of them."""
    return _one_of(dice, turn, "sentence", text.LANGUAGES)


def ticket(dice: Dice, turn: int) -> Draft:
    """A support ticket for one of six desks."""
    return _one_of(dice, turn, "ticket", text.TICKETS)


def intent(dice: Dice, turn: int) -> Draft:
    """A message with one of twenty intents."""
    return _one_of(dice, turn, "message", text.INTENTS)


def tone(dice: Dice, turn: int) -> Draft:
    """A post whose author may be ironic."""
    return _one_of(dice, turn, "post", text.TONES)


def topics(dice: Dice, turn: int) -> Draft:
    """A complaint about one to three of six topics."""
    right = dice.some(list(text.TOPICS), turn % MOST_TOPICS + 1)
    sentences = [dice.pick(text.OPENINGS), *(dice.pick(text.TOPICS[topic]) for topic in right)]
    shown = dice.shuffled(list(text.TOPICS))
    complaint = " ".join(_filled(dice, sentence) for sentence in sentences)
    return Draft(
        prompt=f"Complaint: {complaint}\n\nChoose all topics that it is about: {', '.join(shown)}. "
        "Answer with the topics only, separated by commas.",
        system_prompt=SYSTEM_SEVERAL,
        target={"right": sorted(right), "labels": list(text.TOPICS)},
        stratum=f"topics: {len(right)}",
    )


def _chance() -> float:
    # The best fixed set of topics is a single one: it is right where there is one topic, and it is this one.
    one_topic = 1 / MOST_TOPICS / len(text.TOPICS)
    easy = (1 / len(text.SENTIMENT), 1 / len(text.SPAM), 1 / len(FOUR_LANGUAGES))
    medium = (1 / len(text.TICKETS), 1 / len(text.LANGUAGES))
    hard = (1 / len(text.INTENTS), 1 / len(text.TONES), one_topic)
    return fmean((fmean(easy), fmean(medium), fmean(hard)))


TASK = Task(
    name="classify",
    task_class="classify",
    generate=Tiers(
        name="classify",
        easy=(sentiment, spam, four_languages),
        medium=(ticket, nine_languages),
        hard=(intent, tone, topics),
    ),
    scorer=Labels(),
    max_output_tokens=32,
    prompt_tokens=220,
    chance=_chance(),
    description="sentiment, spam, language, ticket routing, intent, tone, topics; out of 2 to 20 labels",
)
