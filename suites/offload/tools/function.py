"""The functions that are offered, each with the requests that need it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness import Dice

from ..people import FIRST  # noqa: TID252  (installed, the suites lie within another package)

CITIES = tuple("Oslo Lima Cairo Perth Turin Quito Seoul Porto Leeds Accra Bern Hanoi Dakar Tampa Delhi Malmo".split())
ROOMS = ("kitchen", "bedroom", "hall", "garage", "study", "attic", "cellar", "nursery")
GOODS = tuple("rice milk flour eggs tea salt butter honey apples onions bread pasta cheese beans oats lemons".split())
CODES = ("EUR", "USD", "CHF", "JPY", "GBP", "SEK", "PLN", "CAD")
LANGUAGES = ("French", "German", "Polish", "Greek", "Turkish", "Dutch", "Finnish")
SAYINGS = ("good night", "see you soon", "thank you", "well done", "happy birthday", "get well", "welcome home")


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked of one function: the words, the arguments that they mean, and those that may be given besides."""

    text: str
    arguments: Mapping[str, Any]
    besides: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Function:
    """A function, its parameters as JSON Schema, and a maker of requests."""

    name: str
    description: str
    parameters: Mapping[str, Mapping[str, Any]]
    ask: Callable[[Dice], Ask]
    optional: Sequence[str] = ()

    def definition(self) -> dict[str, Any]:
        """Return the function as OpenAI's API describes it."""
        required = [name for name in self.parameters if name not in self.optional]
        schema = {"type": "object", "properties": dict(self.parameters), "required": required}
        return {"name": self.name, "description": self.description, "parameters": schema}


_TEXT = {"type": "string"}
_WHOLE = {"type": "integer"}


def _weather(dice: Dice) -> Ask:
    city, days = dice.pick(CITIES), dice.whole(2, 9)
    return Ask(f"get the weather in {city} for {days} days", {"city": city, "days": days})


def _timer(dice: Dice) -> Ask:
    minutes, label = dice.whole(2, 59), dice.pick(GOODS)
    return Ask(f'start a timer of {minutes} minutes with the label "{label}"', {"minutes": minutes, "label": label})


def _light(dice: Dice) -> Ask:
    room, is_on, level = dice.pick(ROOMS), dice.whole(0, 1) == 1, dice.whole(5, 95)
    if is_on:
        return Ask(f"switch on the light in the {room} at {level} percent", {"room": room, "on": True, "level": level})
    return Ask(f"switch off the light in the {room}", {"room": room, "on": False}, {"level": 0})


def _convert(dice: Dice) -> Ask:
    (source, goal), amount = dice.some(CODES, 2), dice.whole(11, 980)
    return Ask(f"convert {amount} {source} to {goal}", {"amount": amount, "from": source, "to": goal})


def _shopping(dice: Dice) -> Ask:
    goods = dice.some(GOODS, dice.whole(2, 3))
    words = f"{', '.join(goods[:-1])} and {goods[-1]}"
    return Ask(f"put {words} on the shopping list, in this order", {"items": goods})


def _translate(dice: Dice) -> Ask:
    text, language = dice.pick(SAYINGS), dice.pick(LANGUAGES)
    return Ask(f'translate "{text}" into {language}', {"text": text, "language": language})


def _message(dice: Dice) -> Ask:
    name, text = dice.pick(FIRST), dice.pick(SAYINGS)
    return Ask(f'send {name} the message "{text}"', {"to": name, "text": text})


def _table(dice: Dice) -> Ask:
    city, guests, hour = dice.pick(CITIES), dice.whole(2, 12), dice.whole(17, 21)
    return Ask(
        f"book a table in {city} for {guests} guests at {hour}:30",
        {"city": city, "guests": guests, "time": f"{hour}:30"},
    )


def _heating(dice: Dice) -> Ask:
    room, degrees = dice.pick(ROOMS), dice.whole(16, 24) + 0.5
    return Ask(f"heat the {room} to {degrees} degrees", {"room": room, "degrees": degrees})


def _alarm(dice: Dice) -> Ask:
    hour, minute, is_daily = dice.whole(5, 9), dice.whole(10, 59), dice.whole(0, 1) == 1
    when = "every day" if is_daily else "once"
    return Ask(f"set an alarm at 0{hour}:{minute}, {when}", {"time": f"0{hour}:{minute}", "daily": is_daily})


def _simple(name: str, description: str, parameter: str, words: str, values: Sequence[str]) -> Function:
    """Return a function with one text as its argument, which stands in the request in place of {}."""

    def ask(dice: Dice) -> Ask:
        value = dice.pick(values)
        return Ask(words.format(value), {parameter: value})

    return Function(name, description, {parameter: _TEXT}, ask)


SIMPLE = (
    _simple("get_weather", "forecast for a city", "city", "get the weather in {}", CITIES),
    _simple("call_person", "phone a person", "name", "call {}", FIRST),
    _simple("switch_light", "switch a light on", "room", "switch on the light in the {}", ROOMS),
    _simple("add_to_list", "add to the shopping list", "item", "add {} to the shopping list", GOODS),
    _simple("find_trains", "trains to a city", "destination", "find a train to {}", CITIES),
    _simple("start_lesson", "language lesson", "language", "start a lesson in {}", LANGUAGES),
)
FUNCTIONS = (
    Function("get_weather", "forecast for a city", {"city": _TEXT, "days": _WHOLE}, _weather),
    Function("start_timer", "start a kitchen timer", {"minutes": _WHOLE, "label": _TEXT}, _timer),
    Function(
        "set_light",
        "switch a light; level in percent, only when on",
        {"room": _TEXT, "on": {"type": "boolean"}, "level": _WHOLE},
        _light,
        ("level",),
    ),
    Function(
        "convert_money", "convert an amount", {"amount": {"type": "number"}, "from": _TEXT, "to": _TEXT}, _convert
    ),
    Function("add_to_list", "add to the shopping list", {"items": {"type": "array", "items": _TEXT}}, _shopping),
    Function("translate", "translate a text", {"text": _TEXT, "language": {"enum": list(LANGUAGES)}}, _translate),
    Function("send_message", "send a text message", {"to": _TEXT, "text": _TEXT}, _message),
    Function(
        "book_table", "book a restaurant; time as HH:MM", {"city": _TEXT, "guests": _WHOLE, "time": _TEXT}, _table
    ),
    Function("set_heating", "heat a room", {"room": _TEXT, "degrees": {"type": "number"}}, _heating),
    Function("set_alarm", "set an alarm; time as HH:MM", {"time": _TEXT, "daily": {"type": "boolean"}}, _alarm),
)
APART = tuple(function for function in FUNCTIONS if function.name != "add_to_list")
"""Those that two requests need two calls of: two lists of goods could be put on the list by one."""
