"""Colours that can be told apart and read on, in light and in dark pages."""

import re
from functools import cache

import pytest

from harness.report.chart.chart import stylesheet

THEMES = ("light", "dark")
READ, SEEN = 4.5, 3.0
"""Contrast AA of text, and of what must be seen (WCAG 2.2, 1.4.3 and 1.4.11)."""


@cache
def colours(theme: str) -> dict[str, str]:
    light, _, dark = stylesheet().partition("prefers-color-scheme: dark")
    found = dict(re.findall(r"--([\w-]+): (#\w+);", light.partition("}")[0]))
    return found if theme == "light" else found | dict(re.findall(r"--([\w-]+): (#\w+);", dark.partition("}")[0]))


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    digits = colour.removeprefix("#")
    digits = digits if len(digits) == 6 else "".join(digit * 2 for digit in digits)
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", THEMES)
def test_text_has_contrast_aa(theme: str) -> None:
    seen = colours(theme)
    for name in ("chart-ink", "chart-soft", "chart-warm"):
        assert contrast(seen[name], seen["chart-back"]) >= READ, name
    for step, ink in enumerate(("chart-ink", "chart-ink", "chart-ink", "chart-heat-ink", "chart-heat-ink")):
        assert contrast(seen[ink], seen[f"chart-heat-{step}"]) >= READ, f"heat-{step}"


@pytest.mark.parametrize("theme", THEMES)
def test_points_and_lines_are_seen(theme: str) -> None:
    seen = colours(theme)
    for name in ("chart-accent", "chart-muted", *(f"chart-series-{number}" for number in range(8))):
        assert contrast(seen[name], seen["chart-back"]) >= SEEN, name


@pytest.mark.parametrize("theme", THEMES)
def test_a_higher_score_is_darker_or_brighter_throughout(theme: str) -> None:
    seen = colours(theme)
    steps = [contrast(seen[f"chart-heat-{step}"], seen["chart-back"]) for step in range(5)]
    assert steps == sorted(steps)


def test_light_and_dark_set_the_same_colours() -> None:
    light, _, dark = stylesheet().partition("prefers-color-scheme: dark")
    assert {*re.findall(r"(--[\w-]+): #", light)} == {*re.findall(r"(--[\w-]+): #", dark.partition("@container")[0])}
