"""The kinds of document, by tier."""

from harness import Dice

from . import word
from .document import Document, dates, day, figures, person, spread


def short_fire(dice: Dice) -> Document:
    """Three facts: what, where, when."""
    place, city, (when, whens) = dice.pick(word.PLACES), dice.pick(word.CITIES), day(dice)
    facts = [f"On {when} a {place} in {city} burnt down."]
    return Document(
        sentences=spread(dice, facts, word.FIRE_TALK, first=3, last=3),
        wanted="what burnt, in which city, and on which date",
        facts=[[place], [city], whens],
        reference=f"The {place} in {city} burnt down on {when}.",
        max_words=16,
    )


def short_meeting(dice: Dice) -> Document:
    """Three facts: who, how much, for what."""
    (name, names), (_, amount, _), thing = person(dice), figures(dice), dice.pick(("roof", "kitchen", "garden", "bus"))
    return Document(
        sentences=spread(
            dice, [f"{name} got {amount:,} euros for the new {thing}."], word.OFFICE_TALK, first=3, last=3
        ),
        wanted="who got how much money, and for what",
        facts=[names, [amount], [thing]],
        reference=f"{name} got {amount:,} euros for the new {thing}.",
        max_words=16,
    )


def short_recall(dice: Dice) -> Document:
    """Three facts: what, how many, where."""
    (count, _, _), goods, city = figures(dice), dice.pick(word.GOODS), dice.pick(word.CITIES)
    return Document(
        sentences=spread(dice, [f"A shop in {city} has called back {count} {goods}."], word.SHOP_TALK, first=3, last=3),
        wanted="how many of what were called back, and in which city",
        facts=[[count], [goods, goods.removesuffix("s")], [city]],
        reference=f"{count} {goods} were called back in {city}.",
        max_words=16,
    )


def fire(dice: Dice) -> Document:
    """Five facts in four sentences, and a bystander."""
    place, city, (when, _) = dice.pick(word.PLACES), dice.pick(word.CITIES), day(dice)
    (name, names), (count, damage, _) = person(dice), figures(dice)
    facts = [
        f"On {when} a {place} in {city} burnt down.",
        f"{count} people were brought to safety.",
        f"The damage is put at {damage:,} euros.",
        f"{name} of the fire service says that nobody was hurt.",
    ]
    return Document(
        sentences=spread(dice, facts, word.FIRE_TALK, first=3, last=3),
        wanted="what burnt and where, how many people were saved, the damage, and who says that nobody was hurt",
        facts=[[place], [city], [count], [damage], names],
        reference=f"A {place} in {city} burnt down; {count} people were saved, the damage is {damage:,} euros, and "
        f"nobody was hurt, says {name}.",
        max_words=32,
    )


def meeting(dice: Dice) -> Document:
    """Five facts of a meeting: the new head, votes, money, where and when the next one is."""
    (name, names), (count, amount, _), (when, whens) = person(dice), figures(dice), day(dice)
    city = dice.pick(word.CITIES)
    facts = [
        f"{name} was elected as the new head of the club.",
        f"There were {count} votes for this.",
        f"The club will spend {amount:,} euros on a new roof.",
        f"The next meeting is on {when} in {city}.",
    ]
    return Document(
        sentences=spread(dice, facts, word.OFFICE_TALK, first=3, last=3),
        wanted="who was elected with how many votes, the money for the roof, and where and when the next meeting is",
        facts=[names, [count], [amount], whens, [city]],
        reference=f"{name} was elected with {count} votes; the roof gets {amount:,} euros; the next meeting is on "
        f"{when} in {city}.",
        max_words=32,
    )


def recall(dice: Dice) -> Document:
    """Five facts of a recall."""
    (name, names), (count, _, sold), (when, whens) = person(dice), figures(dice), day(dice)
    goods, city = dice.pick(word.GOODS), dice.pick(word.CITIES)
    facts = [
        f"A company in {city} calls back its {goods}.",
        f"{sold:,} of them were sold.",
        f"{count} customers got hurt, as its speaker {name} said.",
        f"They can be returned until {when}.",
    ]
    return Document(
        sentences=spread(dice, facts, word.SHOP_TALK, first=3, last=3),
        wanted="which goods are called back, how many were sold, how many customers got hurt, who said so, and "
        "until when they can be returned",
        facts=[[goods, goods.removesuffix("s")], [sold], [count], names, whens],
        reference=f"Of {sold:,} {goods} sold, all are called back: {count} customers got hurt, {name} said. They can "
        f"be returned until {when}.",
        max_words=34,
    )


def corrected_fire(dice: Dice) -> Document:
    """First reports were wrong."""
    place, (wrong, city) = dice.pick(word.PLACES), dice.some(word.CITIES, 2)
    (when, whens), (name, names), (count, damage, guess) = day(dice), person(dice), figures(dice)
    stale = [f"At first {wrong} was named as the town, and {guess:,} euros as the damage."]
    facts = [
        f"A {place} burnt down in the night to {when}.",
        *stale,
        f"In fact it stood in {city}.",
        f"{name}, who leads the fire service, led {count} people out.",
        f"The insurance now puts the damage at {damage:,} euros.",
    ]
    return Document(
        sentences=spread(dice, facts, word.FIRE_TALK, first=2, last=3),
        wanted="what burnt and in which town, the date, who led how many people out, and the damage; nothing that "
        "turned out to be wrong",
        facts=[[place], [city], whens, names, [count], [damage]],
        reference=f"A {place} in {city} burnt down on {when}; {name} led {count} people out; the damage is {damage:,} "
        "euros.",
        max_words=32,
        stale=stale,
    )


def corrected_meeting(dice: Dice) -> Document:
    """A decision that was changed, and a meeting that was moved."""
    (name, names), (count, amount, more) = person(dice), figures(dice)
    (wrong, city), (old, month), number = dice.some(word.CITIES, 2), dice.some(word.MONTHS, 2), dice.whole(10, 28)
    when = f"{number} {month}"
    stale = [
        f"The board had asked for {more:,} euros for the new roof.",
        f"The next meeting had been planned for {39 - number} {old} in {wrong}.",
    ]
    facts = [
        stale[0],
        f"After a vote it became {amount:,} euros, {count} members being for it.",
        f"{name} will look after the work.",
        stale[1],
        f"It is moved to {when} and to {city}.",
    ]
    return Document(
        sentences=spread(dice, facts, word.OFFICE_TALK, first=2, last=3),
        wanted="how much the roof gets and how many members were for it, who looks after the work, where and when the "
        "next meeting is; nothing that was changed later",
        facts=[[amount], [count], names, dates(number, month), [city]],
        reference=f"The roof gets {amount:,} euros ({count} members were for it), {name} looks after the work, and the "
        f"next meeting is on {when} in {city}.",
        max_words=34,
        stale=stale,
    )


def german_meeting(dice: Dice) -> Document:
    """The minutes of a meeting in German, to be summarised in English."""
    (name, names), (count, amount, more) = person(dice), figures(dice)
    number, month, city = dice.whole(10, 28), dice.whole(0, 11), dice.pick(word.CITIES)
    stale = [f"Beantragt waren {more:,} Euro.".replace(",", ".")]
    when = f"{number} {word.MONTHS[month]}"
    facts = [
        f"{name} wurde zur Leitung des Vereins gewählt.",
        f"Dafür stimmten {count} Mitglieder.",
        *stale,
        f"Für das Dach gibt der Verein nun {amount:,} Euro aus.".replace(",", "."),
        f"Das nächste Treffen ist am {number}. {word.GERMAN_MONTHS[month]} in {city}.",
    ]
    return Document(
        sentences=spread(dice, facts, word.GERMAN_TALK, first=1, last=2),
        wanted="in English who was elected with how many votes, how much the roof gets in the end, and where and when "
        "the next meeting is",
        facts=[
            names,
            [count],
            [amount, f"{amount:,}".replace(",", ".")],
            [*dates(number, word.MONTHS[month]), f"{number}. {word.GERMAN_MONTHS[month]}"],
            [city],
        ],
        reference=f"{name} was elected with {count} votes; the roof gets {amount:,} euros; the next meeting is on "
        f"{when} in {city}.",
        max_words=30,
        stale=stale,
    )


EASY = (short_fire, short_meeting, short_recall)
MEDIUM = (fire, meeting, recall)
HARD = (corrected_fire, corrected_meeting, german_meeting)
