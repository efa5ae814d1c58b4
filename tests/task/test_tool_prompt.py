"""Functions in a prompt."""

from harness.domain.sample import TOOLS_FORM, Sample
from harness.task.tool_prompt import asked_text, definitions

TEXT = {"type": "string"}


def tool(name: str, properties: dict[str, object], *required: str, description: str = "") -> dict[str, object]:
    schema = {"type": "object", "properties": properties, "required": list(required)}
    return {"name": name, "description": description, "parameters": schema}


def test_a_function_is_one_line_with_types_choices_and_what_may_be_left_out() -> None:
    days = {"type": "integer", "description": "from\ntoday"}
    place = {"type": "object", "properties": {"lat": {"type": "number"}}, "required": ["lat"]}
    unit = {"enum": ["C", "F"], "default": "C"}
    tags = {"type": "array", "items": TEXT, "default": []}
    parts = {"type": "array", "items": {"enum": ["day", "night"]}}
    more = {"now": {"type": "boolean", "default": False, "description": "or later"}, "to": {**TEXT, "default": None}}
    properties = {"city": TEXT, "days": days, "unit": unit, "tags": tags, "parts": parts, **more}
    got = definitions([tool("weather", {**properties, "at": place}, "city", "at", description="Forecast\nfor a city")])
    assert got == (
        'weather(city: string, days?: integer (from today), unit?: "C"|"F" = "C", tags?: string[] = [], '
        'parts?: ("day"|"night")[], now?: boolean = false (or later), to?: string, at: {lat: number}): '
        "Forecast for a city"
    )


def test_odd_schemas_still_make_a_line() -> None:
    assert definitions([{"name": "ping"}, tool("a.b", {"x": None, "y": {"type": ["string", "null"]}}, "x")]) == (
        "ping()\na.b(x: any, y?: string|null)"
    )
    odd = {"x": {"type": "object", "properties": [1]}, "y": {"type": {"a": 1}, "enum": 5}}
    assert definitions([{"name": "a", "parameters": {"properties": odd, "required": 5}}]).startswith("a(x?: {}, y?: ")
    assert definitions([{"name": "a", "parameters": {"properties": ["x"]}}]) == "a()"
    deep: dict[str, object] = {"type": "string"}
    for _ in range(2000):
        deep = {"type": "array", "items": deep}
    assert definitions([tool("deep", {"x": deep}, "x")]).startswith("deep(x: any[]")


def test_a_sample_without_tools_is_asked_as_it_stands() -> None:
    assert asked_text(Sample(item_id="a", prompt="Hello", target="")) == "Hello"
    with_tools = Sample(item_id="a", prompt="Hello", target="", tools=(tool("ping", {}),))
    assert TOOLS_FORM == 2, "raised for the text below, which is part of every sample's hash through it"
    assert asked_text(with_tools) == (
        "Functions:\nping()\n\n"
        "Answer with a JSON list of the calls that the request needs, such as "
        '[{"name": "play_song", "arguments": {"title": "Yesterday"}}]. If no function fits, answer [].\n'
        "Request: Hello\nJSON:"
    )


def test_tools_are_part_of_the_hashes_only_where_there_are_any() -> None:
    bare, other = (Sample(item_id="a", prompt="Hello", target="", tools=tools) for tools in ((), (tool("ping", {}),)))
    assert bare.item_hash == Sample(item_id="a", prompt="Hello", target="").item_hash
    assert bare.item_hash != other.item_hash
    assert bare.prompt_hash != other.prompt_hash
