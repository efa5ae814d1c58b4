"""The picture and the table of docs/statistics.md, drawn from the functions that decide.

`python tests/stats/test_chart.py` writes the picture anew.
"""

import math
import re
from functools import cache, partial
from itertools import pairwise
from pathlib import Path

import pytest
from scipy import stats

from harness.stats.interval import wilson
from harness.stats.power import items_for_power, mcnemar_power

DOCS = Path(__file__).parents[2] / "docs"
PICTURE = DOCS / "items-needed.svg"
SHARES = [(0.4, "#b5462f"), (0.2, "#c98a1b"), (0.1, "#2f7f6f")]

_LEFT, _TOP, _WIDTH, _HEIGHT = 84, 72, 580, 310
_DIFFERENCES = (0.02, 0.4)
_ITEMS = (10, 5000)


@cache
def items(difference: float, share: float) -> int:
    """Return the items to tell a difference when the two models differ on this share of the items."""
    won, lost = (share + difference) / 2, (share - difference) / 2
    needed = items_for_power(partial(mcnemar_power, candidate_only=won, reference_only=lost, alpha=0.05), least=1)
    assert needed is not None
    return needed


def _x(difference: float) -> float:
    low, high = _DIFFERENCES
    return _LEFT + _WIDTH * math.log(difference / low) / math.log(high / low)


def _y(n: float) -> float:
    low, high = _ITEMS
    return _TOP + _HEIGHT * (1 - math.log(n / low) / math.log(high / low))


def _line(share: float, colour: str) -> str:
    last = min(share * 0.75, 0.3)
    steps = [0.02 * (last / 0.02) ** (i / 40) for i in range(41)]
    points = " ".join(
        f"{_x(step):.1f},{_y(items(step, share)):.1f}" for step in steps if items(step, share) <= _ITEMS[1]
    )
    x, y = f"{_x(last) + 6:.1f}", f"{_y(items(last, share)) + 20:.1f}"
    halo = 'stroke="#fff" stroke-width="4" paint-order="stroke"'
    text = f"they differ on {share * 100:.0f} % of the items"
    label = f'<text x="{x}" y="{y}" text-anchor="end" fill="{colour}" {halo}>{text}</text>'
    return f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2.5"/>\n{label}'


def draw() -> str:
    """Return the picture: items needed against the difference to be told, both on logarithmic scales."""
    bottom, right = _TOP + _HEIGHT, _LEFT + _WIDTH
    size = f"{right + 40} {bottom + 64}"
    font = 'font-family="system-ui, Helvetica, Arial, sans-serif" font-size="13" fill="#333"'
    title = 'font-size="17" font-weight="600" fill="#111"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" role="img" {font}>',
        "<title>Items needed to tell two models apart</title>",
        f'<rect width="{right + 40}" height="{bottom + 64}" rx="8" fill="#fff"/>',
        f'<text x="{_LEFT}" y="30" {title}>How many items tell two models apart?</text>',
        f'<text x="{_LEFT}" y="50" fill="#666">paired, 5 % false alarms, found in 4 of 5 cases</text>',
        f'<rect x="{_LEFT}" y="{_y(30):.1f}" width="{_WIDTH}" height="{bottom - _y(30):.1f}" fill="#eef3f8"/>',
        f'<text x="{_LEFT + 10}" y="{_y(30) + 20:.1f}" fill="#4a6a8a">within reach of a run of 30 items</text>',
    ]
    for n in (10, 30, 100, 300, 1000, 3000):
        y = f"{_y(n):.1f}"
        parts.append(f'<line x1="{_LEFT}" y1="{y}" x2="{right}" y2="{y}" stroke="#e3e3e3"/>')
        parts.append(f'<text x="{_LEFT - 10}" y="{_y(n) + 4:.1f}" text-anchor="end">{n:,}</text>')
    for difference in (0.02, 0.05, 0.1, 0.2, 0.3):
        x = f"{_x(difference):.1f}"
        parts.append(f'<line x1="{x}" y1="{bottom}" x2="{x}" y2="{bottom + 5}" stroke="#888"/>')
        parts.append(f'<text x="{x}" y="{bottom + 21}" text-anchor="middle">{difference:g}</text>')
    parts.append(f'<line x1="{_LEFT}" y1="{bottom}" x2="{right}" y2="{bottom}" stroke="#888"/>')
    parts.extend(_line(share, colour) for share, colour in SHARES)
    centre, middle = _LEFT + _WIDTH / 2, _TOP + _HEIGHT / 2
    turned = f'x="26" y="{middle:.0f}" text-anchor="middle" transform="rotate(-90 26 {middle:.0f})"'
    parts += [
        f'<text x="{centre:.0f}" y="{bottom + 46}" text-anchor="middle">true difference of the scores</text>',
        f"<text {turned}>items needed</text>",
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def test_the_picture_is_current() -> None:
    assert PICTURE.read_text(encoding="utf-8") == draw(), "run: python tests/stats/test_chart.py"


def test_every_line_falls_as_the_difference_grows() -> None:
    for share, _ in SHARES:
        needed = [items(0.01 * step, share) for step in range(2, 9)]
        assert all(more > fewer for more, fewer in pairwise(needed))


@pytest.mark.parametrize("difference", [0.02, 0.05, 0.1, 0.2])
def test_the_table_of_the_documentation_is_current(difference: float) -> None:
    text = (DOCS / "statistics.md").read_text(encoding="utf-8")
    row = re.search(rf"^\| {difference:g} \|(.*)\|$", text, flags=re.MULTILINE)
    assert row is not None
    cells = [cell.strip() for cell in row[1].split("|")]
    expected = [f"{items(difference, share):,}" if difference < share else "-" for share in (0.1, 0.2, 0.4)]
    assert cells == expected


@pytest.mark.parametrize("n", [6, 30, 100])
def test_the_lowest_coverages_of_the_documentation_are_current(n: int) -> None:
    row = re.search(rf"^\| {n} \| (\S+) \| (\S+) \|$", (DOCS / "statistics.md").read_text("utf-8"), flags=re.MULTILINE)
    assert row is not None
    intervals = [wilson(passed, n) for passed in range(n + 1)]

    def coverage(rate: float) -> float:
        held = [passed for passed, interval in enumerate(intervals) if interval.low <= rate <= interval.high]
        return float(stats.binom.pmf(held, n, rate).sum())

    usual = min(coverage(rate / 1000) for rate in range(500, 951))
    anywhere = min(coverage(rate / 4000) for rate in range(2, 2001))
    assert (row[1], row[2]) == (f"{usual:.2f}", f"{anywhere:.2f}")
    assert usual >= 0.92 or n < 30


if __name__ == "__main__":
    PICTURE.write_text(draw(), encoding="utf-8")
