"""The items of retrieval: a question, and twenty texts of which one answers it."""

import math
from collections.abc import Sequence

from harness import Dice, Draft, Needs, Ranking, Task, Tiers

from ..candidate import compared  # noqa: TID252  (as in multiturn)
from ..people import FIRST  # noqa: TID252  (installed, the suites lie within another package)
from . import topic

COUNT = 20
_CUT = 10


def _ranked(dice: Dice, question: str, right: str, wrong: Sequence[str], stratum: str) -> Draft:
    """Return the item with its texts in random order."""
    texts = dice.shuffled([right, *wrong])
    target = {"relevant": [texts.index(right)], "count": len(texts)}
    return compared("Question", question, texts, target=target, stratum=stratum)


def _about(dice: Dice, turn: int, asked: str, told: str, stratum: str) -> Draft:
    """Ask about one of twenty subjects in one language, and have a notice on each in another, or in the same one."""
    subjects = list(topic.TOPICS)
    right = subjects[(turn // len(topic.LANGUAGES)) % len(subjects)]
    city = dice.pick(topic.CITIES)
    question_at, notice_at = topic.LANGUAGES.index(asked), topic.LANGUAGES.index(told)

    def notice(subject: str) -> str:
        text = topic.TOPICS[subject][notice_at][1]
        return text.format(n=dice.whole(11, 59), day=dice.pick(topic.DAYS[told]))

    notices = {subject: notice(subject) for subject in subjects}
    question = topic.TOPICS[right][question_at][0].format(city=city)
    others = [notices[subject] for subject in subjects if subject != right]
    return _ranked(dice, question, notices[right], others, stratum)


def _in_turn(turn: int) -> str:
    return topic.LANGUAGES[turn % len(topic.LANGUAGES)]


def subject(dice: Dice, turn: int) -> Draft:
    """Notices on twenty subjects; question and notices in one of three languages."""
    language = _in_turn(turn)
    return _about(dice, turn, language, language, f"subject: {language}")


def _grid(dice: Dice, language: str) -> tuple[list[str], list[str], dict[tuple[str, str], str]]:
    """Return places, cities, and a notice for each place in each city."""
    places, cities = list(topic.PLACES[language]), dice.some(topic.CITIES, COUNT // len(topic.PLACES[language]))
    form = topic.GRID[language][1]
    return (
        places,
        cities,
        {
            (place, city): form.format(place=place, city=city, n=dice.whole(11, 59))
            for place in places
            for city in cities
        },
    )


def _of_grid(dice: Dice, asked: str, told: str, stratum: str) -> Draft:
    places, cities, notices = _grid(dice, told)
    place, city = dice.pick(places), dice.pick(cities)
    name = topic.PLACES[asked][places.index(place)]
    question = topic.GRID[asked][0].format(place=name, city=city)
    return _ranked(
        dice, question, notices[place, city], [text for key, text in notices.items() if key != (place, city)], stratum
    )


def place(dice: Dice, turn: int) -> Draft:
    """Opening hours of five places in four towns; question and notices in one of three languages."""
    language = _in_turn(turn)
    return _of_grid(dice, language, language, f"place: {language}")


def errand(dice: Dice, _turn: int) -> Draft:
    """The same notices, and a question that names the town but not the place."""
    places, cities, notices = _grid(dice, "English")
    place, city = dice.pick(places), dice.pick(cities)
    question = topic.ERRANDS[places.index(place)].format(city=city)
    wrong = [text for key, text in notices.items() if key != (place, city)]
    return _ranked(dice, question, notices[place, city], wrong, "errand")


def _other_language(turn: int) -> tuple[str, str]:
    """Return a language to ask in, and another one to be answered in."""
    languages = topic.LANGUAGES
    asked = turn % len(languages)
    return languages[asked], languages[(asked + 1 + turn // len(languages) % 2) % len(languages)]


def foreign_subject(dice: Dice, turn: int) -> Draft:
    """Notices on twenty subjects, in another language than the question."""
    asked, told = _other_language(turn)
    return _about(dice, turn, asked, told, "foreign subject")


def foreign_place(dice: Dice, turn: int) -> Draft:
    """Opening hours in another language than the question."""
    return _of_grid(dice, *_other_language(turn), "foreign place")


def fact(dice: Dice, turn: int) -> Draft:
    """Twenty texts that say the same, nineteen of them with another fact."""
    statement, reworded = topic.FACTS[turn % len(topic.FACTS)]
    facts = {
        "n": [str(number) for number in range(11, 60)],
        "m": [str(number) for number in range(1, 10)],
        "city": list(topic.CITIES),
        "day": list(topic.DAYS["English"]),
        "name": list(FIRST),
    }
    right = {name: dice.pick(values) for name, values in facts.items()}
    used = [name for name in facts if f"{{{name}}}" in reworded]
    wrong: list[str] = []
    while len(wrong) < COUNT - 1:
        changed = dice.pick(used)
        text = reworded.format(**{**right, changed: dice.pick(facts[changed])})
        if text != reworded.format(**right) and text not in wrong:
            wrong.append(text)
    return _ranked(dice, statement.format(**right), reworded.format(**right), wrong, "fact")


TASK = Task(
    name="retrieval",
    task_class="retrieval",
    # A model that knows words alone finds a named place in any language; a subject has hardly a word of its question.
    generate=Tiers(
        name="retrieval", easy=[place, errand], medium=[subject], hard=[foreign_subject, foreign_place, fact]
    ),
    scorer=Ranking(),
    # Nothing is generated: an answer is made of vectors.
    max_output_tokens=0,
    prompt_tokens=1300,
    # Of random order: each of the places counts alike.
    chance=sum(1 / math.log2(1 + rank) for rank in range(1, _CUT + 1)) / COUNT,
    needs=Needs(embedding=True),
    description="which of twenty texts answers a question; for embedding models",
)
